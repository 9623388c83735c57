//! Carries the journal into the database, behind the requests' backs.
//!
//! Rows and the journal position go in one transaction, so that a crash between two batches neither loses nor doubles a
//! row.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{AuditTrail, Journal, JournalReader, Projected, Store, StoreError};

const BATCH: usize = 500;
/// Records that come together go into the database together.
const GATHER: Duration = Duration::from_millis(200);
/// What was written is made durable after this long, also while the database is away.
const SYNC_AFTER: Duration = Duration::from_millis(50);
/// A lost wake-up or a failed batch is made good after this long.
const IDLE: Duration = Duration::from_secs(1);

/// The task that keeps the database close behind the journal.
#[derive(Debug)]
pub struct Projector {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    syncing: JoinHandle<()>,
}

impl Projector {
    pub fn start(trail: Arc<AuditTrail>, store: Arc<dyn Store>) -> Self {
        let syncing = tokio::spawn(keep_durable(Arc::clone(&trail)));
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let journal = trail.journal();
            loop {
                if let Err(error) = project_all(journal, store.as_ref()).await {
                    tracing::error!(%error, "the audit journal could not be carried into the database; it is kept");
                }
                let wake = async {
                    let _ = tokio::time::timeout(IDLE, journal.appended()).await;
                    let _ = tokio::time::timeout(GATHER, journal.urgent()).await;
                };
                tokio::select! {
                    () = wake => {}
                    _ = stopped.changed() => break,
                }
            }
            if let Err(error) = project_all(journal, store.as_ref()).await {
                tracing::error!(%error, "the audit journal could not be carried into the database; it is kept");
            }
        });
        Self { stop, task, syncing }
    }

    /// Carries over what is left and ends.
    pub async fn finish(self) {
        let _ = self.stop.send(true);
        self.syncing.abort();
        if self.task.await.is_err() {
            tracing::error!("the projection of the audit journal ended early; the journal is kept");
        }
    }
}

/// One `fsync` for all that was written meanwhile.
async fn keep_durable(trail: Arc<AuditTrail>) {
    loop {
        trail.journal().unsynced().await;
        tokio::time::sleep(SYNC_AFTER).await;
        let synced = Arc::clone(&trail);
        let synced = tokio::task::spawn_blocking(move || synced.journal().sync()).await;
        if let Ok(Err(error)) = synced {
            tracing::error!(%error, "the audit journal could not be made durable");
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
            if let Some(projected) = Projected::read(&payload) {
                batch.push(projected);
            } else {
                // Its frame was whole, so another version wrote it: skipping it must be seen.
                tracing::error!(position = ?reader.position(), "an unknown journal record");
            }
        }
        if !read_any {
            return Ok(());
        }
        journal.sync()?;
        store.append_audit(batch, reader.position()).await?;
        journal.note_projected(reader.position());
        journal.prune_before(reader.position().segment)?;
    }
}
