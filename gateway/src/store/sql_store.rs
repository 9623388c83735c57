//! The database of one gateway (SQLite) or of several (PostgreSQL), behind the same statements.
//!
//! Both are asked in words that both know: parameters are numbered (`$1`), what is true is 1, sums are cast to the integers
//! that they are of, and a row that is there already is told by `ON CONFLICT`. What differs is in [`Dialect`].

use std::collections::BTreeMap;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyPool, Row, Transaction};

use super::database::{Dialect, Exclusive, connect};
use super::ledger_rows::insert_row;
use super::trail_store::keep_entry;
use super::{
    ActStore, AuditFilter, AuditRow, ContentStore, InvoiceStore, LedgerStore, PeopleStore, Position, Projected, Store,
    StoreError, StoreFuture, TenancyStore, TokensUsed, TrailStore, VaultStore,
};
use crate::audit::{AuditRecord, Outcome, Try};
use crate::billing::UsageSource;
use crate::config::Database;
use crate::ledger::rows_of;
use crate::pii::masking::ConversationId;

#[derive(Debug, Clone)]
pub struct SqlStore {
    pub(super) pool: AnyPool,
    pub(super) dialect: Dialect,
    /// Whose journal is carried into it.
    writer: String,
}

impl SqlStore {
    /// Opens the database, making SQLite's file if need be, and brings its schema up to date. `writer` names the gateway
    /// whose journal is carried into it.
    ///
    /// # Errors
    /// It cannot be reached or written, or was made by a newer version.
    pub async fn open(database: &Database, writer: &str) -> Result<Self, StoreError> {
        let (pool, dialect) = connect(database).await?;
        let store = Self { pool, dialect, writer: writer.to_owned() };
        store.begin_journal().await?;
        Ok(store)
    }

    /// The sealed tokens of conversations, in the same database.
    pub fn vault(&self) -> VaultStore {
        VaultStore::new(self.pool.clone())
    }

    /// A writer that goes on with another one's journal has carried over what that one had.
    ///
    /// # Errors
    /// The database refused.
    pub async fn go_on_for(&self, previous: &str) -> Result<(), StoreError> {
        let query = "UPDATE journal_positions SET \
                     segment = (SELECT segment FROM journal_positions WHERE writer = $1), \
                     byte_offset = (SELECT byte_offset FROM journal_positions WHERE writer = $1) \
                     WHERE writer = $2 AND segment = 0 AND byte_offset = 0 \
                     AND EXISTS (SELECT 1 FROM journal_positions WHERE writer = $1)";
        sqlx::query(query).bind(previous).bind(&self.writer).execute(&self.pool).await?;
        Ok(())
    }

    /// The journal of before writers had names is this one's: nobody else has ever written here.
    async fn begin_journal(&self) -> Result<(), StoreError> {
        let own = sqlx::query("UPDATE journal_positions SET writer = $1 WHERE writer = ''");
        own.bind(&self.writer).execute(&self.pool).await?;
        let begin =
            "INSERT INTO journal_positions (writer, segment, byte_offset) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING";
        sqlx::query(begin).bind(&self.writer).execute(&self.pool).await?;
        Ok(())
    }
}

impl Store for SqlStore {
    fn tenancy(&self) -> &dyn TenancyStore {
        self
    }

    fn people(&self) -> &dyn PeopleStore {
        self
    }

