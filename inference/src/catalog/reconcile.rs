//! Compares the directory with what is known of it.
//!
//! Nothing is loaded here, only looked at and queued. A folder that is being written stands still before it is taken;
//! one that is gone for a moment, because another takes its place, is not given up.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use super::adapters::{self, SeenAdapters};
use super::entry::{Ask, Cause, Due, Entry, Phase, STILL_CHANGING};
use super::manifest::MANIFEST;
use super::models::Registry;
use super::{Candidate, Catalog, Fingerprint, Served, ServedModel, UnusableError, scan};

/// Folders of one directory that are looked at.
const MAX_MODELS: usize = 1_000;

/// A folder or file as it lies there, and the adapters in it.
type Found = (Candidate, Result<Fingerprint, UnusableError>, Option<SeenAdapters>);

impl Catalog {
    /// Takes all folders as they lie there.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub(super) fn begin(&self) -> std::io::Result<()> {
        let seen = self.look_at(scan(&self.directory)?);
        let now = (self.clock)();
        let manifest = self.manifest_identity();
        let mut registry = self.lock();
        registry.manifest = manifest;
        for (id, (candidate, seen, adapters)) in seen {
            let mut entry = Entry::new(candidate.path, seen, now);
            entry.begin_adapters(adapters.unwrap_or_default(), now);
            registry.entries.insert(id.clone(), entry);
            registry.queue(&id, Cause::Start, true);
        }
        Ok(())
    }

    /// Looks at the directory and queues what is to be loaded; what is gone drains. Returns after how long it is worth
    /// looking again, if something waits for its time.
    pub fn reconcile(&self) -> Option<Duration> {
        let _alone = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match scan(&self.directory) {
            Ok(found) => found,
            Err(error) => {
                // A file system that is away for a while must not unload anything.
                let directory = self.directory.display();
                tracing::warn!(%directory, %error, "the models directory cannot be read; everything stays as it is");
                return None;
            }
        };
        let seen = self.look_at(found);
        let manifest = self.manifest_identity();
        let now = (self.clock)();
        let mut gone: Vec<Served> = Vec::new();
        let mut gone_adapters: Vec<Arc<ServedModel>> = Vec::new();
        let mut wakes: Vec<Duration> = Vec::new();
        let mut registry = self.lock();
        if registry.is_closed {
            return None;
        }
        if registry.manifest != manifest {
            registry.manifest = manifest;
            // What was found broken may have been measured against what stood there before.
            registry.entries.values_mut().for_each(|entry| try_again(entry, now));
        }
        for (id, (candidate, seen, adapters)) in &seen {
            registry.note(candidate, seen, now);
            wakes.extend(self.take(&mut registry, id, now));
            if let (Some(entry), Some(adapters)) = (registry.entries.get_mut(id), adapters) {
                let (gone, later) = entry.note_adapters(adapters, now, &self.settings.loading);
                gone_adapters.extend(gone);
                wakes.extend(later);
            }
        }
        let missing = registry.entries.iter_mut().filter(|(id, entry)| !seen.contains_key(*id) && !entry.is_removed);
        for (id, entry) in missing {
            let since = *entry.gone_since.get_or_insert(now);
            match (self.settings.loading.quiet()).checked_sub(now.saturating_sub(since)).filter(|left| !left.is_zero())
            {
                Some(left) => wakes.push(left),
                None => gone.extend(remove(id, entry)),
            }
        }
        registry.entries.values_mut().for_each(Entry::forget_drained);
        registry.entries.retain(|_, entry| !entry.is_removed || !entry.draining.is_empty());
        drop(registry);
        drop((gone, gone_adapters));
        self.changed();
        self.kick();
        wakes.into_iter().min()
    }

    fn look_at(&self, mut found: Vec<Candidate>) -> BTreeMap<String, Found> {
        if found.len() > MAX_MODELS {
            tracing::error!(folders = found.len(), "only the first {MAX_MODELS} models are looked at");
            found.truncate(MAX_MODELS);
        }
        let look = |candidate: Candidate| match Fingerprint::of(&candidate.path) {
            // It went between the listing and the look.
            Err(UnusableError::Gone) => None,
            seen => {
                let adapters = adapters::look(&candidate.path, self.settings.loading.max_adapters);
                Some((candidate.id.clone(), (candidate, seen, adapters)))
            }
        };
        found.into_iter().filter_map(look).collect()
    }

    fn manifest_identity(&self) -> Option<(u64, SystemTime)> {
        let metadata = std::fs::metadata(self.directory.join(MANIFEST)).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    }

    /// Queues a folder that waits and has stood still for long enough; else, after how long it will have.
    fn take(&self, registry: &mut Registry, id: &str, now: Duration) -> Option<Duration> {
        let loading = &self.settings.loading;
        let entry = registry.entries.get_mut(id)?;
        let Phase::Waiting { reason, is_tried } = &mut entry.phase else { return None };
        match Due::of(&entry.seen, now.saturating_sub(entry.changed_at), *is_tried, loading) {
            Due::In(left) => return Some(left),
            Due::Incomplete { reason: found, left } => {
                *reason = found;
                return Some(left);
            }
            Due::Broken { reason } => fail(id, entry, &reason),
            Due::Now { as_it_is } => registry.queue(id, Cause::Change, as_it_is),
        }
        None
    }
}

