//! Ending without breaking anything: new requests are turned away, running ones get a grace period.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Shared by everyone who has to know that the process is about to end.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    begun: CancellationToken,
    running: TaskTracker,
    grace_over: CancellationToken,
}

/// Held from a request's admission to the last byte of its answer.
#[derive(Debug)]
pub struct InFlight {
    _running: TaskTrackerToken,
}

impl Drain {
    /// `None` once the process is about to end.
    pub fn enter(&self) -> Option<InFlight> {
        // Counted before the look, so that a request is either waited for or turned away.
        let running = self.running.token();
        (!self.is_draining()).then_some(InFlight { _running: running })
    }

    pub fn is_draining(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Comes back once the process is about to end.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Fires when streams that still run have to end.
    pub fn grace_over(&self) -> &CancellationToken {
        &self.grace_over
    }

    /// Turns new requests away and waits for running ones, at most for `grace`; then ends them.
    pub async fn drain(&self, grace: Duration) {
        self.begun.cancel();
        self.running.close();
        if tokio::time::timeout(grace, self.running.wait()).await.is_err() {
            tracing::warn!(running = self.running.len(), "the grace period is over: ending what still runs");
            self.grace_over.cancel();
            // Streams say goodbye with an error event, which takes a moment but not a client's word.
            let _ = tokio::time::timeout(Duration::from_secs(2), self.running.wait()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn running_requests_are_waited_for_and_new_ones_turned_away() {
        let drain = Drain::default();
        let first = drain.enter().unwrap();
        let waiting = tokio::spawn({
            let drain = drain.clone();
            async move { drain.drain(Duration::MAX).await }
        });
        while !drain.is_draining() {
            tokio::task::yield_now().await;
        }
        assert!(drain.enter().is_none());
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.unwrap();
        assert!(!drain.grace_over().is_cancelled());
    }

    #[tokio::test]
    async fn after_the_grace_period_streams_are_told_to_end() {
        let drain = Drain::default();
        let stuck = drain.enter().unwrap();
        let waiting = tokio::spawn({
            let drain = drain.clone();
            async move { drain.drain(Duration::ZERO).await }
        });
        drain.grace_over().cancelled().await;
        drop(stuck);
        waiting.await.unwrap();
    }
}
