//! The way into an engine's thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, watch};

use crate::sampling::grammar::CompiledGrammar;
use crate::sampling::{SamplingParams, StopCondition};
use crate::scheduler::SequenceId;

use super::metrics::EngineMetrics;
use super::{Adapter, EngineMonitor, SubmitError, TokenEvent, TokenStream};

/// One request in tokens.
#[derive(Clone)]
pub struct GenerationRequest {
    pub prompt: Vec<u32>,
    pub sampling: SamplingParams,
    pub stop: StopCondition,
    /// What the answer must look like.
    pub grammar: Option<CompiledGrammar>,
    /// Lower values are served sooner.
    pub priority: i32,
    /// Only requests of equal salts share cached prefixes, and of these only those of one adapter.
    pub cache_salt: Arc<str>,
    /// What its tokens are computed with beside the model. It must be of this model, and is held to the request's end.
    pub adapter: Option<Arc<Adapter>>,
}

/// A request on its way to the engine's thread.
pub(super) struct Submission {
    pub id: SequenceId,
    pub request: GenerationRequest,
    pub events: mpsc::Sender<TokenEvent>,
    /// Room for the last event, however many others wait to be read.
    pub last: mpsc::OwnedPermit<TokenEvent>,
    /// Whether the client has all that it wanted.
    pub satisfied: Arc<AtomicBool>,
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
    /// Guessed tokens that were computed, and those that were right.
    pub draft_tokens: u64,
    pub accepted_tokens: u64,
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
    pub(super) max_unread_events: usize,
    pub(super) metrics: EngineMetrics,
    pub(super) status: watch::Receiver<EngineStatus>,
    pub(super) stats: watch::Receiver<EngineStats>,
    pub(super) stop: Arc<AtomicBool>,
}

impl EngineHandle {
    /// Queues a request and returns its stream of tokens; dropping the stream ends it.
    ///
    /// # Errors
    /// If the request cannot fit, all places are taken, or the engine is on its way out.
    pub fn submit(&self, request: GenerationRequest) -> Result<TokenStream, SubmitError> {
        let mut streams = self.submit_all(vec![request])?;
        streams.pop().ok_or(SubmitError::EmptyPrompt)
    }

    /// Queues requests that belong together: all of them or none.
    ///
    /// # Errors
    /// If one of them cannot fit, too few places are free, or the engine is on its way out.
    pub fn submit_all(&self, requests: Vec<GenerationRequest>) -> Result<Vec<TokenStream>, SubmitError> {
        requests.iter().try_for_each(|request| self.check(request))?;
        let count = u32::try_from(requests.len()).unwrap_or(u32::MAX);
        let mut places = self.places.clone().try_acquire_many_owned(count).map_err(|error| match error {
            TryAcquireError::NoPermits => SubmitError::QueueFull { capacity: self.capacity },
            TryAcquireError::Closed => self.gone(),
        })?;
        let queue = |request| {
            let place = places.split(1).ok_or_else(|| self.gone())?;
            self.queue(request, place)
        };
        requests.into_iter().map(queue).collect()
    }

    fn check(&self, request: &GenerationRequest) -> Result<(), SubmitError> {
        if request.prompt.is_empty() {
            return Err(SubmitError::EmptyPrompt);
        }
        let num_tokens = request.prompt.len().saturating_add(request.stop.max_tokens.max(1));
        if num_tokens > self.max_context {
            return Err(SubmitError::TooLong { num_tokens, max_context: self.max_context });
        }
        Ok(())
    }

    fn queue(&self, request: GenerationRequest, place: OwnedSemaphorePermit) -> Result<TokenStream, SubmitError> {
        // A start, a prompt, a token each and the end: who reads never misses the bound.
        let most = request.stop.max_tokens.max(1).saturating_add(3);
        let (events, receiver) = mpsc::channel(most.min(self.max_unread_events.max(1) + 1));
        let last = events.clone().try_reserve_owned().map_err(|_| self.gone())?;
        let id = SequenceId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let satisfied = Arc::new(AtomicBool::new(false));
        let submission = Submission { id, request, events, last, satisfied: Arc::clone(&satisfied), place };
        self.commands.send(Command::Submit(Box::new(submission))).map_err(|_| self.gone())?;
        Ok(TokenStream::new(receiver, satisfied))
    }

    /// Longest prompt and answer together, in tokens.
    pub fn max_context(&self) -> usize {
        self.max_context
    }

    /// Requests that can run and wait at once.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Requests that run and wait at the moment, those included that its thread has not seen yet.
    pub fn num_in_flight(&self) -> usize {
        self.capacity - self.places.available_permits().min(self.capacity)
    }

    /// Sees the engine to its end without keeping it from it.
    pub fn monitor(&self) -> EngineMonitor {
        EngineMonitor { status: self.status.clone(), stats: self.stats.clone(), stop: Arc::clone(&self.stop) }
    }

    pub fn status(&self) -> EngineStatus {
        *self.status.borrow()
    }

    pub fn stats(&self) -> EngineStats {
        *self.stats.borrow()
    }

    pub fn metrics(&self) -> &EngineMetrics {
        &self.metrics
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