impl Registry {
    /// Puts a model at the end of those that are to be loaded for the same cause.
    pub(super) fn queue(&mut self, id: &str, cause: Cause, as_it_is: bool) {
        self.next_order += 1;
        let order = self.next_order;
        if let Some(entry) = self.entries.get_mut(id) {
            entry.attempt += 1;
            entry.phase = Phase::Queued(Ask { cause, order, as_it_is, is_blocked: false });
        }
    }

    /// Notes what a folder looks like now.
    fn note(&mut self, candidate: &Candidate, seen: &Result<Fingerprint, UnusableError>, now: Duration) {
        let new = || Entry::new(candidate.path.clone(), seen.clone(), now);
        let entry = self.entries.entry(candidate.id.clone()).or_insert_with(new);
        entry.gone_since = None;
        if entry.is_removed {
            let draining = std::mem::take(&mut entry.draining);
            *entry = Entry { draining, attempt: entry.attempt + 1, ..new() };
        }
        if entry.seen == *seen && entry.path == candidate.path {
            return;
        }
        entry.path.clone_from(&candidate.path);
        (entry.seen, entry.changed_at, entry.needed_bytes) = (seen.clone(), now, None);
        if matches!(entry.phase, Phase::Unloaded { .. }) {
            return;
        }
        // Whatever is being loaded is of yesterday.
        entry.attempt += 1;
        let is_served = entry.serving.as_ref().is_some_and(|model| seen.as_ref() == Ok(&model.info().revision));
        entry.phase = if is_served {
            Phase::Settled
        } else {
            Phase::Waiting { reason: STILL_CHANGING.to_owned(), is_tried: false }
        };
    }
}

fn try_again(entry: &mut Entry, now: Duration) {
    if matches!(entry.phase, Phase::Failed { for_memory: false, .. } | Phase::Waiting { .. }) {
        entry.changed_at = now;
        entry.phase = Phase::Waiting { reason: STILL_CHANGING.to_owned(), is_tried: false };
    }
}

fn remove(id: &str, entry: &mut Entry) -> Option<Served> {
    tracing::info!(model = id, "its folder is gone; the model is unloaded once its last request is answered");
    entry.is_removed = true;
    entry.attempt += 1;
    entry.phase = Phase::Settled;
    entry.retire()
}

/// The one place where a folder is found broken.
pub(super) fn fail(id: &str, entry: &mut Entry, reason: &str) {
    if let Some(model) = &entry.serving {
        let serving = model.info().revision.name();
        tracing::error!(model = id, reason, serving, "failed to load a new revision; the one before stays");
    } else {
        tracing::error!(model = id, reason, "failed to load a model");
    }
    entry.phase = Phase::Failed { reason: reason.to_owned(), for_memory: false };
}
