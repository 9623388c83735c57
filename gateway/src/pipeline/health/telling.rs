//! What other gateways are still to be told of deployments: for each one the last of it, so that there is no more of it than
//! the configuration has deployments.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::DeploymentKey;
use super::names::Names;

#[derive(Debug, Default)]
pub(super) struct Telling {
    state: Mutex<State>,
    /// There is something to tell.
    pub(super) wake: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    names: Names,
    /// Counts the configurations.
    generation: u64,
    serial: u64,
    pending: HashMap<String, Pending>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) key: DeploymentKey,
    pub(super) serial: u64,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// As it stands when it is told.
    Rests,
    Well {
        began_ms: u64,
    },
    Asks,
}

impl Telling {
    /// From now on these have names; what is to be told of others is forgotten.
    pub(super) fn know(&self, names: Names) {
        let mut state = self.lock();
        state.pending.retain(|name, _| names.key(name).is_some());
        state.names = names;
        state.generation += 1;
    }

    pub(super) fn tell(&self, key: &DeploymentKey, what: What) {
        let mut state = self.lock();
        let Some(name) = state.names.name(key).cloned() else { return };
        // Who tells something asks for nothing before that is told.
        if what == What::Asks && state.pending.contains_key(&name) {
            return;
        }
        state.serial += 1;
        let pending = Pending { key: key.clone(), serial: state.serial, what };
        state.pending.insert(name, pending);
        drop(state);
        // Who asks may be refused, and asks again with the next request: that is no hurry.
        if what != What::Asks {
            self.wake.notify_one();
        }
    }

    /// Whether others can be told of it at all.
    pub(super) fn has_name(&self, key: &DeploymentKey) -> bool {
        self.lock().names.name(key).is_some()
    }

    pub(super) fn pending(&self, most: usize) -> Vec<(String, Pending)> {
        let state = self.lock();
        state.pending.iter().take(most).map(|(name, pending)| (name.clone(), pending.clone())).collect()
    }

    pub(super) fn told(&self, name: &str, serial: u64) {
        let mut state = self.lock();
        if state.pending.get(name).is_some_and(|pending| pending.serial == serial) {
            state.pending.remove(name);
        }
    }

    /// What is called so here, unless there is something newer to be told of it.
    pub(super) fn heard_of(&self, name: &str) -> Option<DeploymentKey> {
        let state = self.lock();
        let is_newer = |pending: &Pending| pending.what != What::Asks;
        let has_newer = state.pending.get(name).is_some_and(is_newer);
        state.names.key(name).filter(|_| !has_newer).cloned()
    }

    pub(super) fn generation(&self) -> u64 {
        self.lock().generation
    }

    pub(super) fn known(&self) -> Vec<DeploymentKey> {
        self.lock().names.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
