//! What an operator asks of a model.

use std::str::FromStr;

use super::entry::{Cause, Phase, Unloader};
use super::{Catalog, ModelStatus};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Into service, if it is not.
    Load,
    /// Out of service until it is loaded again; requests do not bring it back.
    Unload,
    /// Anew from its files, even if they are the same.
    Reload,
    /// Never unloaded to make room.
    Pin,
    Unpin,
}

impl Action {
    pub const ALL: [(&'static str, Self); 5] = [
        ("load", Self::Load),
        ("unload", Self::Unload),
        ("reload", Self::Reload),
        ("pin", Self::Pin),
        ("unpin", Self::Unpin),
    ];
}

/// A word that is no action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAction;

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, action)| *action).ok_or(UnknownAction)
    }
}

/// Why nothing can be asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    #[error("there is no such model")]
    Unknown,
    /// It comes and goes with its folder and its model.
    #[error("it is an adapter")]
    Adapter,
}

impl Catalog {
    /// Does as asked, or begins to; returns where the model stands then.
    ///
    /// # Errors
    /// If there is no such model, or it is one with an adapter.
    pub fn control(&self, id: &str, action: Action) -> Result<ModelStatus, ControlError> {
        let mut registry = self.lock();
        if let Some((_, _, Some(_))) = registry.find(id) {
            return Err(ControlError::Adapter);
        }
        let entry = registry.entries.get_mut(id).filter(|entry| !entry.is_removed).ok_or(ControlError::Unknown)?;
        tracing::info!(model = id, ?action, "an operator asked for it");
        let mut unloaded = None;
        match action {
            Action::Pin => entry.is_pinned = true,
            Action::Unpin => entry.is_pinned = false,
            Action::Unload => {
                unloaded = entry.retire();
                entry.attempt += 1;
                entry.phase = Phase::Unloaded { by: Unloader::Operator };
            }
            Action::Load | Action::Reload => {
                let is_under_way = matches!(entry.phase, Phase::Queued(_) | Phase::Loading { .. });
                let is_done = entry.serving.is_some() && matches!(entry.phase, Phase::Settled);
                if !is_under_way && (action == Action::Reload || !is_done) {
                    registry.queue(id, Cause::Demand, true);
                }
            }
        }
        drop(registry);
        drop(unloaded);
        self.changed();
        self.kick();
        self.model_status(id).ok_or(ControlError::Unknown)
    }
}
