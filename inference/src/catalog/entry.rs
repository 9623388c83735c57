//! What the catalog knows of one folder.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::engine::{EngineMonitor, EngineStatus};

use super::adapters::AdapterEntry;
use super::{Fingerprint, FolderError, LoadingSettings, ModelState, NextRevision, Served, UnusableError};

/// Why a model is to be loaded. The first go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// A request or an operator waits for it.
    Demand,
    /// Its folder is new or another.
    Change,
    /// It was there when the process began: it takes nobody's place.
    Start,
}

/// A model's place in the queue of those to be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ask {
    pub cause: Cause,
    /// Earlier ones first.
    pub order: u64,
    /// The files are taken as they lie: what is incomplete is broken.
    pub as_it_is: bool,
    /// Memory that is on its way back must come first.
    pub is_blocked: bool,
}

/// Who unloaded a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unloader {
    /// An operator: only an operator loads it again.
    Operator,
    /// Others needed the memory: a request loads it again.
    Budget,
}

/// What is under way with a folder beside serving what was loaded from it.
#[derive(Debug)]
pub(super) enum Phase {
    Settled,
    /// The files are not such that they can be loaded, and may become so.
    Waiting {
        reason: String,
        is_tried: bool,
    },
    Queued(Ask),
    Loading {
        percent: Arc<AtomicU32>,
        cause: Cause,
    },
    Unloaded {
        by: Unloader,
    },
    /// `for_memory`: with more free it might be loaded.
    Failed {
        reason: String,
        for_memory: bool,
    },
}

/// An engine that takes no more requests and finishes those it has.
pub(super) struct Draining {
    pub monitor: EngineMonitor,
    bytes: u64,
    /// Gone with its memory, which is after its thread's last word.
    alive: Weak<()>,
}

impl Draining {
    pub(super) fn is_over(&self) -> bool {
        self.alive.strong_count() == 0
    }
}

pub(super) struct Entry {
    pub path: PathBuf,
    pub seen: Result<Fingerprint, UnusableError>,
    pub changed_at: Duration,
    pub gone_since: Option<Duration>,
    pub serving: Option<Served>,
    pub phase: Phase,
    pub draining: Vec<Draining>,
    pub is_pinned: bool,
    /// Whether it was served at any time: then requests wait for it to be so again.
    pub has_served: bool,
    /// Its folder is gone; it is known until its last answer.
    pub is_removed: bool,
    /// Counts what makes a load under way useless.
    pub attempt: u64,
    /// What the revision needed that was last tried.
    pub needed_bytes: Option<u64>,
    /// What is known of the folders of its adapters.
    pub adapters: BTreeMap<String, AdapterEntry>,
}

impl Entry {
    pub(super) fn new(path: PathBuf, seen: Result<Fingerprint, UnusableError>, now: Duration) -> Self {
        let phase = Phase::Waiting { reason: STILL_CHANGING.to_owned(), is_tried: false };
        Self {
            path,
            seen,
            changed_at: now,
            gone_since: None,
            serving: None,
            phase,
            draining: Vec::new(),
            is_pinned: false,
            has_served: false,
            is_removed: false,
            attempt: 0,
            needed_bytes: None,
            adapters: BTreeMap::new(),
        }
    }

    /// Takes what is served out of service. The caller drops it once nothing is locked.
    pub(super) fn retire(&mut self) -> Option<Served> {
        let model = self.serving.take()?;
        self.note_leaving(&model);
        Some(model)
    }

    /// Puts a model in the place of what is served, which is given back to be dropped.
    pub(super) fn replace(&mut self, model: Served) -> Option<Served> {
        let old = self.retire();
        (self.serving, self.has_served) = (Some(model), true);
        self.phase = Phase::Settled;
        old
    }

    fn note_leaving(&mut self, model: &Served) {
        let (monitor, alive) = (model.monitor(), model.info().alive.clone());
        self.draining.push(Draining { monitor, bytes: model.reserved_bytes(), alive });
    }

    pub(super) fn forget_drained(&mut self) {
        self.draining.retain(|draining| !draining.is_over());
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.iter().any(|draining| !draining.is_over())
    }

    /// Bytes that come back once the last answers are given.
    pub(super) fn leaving_bytes(&self) -> u64 {
        self.draining.iter().filter(|draining| !draining.is_over()).map(|draining| draining.bytes).sum()
    }

