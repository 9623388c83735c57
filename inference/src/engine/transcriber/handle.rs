//! The way into a transcriber's thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, watch};

use crate::engine::sequence_reader::has_ended;
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
    queue: Arc<Semaphore>,
}

impl AudioShare {
    /// Holds so many seconds, if there is room for them.
    pub fn grow(&mut self, seconds: usize) -> bool {
        let missing = (seconds + 1).saturating_sub(self.held.num_permits());
        let Ok(missing) = u32::try_from(missing) else { return false };
        match self.queue.clone().try_acquire_many_owned(missing) {
            Ok(more) => {
                self.held.merge(more);
                true
            }
            Err(_) => false,
        }
    }
}

/// A cheap copy of the way into one model's thread.
#[derive(Clone)]
pub struct TranscriberHandle {
    commands: std_mpsc::Sender<Command>,
    queue: Arc<Semaphore>,
    decoding: Arc<Semaphore>,
    is_closing: Arc<AtomicBool>,
    status: watch::Receiver<EngineStatus>,
    stats: watch::Receiver<EngineStats>,
    stop: Arc<AtomicBool>,
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
        let queue = Arc::new(Semaphore::new(MAX_QUEUED_SECONDS));
        let decoding = Arc::new(Semaphore::new(MAX_DECODING));
        let handle = Self { commands: sender, queue, decoding, is_closing: Arc::default(), status, stats, stop };
        (handle, outlets, status_sender)
    }

    /// A part of the queue for a request whose length is not known yet.
    ///
    /// # Errors
    /// If the queue is full, or the model is on its way out.
    pub fn reserve(&self) -> Result<AudioShare, SubmitError> {
        if self.is_closing.load(Ordering::Relaxed) {
            return Err(self.gone());
        }
        let held = self.queue.clone().try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => SubmitError::QueueFull { capacity: MAX_QUEUED_SECONDS },
            TryAcquireError::Closed => self.gone(),
        })?;
        Ok(AudioShare { held, queue: Arc::clone(&self.queue) })
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
        if self.is_closing.load(Ordering::Relaxed) {
            return Err(self.gone());
        }
        // An event for each window and one for the end: the thread never waits for a reader.
        let (events, receiver) = mpsc::channel(max_windows(task.audio.num_frames()) + 1);
        let submission = Submission { task, events, _share: share };
        self.commands.send(Command::Transcribe(Box::new(submission))).map_err(|_| self.gone())?;
        Ok(TranscriptionStream { events: receiver, status: self.status.clone() })
    }

    /// Longest sound in seconds.
    pub fn max_seconds(&self) -> usize {
        MAX_SECONDS
    }

    pub fn status(&self) -> EngineStatus {
        *self.status.borrow()
    }

    /// Requests whose windows are read, and those that wait for their turn.
    pub fn stats(&self) -> EngineStats {
        *self.stats.borrow()
    }

    /// Seconds of all requests that wait or run.
    pub fn num_in_flight(&self) -> usize {
        MAX_QUEUED_SECONDS - self.queue.available_permits().min(MAX_QUEUED_SECONDS)
    }

    /// Sees the model to its end without keeping it from it.
    pub fn monitor(&self) -> EngineMonitor {
        EngineMonitor { status: self.status.clone(), stats: self.stats.clone(), stop: Arc::clone(&self.stop) }
    }

    /// Takes no more requests, lets the running ones finish for `grace`, then ends them.
    pub async fn shutdown(&self, grace: Duration) {
        self.is_closing.store(true, Ordering::Relaxed);
        let all = self.queue.acquire_many(MAX_QUEUED_SECONDS as u32);
        // All shares are back when nothing runs any more; a closed queue has been shut down before.
        let _ = tokio::time::timeout(grace, all).await;
        self.queue.close();
        // A failed send means that the thread has ended already.
        let _ = self.commands.send(Command::Stop);
        let _ = self.status.clone().wait_for(|status| has_ended(*status)).await;
    }

    fn gone(&self) -> SubmitError {
        match self.status() {
            EngineStatus::Failed => SubmitError::Failed,
            _ => SubmitError::ShuttingDown,
        }
    }
}
