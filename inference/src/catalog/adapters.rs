//! What the catalog knows of the adapters in a model's folder.
//!
//! Those that are served hang on the model that they are loaded for, so that they come, are exchanged and go with it;
//! what is kept here is only how each folder stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Ask, Cause, Due, Entry, Phase, STILL_CHANGING};
use super::loader::LoadError;
use super::room::NoRoom;
use super::scan::scan_adapters;
use super::{Fingerprint, FolderError, LoadingSettings, ModelState, NextRevision, Served, ServedModel, UnusableError};

/// What stands between a model's id and an adapter's name.
const SEPARATOR: char = ':';

/// Folders by their names, as they lie there.
pub(super) type SeenAdapters = BTreeMap<String, (PathBuf, Result<Fingerprint, UnusableError>)>;

/// One adapter's folder.
pub(super) struct AdapterEntry {
    path: PathBuf,
    seen: Result<Fingerprint, UnusableError>,
    changed_at: Duration,
    gone_since: Option<Duration>,
    phase: Phase,
    /// Counts what makes a load under way useless.
    attempt: u64,
    /// Where it was too much.
    needed_bytes: Option<u64>,
}

/// An adapter to be loaded.
#[derive(Clone)]
pub(super) struct AdapterTask {
    pub name: String,
    pub path: PathBuf,
    pub revision: Fingerprint,
    attempt: u64,
    /// What is incomplete is broken.
    pub as_it_is: bool,
}

/// The same, beside the model that is served.
pub(super) struct AdapterJob {
    pub task: AdapterTask,
    pub model: Arc<ServedModel>,
}

/// What came of it.
pub(super) type AdapterOutcome = (AdapterTask, Result<(), LoadError>);

/// The id under which a model with an adapter is served.
pub(super) fn adapted_id(model: &str, adapter: &str) -> String {
    format!("{model}{SEPARATOR}{adapter}")
}

/// Every model's id and adapter's name that an id could be made of.
pub(super) fn split_id(id: &str) -> impl Iterator<Item = (&str, &str)> {
    id.match_indices(SEPARATOR).map(|(at, separator)| (&id[..at], &id[at + separator.len()..]))
}

/// Looks at the adapters of a model's folder; none where they cannot be read at the moment.
pub(super) fn look(model: &Path, most: usize) -> Option<SeenAdapters> {
    let mut found = scan_adapters(model)
        .inspect_err(|error| {
            tracing::warn!(model = %model.display(), %error, "its adapters cannot be read; they stay as they are");
        })
        .ok()?;
    if found.len() > most {
        tracing::error!(model = %model.display(), folders = found.len(), "only the first {most} adapters are looked at");
        found.truncate(most);
    }
    let look = |adapter: super::Candidate| {
        let seen = if adapter.id.contains(SEPARATOR) {
            Err(UnusableError::AdapterName)
        } else {
            Fingerprint::of(&adapter.path)
        };
        // One that is gone went between the listing and the look.
        (seen != Err(UnusableError::Gone)).then_some((adapter.id, (adapter.path, seen)))
    };
    Some(found.into_iter().filter_map(look).collect())
}

impl AdapterEntry {
    /// One that is taken as it lies when its model is loaded.
    fn begun(path: PathBuf, seen: Result<Fingerprint, UnusableError>, now: Duration) -> Self {
        let phase = Phase::Settled;
        let mut entry = Self { path, seen, changed_at: now, gone_since: None, phase, attempt: 0, needed_bytes: None };
        entry.fail_if_unusable();
        entry
    }

    fn fail_if_unusable(&mut self) {
        if let Err(error) = &self.seen {
            let reason = FolderError::from(error.clone()).with_causes();
            self.phase = Phase::Failed { reason, for_memory: false };
        }
    }

    fn wait(&mut self, now: Duration) {
        self.changed_at = now;
        self.attempt += 1;
        self.phase = Phase::Waiting { reason: STILL_CHANGING.to_owned(), is_tried: false };
    }

    fn queue(&mut self, as_it_is: bool) {
        self.attempt += 1;
        self.phase = Phase::Queued(Ask { cause: Cause::Change, order: 0, as_it_is, is_blocked: false });
    }

    /// Queues it if it has stood still for long enough and its model is there; else, after how long it will have.
    fn take(&mut self, is_served: bool, now: Duration, loading: &LoadingSettings) -> Option<Duration> {
        let Phase::Waiting { reason, is_tried } = &mut self.phase else { return None };
        match Due::of(&self.seen, now.saturating_sub(self.changed_at), *is_tried, loading) {
            Due::In(left) => return Some(left),
            Due::Incomplete { reason: found, left } => {
                *reason = found;
                return Some(left);
            }
            Due::Broken { reason } => {
                tracing::error!(folder = %self.path.display(), reason, "failed to load an adapter");
                self.phase = Phase::Failed { reason, for_memory: false };
            }
            Due::Now { as_it_is } if is_served => self.queue(as_it_is),
            // It is loaded with its model.
            Due::Now { .. } => self.phase = Phase::Settled,
        }
        None
    }

