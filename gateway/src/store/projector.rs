//! Carries the journal into the database, behind the requests' backs.
//!
//! Rows and the journal position go in one transaction, so that a crash between two batches neither loses nor doubles a
//! row.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Journal, JournalReader, Store, StoreError};
use crate::audit::AuditRecord;

const BATCH: usize = 500;
/// Records that come together go into the database together.
const GATHER: Duration = Duration::from_millis(200);
/// A lost wake-up or a failed batch is made good after this long.
const IDLE: Duration = Duration::from_secs(1);

/// The task that keeps the database close behind the journal.
#[derive(Debug)]
pub struct Projector {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Projector {
    pub fn start(journal: Arc<Journal>, store: Arc<dyn Store>) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            loop {
                if let Err(error) = project_all(&journal, store.as_ref()).await {
                    tracing::error!(%error, "the audit journal could not be carried into the database; it is kept");
                }
                let wake = async {
                    let _ = tokio::time::timeout(IDLE, journal.appended()).await;
                    tokio::time::sleep(GATHER).await;
                };
                tokio::select! {
                    () = wake => {}
                    _ = stopped.changed() => break,
                }
            }
            if let Err(error) = project_all(&journal, store.as_ref()).await {
                tracing::error!(%error, "the audit journal could not be carried into the database; it is kept");
            }
        });
        Self { stop, task }
    }

    /// Carries over what is left and ends.
    pub async fn finish(self) {
        let _ = self.stop.send(true);
        if self.task.await.is_err() {
            tracing::error!("the projection of the audit journal ended early; the journal is kept");
        }
    }
}

/// Carries over everything behind the database's position.
///
/// # Errors
/// The journal cannot be read or the database not written; what was carried over so far stays.
pub async fn project_all(journal: &Journal, store: &dyn Store) -> Result<(), StoreError> {
    let mut reader = JournalReader::new(journal.folder(), store.journal_position().await?);
    loop {
        let mut batch = Vec::new();
        let mut read_any = false;
        while batch.len() < BATCH {
            let Some(payload) = reader.next_record()? else { break };
            read_any = true;
            match serde_json::from_slice::<AuditRecord>(&payload) {
                Ok(record) => batch.push(record),
                // Its frame was whole, so another version wrote it: skipping it must be seen.
                Err(error) => {
                    tracing::error!(column = error.column(), position = ?reader.position(), "an unknown journal record");
                }
            }
        }
        if !read_any {
            return Ok(());
        }
        journal.sync()?;
        store.append_audit(batch, reader.position()).await?;
        journal.prune_before(reader.position().segment)?;
    }
}
