//! The models of a directory and what has become of each.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::{EngineHandle, EngineStatus, SettingsError, launch, thread_pool};
use crate::frontend::ModelFrontend;

use super::{Candidate, CatalogSettings, FolderError, ModelFolder, ReaderFolder, Served, scan};

/// Why a models directory cannot be opened at all.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("failed to read the models directory {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("failed to start the compute threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("failed to accept the engine settings")]
    Settings(#[from] SettingsError),
}

/// A model that generates text.
pub struct ServedModel {
    pub id: String,
    /// Unix seconds at which it began to be served.
    pub created: u64,
    pub frontend: ModelFrontend,
    pub engine: EngineHandle,
}

/// What a model's id stands for at the moment.
#[derive(Clone)]
pub enum ModelState {
    Loading,
    Ready(Served),
    Failed { reason: String },
}

/// A line of the list of models.
#[derive(Clone)]
pub struct ModelStatus {
    pub id: String,
    pub state: ModelState,
}

/// All models of one directory. A broken one is known with its reason and does not hinder others.
pub struct Catalog {
    settings: CatalogSettings,
    threads: Arc<rayon::ThreadPool>,
    candidates: Vec<Candidate>,
    models: RwLock<BTreeMap<String, ModelState>>,
}

impl Catalog {
    /// Lists the directory's models without loading any.
    ///
    /// # Errors
    /// If the directory is unreadable or a setting is out of range.
    pub fn open(directory: &Path, settings: impl Into<CatalogSettings>) -> Result<Arc<Self>, CatalogError> {
        let settings = settings.into();
        settings.engine.check()?;
        let unreadable = |source| CatalogError::Unreadable { path: directory.to_owned(), source };
        let candidates = scan(directory).map_err(unreadable)?;
        if candidates.is_empty() {
            tracing::warn!(directory = %directory.display(), "no models found");
        }
        let models = candidates.iter().map(|found| (found.id.clone(), ModelState::Loading)).collect();
        let threads = thread_pool(&settings.engine)?;
        Ok(Arc::new(Self { settings, threads, candidates, models: RwLock::new(models) }))
    }

    /// Opens a directory and loads all its models before it returns.
    ///
    /// # Errors
    /// As [`Catalog::open`]; a broken model is no error but a state.
    pub fn load(directory: &Path, settings: impl Into<CatalogSettings>) -> Result<Arc<Self>, CatalogError> {
        let catalog = Self::open(directory, settings)?;
        catalog.load_all();
        Ok(catalog)
    }

    /// Loads every model that waits for it, one after the other; each uses all threads.
    pub fn load_all(&self) {
        for candidate in &self.candidates {
            if !matches!(self.model(&candidate.id), Some(ModelState::Loading)) {
                continue;
            }
            let load = || self.load_one(candidate);
            let result = catch_unwind(AssertUnwindSafe(load)).unwrap_or(Err(FolderError::Panicked));
            let state = match result {
                Ok(model) => ModelState::Ready(model),
                Err(error) => {
                    let reason = error.with_causes();
                    tracing::error!(model = candidate.id, reason, "failed to load a model");
                    ModelState::Failed { reason }
                }
            };
            let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
            models.insert(candidate.id.clone(), state);
        }
    }

    /// Every model with its state, by id.
    pub fn list(&self) -> Vec<ModelStatus> {
        let models = self.models.read().unwrap_or_else(PoisonError::into_inner);
        models.iter().map(|(id, state)| ModelStatus { id: id.clone(), state: current(state) }).collect()
    }

    /// The state of one model; `None` if there is no such folder.
    pub fn model(&self, id: &str) -> Option<ModelState> {
        let models = self.models.read().unwrap_or_else(PoisonError::into_inner);
        models.get(id).map(current)
    }

    /// Whether nothing is loading any more and at least one model takes requests.
    pub fn is_ready(&self) -> bool {
        let models = self.list();
        let ready = |model: &ModelStatus| match &model.state {
            ModelState::Ready(model) => model.status() == EngineStatus::Ready,
            _ => false,
        };
        let loading = |model: &ModelStatus| matches!(model.state, ModelState::Loading);
        models.iter().any(ready) && !models.iter().any(loading)
    }

    /// Takes no more requests, lets running ones finish for `grace`, then ends them.
    pub async fn shutdown(&self, grace: Duration) {
        let ready = self.list().into_iter().filter_map(|model| match model.state {
            ModelState::Ready(model) => Some(model),
            _ => None,
        });
        let stopping = ready.map(|model| async move { model.shutdown(grace).await });
        futures_util::future::join_all(stopping).await;
    }

    fn load_one(&self, candidate: &Candidate) -> Result<Served, FolderError> {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (id, settings) = (candidate.id.clone(), &self.settings.engine);
        if let Some(folder) = ReaderFolder::open(&candidate.path, &id, settings)? {
            return Ok(Served::Reader(Arc::new(folder.serve(&id, created, settings, self.threads.clone())?)));
        }
        let formats = self.settings.models.get(&id).copied().unwrap_or_default();
        let folder = ModelFolder::open(&candidate.path, settings.default_max_tokens, formats)?;
        let ModelFolder { config, weights, frontend } = folder;
        let engine = launch(&id, config, &weights, settings, self.threads.clone())?;
        Ok(Served::Generator(Arc::new(ServedModel { id, created, frontend, engine })))
    }
}

/// A model whose engine has broken down since is no longer ready.
fn current(state: &ModelState) -> ModelState {
    match state {
        ModelState::Ready(model) if model.status() == EngineStatus::Failed => {
            ModelState::Failed { reason: "its engine failed while it computed".to_owned() }
        }
        state => state.clone(),
    }
}
