//! The bounded queue before a thread that reads or listens, and how that thread stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::{EngineMonitor, EngineStats, EngineStatus, SubmitError};

#[derive(Clone)]
pub(super) struct ModelQueue {
    /// What is counted is its owner's: tokens, seconds.
    places: Arc<Semaphore>,
    capacity: usize,
    is_closing: Arc<AtomicBool>,
    monitor: EngineMonitor,
}

impl ModelQueue {
    pub(super) fn new(capacity: usize, monitor: EngineMonitor) -> Self {
        Self { places: Arc::new(Semaphore::new(capacity)), capacity, is_closing: Arc::default(), monitor }
    }

    /// # Errors
    /// The model is on its way out.
    pub(super) fn check_open(&self) -> Result<(), SubmitError> {
        if self.is_closing.load(Ordering::Relaxed) { Err(self.gone()) } else { Ok(()) }
    }

    /// # Errors
    /// The queue is full, or the model is on its way out.
    pub(super) fn take(&self, share: u32) -> Result<OwnedSemaphorePermit, SubmitError> {
        self.check_open()?;
        self.places.clone().try_acquire_many_owned(share).map_err(|error| match error {
            TryAcquireError::NoPermits => SubmitError::QueueFull { capacity: self.capacity },
            TryAcquireError::Closed => self.gone(),
        })
    }

    /// How much of it is taken.
    pub(super) fn taken(&self) -> usize {
        self.capacity.saturating_sub(self.places.available_permits())
    }

    pub(super) fn status(&self) -> EngineStatus {
        *self.monitor.status.borrow()
    }

    pub(super) fn stats(&self) -> EngineStats {
        self.monitor.stats()
    }

    pub(super) fn monitor(&self) -> EngineMonitor {
        self.monitor.clone()
    }

    /// Takes no more requests, lets the running ones finish for `grace`, then has `stop` end them.
    pub(super) async fn shut_down(&self, grace: Duration, stop: impl FnOnce()) {
        self.is_closing.store(true, Ordering::Relaxed);
        let all = self.places.acquire_many(u32::try_from(self.capacity).unwrap_or(u32::MAX));
        // All shares are back when nothing runs any more; a closed queue has been shut down before.
        let _ = tokio::time::timeout(grace, all).await;
        self.places.close();
        stop();
        self.monitor.ended().await;
    }

    /// Why nothing is taken any more.
    pub(super) fn gone(&self) -> SubmitError {
        match self.status() {
            EngineStatus::Failed => SubmitError::Failed,
            _ => SubmitError::ShuttingDown,
        }
    }
}