    fn task(&self, name: &str) -> Option<AdapterTask> {
        let revision = self.seen.as_ref().ok()?.clone();
        let as_it_is = match &self.phase {
            Phase::Queued(ask) => ask.as_it_is,
            _ => true,
        };
        Some(AdapterTask { name: name.to_owned(), path: self.path.clone(), revision, attempt: self.attempt, as_it_is })
    }

    fn note(&mut self, task: &AdapterTask, result: Result<(), LoadError>, is_young: bool) {
        self.phase = match result {
            Ok(()) => Phase::Settled,
            Err(LoadError::Room(NoRoom::Yet)) => return self.queue(task.as_it_is),
            Err(LoadError::Room(NoRoom::Now(shortage))) => {
                self.needed_bytes = Some(shortage.needed_bytes);
                Phase::Failed { reason: FolderError::NoRoom(shortage).with_causes(), for_memory: true }
            }
            Err(LoadError::Folder(error)) => {
                let reason = error.with_causes();
                if error.may_be_incomplete() && is_young && !task.as_it_is {
                    Phase::Waiting { reason, is_tried: true }
                } else {
                    Phase::Failed { reason, for_memory: false }
                }
            }
        };
    }
}

impl Entry {
    /// Takes all adapters as they lie there.
    pub(super) fn begin_adapters(&mut self, seen: SeenAdapters, now: Duration) {
        let begun = |(name, (path, seen))| (name, AdapterEntry::begun(path, seen, now));
        self.adapters = seen.into_iter().map(begun).collect();
    }

    /// Notes what the adapters' folders look like now and queues those that are to be loaded. Gives back those that
    /// are out of service, to be dropped once nothing is locked, and after how long it is worth looking again.
    pub(super) fn note_adapters(
        &mut self,
        seen: &SeenAdapters,
        now: Duration,
        loading: &LoadingSettings,
    ) -> (Vec<Arc<ServedModel>>, Vec<Duration>) {
        let (mut gone, mut wakes) = (Vec::new(), Vec::new());
        for (name, (path, seen)) in seen {
            let Some(adapter) = self.adapters.get_mut(name) else {
                let mut adapter = AdapterEntry::begun(path.clone(), seen.clone(), now);
                adapter.wait(now);
                self.adapters.insert(name.clone(), adapter);
                continue;
            };
            adapter.gone_since = None;
            if adapter.seen != *seen || adapter.path != *path {
                (adapter.seen, adapter.path, adapter.needed_bytes) = (seen.clone(), path.clone(), None);
                adapter.wait(now);
                let served = serving(self.serving.as_ref()).and_then(|model| model.adapter(name));
                if served.is_some_and(|served| seen.as_ref() == Ok(&served.info.revision)) {
                    adapter.phase = Phase::Settled;
                }
            }
        }
        self.adapters.retain(|name, adapter| {
            if seen.contains_key(name) {
                return true;
            }
            let since = *adapter.gone_since.get_or_insert(now);
            let left = loading.quiet().saturating_sub(now.saturating_sub(since));
            if left.is_zero() {
                tracing::info!(folder = %adapter.path.display(), "an adapter is out of service: its folder is gone");
                gone.extend(serving(self.serving.as_ref()).and_then(|model| model.remove_adapter(name)));
            } else {
                wakes.push(left);
            }
            !left.is_zero()
        });
        let is_served = serving(self.serving.as_ref()).is_some();
        wakes.extend(self.adapters.values_mut().filter_map(|adapter| adapter.take(is_served, now, loading)));
        (gone, wakes)
    }

    /// What is to be loaded together with the model.
    pub(super) fn adapter_tasks(&self) -> Vec<AdapterTask> {
        let is_ready =
            |adapter: &AdapterEntry| adapter.gone_since.is_none() && !matches!(adapter.phase, Phase::Waiting { .. });
        let ready = self.adapters.iter().filter(|(_, adapter)| is_ready(adapter));
        ready.filter_map(|(name, adapter)| adapter.task(name)).collect()
    }

    /// Notes what was loaded together with the model that has just been put in its place. What has changed since is
    /// queued; what has gone is given back.
    pub(super) fn settle_adapters(
        &mut self,
        outcomes: Vec<AdapterOutcome>,
        now: Duration,
        loading: &LoadingSettings,
    ) -> Vec<Arc<ServedModel>> {
        let model = serving(self.serving.as_ref()).cloned();
        let mut settled = Vec::new();
        for (task, result) in outcomes {
            match self.adapters.get_mut(&task.name) {
                Some(adapter) => {
                    if adapter.attempt == task.attempt {
                        adapter.note(&task, result, is_young(adapter.changed_at, now, loading));
                        settled.push(task.name);
                    }
                }
                None => settled.push(task.name),
            }
        }
        for (name, adapter) in &mut self.adapters {
            // A load for the model before is of no use any more.
            let is_left = matches!(adapter.phase, Phase::Settled | Phase::Queued(_) | Phase::Loading { .. });
            if is_left && !settled.contains(name) && model.is_some() {
                adapter.queue(false);
                adapter.fail_if_unusable();
            }
        }
        let names = model.iter().flat_map(|model| model.adapter_names());
        let gone: Vec<String> = names.filter(|name| !self.adapters.contains_key(name)).collect();
        gone.iter().filter_map(|name| model.as_ref()?.remove_adapter(name)).collect()
    }