    /// Bytes that come back at once if it is unloaded; `None` if it is pinned or somebody uses it.
    pub(super) fn idle_bytes(&self) -> Option<u64> {
        let model = self.serving.as_ref().filter(|_| !self.is_pinned)?;
        model.is_idle().then(|| model.reserved_bytes())
    }

    pub(super) fn is_starting(&self) -> bool {
        match &self.phase {
            Phase::Queued(ask) => ask.cause == Cause::Start,
            Phase::Loading { cause, .. } => *cause == Cause::Start,
            _ => false,
        }
    }

    /// Whether a request that names it makes it load, or waits for it.
    pub(super) fn is_on_demand(&self, autoload: bool) -> bool {
        match &self.phase {
            _ if self.is_removed => false,
            Phase::Unloaded { by: Unloader::Budget } | Phase::Failed { for_memory: true, .. } => autoload,
            Phase::Queued(_) | Phase::Loading { .. } | Phase::Waiting { .. } => self.has_served,
            Phase::Settled | Phase::Unloaded { .. } | Phase::Failed { .. } => false,
        }
    }

    pub(super) fn state(&self) -> ModelState {
        if let Some(model) = &self.serving {
            return match model.status() {
                EngineStatus::Failed => ModelState::Failed { reason: ENGINE_FAILED.to_owned() },
                _ => ModelState::Ready(model.clone()),
            };
        }
        let is_draining = self.is_draining();
        match &self.phase {
            Phase::Settled | Phase::Unloaded { .. } if is_draining => ModelState::Draining,
            Phase::Queued(ask) if ask.is_blocked && is_draining => ModelState::Draining,
            phase => phase.state(),
        }
    }

    /// What is under way beside the revision that is served.
    pub(super) fn next_revision(&self) -> Option<NextRevision> {
        self.serving.as_ref()?;
        self.phase.next_revision()
    }
}

impl Phase {
    /// What it is to whoever asks while nothing is served.
    pub(super) fn state(&self) -> ModelState {
        match self {
            Self::Settled | Self::Unloaded { .. } => ModelState::Unloaded,
            Self::Waiting { reason, .. } => ModelState::Waiting { reason: reason.clone() },
            Self::Queued(_) => ModelState::Loading { percent: 0 },
            Self::Loading { percent, .. } => ModelState::Loading { percent: percent.load(Ordering::Relaxed) },
            Self::Failed { reason, .. } => ModelState::Failed { reason: reason.clone() },
        }
    }

    /// What it is beside a revision that is served.
    pub(super) fn next_revision(&self) -> Option<NextRevision> {
        match self {
            Self::Waiting { reason, .. } => Some(NextRevision::Waiting { reason: reason.clone() }),
            Self::Queued(_) => Some(NextRevision::Loading { percent: 0 }),
            Self::Loading { percent, .. } => Some(NextRevision::Loading { percent: percent.load(Ordering::Relaxed) }),
            Self::Failed { reason, .. } => Some(NextRevision::Failed { reason: reason.clone() }),
            Self::Settled | Self::Unloaded { .. } => None,
        }
    }
}

/// When a folder that waits is to be taken.
pub(super) enum Due {
    /// It has not stood still for long enough, or is tried again only then.
    In(Duration),
    /// It is not whole, and is given up only then.
    Incomplete {
        reason: String,
        left: Duration,
    },
    Broken {
        reason: String,
    },
    /// The last time it is taken as it lies: what is still missing is named, and it counts as broken.
    Now {
        as_it_is: bool,
    },
}

impl Due {
    pub(super) fn of(
        seen: &Result<Fingerprint, UnusableError>,
        still: Duration,
        is_tried: bool,
        loading: &LoadingSettings,
    ) -> Self {
        if still < loading.quiet() {
            return Self::In(loading.quiet().saturating_sub(still));
        }
        let left = loading.incomplete().saturating_sub(still);
        match seen {
            Err(error) => {
                let error = FolderError::from(error.clone());
                let reason = error.with_causes();
                if error.may_be_incomplete() && !left.is_zero() {
                    Self::Incomplete { reason, left }
                } else {
                    Self::Broken { reason }
                }
            }
            Ok(_) if is_tried && !left.is_zero() => Self::In(left),
            Ok(_) => Self::Now { as_it_is: left.is_zero() },
        }
    }
}

pub(super) const STILL_CHANGING: &str = "its files are still changing";
const ENGINE_FAILED: &str = "its engine failed while it computed";
