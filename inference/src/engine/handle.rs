//! The way into an engine's thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, watch};

use crate::sampling::{SamplingParams, StopCondition};
use crate::scheduler::SequenceId;

use super::{SubmitError, TokenEvent, TokenStream};

/// One request in tokens.
#[derive(Clone, Debug)]
pub struct GenerationRequest {
    pub prompt: Vec<u32>,
    pub sampling: SamplingParams,
    pub stop: StopCondition,
}

/// A request on its way to the engine's thread.
pub(super) struct Submission {
    pub id: SequenceId,
    pub request: GenerationRequest,
    pub events: mpsc::Sender<TokenEvent>,
    /// The request's place among those running and waiting, given back when it ends.
    pub place: OwnedSemaphorePermit,
}

pub(super) enum Command {
    Submit(Box<Submission>),
    /// Finish what runs, then end.
    Drain,
    /// Fail what runs, then end.
    Stop,
}

/// Where an engine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineStatus {
    Ready,
    Draining,
    Stopped,
    /// Its thread panicked: nothing more will come of it.
    Failed,
}

/// What an engine is doing, as of its last step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    pub running: usize,
    pub waiting: usize,
    pub free_blocks: usize,
    pub total_blocks: usize,
    /// Since the start.
    pub steps: u64,
    pub preemptions: u64,
    pub computed_tokens: u64,
    pub generated_tokens: u64,
}

/// A cheap copy of the way into one engine. The thread ends when all copies are gone and its
/// last request has finished.
#[derive(Clone)]
pub struct EngineHandle {
    pub(super) commands: std_mpsc::Sender<Command>,
    pub(super) places: Arc<Semaphore>,
    pub(super) capacity: usize,
    pub(super) next_id: Arc<AtomicU64>,
    pub(super) max_context: usize,
    pub(super) status: watch::Receiver<EngineStatus>,
    pub(super) stats: watch::Receiver<EngineStats>,
}

impl EngineHandle {
    /// Queues a request and returns its stream of tokens; dropping the stream ends it.
    ///
    /// # Errors
    /// If the request cannot fit, all places are taken, or the engine is on its way out.
    pub fn submit(&self, request: GenerationRequest) -> Result<TokenStream, SubmitError> {
        if request.prompt.is_empty() {
            return Err(SubmitError::EmptyPrompt);
        }
        let max_tokens = request.stop.max_tokens.max(1);
        let num_tokens = request.prompt.len().saturating_add(max_tokens);
        if num_tokens > self.max_context {
            return Err(SubmitError::TooLong { num_tokens, max_context: self.max_context });
        }
        let place = self.places.clone().try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => SubmitError::QueueFull { capacity: self.capacity },
            TryAcquireError::Closed => self.gone(),
        })?;
        // Room for every token and the end, so that sending never waits.
        let (events, receiver) = mpsc::channel(max_tokens + 1);
        let id = SequenceId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let submission = Submission { id, request, events, place };
        self.commands.send(Command::Submit(Box::new(submission))).map_err(|_| self.gone())?;
        Ok(TokenStream::new(receiver))
    }

    /// Longest prompt and answer together, in tokens.
    pub fn max_context(&self) -> usize {
        self.max_context
    }

    pub fn status(&self) -> EngineStatus {
        *self.status.borrow()
    }

    pub fn stats(&self) -> EngineStats {
        *self.stats.borrow()
    }

    /// Waits until the engine's figures satisfy `condition`; `None` if the engine ends first.
    pub async fn wait_for(&self, condition: impl FnMut(&EngineStats) -> bool) -> Option<EngineStats> {
        self.stats.clone().wait_for(condition).await.ok().map(|stats| *stats)
    }

    /// Takes no more requests, lets the running ones finish for `grace`, then ends them.
    pub async fn shutdown(&self, grace: Duration) {
        self.places.close();
        let ended = |status: &EngineStatus| matches!(status, EngineStatus::Stopped | EngineStatus::Failed);
        let mut status = self.status.clone();
        // A failed send means that the thread has ended already.
        let _ = self.commands.send(Command::Drain);
        if tokio::time::timeout(grace, status.wait_for(ended)).await.is_err() {
            let _ = self.commands.send(Command::Stop);
            let _ = status.wait_for(ended).await;
        }
    }

    fn gone(&self) -> SubmitError {
        match self.status() {
            EngineStatus::Failed => SubmitError::Failed,
            _ => SubmitError::ShuttingDown,
        }
    }
}
