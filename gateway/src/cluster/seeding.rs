//! Asks the ledger for sums that nobody has counted yet, once for all who wait for the same one.
//!
//! What was begun goes on when those who wait give up: the next ones find it done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use tokio::time::timeout;

use super::reply::Unseeded;
use super::shared::Inner;
use crate::limits::{Scope, Seed, Span, Sum};

/// Then the next one who needs it asks again.
const LEDGER_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether the sum is there now.
type Running = Shared<BoxFuture<'static, bool>>;

#[derive(Default)]
pub(super) struct Seeding {
    running: Mutex<HashMap<(Unseeded, u64), Running>>,
}

impl Seeding {
    fn lock(&self) -> MutexGuard<'_, HashMap<(Unseeded, u64), Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Sees to it that Redis has a sum of the present period. True when it has.
    pub(super) fn seed(self: &Arc<Self>, unseeded: &Unseeded, now_ms: u64) -> Running {
        let span = self.offset.span(unseeded.sum.period(), now_ms);
        let key = (unseeded.clone(), span.begins_ms);
        let mut running = self.seeding.lock();
        if let Some(running) = running.get(&key) {
            return running.clone();
        }
        let (inner, own_key) = (Arc::clone(self), key.clone());
        let task = tokio::spawn(async move {
            let is_there = inner.seed_now(&own_key.0, span, now_ms).await;
            inner.seeding.lock().remove(&own_key);
            is_there
        });
        let waiting = async { task.await.unwrap_or(false) }.boxed().shared();
        running.insert(key, waiting.clone());
        waiting
    }

    async fn seed_now(&self, Unseeded { scope, sum }: &Unseeded, span: Span, now_ms: u64) -> bool {
        let Some(seed) = self.ask_ledger(scope, *sum, span).await else { return false };
        let call = self.calls.seed(scope, *sum, seed, now_ms);
        self.link.run(&self.scripts.seed, &call, self.link.deadline()).await.is_ok()
    }

    pub(super) async fn ask_ledger(&self, scope: &Scope, sum: Sum, span: Span) -> Option<Seed> {
        match timeout(LEDGER_TIMEOUT, self.ledger.used(scope.clone(), sum, span)).await {
            Ok(Ok(seed)) => return Some(seed),
            Ok(Err(error)) => {
                let reason = error.0.to_string();
                tracing::error!(reason, "the ledger did not say what was used before");
            }
            Err(_) => tracing::error!("the ledger did not say in time what was used before"),
        }
        None
    }
}
