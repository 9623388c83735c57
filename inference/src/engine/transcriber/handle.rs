//! The way into a transcriber's thread.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::engine::model_queue::ModelQueue;
use crate::engine::{EngineMonitor, EngineStats, EngineStatus, SubmitError};

use super::segments::max_windows;
use super::{TranscriptionEvent, TranscriptionStream, TranscriptionTask};

/// Seconds of sound of one request.
const MAX_SECONDS: usize = 2 * 60 * 60;
/// Seconds of all requests that wait or run, with one for each request. One that has the most leaves as much to others; the
/// frames of them all take half a gigabyte.
const MAX_QUEUED_SECONDS: usize = 2 * MAX_SECONDS + 256;
/// Files that are decoded at once for one model.
const MAX_DECODING: usize = 2;

pub(super) enum Command {
    Transcribe(Box<Submission>),
    Stop,
}

/// A request on its way to the thread.
pub(super) struct Submission {
    pub task: TranscriptionTask,
    pub events: mpsc::Sender<TranscriptionEvent>,
    /// The request's part of the queue, given back when it ends.
    pub _share: AudioShare,
}

/// A request's part of the queue: it grows with the seconds of its sound.
pub struct AudioShare {
    held: OwnedSemaphorePermit,
    queue: ModelQueue,
}

impl AudioShare {
    /// Holds so many seconds, if there is room for them.
    pub fn grow(&mut self, seconds: usize) -> bool {
        let missing = (seconds + 1).saturating_sub(self.held.num_permits());
        let Ok(missing) = u32::try_from(missing) else { return false };
        let Ok(more) = self.queue.take(missing) else { return false };
        self.held.merge(more);
        true
    }
}

/// A cheap copy of the way into one model's thread.
#[derive(Clone)]
pub struct TranscriberHandle {
    commands: std_mpsc::Sender<Command>,
    queue: ModelQueue,
    decoding: Arc<Semaphore>,
}

/// What the thread tells and is told by.
pub(super) struct Outlets {
    pub commands: std_mpsc::Receiver<Command>,
    pub stats: watch::Sender<EngineStats>,
    pub stop: Arc<AtomicBool>,
}

impl TranscriberHandle {
    pub(super) fn new() -> (Self, Outlets, watch::Sender<EngineStatus>) {
        let (sender, commands) = std_mpsc::channel();
        let (status_sender, status) = watch::channel(EngineStatus::Ready);
        let (stats_sender, stats) = watch::channel(EngineStats::default());
        let stop = Arc::new(AtomicBool::new(false));
        let outlets = Outlets { commands, stats: stats_sender, stop: Arc::clone(&stop) };
        let queue = ModelQueue::new(MAX_QUEUED_SECONDS, EngineMonitor { status, stats, stop });
        let handle = Self { commands: sender, queue, decoding: Arc::new(Semaphore::new(MAX_DECODING)) };
        (handle, outlets, status_sender)
    }

    /// A part of the queue for a request whose length is not known yet.
    ///
    /// # Errors
    /// If the queue is full, or the model is on its way out.
    pub fn reserve(&self) -> Result<AudioShare, SubmitError> {
        Ok(AudioShare { held: self.queue.take(1)?, queue: self.queue.clone() })
    }

    /// A turn at decoding, which takes a core for a while.
    ///
    /// # Errors
    /// Never: nobody closes it.
    pub async fn decoding_turn(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.decoding.clone().acquire_owned().await
    }

    /// Queues a request; dropping its stream ends it.
    ///
    /// # Errors
    /// If the model is on its way out.
    pub fn submit(&self, task: TranscriptionTask, share: AudioShare) -> Result<TranscriptionStream, SubmitError> {
        self.queue.check_open()?;
        // An event for each window and one for the end: the thread never waits for a reader.
        let (events, receiver) = mpsc::channel(max_windows(task.audio.num_frames()) + 1);
        let submission = Submission { task, events, _share: share };
        self.commands.send(Command::Transcribe(Box::new(submission))).map_err(|_| self.queue.gone())?;
        Ok(TranscriptionStream { events: receiver, status: self.queue.monitor().status })
    }

    /// Longest sound in seconds.
    pub fn max_seconds(&self) -> usize {
        MAX_SECONDS
    }

    pub fn status(&self) -> EngineStatus {
        self.queue.status()
    }

    /// Requests whose windows are read, and those that wait for their turn.
    pub fn stats(&self) -> EngineStats {
        self.queue.stats()
    }

    /// Seconds of all requests that wait or run.
    pub fn num_in_flight(&self) -> usize {
        self.queue.taken()
    }

    /// Sees the model to its end without keeping it from it.
    pub fn monitor(&self) -> EngineMonitor {
        self.queue.monitor()
    }

    /// Takes no more requests, lets the running ones finish for `grace`, then ends them.
    pub async fn shutdown(&self, grace: Duration) {
        // A failed send means that the thread has ended already.
        let stop = || _ = self.commands.send(Command::Stop);
        self.queue.shut_down(grace, stop).await;
    }
}