    fn journal_position(&self) -> StoreFuture<'_, Position> {
        Box::pin(async move {
            let query = sqlx::query("SELECT segment, byte_offset FROM journal_positions WHERE writer = $1");
            let row = query.bind(&self.writer).fetch_one(&self.pool).await?;
            Ok(Position {
                segment: row.try_get::<i64, _>("segment")?.cast_unsigned(),
                offset: row.try_get::<i64, _>("byte_offset")?.cast_unsigned(),
            })
        })
    }

    fn append_audit(&self, records: Vec<Projected>, upto: Position) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            self.dialect.exclude(&mut transaction, Exclusive::Audit).await?;
            for projected in &records {
                keep_projected(&mut transaction, projected).await?;
            }
            sqlx::query("UPDATE journal_positions SET segment = $1, byte_offset = $2 WHERE writer = $3")
                .bind(upto.segment.cast_signed())
                .bind(upto.offset.cast_signed())
                .bind(&self.writer)
                .execute(&mut *transaction)
                .await?;
            Ok(transaction.commit().await?)
        })
    }

    fn sealed_conversation(&self, id: ConversationId, now_ms: u64) -> StoreFuture<'_, Option<Vec<u8>>> {
        let vault = self.vault();
        Box::pin(async move { vault.load(id.tenant_hash(), id.conversation_hash(), now_ms.cast_signed()).await })
    }

    fn keep_sealed_conversation(&self, id: ConversationId, sealed: Vec<u8>, expires_at_ms: u64) -> StoreFuture<'_, ()> {
        let vault = self.vault();
        Box::pin(async move {
            vault.upsert(id.tenant_hash(), id.conversation_hash(), &sealed, expires_at_ms.cast_signed()).await
        })
    }

    fn delete_expired_conversations(&self, now_ms: u64) -> StoreFuture<'_, u64> {
        let vault = self.vault();
        Box::pin(async move { vault.delete_expired(now_ms.cast_signed()).await })
    }

    fn content(&self) -> &dyn ContentStore {
        self
    }

    fn acts(&self) -> &dyn ActStore {
        self
    }

    fn trail(&self) -> &dyn TrailStore {
        self
    }

    fn ledger(&self) -> &dyn LedgerStore {
        self
    }

    fn invoices(&self) -> &dyn InvoiceStore {
        self
    }

    fn tokens_used(&self, from: String, until: String) -> StoreFuture<'_, Vec<TokensUsed>> {
        Box::pin(async move {
            let query = "SELECT provider, model, \
                         CAST(sum(coalesce(prompt_tokens, 0)) AS BIGINT) AS prompt, \
                         CAST(sum(coalesce(completion_tokens, 0)) AS BIGINT) AS completion FROM audit \
                         WHERE time >= $1 AND time < $2 AND provider IS NOT NULL AND model IS NOT NULL \
                         GROUP BY provider, model";
            let rows = sqlx::query(query).bind(from).bind(until).fetch_all(&self.pool).await?;
            let used = |row: &AnyRow| {
                Ok(TokensUsed {
                    provider: row.try_get("provider")?,
                    model: row.try_get("model")?,
                    prompt_tokens: row.try_get::<i64, _>("prompt")?.cast_unsigned(),
                    completion_tokens: row.try_get::<i64, _>("completion")?.cast_unsigned(),
                })
            };
            rows.iter().map(used).collect()
        })
    }

    fn audit_page(&self, filter: AuditFilter, after: i64, limit: u32) -> StoreFuture<'_, Vec<AuditRow>> {
        Box::pin(async move {
            let query = "SELECT * FROM audit WHERE sequence > $1 AND ($2 IS NULL OR tenant = $2) \
                         AND ($3 IS NULL OR project = $3) AND ($4 IS NULL OR key_id = $4) \
                         AND ($5 IS NULL OR route = $5) AND ($6 IS NULL OR provider = $6) \
                         AND ($7 IS NULL OR entities LIKE $7 ESCAPE '\\' OR answer_entities LIKE $7 ESCAPE '\\') \
                         AND ($8 IS NULL OR outcome = $8) AND ($9 IS NULL OR status = $9) \
                         AND ($10 IS NULL OR error_code = $10) AND ($11 IS NULL OR request_id = $11) \
                         AND ($12 IS NULL OR time >= $12) AND ($13 IS NULL OR time < $13) \
                         ORDER BY sequence LIMIT $14";
            let rows = sqlx::query(query)
                .bind(after)
                .bind(filter.tenant)
                .bind(filter.project)
                .bind(filter.key_id)
                .bind(filter.route)
                .bind(filter.provider)
                .bind(filter.entity.as_deref().map(entity_pattern))
                .bind(filter.outcome)
                .bind(filter.status.map(i64::from))
                .bind(filter.error_code)
                .bind(filter.request_id)
                .bind(filter.from)
                .bind(filter.until)
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
                .await?;
            rows.iter().map(audit_from).collect()
        })
    }
}

/// What a record of the journal becomes: a search row, rows of the ledger, an entry. The same one twice is kept once.
pub(super) async fn keep_projected(
    transaction: &mut Transaction<'_, Any>,
    projected: &Projected,
) -> Result<(), StoreError> {
    if let Some(record) = &projected.record {
        bind_audit(record).execute(&mut **transaction).await?;
        for row in rows_of(record) {
            insert_row(&row).execute(&mut **transaction).await?;
        }
    }
    keep_entry(transaction, projected).await
}

/// Finds an entity in the JSON object of counts by entity, where names stand in quotes.
fn entity_pattern(entity: &str) -> String {
    let escaped = entity.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%\"{escaped}\":%")
}

type Query<'q> = sqlx::query::Query<'q, Any, AnyArguments>;

