//! The database of one gateway (SQLite) or of several (PostgreSQL), behind the same statements.
//!
//! Both are asked in words that both know: parameters are numbered (`$1`), what is true is 1, sums are cast to the integers
//! that they are of, and a row that is there already is told by `ON CONFLICT`. What differs is in [`Dialect`].

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use super::audit_rows::audit_from;
use super::database::{Dialect, Exclusive, connect};
use super::projection::keep_all;
use super::{
    ActStore, AuditFilter, AuditRow, ContentStore, InvoiceStore, LedgerStore, PeopleStore, Position, Projected, Store,
    StoreError, StoreFuture, TenancyStore, TokensUsed, TrailStore, VaultStore,
};
use crate::config::Database;
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
            keep_all(&mut transaction, self.dialect, &records).await?;
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

/// Finds an entity in the JSON object of counts by entity, where names stand in quotes.
fn entity_pattern(entity: &str) -> String {
    let escaped = entity.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%\"{escaped}\":%")
}
