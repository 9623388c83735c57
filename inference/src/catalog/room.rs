//! Makes room for a model: the least recently used idle ones give way to it, and where it takes the place of a
//! revision that does not fit beside it, that one drains first.

use std::sync::PoisonError;
use std::time::Duration;

use super::entry::{Cause, Phase, Unloader};
use super::loader::Job;
use super::models::Registry;
use super::{Catalog, Reservation, Served, Shortage};

/// For an idle engine to end and give its memory back.
const IDLE_ENDS_WITHIN: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum NoRoom {
    /// Memory is on its way back: once it is there, this may be tried again.
    #[error("memory is still on its way back")]
    Yet,
    #[error("{0}")]
    Now(Shortage),
}

impl Catalog {
    /// Reserves what a load needs.
    pub(super) fn make_room(&self, job: &Job, bytes: u64) -> Result<Reservation, NoRoom> {
        let mut leaving: Vec<Served> = Vec::new();
        let mut registry = self.lock();
        if let Some(entry) = registry.entries.get_mut(&job.id) {
            entry.needed_bytes = Some(bytes);
        }
        let shortage = match self.budget.reserve(bytes) {
            Ok(reservation) => return Ok(reservation),
            Err(shortage) => shortage,
        };
        let evictable = if job.ask.cause == Cause::Start { Vec::new() } else { idle(&registry, &job.id) };
        let at_once = evictable.iter().fold(shortage.free_bytes, |sum, idle| sum.saturating_add(idle.bytes));
        if bytes <= at_once {
            let evicted = evict_for(&mut registry, &job.id, (evictable, shortage.free_bytes), bytes);
            drop(registry);
            drop(evicted);
            return self.reserve_soon(bytes);
        }
        let own = registry.entries.get(&job.id).and_then(|entry| entry.serving.as_ref());
        let own_bytes = own.map_or(0, Served::reserved_bytes);
        let later = registry
            .entries
            .values()
            .fold(at_once.saturating_add(own_bytes), |sum, entry| sum.saturating_add(entry.leaving_bytes()));
        if job.ask.cause == Cause::Start || bytes > later {
            return Err(NoRoom::Now(shortage));
        }
        let entry = registry.entries.get_mut(&job.id);
        leaving.extend(entry.and_then(super::entry::Entry::retire));
        drop(registry);
        if !leaving.is_empty() {
            tracing::info!(model = job.id, "no room for two revisions: the old one drains, requests wait for the new");
        }
        drop(leaving);
        self.changed();
        Err(NoRoom::Yet)
    }

    /// Reserves what an adapter needs beside the model that it is for.
    pub(super) fn make_room_beside(&self, id: &str, bytes: u64, may_evict: bool) -> Result<Reservation, NoRoom> {
        let mut registry = self.lock();
        let shortage = match self.budget.reserve(bytes) {
            Ok(reservation) => return Ok(reservation),
            Err(shortage) => shortage,
        };
        let evictable = if may_evict { idle(&registry, id) } else { Vec::new() };
        let at_once = evictable.iter().fold(shortage.free_bytes, |sum, idle| sum.saturating_add(idle.bytes));
        if bytes > at_once {
            return Err(NoRoom::Now(shortage));
        }
        let evicted = evict_for(&mut registry, id, (evictable, shortage.free_bytes), bytes);
        drop(registry);
        drop(evicted);
        self.reserve_soon(bytes)
    }

    /// Waits for what idle engines give back.
    fn reserve_soon(&self, bytes: u64) -> Result<Reservation, NoRoom> {
        self.changed();
        let registry = self.lock();
        let is_short = |_: &mut Registry| self.budget.free_bytes() < bytes;
        let waited = self.moved.wait_timeout_while(registry, IDLE_ENDS_WITHIN, is_short);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.budget.reserve(bytes).map_err(|_| NoRoom::Yet)
    }

    /// Whether a load may find its room as things stand.
    pub(super) fn may_fit(&self, registry: &Registry, id: &str, bytes: u64) -> bool {
        let idle = idle(registry, id).into_iter().map(|idle| idle.bytes);
        let leaving = registry.entries.values().map(super::entry::Entry::leaving_bytes);
        bytes <= idle.chain(leaving).fold(self.budget.free_bytes(), u64::saturating_add)
    }
}

/// A model that nobody uses.
struct Idle {
    id: String,
    bytes: u64,
    last_used: u64,
}

/// Least recently used first.
fn idle(registry: &Registry, but: &str) -> Vec<Idle> {
    let others = registry.entries.iter().filter(|(id, _)| *id != but);
    let mut idle: Vec<Idle> = others
        .filter_map(|(id, entry)| {
            let last_used = entry.serving.as_ref()?.info().last_used_micros();
            Some(Idle { id: id.clone(), bytes: entry.idle_bytes()?, last_used })
        })
        .collect();
    idle.sort_by_key(|idle| idle.last_used);
    idle
}

/// Takes as many idle models out of service as it needs, the first ones first.
fn evict_for(
    registry: &mut Registry,
    by: &str,
    (evictable, mut free_bytes): (Vec<Idle>, u64),
    bytes: u64,
) -> Vec<Served> {
    let mut evicted = Vec::new();
    for idle in evictable {
        if free_bytes < bytes {
            free_bytes = free_bytes.saturating_add(idle.bytes);
            evicted.extend(evict(registry, &idle.id, by));
        }
    }
    evicted
}

fn evict(registry: &mut Registry, id: &str, by: &str) -> Option<Served> {
    let entry = registry.entries.get_mut(id)?;
    tracing::info!(model = id, by, "the model is unloaded to make room, and loaded again when it is asked for");
    let model = entry.retire();
    // One whose next revision is under way comes back with that.
    if matches!(entry.phase, Phase::Settled | Phase::Failed { .. }) {
        entry.phase = Phase::Unloaded { by: Unloader::Budget };
    }
    model
}
