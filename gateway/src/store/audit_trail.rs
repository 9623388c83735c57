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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Database;

    fn record(number: u64) -> AuditRecord {
        let outcome = if number.is_multiple_of(2) { "dispatched" } else { "completed" };
        let tenant = if (number / 2).is_multiple_of(2) { "bank" } else { "clinic \"\u{fb33}\"" };
        let mut record = serde_json::json!({
            "request_id": format!("req_{}", number / 2), "time": "2026-01-18T09:30:00.000Z", "day": "2026-01-18",
            "tenant": tenant, "project": "p", "environment": "e", "key_id": "k",
            "actor": "a", "endpoint": "POST /v1/chat/completions", "route": null, "reason": null, "provider": null,
            "model": null, "zone": null, "data_class": "public", "entities": { "iin": number }, "pii_action": "none",
            "policy_version": "v", "outcome": outcome, "status": 200, "error_code": null, "streamed": false, "attempts": 1,
            "prompt_tokens": null, "completion_tokens": null, "usage_source": null, "first_token_ms": null, "total_ms": number,
        });
        record["tries"] = serde_json::json!([{ "provider": "cloud", "model": "big", "zone": "external", "reason": "primary",
            "result": "answered", "began_ms": 0, "took_ms": 1, "usage": { "prompt_tokens": 3, "images": number },
            "usage_source": "provider", "unpriced": "no_price" }]);
        serde_json::from_value(record).unwrap()
    }

    #[tokio::test]
    async fn what_is_kept_in_memory_is_what_the_journal_has() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("shekara.db"));
        let config = StoreConfig { database, data_dir: folder.path().join("data"), key_secret: None };
        let data = DataDir::create(&config).unwrap();
        let (store, trail) = AuditTrail::open(&config, &data, Timestamp::UNIX_EPOCH, || [7; 32]).await.unwrap();
        for number in 0..40 {
            trail.write(record(number), Timestamp::from_second(number.cast_signed()).unwrap()).unwrap();
        }
        let journal = trail.journal();
        let begin = store.journal_position().await.unwrap();
        let mut reader = JournalReader::new(journal.folder(), begin);
        let mut read = vec![Projected::read(&reader.next_record().unwrap().unwrap()).unwrap()];
        assert!(journal.take_recent(journal.end(), 1).is_none(), "nothing is behind the end");
        for number in 40..80 {
            trail.write(record(number), Timestamp::from_second(number.cast_signed()).unwrap()).unwrap();
        }
        while let Some(payload) = reader.next_record().unwrap() {
            read.push(Projected::read(&payload).unwrap());
        }
        assert_eq!(read.len(), 80);
        // Who began at the end has made what was before it be forgotten.
        assert!(journal.take_recent(begin, 100).is_none());
        let mut reader = JournalReader::new(journal.folder(), begin);
        for _ in 0..40 {
            reader.next_record().unwrap();
        }
        assert_eq!(journal.take_recent(reader.position(), 100), Some((read.split_off(40), journal.end())));
        assert_eq!(journal.recent_begin(), None);
    }

    #[tokio::test]
    async fn the_database_gets_the_same_from_memory_and_from_the_journal_and_from_both() {
        let mut rows = Vec::new();
        for forgotten in [0, 13, 60] {
            let folder = tempfile::tempdir().unwrap();
            let database = Database::Sqlite(folder.path().join("shekara.db"));
            let config = StoreConfig { database, data_dir: folder.path().join("data"), key_secret: None };
            let data = DataDir::create(&config).unwrap();
            let (store, trail) = AuditTrail::open(&config, &data, Timestamp::UNIX_EPOCH, || [7; 32]).await.unwrap();
            for number in 0..60 {
                let end = trail.write(record(number), Timestamp::from_second(number.cast_signed()).unwrap()).unwrap();
                if number + 1 == forgotten {
                    trail.journal().take_recent(end, 1);
                }
            }
            project_all(trail.journal(), &store).await.unwrap();
            assert_eq!(store.journal_position().await.unwrap(), trail.journal().end());
            let audit = store.audit_page(crate::store::AuditFilter::default(), 0, 100).await.unwrap();
            let usage = store.ledger().usage(crate::ledger::LedgerFilter::default(), Vec::new()).await.unwrap();
            let keys = crate::signing::PublicKeys::default();
            let report = crate::store::verify_store(&store, &keys, std::collections::BTreeMap::new()).await.unwrap();
            assert!(report.is_sound() && report.num_entries == 60, "{report:?}");
            // Where a batch ends shows in the numbers of rows, and in nothing else.
            let records: Vec<AuditRecord> = audit.into_iter().map(|row| row.record).collect();
            rows.push((records, usage[0].totals.images, usage[0].totals.attempts));
        }
        assert!(rows[0] == rows[1] && rows[0] == rows[2], "{rows:?}");
        assert_eq!((rows[0].0.len(), rows[0].2), (30, 30));
    }
}
