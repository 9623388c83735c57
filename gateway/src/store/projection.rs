//! A batch of the journal's records on its way into the database: search rows, rows of the ledger, entries.
//!
//! Many rows go in one statement: what it takes to carry a row over is mostly the way to the thread, or the server, that has
//! the database. Of a request that came and went within a batch only its end is written.

use std::collections::HashMap;
use std::fmt::Write as _;

use sqlx::any::AnyArguments;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::audit_rows::{AUDIT_ROWS, bind_audit};
use super::database::Dialect;
use super::ledger_rows::{LEDGER_ROWS, bind_row};
use super::trail_store::{ENTRY_ROWS, bind_entry};
use super::{Projected, StoreError};
use crate::audit::AuditRecord;
use crate::ledger::{LedgerRow, rows_of};

/// Rows of one statement, so that there are few statements to keep.
const CHUNKS: [usize; 3] = [32, 4, 1];

pub(super) type Query<'q> = sqlx::query::Query<'q, Any, AnyArguments>;

/// How rows are inserted into a table.
pub(super) struct Insert {
    pub(super) table: &'static str,
    /// As a statement lists them.
    pub(super) columns: &'static str,
    /// A column whose missing value stands as another.
    pub(super) absent: Option<(&'static str, &'static str)>,
    /// What happens to a row that is there already.
    pub(super) conflict: &'static str,
}

impl Insert {
    /// SQLite looks for numbered parameters by their names, one after the other, and PostgreSQL knows no others.
    fn statement(&self, dialect: Dialect, rows: usize) -> String {
        let mut row = String::with_capacity(4 * self.columns.len());
        for (place, column) in self.columns.split(", ").enumerate() {
            row.push_str(if place == 0 { "(" } else { ", " });
            match self.absent.filter(|(name, _)| *name == column) {
                Some((_, value)) => row.extend(["NULLIF(?, ", value, ")"]),
                None => row.push('?'),
            }
        }
        row.push(')');
        let values = vec![row; rows].join(", ");
        let text = format!("INSERT INTO {} ({}) VALUES {values} {}", self.table, self.columns, self.conflict);
        match dialect {
            Dialect::Sqlite => text,
            Dialect::Postgres => numbered(&text),
        }
    }

    async fn rows<'q, T>(
        &self,
        (transaction, dialect): (&mut Transaction<'_, Any>, Dialect),
        rows: &'q [T],
        bind: impl Fn(Query<'q>, &'q T) -> Query<'q>,
    ) -> Result<(), StoreError> {
        let mut left = rows;
        for size in CHUNKS.into_iter().filter(|size| *size <= rows.len()) {
            let statement = self.statement(dialect, size);
            while let Some((chunk, rest)) = left.split_at_checked(size) {
                let query = sqlx::query(AssertSqlSafe(statement.clone()));
                chunk.iter().fold(query, &bind).execute(&mut **transaction).await?;
                left = rest;
            }
        }
        Ok(())
    }
}

/// With `$1`, `$2` … for each question mark.
fn numbered(text: &str) -> String {
    let mut numbered = String::with_capacity(2 * text.len());
    for (number, part) in text.split('?').enumerate() {
        if number > 0 {
            // Writing to a String never fails.
            let _ = write!(numbered, "${number}");
        }
        numbered.push_str(part);
    }
    numbered
}

/// What records of the journal become. The same one twice is kept once, and a later one of a request replaces what was
/// known of it before.
pub(super) async fn keep_all(
    transaction: &mut Transaction<'_, Any>,
    dialect: Dialect,
    batch: &[Projected],
) -> Result<(), StoreError> {
    let audit = last_of_each_request(batch);
    AUDIT_ROWS.rows((transaction, dialect), &audit, |query, record| bind_audit(query, record)).await?;
    let ledger: Vec<LedgerRow> =
        batch.iter().filter_map(|projected| projected.record.as_ref()).flat_map(rows_of).collect();
    LEDGER_ROWS.rows((transaction, dialect), &ledger, bind_row).await?;
    let entries: Vec<_> = batch.iter().filter_map(|one| Some((one.entry.as_ref()?, one.record.as_ref()))).collect();
    ENTRY_ROWS.rows((transaction, dialect), &entries, |query, (entry, record)| bind_entry(query, entry, *record)).await
}