/// A record of the same request replaces what was known before its end; its place in the order stays.
fn bind_audit(record: &AuditRecord) -> Query<'_> {
    let count = |value: Option<u64>| value.map(u64::cast_signed);
    sqlx::query(
        "INSERT INTO audit (request_id, time, tenant, project, environment, key_id, actor, endpoint, route, reason, \
         provider, model, zone, data_class, entities, pii_action, policy_version, outcome, status, error_code, \
         streamed, attempts, prompt_tokens, completion_tokens, usage_source, first_token_ms, total_ms, \
         answer_entities, audio_seconds, tries, object, department, scenario, day, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, NULLIF($29, -1.0), $30, $31, $32, $33, $34, $35) \
         ON CONFLICT (request_id) DO UPDATE SET route = excluded.route, reason = excluded.reason, \
         provider = excluded.provider, model = excluded.model, zone = excluded.zone, \
         data_class = excluded.data_class, entities = excluded.entities, pii_action = excluded.pii_action, \
         outcome = excluded.outcome, status = excluded.status, error_code = excluded.error_code, \
         streamed = excluded.streamed, attempts = excluded.attempts, prompt_tokens = excluded.prompt_tokens, \
         completion_tokens = excluded.completion_tokens, usage_source = excluded.usage_source, \
         first_token_ms = excluded.first_token_ms, total_ms = excluded.total_ms, \
         answer_entities = excluded.answer_entities, audio_seconds = excluded.audio_seconds, tries = excluded.tries, \
         object = excluded.object, content = excluded.content",
    )
    .bind(&record.request_id)
    .bind(&record.time)
    .bind(&record.tenant)
    .bind(&record.project)
    .bind(&record.environment)
    .bind(&record.key_id)
    .bind(&record.actor)
    .bind(&record.endpoint)
    .bind(&record.route)
    .bind(&record.reason)
    .bind(&record.provider)
    .bind(&record.model)
    .bind(&record.zone)
    .bind(record.data_class.as_str())
    .bind(serde_json::to_string(&record.entities).unwrap_or_default())
    .bind(&record.pii_action)
    .bind(&record.policy_version)
    .bind(record.outcome.as_str())
    .bind(i64::from(record.status))
    .bind(&record.error_code)
    .bind(i64::from(record.streamed))
    .bind(i64::from(record.attempts))
    .bind(count(record.prompt_tokens))
    .bind(count(record.completion_tokens))
    .bind(record.usage_source.map(UsageSource::as_str))
    .bind(count(record.first_token_ms))
    .bind(record.total_ms.cast_signed())
    .bind(serde_json::to_string(&record.answer_entities).unwrap_or_default())
    // Of one type always: what is missing would be sent as another, under a statement that is kept for both.
    .bind(record.audio_seconds.unwrap_or(-1.0))
    .bind(serde_json::to_string(&record.tries).unwrap_or_default())
    .bind(&record.object)
    .bind(&record.department)
    .bind(&record.scenario)
    .bind(&record.day)
    .bind(record.content.as_ref().and_then(|content| serde_json::to_string(content).ok()))
}

fn audit_from(row: &AnyRow) -> Result<AuditRow, StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "audit", column };
    let count = |column: &str| row.try_get::<Option<i64>, _>(column).map(|value| value.map(i64::cast_unsigned));
    let outcome = match row.try_get::<&str, _>("outcome")? {
        "dispatched" => Outcome::Dispatched,
        "completed" => Outcome::Completed,
        "failed" => Outcome::Failed,
        "aborted" => Outcome::Aborted,
        _ => return Err(unknown("outcome")),
    };
    let usage_source = match row.try_get::<Option<&str>, _>("usage_source")? {
        None => None,
        Some("provider") => Some(UsageSource::Provider),
        Some("estimated") => Some(UsageSource::Estimated),
        Some(_) => return Err(unknown("usage_source")),
    };
    let entities: BTreeMap<String, u32> =
        serde_json::from_str(row.try_get("entities")?).map_err(|_| unknown("entities"))?;
    let answer_entities: BTreeMap<String, u32> =
        serde_json::from_str(row.try_get("answer_entities")?).map_err(|_| unknown("answer_entities"))?;
    let tries: Vec<Try> = serde_json::from_str(row.try_get("tries")?).map_err(|_| unknown("tries"))?;
    let content = row.try_get::<Option<&str>, _>("content")?;
    let content = content.map(serde_json::from_str).transpose().map_err(|_| unknown("content"))?;
    let record = AuditRecord {
        tries,
        content,
        request_id: row.try_get("request_id")?,
        time: row.try_get("time")?,
        tenant: row.try_get("tenant")?,
        project: row.try_get("project")?,
        environment: row.try_get("environment")?,
        key_id: row.try_get("key_id")?,
        actor: row.try_get("actor")?,
        endpoint: row.try_get("endpoint")?,
        object: row.try_get("object")?,
        department: row.try_get("department")?,
        scenario: row.try_get("scenario")?,
        day: row.try_get("day")?,
        route: row.try_get("route")?,
        reason: row.try_get("reason")?,
        provider: row.try_get("provider")?,
        model: row.try_get("model")?,
        zone: row.try_get("zone")?,
        data_class: row.try_get::<&str, _>("data_class")?.parse().map_err(|_| unknown("data_class"))?,
        entities,
        answer_entities,
        pii_action: row.try_get("pii_action")?,
        policy_version: row.try_get("policy_version")?,
        outcome,
        status: row.try_get::<i64, _>("status")?.try_into().map_err(|_| unknown("status"))?,
        error_code: row.try_get("error_code")?,
        streamed: row.try_get::<i64, _>("streamed")? != 0,
        attempts: row.try_get::<i64, _>("attempts")?.try_into().map_err(|_| unknown("attempts"))?,
        prompt_tokens: count("prompt_tokens")?,
        completion_tokens: count("completion_tokens")?,
        usage_source,
        audio_seconds: row.try_get("audio_seconds")?,
        first_token_ms: count("first_token_ms")?,
        total_ms: row.try_get::<i64, _>("total_ms")?.cast_unsigned(),
    };
    Ok(AuditRow { sequence: row.try_get("sequence")?, record })
}
