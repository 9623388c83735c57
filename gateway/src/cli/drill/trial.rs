//! A gateway of its own for one fault: in this process, on a loopback port, with a temporary data folder, so that nothing
//! of the real keys, audit and journal is touched and nothing is remembered from the fault before.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::audit::AuditRecord;
use crate::cli::first_start::first_keys;
use crate::cli::local_engine::LocalEngine;
use crate::cli::probe::Environment;
use crate::config::{Config, Database, StoreConfig};
use crate::content::ContentKeys;
use crate::pipeline::{Conversations, Gateway, GatewayParts, Snapshot, Sources};
use crate::router::router;
use crate::secrets::Secret;
use crate::signing::Signer;
use crate::store::{AuditFilter, AuditTrail, DataDir, Store, project_all};

/// More requests than a drill makes.
const MAX_RECORDS: u32 = 100_000;

pub(super) struct Trial {
    pub(super) environment: Environment,
    gateway: Arc<Gateway>,
    server: JoinHandle<()>,
    _folder: TempDir,
}

impl Trial {
    /// `timeout` is how long one request may take, for whoever asks it.
    pub(super) async fn start(mut config: Config, engine: &LocalEngine, timeout: Duration) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("failed to make a temporary folder")?;
        config.store = StoreConfig {
            database: Database::Sqlite(folder.path().join("shekara.db")),
            data_dir: folder.path().to_owned(),
            key_secret: None,
        };
        let sources = Sources::system();
        let data = DataDir::create(&config.store)?;
        let (store, trail) = AuditTrail::open(&config.store, &data, sources.now(), || sources.random()).await?;
        let store: Arc<dyn Store> = Arc::new(store);
        let key_secret = data.key_secret(sources.random())?;
        let keys = first_keys(store.as_ref(), &key_secret, &sources).await?.context("the folder is not empty")?;
        let masking = data.masking_secret(sources.random())?;
        let now_s = u64::try_from(sources.now().as_second()).unwrap_or_default();
        let parts = GatewayParts {
            conversations: Conversations::new(&config.privacy.conversations, masking),
            signer: Arc::new(Signer::from_seed(&data.label_seed(sources.random())?)),
            audit_signer: Arc::new(Signer::from_seed(&data.audit_seed(sources.random())?)),
            trail: Arc::new(trail),
            snapshot: Snapshot::new(config, engine.service(), engine.models(), None, now_s)?,
            content_keys: ContentKeys::new(data.content_secret(sources.random())?, Vec::new()),
            key_secret,
            store,
            sources,
        };
        let gateway = Arc::new(Gateway::new(parts).await?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let app = router(Arc::clone(&gateway));
        let server = tokio::spawn(async move {
            // It ends when it is aborted.
            let _ = axum::serve(listener, app).await;
        });
        let environment = Environment::new(&url, Secret::new(keys.application), timeout)?;
        Ok(Self { environment, gateway, server, _folder: folder })
    }

    /// What the audit says of all that was asked.
    pub(super) async fn records(&self) -> anyhow::Result<Vec<AuditRecord>> {
        project_all(self.gateway.trail.journal(), self.gateway.store()).await?;
        let rows = self.gateway.store().audit_page(AuditFilter::default(), 0, MAX_RECORDS).await?;
        Ok(rows.into_iter().map(|row| row.record).collect())
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.server.abort();
    }
}
