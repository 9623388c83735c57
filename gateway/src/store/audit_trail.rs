//! The journal whose records are entries of chains: each is tied to its chain, written, and only then counts.
//!
//! One lock is held from tying to writing, so that the journal has every chain in its order. At a start the chains go on
//! from whatever stands furthest: the database, its checkpoints or the journal. What was under way when an earlier run
//! ended gets an entry that says so.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::{
    ChainName, ChainTable, DataDir, Journal, JournalError, JournalReader, Position, Projected, SqlStore, Store,
    StoreError, project_all,
};
use crate::audit::{
    AuditRecord, CanonicalObject, Chains, Checkpoint, CheckpointDraft, Entry, EntryDraft, Head, HeadProof, LineError,
    Outcome, Seal, Time, TryResult, WriterId,
};
use crate::config::StoreConfig;
use crate::signing::Signer;

/// Who reads the journal beside the database.
const READERS: [&str; 2] = ["webhook", "syslog"];
/// What the record of a request says whose end nobody saw.
const INTERRUPTED: &str = "interrupted";
const CLIENT_CLOSED_REQUEST: u16 = 499;

pub struct AuditTrail {
    journal: Journal,
    chains: Mutex<Chains>,
}

/// What a checkpoint is made with.
#[derive(Debug, Clone, Copy)]
pub struct CheckpointTools<'a> {
    pub signer: &'a Signer,
    pub now: Timestamp,
    /// Random, used once and kept nowhere.
    pub secret: [u8; 32],
}

impl AuditTrail {
    /// Opens the database and the journal of a data folder and goes on with its chains.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub async fn open(
        config: &StoreConfig,
        data: &DataDir,
        now: Timestamp,
        random: impl Fn() -> [u8; 32],
    ) -> Result<(SqlStore, Self), StoreError> {
        match Self::open_as(data.writer(random())?, config, data, now).await {
            Err(StoreError::Resume(error)) => {
                tracing::error!(%error, "the audit goes on under another writer's id; `shekara audit verify` says more");
                Self::open_as(data.renew_writer(random())?, config, data, now).await
            }
            other => other,
        }
    }

    async fn open_as(
        writer: WriterId,
        config: &StoreConfig,
        data: &DataDir,
        now: Timestamp,
    ) -> Result<(SqlStore, Self), StoreError> {
        let store = SqlStore::open(&config.database, &writer.to_string()).await?;
        let previous = data.previous_writer()?.map(|previous| previous.to_string());
        if let Some(previous) = &previous {
            store.go_on_for(previous).await?;
        }
        let position = store.journal_position().await?;
        let journal = Journal::open(&data.journal(), position)?;
        for reader in READERS {
            if let Some(at) = data.feed_position(reader)? {
                journal.hold(reader, at.segment);
            }
        }
        let chains = resume(writer, &journal, &store).await?;
        let trail = Self { journal, chains: Mutex::new(chains) };
        project_all(&trail.journal, &store).await?;
        for ran in previous.into_iter().chain([writer.to_string()]) {
            trail.close_interrupted(&store, ran, now).await?;
        }
        // In a folder that was copied it is another's, who goes on.
        data.forget_previous_writer()?;
        Ok((store, trail))
    }

    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Ties a record to its tenant's chain and writes it. Gives the place behind it.
    ///
    /// # Errors
    /// The record could not be kept; the chain is as before.
    pub fn write(&self, record: AuditRecord, now: Timestamp) -> Result<Position, JournalError> {
        let draft = EntryDraft {
            tenant: &record.tenant,
            kind: record.kind(),
            time: Time::from(now),
            record: CanonicalObject::of(&record)?,
        };
        let mut chains = self.chains();
        let linked = chains.link(draft);
        let payload_bytes = linked.line().len();
        let end = self.journal.append(linked.line().as_bytes())?;
        let entry = linked.commit();
        // Under the same lock, so that it has the journal's order.
        self.journal.remember(end, payload_bytes, || Projected { record: Some(record), entry: Some(entry) });
        Ok(end)
    }

    /// Signs the heads that moved since the last checkpoint; `None` if none did. The entries are durable, and in the
    /// database, before what is signed of them is.
    ///
    /// # Errors
    /// It could not be kept; the next one signs the same.
    pub async fn checkpoint(
        &self,
        store: &dyn Store,
        tools: CheckpointTools<'_>,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let (writer, moved, end) = {
            let chains = self.chains();
            (chains.writer(), chains.moved(), self.journal.end())
        };
        if moved.is_empty() {
            return Ok(None);
        }
        self.journal.sync()?;
        self.journal.projected(end).await;
        let after = last_checkpoint(store, writer).await?;
        let draft = CheckpointDraft { writer, time: Time::from(tools.now), after: after.as_ref() };
        let Some((checkpoint, heads)) = Checkpoint::make(draft, moved, &tools.secret, tools.signer)? else {
            return Ok(None);
        };
        store.trail().keep_checkpoint(checkpoint.clone(), heads.clone()).await?;
        self.chains().note_signed(&heads);
        Ok(Some(checkpoint))
    }

    /// Requests that an earlier run, of this writer or the one before it, sent out and whose end nobody saw.
    async fn close_interrupted(&self, store: &SqlStore, writer: String, now: Timestamp) -> Result<(), StoreError> {
        let mut open: Vec<AuditRecord> = Vec::new();
        for line in store.trail().open_intents(writer).await? {
            let record = Entry::read(&line).ok().and_then(|entry| serde_json::from_str(entry.record.as_str()).ok());
            let Some(record): Option<AuditRecord> = record else { continue };
            // A request may have been sent out more than once: the last entry knows most.
            open.retain(|earlier| earlier.request_id != record.request_id);
            open.push(record);
        }
        for mut record in open {
            record.outcome = Outcome::Aborted;
            record.status = CLIENT_CLOSED_REQUEST;
            record.error_code = Some(INTERRUPTED.to_owned());
            for attempt in record.tries.iter_mut().filter(|attempt| attempt.result == TryResult::Open) {
                attempt.result = TryResult::Interrupted;
            }
            self.write(record, now)?;
        }
        Ok(())
    }

    fn chains(&self) -> MutexGuard<'_, Chains> {
        self.chains.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AuditTrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditTrail").field("journal", &self.journal).finish_non_exhaustive()
    }
}

