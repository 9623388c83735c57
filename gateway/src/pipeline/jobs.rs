//! What requests and the work behind them tell each other.

use tokio::sync::{Mutex, watch};

/// Work that goes on when the request that ordered it has ended.
#[derive(Debug)]
pub struct Jobs {
    changes: watch::Sender<u64>,
    /// Held while something is read, changed and written back.
    pub turn: Mutex<()>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { changes: watch::Sender::new(0), turn: Mutex::default() }
    }
}

impl Jobs {
    /// There is more to do, or less.
    pub fn announce(&self) {
        self.changes.send_modify(|number| *number += 1);
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
