//! How a request gets its model: at once if it is served; else, where it can be, it is loaded while the request waits
//! in a bounded queue for a bounded time.

use std::time::Duration;

use tokio::time::Instant;

use super::entry::{Cause, Entry, Phase, Unloader};
use super::models::Registry;
use super::{Catalog, ModelState, Served};

/// Nothing tells when a model becomes idle that must give way: it is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Why a request does not get its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcquireError {
    #[error("there is no such model")]
    Unknown,
    #[error("the model is broken")]
    Failed,
    #[error("the model is being loaded")]
    Loading,
    #[error("the model is unloaded and is not loaded on demand")]
    Unloaded,
    #[error("the process is about to end")]
    Closed,
}

enum Outlook {
    Ready(Served),
    /// It may become ready by itself.
    Wait,
    Never(AcquireError),
}

impl Catalog {
    /// The model of this id, to be served with for as long as it is held.
    ///
    /// # Errors
    /// If there is none, or it is not served in time.
    pub async fn acquire(&self, id: &str) -> Result<Served, AcquireError> {
        // Before the first look, so that no change falls between the two.
        let mut changes = self.changes();
        match self.outlook(id) {
            Outlook::Ready(model) => return Ok(model),
            Outlook::Never(error) => return Err(error),
            Outlook::Wait => {}
        }
        let _place = self.waiting.try_acquire().map_err(|_| AcquireError::Loading)?;
        let deadline = Instant::now() + self.settings.loading.wait();
        loop {
            let now = Instant::now();
            if now >= deadline {
                return Err(AcquireError::Loading);
            }
            let look_at = deadline.min(now + LOOK_EVERY);
            let _ = tokio::time::timeout_at(look_at, changes.changed()).await;
            match self.outlook(id) {
                Outlook::Ready(model) => return Ok(model),
                Outlook::Never(error) => return Err(error),
                Outlook::Wait => {}
            }
        }
    }

    /// Whether a model is there, and if it can be, sees to it.
    fn outlook(&self, id: &str) -> Outlook {
        let autoload = self.settings.loading.autoload;
        let mut registry = self.lock();
        let is_closed = registry.is_closed;
        let Some((id, entry, adapter)) = registry.find(id).filter(|(_, entry, _)| !entry.is_removed) else {
            return Outlook::Never(AcquireError::Unknown);
        };
        let adapter = match adapter.map(|name| entry.adapter_state(name)) {
            Some(None) => return Outlook::Never(AcquireError::Unknown),
            state => state.flatten(),
        };
        let id = id.to_owned();
        match entry.state() {
            ModelState::Ready(model) => {
                model.info().touch();
                return adapter.map_or(Outlook::Ready(model), adapter_outlook);
            }
            _ if is_closed => return Outlook::Never(AcquireError::Closed),
            ModelState::Failed { .. } if !entry.is_on_demand(autoload) => return Outlook::Never(AcquireError::Failed),
            // Its first load may take long, and whoever starts a server looks at /readyz.
            ModelState::Loading { .. } | ModelState::Waiting { .. } if !entry.has_served && !is_demanded(entry) => {
                return Outlook::Never(AcquireError::Loading);
            }
            ModelState::Unloaded | ModelState::Draining if !entry.is_on_demand(autoload) => {
                return Outlook::Never(AcquireError::Unloaded);
            }
            _ => {}
        }
        self.ask_for(&mut registry, &id);
        drop(registry);
        self.kick();
        Outlook::Wait
    }

    /// Queues a model that was unloaded, if there may be room for it.
    fn ask_for(&self, registry: &mut Registry, id: &str) {
        let Some(entry) = registry.entries.get(id) else { return };
        let is_out =
            matches!(entry.phase, Phase::Unloaded { by: Unloader::Budget } | Phase::Failed { for_memory: true, .. });
        let may_fit = entry.needed_bytes.is_none_or(|bytes| self.may_fit(registry, id, bytes));
        if is_out && may_fit {
            registry.queue(id, Cause::Demand, true);
        }
    }
}

/// Of an adapter whose model is served.
fn adapter_outlook(state: ModelState) -> Outlook {
    match state {
        ModelState::Ready(adapter) => {
            adapter.info().touch();
            Outlook::Ready(adapter)
        }
        ModelState::Failed { .. } => Outlook::Never(AcquireError::Failed),
        _ => Outlook::Never(AcquireError::Loading),
    }
}

/// Whether it is being loaded because somebody asked for it.
fn is_demanded(entry: &Entry) -> bool {
    match &entry.phase {
        Phase::Queued(ask) => ask.cause == Cause::Demand,
        Phase::Loading { cause, .. } => *cause == Cause::Demand,
        _ => false,
    }
}
