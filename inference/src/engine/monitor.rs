//! A view of an engine that is on its way out: its thread ends once every handle is gone and its last request has
//! finished, so whoever waits for that must hold no handle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::{EngineStats, EngineStatus};

/// Watches an engine and can end it, without keeping it alive.
#[derive(Clone, Debug)]
pub struct EngineMonitor {
    pub(super) status: watch::Receiver<EngineStatus>,
    pub(super) stats: watch::Receiver<EngineStats>,
    pub(super) stop: Arc<AtomicBool>,
}

impl EngineMonitor {
    pub fn stats(&self) -> EngineStats {
        *self.stats.borrow()
    }

    /// Waits until its thread has ended.
    pub async fn ended(&self) {
        let is_end = |status: &EngineStatus| matches!(status, EngineStatus::Stopped | EngineStatus::Failed);
        let _ = self.status.clone().wait_for(is_end).await;
    }

    /// Fails what still runs, before the next step.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Waits until nothing runs any more.
    pub async fn idle(&self) {
        let _ = self.stats.clone().wait_for(|stats| stats.running + stats.waiting == 0).await;
    }
}