/// In the order in which requests are first named.
fn last_of_each_request(batch: &[Projected]) -> Vec<&AuditRecord> {
    let mut places = HashMap::with_capacity(batch.len());
    let mut records: Vec<&AuditRecord> = Vec::with_capacity(batch.len());
    for record in batch.iter().filter_map(|projected| projected.record.as_ref()) {
        if let Some(&place) = places.get(record.request_id.as_str()) {
            records[place] = record;
        } else {
            places.insert(record.request_id.as_str(), records.len());
            records.push(record);
        }
    }
    records
}

/// One row by itself.
#[cfg(test)]
pub(super) async fn insert_row(store: &super::SqlStore, row: &LedgerRow) {
    insert_rows(store, std::slice::from_ref(row)).await;
}

#[cfg(test)]
pub(super) async fn insert_rows(store: &super::SqlStore, rows: &[LedgerRow]) {
    let mut transaction = store.pool.begin().await.unwrap();
    LEDGER_ROWS.rows((&mut transaction, store.dialect), rows, bind_row).await.unwrap();
    transaction.commit().await.unwrap();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::audit::{CanonicalObject, Chains, EntryDraft};
    use crate::ledger::LedgerFilter;
    use crate::signing::PublicKeys;
    use crate::store::test_store::test_stores;
    use crate::store::{AuditFilter, LedgerStore as _, Position, Store as _, verify_store};

    const REQUESTS: usize = 37;

    fn record(number: usize, outcome: &str) -> AuditRecord {
        let mut record = serde_json::json!({
            "request_id": format!("req_{number}"), "time": "2026-01-18T09:30:00.000Z", "day": "2026-01-18", "tenant": "bank",
            "project": "p", "environment": "e", "key_id": "k", "actor": "a", "endpoint": "POST /v1/chat/completions",
            "route": null, "reason": null, "provider": null, "model": null, "zone": null, "data_class": "public",
            "entities": {}, "pii_action": "none", "policy_version": "v", "outcome": outcome, "status": 200,
            "error_code": null, "streamed": false, "attempts": 1, "prompt_tokens": null, "completion_tokens": null,
            "usage_source": null, "first_token_ms": null, "total_ms": number,
        });
        record["tries"] = serde_json::json!([{ "provider": "cloud", "model": "big", "zone": "external", "reason": "primary",
            "result": "answered", "began_ms": 0, "took_ms": 1, "usage": { "prompt_tokens": 3 }, "usage_source": "provider" }]);
        serde_json::from_value(record).unwrap()
    }

    /// All of them are sent out before the first is answered.
    fn batch() -> Vec<Projected> {
        let mut chains = Chains::new("0123456789abcdef".parse().unwrap());
        let outcomes = ["dispatched", "completed"].into_iter();
        let records = outcomes.flat_map(|outcome| (0..REQUESTS).map(move |number| record(number, outcome)));
        let linked = records.map(|record| {
            let time = record.time.parse().unwrap();
            let draft =
                EntryDraft { tenant: "bank", kind: record.kind(), time, record: CanonicalObject::of(&record).unwrap() };
            Projected { entry: Some(chains.link(draft).commit()), record: Some(record) }
        });
        linked.collect()
    }

    #[tokio::test]
    async fn a_batch_leaves_one_row_of_each_request_and_every_entry_however_often_it_comes() {
        for test in test_stores().await {
            let store = &test.store;
            for _ in 0..2 {
                store.append_audit(batch(), Position { segment: 1, offset: 1 }).await.unwrap();
                let rows = store.audit_page(AuditFilter::default(), 0, 1_000).await.unwrap();
                let names: Vec<_> = rows.iter().map(|row| row.record.request_id.clone()).collect();
                assert_eq!(names, (0..REQUESTS).map(|number| format!("req_{number}")).collect::<Vec<_>>());
                assert!(rows.iter().all(|row| row.record.outcome == crate::audit::Outcome::Completed));
                let used = store.usage(LedgerFilter::default(), Vec::new()).await.unwrap();
                assert_eq!((used[0].totals.attempts, used[0].totals.prompt_tokens), (37, 111));
                let report = verify_store(store, &PublicKeys::default(), BTreeMap::new()).await.unwrap();
                assert!(report.is_sound() && report.num_entries == 2 * REQUESTS as u64, "{report:?}");
            }
        }
    }
}
