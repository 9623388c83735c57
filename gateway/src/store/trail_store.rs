//! The audit's chains in the database: lines kept to the byte, found by columns that verification compares with them.
//!
//! Everything is read in pages, so that a trail of any length can be exported and verified. Entries, heads and seals of
//! one chain come in the order of their numbers; writers and tenants are texts here, for a row may say anything.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::projection::{Insert, Query};
use super::{SqlStore, StoreError, StoreFuture};
use crate::audit::{AuditRecord, Checkpoint, Entry, HeadProof, Seal};

/// What a record of the journal becomes in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Projected {
    /// Missing where another version wrote it.
    pub record: Option<AuditRecord>,
    /// Missing in journals of before there were chains.
    pub entry: Option<Entry>,
}

/// Names one chain, as its rows have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainName {
    pub tenant: String,
    pub writer: String,
}

/// A row of a table of lines: the line and the columns that must agree with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRow {
    pub chain: ChainName,
    /// Of an entry or head its own, of a seal its first.
    pub sequence: i64,
    /// Of a head or checkpoint.
    pub number: i64,
    /// Of an entry.
    pub hash: String,
    pub request_id: Option<String>,
    pub time: String,
    pub line: String,
}

/// The tables whose rows belong to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainTable {
    Entries,
    Heads,
    Seals,
}

/// Rows of one chain: `after` a number, up to `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub after: i64,
    pub until: i64,
    pub limit: u32,
}

/// The search row of a request beside the last entry that tells of it.
#[derive(Debug, Clone)]
pub struct SearchRow {
    pub sequence: i64,
    pub request_id: String,
    pub record: AuditRecord,
    pub line: Option<String>,
}

/// Which entries an export holds of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub first: i64,
    pub last: i64,
}

pub trait TrailStore: Send + Sync {
    /// Every chain that any table names, by tenant, then writer.
    fn chains(&self) -> StoreFuture<'_, Vec<ChainName>>;
    fn rows(&self, table: ChainTable, chain: ChainName, stretch: Stretch) -> StoreFuture<'_, Vec<LineRow>>;
    /// The last row of a chain.
    fn last_row(&self, table: ChainTable, chain: ChainName) -> StoreFuture<'_, Option<LineRow>>;
    /// The entries of a chain whose times lie in a range, and those between them.
    fn bounds(&self, chain: ChainName, from: Option<String>, until: Option<String>) -> StoreFuture<'_, Option<Bounds>>;
    /// Heads of a chain at entries in the bounds, of checkpoints up to one: how many, and the first and last checkpoint.
    fn count_heads(&self, chain: ChainName, bounds: Bounds, until: i64) -> StoreFuture<'_, (u64, i64, i64)>;
    /// Writers of checkpoints, each with its last one's number, whether its row is there or only heads that it signed.
    fn checkpoint_writers(&self) -> StoreFuture<'_, Vec<(String, i64)>>;
    fn last_checkpoint(&self, writer: String) -> StoreFuture<'_, Option<String>>;
    fn checkpoints(&self, writer: String, stretch: Stretch) -> StoreFuture<'_, Vec<LineRow>>;
    fn count_checkpoints(&self, writer: String, first: i64, last: i64) -> StoreFuture<'_, u64>;
    fn heads_of_checkpoint(&self, writer: String, number: i64) -> StoreFuture<'_, Vec<String>>;
    /// In one transaction.
    fn keep_checkpoint(&self, checkpoint: Checkpoint, heads: Vec<HeadProof>) -> StoreFuture<'_, ()>;
    /// Intents of a writer whose requests have not ended, oldest first.
    fn open_intents(&self, writer: String) -> StoreFuture<'_, Vec<String>>;
    /// Removes the entries that a seal stands for and their search rows, and keeps the seal, in one transaction.
    fn prune(&self, seal: Seal) -> StoreFuture<'_, ()>;
    /// Search rows behind one, each with the last entry of its request.
    fn search_rows(&self, after: i64, limit: u32) -> StoreFuture<'_, Vec<SearchRow>>;
    /// Entries of requests that have no search row.
    fn unsearchable(&self, limit: u32) -> StoreFuture<'_, Vec<LineRow>>;
}

