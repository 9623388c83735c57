//! Carries the journal into the database, behind the requests' backs.
//!
//! Rows and the journal position go in one transaction, so that a crash between two batches neither loses nor doubles a
//! row.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{AuditTrail, Journal, JournalReader, Position, Projected, Store, StoreError};

const BATCH: usize = 500;
/// Records that come together go into the database together.
const GATHER: Duration = Duration::from_millis(200);
/// What was written is made durable after this long, also while the database is away.
const SYNC_AFTER: Duration = Duration::from_millis(50);
/// A lost wake-up or a failed batch is made good after this long.
const IDLE: Duration = Duration::from_secs(1);

/// Behind a full batch requests go first for so many times as long as it took: a database takes longer for a record than
/// a request for all of its way, and they share the machine.
const REST_FACTOR: u32 = 3;
/// Further behind it rests no more: 1 GiB of the journal.
const MAX_SEGMENTS_BEHIND: u64 = 16;

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
            while !*stopped.borrow() {
                if let Err(error) = carry_over(journal, store.as_ref(), Some(stopped.clone())).await {
                    tracing::error!(%error, "the audit journal could not be carried into the database; it is kept");
                    // A database that refuses at once is not asked as often as requests come.
                    tokio::select! {
                        () = tokio::time::sleep(GATHER) => {}
                        _ = stopped.changed() => break,
                    }
                }
                let wake = async {
                    let _ = tokio::time::timeout(IDLE, journal.appended()).await;
                    let gathered = async {
                        tokio::select! {
                            () = journal.urgent() => {}
                            () = journal.filling() => {}
                        }
                    };
                    let _ = tokio::time::timeout(GATHER, gathered).await;
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
        if let Err(error) = trail.journal().sync_aside().await {
            tracing::error!(%error, "the audit journal could not be made durable");
        }
    }
}

/// Carries over everything behind the database's position.
///
/// # Errors
/// The journal cannot be read or the database not written; what was carried over so far stays.
pub async fn project_all(journal: &Journal, store: &dyn Store) -> Result<(), StoreError> {
    carry_over(journal, store, None).await
}

/// The same until `stopped`, with a rest behind each full batch as long as the database is not too far behind, and no further
/// than a batch that was not full: what comes meanwhile gathers. Nobody rests while somebody waits.
async fn carry_over(
    journal: &Journal,
    store: &dyn Store,
    mut stopped: Option<watch::Receiver<bool>>,
) -> Result<(), StoreError> {
    let mut reader = JournalReader::new(journal.folder(), store.journal_position().await?);
    loop {
        let began = Instant::now();
        let batch;
        (batch, reader) = next_batch(journal, reader).await?;
        let Some(batch) = batch else { return Ok(()) };
        let is_full = batch.len() == BATCH;
        journal.sync_aside().await?;
        store.append_audit(batch, reader.position()).await?;
        journal.note_projected(reader.position());
        journal.prune_before(reader.position().segment)?;
        let behind = journal.end().segment.saturating_sub(reader.position().segment);
        let may_rest = behind < MAX_SEGMENTS_BEHIND && !journal.is_waited_for();
        if let Some(stopped) = stopped.as_mut().filter(|stopped| may_rest && !*stopped.borrow()) {
            if !is_full {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(began.elapsed() * REST_FACTOR) => {}
                () = journal.urgent() => {}
                _ = stopped.changed() => {}
            }
        }
    }
}

/// From memory what is there, and the rest from the journal. `None` at its end.
async fn next_batch(
    journal: &Journal,
    mut reader: JournalReader,
) -> Result<(Option<Vec<Projected>>, JournalReader), StoreError> {
    if let Some((batch, upto)) = journal.take_recent(reader.position(), BATCH) {
        reader.skip_to(upto);
        return Ok((Some(batch), reader));
    }
    let until = journal.recent_begin();
    // Off the threads that answer requests: a batch takes milliseconds to read.
    let read = tokio::task::spawn_blocking(move || read_batch(&mut reader, until).map(|batch| (batch, reader)));
    read.await.map_err(|_| StoreError::Cancelled)?
}

/// Up to a place that the reader need not go beyond. `None` at the journal's end.
fn read_batch(reader: &mut JournalReader, until: Option<Position>) -> Result<Option<Vec<Projected>>, StoreError> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut read_any = false;
    while batch.len() < BATCH && !(read_any && Some(reader.position()) == until) {
        let Some(payload) = reader.next_record()? else { break };
        read_any = true;
        if let Some(projected) = Projected::read(&payload) {
            batch.push(projected);
        } else {
            // Its frame was whole, so another version wrote it: skipping it must be seen.
            tracing::error!(position = ?reader.position(), "an unknown journal record");
        }
    }
    Ok(read_any.then_some(batch))
}
