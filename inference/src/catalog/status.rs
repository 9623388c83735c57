//! What a model's id stands for at the moment, for whoever asks.

use super::Served;

#[derive(Clone)]
pub enum ModelState {
    /// Its files are not complete yet.
    Waiting {
        reason: String,
    },
    Loading {
        percent: u32,
    },
    Ready(Served),
    /// It takes no more requests, and finishes those it has.
    Draining,
    /// It is sound, and takes no memory.
    Unloaded,
    Failed {
        reason: String,
    },
}

impl ModelState {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Loading { .. } => "loading",
            Self::Ready(_) => "ready",
            Self::Draining => "draining",
            Self::Unloaded => "unloaded",
            Self::Failed { .. } => "failed",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Waiting { reason } | Self::Failed { reason } => Some(reason),
            _ => None,
        }
    }
}

/// What has become of a revision that is to take the place of the one that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextRevision {
    Waiting {
        reason: String,
    },
    Loading {
        percent: u32,
    },
    /// The one before stays in service.
    Failed {
        reason: String,
    },
}

/// A line of the list of models.
#[derive(Clone)]
pub struct ModelStatus {
    pub id: String,
    /// The model's own id, where this is the model with an adapter.
    pub parent: Option<String>,
    pub state: ModelState,
    pub next: Option<NextRevision>,
    pub is_pinned: bool,
    /// Not ready, and a request that names it waits until it is.
    pub is_on_demand: bool,
    /// It is loaded for the first time, and was there when the process began.
    pub is_starting: bool,
    /// Requests that revisions before this one still answer.
    pub num_draining: usize,
}

impl ModelStatus {
    /// Whether a request that names it is answered: now, or as soon as it is loaded.
    pub fn is_served(&self) -> bool {
        self.is_on_demand || matches!(self.state, ModelState::Ready(_))
    }
}