impl Projected {
    /// `None` if no version that is known wrote it.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(payload).ok()?;
        if let Ok(entry) = Entry::read(text) {
            return Some(Self { record: serde_json::from_str(entry.record.as_str()).ok(), entry: Some(entry) });
        }
        serde_json::from_str(text).ok().map(|record| Self { record: Some(record), entry: None })
    }
}

impl ChainTable {
    pub fn name(self) -> &'static str {
        match self {
            Self::Entries => "audit_entries",
            Self::Heads => "audit_heads",
            Self::Seals => "audit_seals",
        }
    }

    /// All of its rows begin like this; what a table does not have is empty.
    fn select(self) -> &'static str {
        match self {
            Self::Entries => {
                "SELECT writer, tenant, sequence, CAST(0 AS BIGINT) AS number, hash, request_id, time, line \
                 FROM audit_entries"
            }
            Self::Heads => {
                "SELECT writer, tenant, sequence, number, '' AS hash, NULL AS request_id, '' AS time, line \
                 FROM audit_heads"
            }
            Self::Seals => {
                "SELECT writer, tenant, first_sequence AS sequence, CAST(0 AS BIGINT) AS number, '' AS hash, \
                 NULL AS request_id, '' AS time, line FROM audit_seals"
            }
        }
    }

    fn order(self) -> &'static str {
        match self {
            Self::Entries => "sequence, hash",
            Self::Heads => "sequence, number",
            Self::Seals => "first_sequence",
        }
    }

    fn column(self) -> &'static str {
        if self == Self::Seals { "first_sequence" } else { "sequence" }
    }
}

/// The same one twice is kept once.
pub(super) const ENTRY_ROWS: Insert = Insert {
    table: "audit_entries",
    columns: "writer, tenant, sequence, hash, request_id, time, line",
    absent: None,
    conflict: "ON CONFLICT DO NOTHING",
};

pub(super) fn bind_entry<'q>(query: Query<'q>, entry: &'q Entry, record: Option<&'q AuditRecord>) -> Query<'q> {
    query
        .bind(entry.writer.to_string())
        .bind(&entry.tenant)
        .bind(entry.sequence.cast_signed())
        .bind(entry.hash.to_string())
        .bind(record.map(|record| &record.request_id))
        .bind(entry.time.to_string())
        .bind(entry.line())
}