/// The last heads that are known of a writer's chains.
async fn resume(writer: WriterId, journal: &Journal, store: &SqlStore) -> Result<Chains, StoreError> {
    let mut chains = Chains::new(writer);
    let name = writer.to_string();
    for chain in store.trail().chains().await?.into_iter().filter(|chain| chain.writer == name) {
        let ChainName { tenant, .. } = chain.clone();
        if let Some(row) = store.trail().last_row(ChainTable::Entries, chain.clone()).await? {
            // What cannot be read is verification's to tell of; the columns say where the chain stood.
            let read = Entry::read(&row.line).ok().map(|entry| Head { sequence: entry.sequence, hash: entry.hash });
            let columns = || Some(Head { sequence: u64::try_from(row.sequence).ok()?, hash: row.hash.parse().ok()? });
            if let Some(head) = read.or_else(columns) {
                chains.take_over(&tenant, head)?;
            }
        }
        if let Some(row) = store.trail().last_row(ChainTable::Heads, chain.clone()).await?
            && let Ok(head) = HeadProof::read(&row.line)
            && head.writer == writer
        {
            chains.take_over_signed(&head)?;
        }
        if let Some(row) = store.trail().last_row(ChainTable::Seals, chain).await?
            && let Ok(seal) = Seal::read(&row.line)
        {
            chains.take_over(&tenant, Head { sequence: seal.last, hash: seal.last_hash })?;
        }
    }
    // All of it: what was cut off in the database may still lie here.
    let mut reader = JournalReader::new(journal.folder(), Position::default());
    while let Some(payload) = reader.next_record()? {
        let entry = Projected::read(&payload).and_then(|projected| projected.entry);
        if let Some(entry) = entry.filter(|entry| entry.writer == writer) {
            chains.take_over(&entry.tenant, Head { sequence: entry.sequence, hash: entry.hash })?;
        }
    }
    Ok(chains)
}

async fn last_checkpoint(store: &dyn Store, writer: WriterId) -> Result<Option<Checkpoint>, StoreError> {
    let unreadable = |source: LineError| StoreError::Line { table: "audit_checkpoints", source };
    let line = store.trail().last_checkpoint(writer.to_string()).await?;
    line.map(|line| Checkpoint::read(&line).map_err(unreadable)).transpose()
}
