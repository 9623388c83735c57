//! The engine inside this process, or none.

use std::sync::Arc;
#[cfg(feature = "local-engine")]
use std::time::Duration;

use crate::config::LocalFile;
use crate::pipeline::Gateway;
use crate::providers::EngineService;
use crate::routing::LocalModels;

/// When the gateway has drained, the engine has nothing left to do.
#[cfg(feature = "local-engine")]
const SHUT_DOWN: Duration = Duration::from_secs(2);

/// What the gateway adds to a body at the most: a few fields, or the marks between the parts of a form.
#[cfg(feature = "local-engine")]
const ADDED_BYTES: usize = 64 << 10;

#[cfg(feature = "local-engine")]
#[derive(Clone)]
pub(super) struct LocalEngine {
    catalog: Option<Arc<shekara_inference::catalog::Catalog>>,
    /// Largest bodies without a file and with one.
    limits: [usize; 2],
}

/// Ends with it.
#[cfg(feature = "local-engine")]
pub(super) struct FollowTask {
    task: tokio::task::JoinHandle<()>,
    _watch: shekara_inference::catalog::CatalogWatch,
}

#[cfg(feature = "local-engine")]
impl Drop for FollowTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(feature = "local-engine")]
impl LocalEngine {
    /// Whether this process serves models, or will once some lie in the folder.
    pub(super) fn is_served(local: &LocalFile) -> bool {
        local.enabled
    }

    /// Looks at the folder; nothing is served before [`Self::load`].
    pub(super) fn open(local: &LocalFile, limits: [usize; 2]) -> anyhow::Result<Self> {
        use anyhow::Context;
        use shekara_inference::catalog::{Catalog, CatalogSettings};

        if !local.enabled {
            return Ok(Self { catalog: None, limits });
        }
        let settings = CatalogSettings {
            engine: local.engine.get_ref().clone(),
            loading: local.loading.get_ref().clone(),
            models: local.models.clone(),
        };
        let catalog = Catalog::open(&local.models_dir, settings);
        Ok(Self { catalog: Some(catalog.context("failed to look at the local models")?), limits })
    }

    /// Loads every model of the folder; one that cannot be served does not keep the others from it.
    pub(super) async fn load(&self) -> anyhow::Result<()> {
        if let Some(catalog) = self.catalog.clone() {
            tokio::task::spawn_blocking(move || catalog.load_all()).await?;
        }
        Ok(())
    }

    pub(super) fn service(&self) -> Option<EngineService> {
        use shekara_inference::server::{AdminAccess, ServerState, router};

        let catalog = self.catalog.as_ref()?;
        // The gateway has already found them small enough.
        let [body, upload] = self.limits.map(|limit| limit.saturating_add(ADDED_BYTES));
        let state = ServerState::new(Arc::clone(catalog)).with_body_limit(body).with_upload_limit(upload);
        // The gateway asks for an admin key before it passes anything on.
        Some(EngineService::new(router(state.with_admin(AdminAccess::Local))))
    }

    /// Those that answer, and those that cannot yet or are out of service for now.
    pub(super) fn models(&self) -> LocalModels {
        use shekara_inference::catalog::ModelState;

        let (mut served, mut loading, mut away) = (Vec::new(), Vec::new(), Vec::new());
        for model in self.catalog.iter().flat_map(|catalog| catalog.list()) {
            if model.is_served() {
                served.push(model.id);
            } else if model.is_starting {
                loading.push(model.id);
            } else if !matches!(model.state, ModelState::Failed { .. }) {
                away.push(model.id);
            }
        }
        LocalModels::new(served, loading).with_away(away)
    }

    /// The first of those that answer a chat; others embed, rank, label or listen.
    pub(super) fn chat_model(&self) -> Option<String> {
        use shekara_inference::catalog::ModelState;

        let talks = |state: &ModelState| matches!(state, ModelState::Ready(served) if served.generator().is_some());
        self.catalog.iter().flat_map(|catalog| catalog.list()).find(|model| talks(&model.state)).map(|model| model.id)
    }

    /// Keeps the models as the folder is, and the gateway's routes as the models are, until the task is dropped.
    pub(super) fn follow(&self, gateway: &Arc<Gateway>) -> anyhow::Result<Option<FollowTask>> {
        let Some(catalog) = self.catalog.clone() else { return Ok(None) };
        let watch = catalog.watch()?;
        let (engine, gateway) = (self.clone(), Arc::clone(gateway));
        let mut changes = catalog.changes();
        let task = tokio::spawn(async move {
            loop {
                gateway.follow_local(&engine.models());
                if changes.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(Some(FollowTask { task, _watch: watch }))
    }

    /// Models that are in the folder and not served, with the reason.
    pub(super) fn broken(&self) -> Vec<(String, String)> {
        use shekara_inference::catalog::ModelState;

        let states = self.catalog.iter().flat_map(|catalog| catalog.list());
        states
            .filter_map(|model| match model.state {
                ModelState::Failed { reason } => Some((model.id, reason.clone())),
                _ => None,
            })
            .collect()
    }

    pub(super) async fn shut_down(self) {
        if let Some(catalog) = self.catalog {
            catalog.shutdown(SHUT_DOWN).await;
        }
    }
}

#[cfg(not(feature = "local-engine"))]
pub(super) struct LocalEngine;

/// There is nothing to follow.
#[cfg(not(feature = "local-engine"))]
pub(super) struct FollowTask;

#[cfg(not(feature = "local-engine"))]
#[expect(clippy::unused_async, clippy::unused_self, clippy::unnecessary_wraps, reason = "the surface of the engine")]
impl LocalEngine {
    pub(super) fn is_served(_: &LocalFile) -> bool {
        false
    }

    pub(super) fn open(_: &LocalFile, _: [usize; 2]) -> anyhow::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn load(&self) -> anyhow::Result<()> {
        Ok(())
    }

    pub(super) fn service(&self) -> Option<EngineService> {
        None
    }

    pub(super) fn models(&self) -> LocalModels {
        LocalModels::default()
    }

    pub(super) fn chat_model(&self) -> Option<String> {
        None
    }

    pub(super) fn follow(&self, _: &Arc<Gateway>) -> anyhow::Result<Option<FollowTask>> {
        Ok(None)
    }

    pub(super) fn broken(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    pub(super) async fn shut_down(self) {}
}