impl TrailStore for SqlStore {
    fn chains(&self) -> StoreFuture<'_, Vec<ChainName>> {
        Box::pin(async move {
            let mut chains = Vec::new();
            for table in [ChainTable::Entries, ChainTable::Heads, ChainTable::Seals] {
                let (mut writer, mut tenant, mut comparison) = (String::new(), String::new(), ">=");
                // From one to the next along the index: their number counts, not that of the rows.
                loop {
                    let query = format!(
                        "SELECT writer, tenant FROM {} WHERE (writer, tenant) {comparison} ($1, $2) \
                         ORDER BY writer, tenant LIMIT 1",
                        table.name()
                    );
                    let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(writer).bind(tenant);
                    let Some(row) = query.fetch_optional(&self.pool).await? else { break };
                    (writer, tenant, comparison) = (row.try_get("writer")?, row.try_get("tenant")?, ">");
                    chains.push(ChainName { tenant: tenant.clone(), writer: writer.clone() });
                }
            }
            chains.sort();
            chains.dedup();
            Ok(chains)
        })
    }

    fn rows(&self, table: ChainTable, chain: ChainName, stretch: Stretch) -> StoreFuture<'_, Vec<LineRow>> {
        Box::pin(async move {
            let (select, column, order) = (table.select(), table.column(), table.order());
            let query = format!(
                "{select} WHERE writer = $1 AND tenant = $2 AND {column} > $3 AND {column} <= $4 ORDER BY {order} LIMIT $5"
            );
            let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(chain.writer).bind(chain.tenant);
            let query = query.bind(stretch.after).bind(stretch.until).bind(i64::from(stretch.limit));
            query.fetch_all(&self.pool).await?.iter().map(line_row).collect()
        })
    }

    fn last_row(&self, table: ChainTable, chain: ChainName) -> StoreFuture<'_, Option<LineRow>> {
        Box::pin(async move {
            let (select, column) = (table.select(), table.column());
            let query = format!("{select} WHERE writer = $1 AND tenant = $2 ORDER BY {column} DESC LIMIT 1");
            let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(chain.writer).bind(chain.tenant);
            query.fetch_optional(&self.pool).await?.as_ref().map(line_row).transpose()
        })
    }

    fn bounds(&self, chain: ChainName, from: Option<String>, until: Option<String>) -> StoreFuture<'_, Option<Bounds>> {
        Box::pin(async move {
            let query = "SELECT min(sequence) AS first, max(sequence) AS last FROM audit_entries \
                         WHERE writer = $1 AND tenant = $2 AND ($3 IS NULL OR time >= $3) AND ($4 IS NULL OR time < $4)";
            let query = sqlx::query(query).bind(chain.writer).bind(chain.tenant).bind(from).bind(until);
            let row = query.fetch_one(&self.pool).await?;
            let (first, last) = (row.try_get::<Option<i64>, _>("first")?, row.try_get::<Option<i64>, _>("last")?);
            Ok(first.zip(last).map(|(first, last)| Bounds { first, last }))
        })
    }

    fn count_heads(&self, chain: ChainName, bounds: Bounds, until: i64) -> StoreFuture<'_, (u64, i64, i64)> {
        Box::pin(async move {
            let query = "SELECT count(*) AS heads, coalesce(min(number), 0) AS first, coalesce(max(number), 0) AS last \
                         FROM audit_heads WHERE writer = $1 AND tenant = $2 AND sequence >= $3 AND sequence <= $4 \
                         AND number <= $5";
            let query = sqlx::query(query).bind(chain.writer).bind(chain.tenant);
            let row = query.bind(bounds.first).bind(bounds.last).bind(until).fetch_one(&self.pool).await?;
            Ok((row.try_get::<i64, _>("heads")?.cast_unsigned(), row.try_get("first")?, row.try_get("last")?))
        })
    }

    fn checkpoint_writers(&self) -> StoreFuture<'_, Vec<(String, i64)>> {
        Box::pin(async move {
            let query = "SELECT writer, max(number) AS number FROM (SELECT writer, number FROM audit_checkpoints \
                         UNION ALL SELECT writer, number FROM audit_heads) AS numbers GROUP BY writer ORDER BY writer";
            let rows = sqlx::query(query).fetch_all(&self.pool).await?;
            rows.iter().map(|row| Ok((row.try_get("writer")?, row.try_get("number")?))).collect()
        })
    }

    fn last_checkpoint(&self, writer: String) -> StoreFuture<'_, Option<String>> {
        Box::pin(async move {
            let query = "SELECT line FROM audit_checkpoints WHERE writer = $1 ORDER BY number DESC LIMIT 1";
            let row = sqlx::query(query).bind(writer).fetch_optional(&self.pool).await?;
            row.map(|row| Ok(row.try_get("line")?)).transpose()
        })
    }

    fn checkpoints(&self, writer: String, stretch: Stretch) -> StoreFuture<'_, Vec<LineRow>> {
        Box::pin(async move {
            let query = "SELECT writer, '' AS tenant, CAST(0 AS BIGINT) AS sequence, number, '' AS hash, \
                         NULL AS request_id, '' AS time, line FROM audit_checkpoints \
                         WHERE writer = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT $4";
            let query = sqlx::query(query).bind(writer).bind(stretch.after).bind(stretch.until);
            query.bind(i64::from(stretch.limit)).fetch_all(&self.pool).await?.iter().map(line_row).collect()
        })
    }

    fn count_checkpoints(&self, writer: String, first: i64, last: i64) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let query = "SELECT count(*) AS found FROM audit_checkpoints \
                         WHERE writer = $1 AND number >= $2 AND number <= $3";
            let row = sqlx::query(query).bind(writer).bind(first).bind(last).fetch_one(&self.pool).await?;
            Ok(row.try_get::<i64, _>("found")?.cast_unsigned())
        })
    }

    fn heads_of_checkpoint(&self, writer: String, number: i64) -> StoreFuture<'_, Vec<String>> {
        Box::pin(async move {
            let query = "SELECT line FROM audit_heads WHERE writer = $1 AND number = $2 ORDER BY tenant";
            let rows = sqlx::query(query).bind(writer).bind(number).fetch_all(&self.pool).await?;
            rows.iter().map(|row| Ok(row.try_get("line")?)).collect()
        })
    }

    fn keep_checkpoint(&self, checkpoint: Checkpoint, heads: Vec<HeadProof>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let writer = checkpoint.writer.to_string();
            let number = checkpoint.number.cast_signed();
            let mut transaction = self.pool.begin().await?;
            let insert = sqlx::query("INSERT INTO audit_checkpoints (writer, number, line) VALUES ($1, $2, $3)");
            insert.bind(&writer).bind(number).bind(checkpoint.line()?).execute(&mut *transaction).await?;
            for head in &heads {
                let insert =
                    "INSERT INTO audit_heads (writer, tenant, sequence, number, line) VALUES ($1, $2, $3, $4, $5)";
                let insert = sqlx::query(insert).bind(&writer).bind(&head.tenant).bind(head.sequence.cast_signed());
                insert.bind(number).bind(head.line()?).execute(&mut *transaction).await?;
            }
            Ok(transaction.commit().await?)
        })
    }

    fn open_intents(&self, writer: String) -> StoreFuture<'_, Vec<String>> {
        Box::pin(async move {
            // In this order, by what SQLite makes of a cross join: few are under way, and a writer has any number of entries.
            let query = "SELECT audit_entries.line FROM audit CROSS JOIN audit_entries \
                         WHERE audit.outcome = 'dispatched' AND audit_entries.request_id = audit.request_id \
                         AND audit_entries.writer = $1 ORDER BY audit_entries.sequence";
            let rows = sqlx::query(query).bind(writer).fetch_all(&self.pool).await?;
            rows.iter().map(|row| Ok(row.try_get("line")?)).collect()
        })
    }

    fn prune(&self, seal: Seal) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let (writer, last) = (seal.writer.to_string(), seal.last.cast_signed());
            let line = seal.line()?;
            let mut transaction = self.pool.begin().await?;
            let insert = "INSERT INTO audit_seals (writer, tenant, first_sequence, line) VALUES ($1, $2, $3, $4)";
            let insert = sqlx::query(insert).bind(&writer).bind(&seal.tenant).bind(seal.first.cast_signed());
            insert.bind(line).execute(&mut *transaction).await?;
            // A request that another entry still tells of stays to be found.
            let rows = "DELETE FROM audit WHERE request_id IN (SELECT request_id FROM audit_entries \
                        WHERE writer = $1 AND tenant = $2 AND sequence <= $3) AND NOT EXISTS \
                        (SELECT 1 FROM audit_entries AS later WHERE later.request_id = audit.request_id \
                        AND later.writer = $1 AND later.tenant = $2 AND later.sequence > $3)";
            let rows = sqlx::query(rows).bind(&writer).bind(&seal.tenant).bind(last);
            rows.execute(&mut *transaction).await?;
            let entries = "DELETE FROM audit_entries WHERE writer = $1 AND tenant = $2 AND sequence <= $3";
            let entries = sqlx::query(entries).bind(&writer).bind(&seal.tenant).bind(last);
            entries.execute(&mut *transaction).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn search_rows(&self, after: i64, limit: u32) -> StoreFuture<'_, Vec<SearchRow>> {
        Box::pin(async move {
            let rows = super::Store::audit_page(self, super::AuditFilter::default(), after, limit).await?;
            let Some(last) = rows.last().map(|row| row.sequence) else { return Ok(Vec::new()) };
            let query = "SELECT audit_entries.request_id, line FROM audit JOIN audit_entries \
                         ON audit_entries.request_id = audit.request_id \
                         WHERE audit.sequence > $1 AND audit.sequence <= $2 ORDER BY audit_entries.sequence";
            let found = sqlx::query(query).bind(after).bind(last).fetch_all(&self.pool).await?;
            let mut lines: BTreeMap<String, String> = BTreeMap::new();
            for row in &found {
                lines.insert(row.try_get("request_id")?, row.try_get("line")?);
            }
            let beside = |row: super::AuditRow| SearchRow {
                sequence: row.sequence,
                line: lines.remove(&row.record.request_id),
                request_id: row.record.request_id.clone(),
                record: row.record,
            };
            Ok(rows.into_iter().map(beside).collect())
        })
    }

    fn unsearchable(&self, limit: u32) -> StoreFuture<'_, Vec<LineRow>> {
        Box::pin(async move {
            let select = ChainTable::Entries.select();
            let query = format!(
                "{select} WHERE request_id IS NOT NULL AND NOT EXISTS \
                 (SELECT 1 FROM audit WHERE audit.request_id = audit_entries.request_id) ORDER BY tenant, writer, sequence LIMIT $1"
            );
            let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(i64::from(limit)).fetch_all(&self.pool).await?;
            rows.iter().map(line_row).collect()
        })
    }
}

