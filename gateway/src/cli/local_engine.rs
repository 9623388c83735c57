//! The engine inside this process, or none.

#[cfg(feature = "local-engine")]
use std::sync::Arc;
#[cfg(feature = "local-engine")]
use std::time::Duration;

use crate::config::LocalFile;
use crate::providers::EngineService;
use crate::routing::LocalModels;

/// When the gateway has drained, the engine has nothing left to do.
#[cfg(feature = "local-engine")]
const SHUT_DOWN: Duration = Duration::from_secs(2);

#[cfg(feature = "local-engine")]
pub(super) struct LocalEngine {
    catalog: Option<Arc<shekara_inference::catalog::Catalog>>,
    max_body_bytes: usize,
}

#[cfg(feature = "local-engine")]
impl LocalEngine {
    /// Looks at the folder; nothing is served before [`Self::load`].
    pub(super) fn open(local: &LocalFile, max_body_bytes: usize) -> anyhow::Result<Self> {
        use anyhow::Context;
        use shekara_inference::catalog::{Catalog, CatalogSettings};

        if !local.enabled {
            return Ok(Self { catalog: None, max_body_bytes });
        }
        let settings = CatalogSettings { engine: local.engine.get_ref().clone(), models: local.models.clone() };
        let catalog = Catalog::open(&local.models_dir, settings);
        Ok(Self { catalog: Some(catalog.context("failed to look at the local models")?), max_body_bytes })
    }

    /// Loads every model of the folder; one that cannot be served does not keep the others from it.
    pub(super) async fn load(&self) -> anyhow::Result<()> {
        if let Some(catalog) = self.catalog.clone() {
            tokio::task::spawn_blocking(move || catalog.load_all()).await?;
        }
        Ok(())
    }

    pub(super) fn service(&self) -> Option<EngineService> {
        use shekara_inference::server::{ServerState, router};

        let catalog = self.catalog.as_ref()?;
        // The gateway adds a few fields to a body that it has already found small enough.
        let limit = self.max_body_bytes.saturating_add(1 << 10);
        Some(EngineService::new(router(ServerState::new(Arc::clone(catalog)).with_body_limit(limit))))
    }

    pub(super) fn models(&self) -> LocalModels {
        use shekara_inference::catalog::ModelState;

        let (mut served, mut loading) = (Vec::new(), Vec::new());
        for model in self.catalog.iter().flat_map(|catalog| catalog.list()) {
            match model.state {
                ModelState::Ready(_) => served.push(model.id),
                ModelState::Loading => loading.push(model.id),
                ModelState::Failed { .. } => {}
            }
        }
        LocalModels::new(served, loading)
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

#[cfg(not(feature = "local-engine"))]
#[expect(clippy::unused_async, clippy::unused_self, clippy::unnecessary_wraps, reason = "the surface of the engine")]
impl LocalEngine {
    pub(super) fn open(_: &LocalFile, _: usize) -> anyhow::Result<Self> {
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

    pub(super) fn broken(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    pub(super) async fn shut_down(self) {}
}
