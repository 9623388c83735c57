//! The database for commands that read all of it: what a stopped gateway left in its journal is carried over first.

use std::path::Path;

use super::audit::carry_over;
use crate::config::{Config, load};
use crate::pipeline::Sources;
use crate::store::{DataDir, SqlStore};

pub(super) async fn open_store(path: Option<&Path>) -> anyhow::Result<SqlStore> {
    open_configured(&load(path)?.config).await
}

pub(super) async fn open_configured(config: &Config) -> anyhow::Result<SqlStore> {
    let data = DataDir::create(&config.store)?;
    let writer = data.known_writer(Sources::system().random())?;
    let store = SqlStore::open(&config.store.database, &writer.to_string()).await?;
    carry_over(&data, &store).await?;
    Ok(store)
}