fn line_row(row: &AnyRow) -> Result<LineRow, StoreError> {
    Ok(LineRow {
        chain: ChainName { tenant: row.try_get("tenant")?, writer: row.try_get("writer")? },
        sequence: row.try_get("sequence")?,
        number: row.try_get("number")?,
        hash: row.try_get("hash")?,
        request_id: row.try_get("request_id")?,
        time: row.try_get("time")?,
        line: row.try_get("line")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::PublicKeys;
    use crate::store::test_store::test_stores;
    use crate::store::{AuditFilter, Position, Store as _, verify_store};

    const OLD: &str = r#"{"request_id":"req_1","time":"2026-01-18T09:30:00.000Z","tenant":"bank","project":"p","environment":"e",
        "key_id":"k","actor":"a","endpoint":"POST /v1/chat/completions","route":null,"reason":null,"provider":null,"model":null,
        "zone":null,"data_class":"public","entities":{},"pii_action":"none","policy_version":"v","outcome":"completed",
        "status":200,"error_code":null,"streamed":false,"attempts":0,"prompt_tokens":null,"completion_tokens":null,
        "usage_source":null,"first_token_ms":null,"total_ms":1}"#;

    #[tokio::test]
    async fn records_of_before_there_were_chains_are_found_and_no_fault() {
        let projected = Projected::read(OLD.as_bytes()).unwrap();
        assert!(projected.entry.is_none() && projected.record.is_some());
        assert_eq!(Projected::read(b"nothing of ours"), None);
        for test in test_stores().await {
            let upto = Position { segment: 1, offset: 1 };
            test.store.append_audit(vec![projected.clone()], upto).await.unwrap();
            let rows = test.store.audit_page(AuditFilter::default(), 0, 10).await.unwrap();
            assert_eq!(rows.len(), 1);
            let report = verify_store(&test.store, &PublicKeys::default(), BTreeMap::new()).await.unwrap();
            assert!(report.is_sound() && report.num_entries == 0, "{report:?}");
            assert!(test.store.chains().await.unwrap().is_empty());
        }
    }
}