    /// The next adapter that is to be loaded beside the model that is served; it counts as being loaded from here on.
    pub(super) fn next_adapter(&mut self) -> Option<AdapterJob> {
        let model = serving(self.serving.as_ref())?;
        let is_queued = |adapter: &AdapterEntry| matches!(adapter.phase, Phase::Queued(_)) && adapter.seen.is_ok();
        let (name, adapter) = self.adapters.iter_mut().find(|(_, adapter)| is_queued(adapter))?;
        let task = adapter.task(name)?;
        adapter.phase = Phase::Loading { percent: Arc::default(), cause: Cause::Change };
        Some(AdapterJob { task, model: Arc::clone(model) })
    }

    /// Puts a loaded adapter in its place, or notes why there is none. What is not needed is given back.
    pub(super) fn settle_adapter(
        &mut self,
        job: &AdapterJob,
        result: Result<Arc<ServedModel>, LoadError>,
        now: Duration,
        loading: &LoadingSettings,
    ) -> Option<Arc<ServedModel>> {
        let is_current = serving(self.serving.as_ref()).is_some_and(|model| Arc::ptr_eq(model, &job.model));
        let adapter = self.adapters.get_mut(&job.task.name).filter(|adapter| adapter.attempt == job.task.attempt);
        let Some(adapter) = adapter.filter(|_| is_current) else { return result.ok() };
        let (served, result) = match result {
            Ok(served) => (Some(served), Ok(())),
            Err(error) => (None, Err(error)),
        };
        adapter.note(&job.task, result, is_young(adapter.changed_at, now, loading));
        served.and_then(|served| job.model.put_adapter(&job.task.name, served))
    }

    pub(super) fn has_queued_adapter(&self) -> bool {
        let is_queued = |adapter: &AdapterEntry| matches!(adapter.phase, Phase::Queued(_)) && adapter.seen.is_ok();
        serving(self.serving.as_ref()).is_some() && self.adapters.values().any(is_queued)
    }

    pub(super) fn is_loading_adapter(&self) -> bool {
        let is_loading = |adapter: &AdapterEntry| matches!(adapter.phase, Phase::Loading { .. });
        serving(self.serving.as_ref()).is_some() && self.adapters.values().any(is_loading)
    }

    /// Memory came back: those that it was too little for are tried again.
    pub(super) fn try_adapters_again(&mut self, free_bytes: u64) {
        for adapter in self.adapters.values_mut() {
            let fits = adapter.needed_bytes.is_some_and(|bytes| bytes <= free_bytes);
            if matches!(adapter.phase, Phase::Failed { for_memory: true, .. }) && fits {
                adapter.queue(true);
            }
        }
    }

    /// What an adapter's id stands for; `None` if there is no such folder. It goes with its model where that is not
    /// served.
    pub(super) fn adapter_state(&self, name: &str) -> Option<ModelState> {
        let adapter = self.adapters.get(name)?;
        Some(match self.state() {
            ModelState::Ready(Served::Generator(model)) => match model.adapter(name) {
                Some(served) => ModelState::Ready(Served::Generator(served)),
                None => adapter.phase.state(),
            },
            ModelState::Ready(Served::Reader(_) | Served::Transcriber(_)) => {
                ModelState::Failed { reason: FolderError::NotAGenerator.to_string() }
            }
            ModelState::Failed { .. } => ModelState::Failed { reason: "its model is broken".to_owned() },
            other => other,
        })
    }

    /// What is under way beside the revision of an adapter that is served.
    pub(super) fn next_adapter_revision(&self, name: &str) -> Option<NextRevision> {
        serving(self.serving.as_ref())?.adapter(name)?;
        self.adapters.get(name)?.phase.next_revision()
    }

    pub(super) fn has_adapter(&self, name: &str) -> bool {
        self.adapters.contains_key(name)
    }

    pub(super) fn adapter_names(&self) -> impl Iterator<Item = &String> {
        self.adapters.keys()
    }
}

/// The model, if it generates text.
fn serving(model: Option<&Served>) -> Option<&Arc<ServedModel>> {
    model.and_then(Served::generator)
}

fn is_young(changed_at: Duration, now: Duration, loading: &LoadingSettings) -> bool {
    now.saturating_sub(changed_at) < loading.incomplete()
}
