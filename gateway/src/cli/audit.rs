//! `shekara audit export`: all rows as JSON lines, those still in the journal included.

use std::path::Path;

use clap::Subcommand;

use super::output;
use crate::audit::AuditRecord;
use crate::config::load;
use crate::pipeline::Sources;
use crate::store::{AuditFilter, DataDir, JournalReader, SqlStore, Store, StoreError};

const PAGE: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Print every record as one line of JSON, oldest first.
    Export {
        /// Accepted for symmetry: the output is JSON lines anyway.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(path: Option<&Path>, command: &AuditCommand) -> anyhow::Result<()> {
    let AuditCommand::Export { .. } = command;
    let config = load(path)?.config;
    let data = DataDir::create(&config.store)?;
    let writer = data.writer(Sources::system().random())?;
    let store = SqlStore::open(&config.store.database, &writer).await?;
    carry_over(&data, &store).await?;
    let mut after = 0;
    loop {
        let rows = store.audit_page(AuditFilter::default(), after, PAGE).await?;
        for row in &rows {
            output::line(&serde_json::to_string(row)?);
        }
        match rows.last() {
            Some(last) => after = last.sequence,
            None => return Ok(()),
        }
    }
}

/// Brings what a stopped gateway left in its journal into the database. A running one does that itself within a second.
pub(super) async fn carry_over(data: &DataDir, store: &SqlStore) -> anyhow::Result<()> {
    match data.lock() {
        Ok(_lock) => {
            let journal = crate::store::Journal::open(&data.journal(), store.journal_position().await?)?;
            Ok(crate::store::project_all(&journal, store).await?)
        }
        Err(StoreError::Locked { .. }) => wait_for_projection(data, store).await,
        Err(error) => Err(error.into()),
    }
}

/// What was in the journal when the command began is in the database when it reads.
async fn wait_for_projection(data: &DataDir, store: &SqlStore) -> anyhow::Result<()> {
    let mut reader = JournalReader::new(&data.journal(), store.journal_position().await?);
    while let Some(payload) = reader.next_record()? {
        let _: AuditRecord = serde_json::from_slice(&payload)?;
    }
    for _ in 0..100 {
        if store.journal_position().await? >= reader.position() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("the running gateway has not carried its journal into the database yet; try again")
}
