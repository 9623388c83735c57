//! SQLite, for one gateway.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous};
use sqlx::{Row, SqlStr, SqlitePool};

use super::{AuditRow, ContentStore, Position, Store, StoreError, StoreFuture, TokensUsed, VaultStore};
use crate::audit::{AuditRecord, Outcome, Try, UsageSource};
use crate::auth::{KeyRecord, KeyRole};
use crate::pii::masking::ConversationId;

#[derive(Debug, Clone)]
pub struct SqliteStore {
    pub(super) pool: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, making it if need be, and brings its schema up to date.
    ///
    /// # Errors
    /// The file is no database, cannot be written, or was made by a newer version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        migrator().run(&pool).await?;
        Ok(Self { pool })
    }

    /// The sealed tokens of conversations, in the same file.
    pub fn vault(&self) -> VaultStore {
        VaultStore::new(self.pool.clone())
    }
}

fn migrator() -> Migrator {
    let migrations = [
        (1, "first", include_str!("../../migrations/0001_first.sql")),
        (2, "vault", include_str!("../../migrations/0002_vault.sql")),
        (3, "answers", include_str!("../../migrations/0003_answers.sql")),
        (4, "audio", include_str!("../../migrations/0004_audio.sql")),
        (5, "content", include_str!("../../migrations/0005_content.sql")),
        (6, "tries", include_str!("../../migrations/0006_tries.sql")),
        (7, "listed", include_str!("../../migrations/0007_listed.sql")),
    ];
    let migrations = migrations.into_iter().map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    });
    Migrator::with_migrations(migrations.collect())
}

impl Store for SqliteStore {
    fn keys(&self) -> StoreFuture<'_, Vec<KeyRecord>> {
        Box::pin(async move {
            let rows = sqlx::query("SELECT * FROM keys ORDER BY created_at_ms, id").fetch_all(&self.pool).await?;
            rows.iter().map(key_from).collect()
        })
    }

    fn insert_key(&self, key: KeyRecord) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            sqlx::query("INSERT OR IGNORE INTO tenants (id, created_at_ms) VALUES (?, ?)")
                .bind(&key.tenant)
                .bind(key.created_at_ms)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("INSERT OR IGNORE INTO projects (tenant, id, created_at_ms) VALUES (?, ?, ?)")
                .bind(&key.tenant)
                .bind(&key.project)
                .bind(key.created_at_ms)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(
                "INSERT INTO keys (id, name, role, tenant, project, environment, data_class, hash, created_at_ms) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(&key.id)
            .bind(&key.name)
            .bind(key.role.as_str())
            .bind(&key.tenant)
            .bind(&key.project)
            .bind(&key.environment)
            .bind(key.data_class.as_str())
            .bind(key.hash.as_slice())
            .bind(key.created_at_ms)
            .execute(&mut *transaction)
            .await?;
            Ok(transaction.commit().await?)
        })
    }

    fn revoke_key(&self, id: String) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let done = sqlx::query("UPDATE keys SET revoked = 1 WHERE id = ? AND revoked = 0")
                .bind(id)
                .execute(&self.pool)
                .await?;
            Ok(done.rows_affected() == 1)
        })
    }

    fn journal_position(&self) -> StoreFuture<'_, Position> {
        Box::pin(async move {
            let row = sqlx::query("SELECT segment, offset FROM journal_position").fetch_one(&self.pool).await?;
            Ok(Position {
                segment: row.try_get::<i64, _>("segment")?.cast_unsigned(),
                offset: row.try_get::<i64, _>("offset")?.cast_unsigned(),
            })
        })
    }

    fn append_audit(&self, records: Vec<AuditRecord>, upto: Position) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            for record in &records {
                bind_audit(record).execute(&mut *transaction).await?;
            }
            sqlx::query("UPDATE journal_position SET segment = ?, offset = ?")
                .bind(upto.segment.cast_signed())
                .bind(upto.offset.cast_signed())
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

    fn tokens_used(&self, from: String, until: String) -> StoreFuture<'_, Vec<TokensUsed>> {
        Box::pin(async move {
            let query = "SELECT provider, model, sum(coalesce(prompt_tokens, 0)) AS prompt, \
                         sum(coalesce(completion_tokens, 0)) AS completion FROM audit \
                         WHERE time >= ? AND time < ? AND provider IS NOT NULL AND model IS NOT NULL \
                         GROUP BY provider, model";
            let rows = sqlx::query(query).bind(from).bind(until).fetch_all(&self.pool).await?;
            let used = |row: &SqliteRow| {
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

    fn audit_page(&self, after: i64, limit: u32) -> StoreFuture<'_, Vec<AuditRow>> {
        Box::pin(async move {
            let rows = sqlx::query("SELECT * FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?")
                .bind(after)
                .bind(limit)
                .fetch_all(&self.pool)
                .await?;
            rows.iter().map(audit_from).collect()
        })
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// A record of the same request replaces what was known before its end; its place in the order stays.
fn bind_audit(record: &AuditRecord) -> Query<'_> {
    let count = |value: Option<u64>| value.map(u64::cast_signed);
    sqlx::query(
        "INSERT INTO audit (request_id, time, tenant, project, environment, key_id, actor, endpoint, route, reason, \
         provider, model, zone, data_class, entities, pii_action, policy_version, outcome, status, error_code, \
         streamed, attempts, prompt_tokens, completion_tokens, usage_source, first_token_ms, total_ms, \
         answer_entities, audio_seconds, tries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \
         ?, ?, ?, ?, ?) \
         ON CONFLICT (request_id) DO UPDATE SET route = excluded.route, reason = excluded.reason, \
         provider = excluded.provider, model = excluded.model, zone = excluded.zone, \
         data_class = excluded.data_class, entities = excluded.entities, pii_action = excluded.pii_action, \
         outcome = excluded.outcome, status = excluded.status, error_code = excluded.error_code, \
         streamed = excluded.streamed, attempts = excluded.attempts, prompt_tokens = excluded.prompt_tokens, \
         completion_tokens = excluded.completion_tokens, usage_source = excluded.usage_source, \
         first_token_ms = excluded.first_token_ms, total_ms = excluded.total_ms, \
         answer_entities = excluded.answer_entities, audio_seconds = excluded.audio_seconds, tries = excluded.tries",
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
    .bind(record.streamed)
    .bind(i64::from(record.attempts))
    .bind(count(record.prompt_tokens))
    .bind(count(record.completion_tokens))
    .bind(record.usage_source.map(UsageSource::as_str))
    .bind(count(record.first_token_ms))
    .bind(record.total_ms.cast_signed())
    .bind(serde_json::to_string(&record.answer_entities).unwrap_or_default())
    .bind(record.audio_seconds)
    .bind(serde_json::to_string(&record.tries).unwrap_or_default())
}

fn audit_from(row: &SqliteRow) -> Result<AuditRow, StoreError> {
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
    let record = AuditRecord {
        tries,
        request_id: row.try_get("request_id")?,
        time: row.try_get("time")?,
        tenant: row.try_get("tenant")?,
        project: row.try_get("project")?,
        environment: row.try_get("environment")?,
        key_id: row.try_get("key_id")?,
        actor: row.try_get("actor")?,
        endpoint: row.try_get("endpoint")?,
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
        status: row.try_get("status")?,
        error_code: row.try_get("error_code")?,
        streamed: row.try_get("streamed")?,
        attempts: row.try_get("attempts")?,
        prompt_tokens: count("prompt_tokens")?,
        completion_tokens: count("completion_tokens")?,
        usage_source,
        audio_seconds: row.try_get("audio_seconds")?,
        first_token_ms: count("first_token_ms")?,
        total_ms: row.try_get::<i64, _>("total_ms")?.cast_unsigned(),
    };
    Ok(AuditRow { sequence: row.try_get("sequence")?, record })
}

fn key_from(row: &SqliteRow) -> Result<KeyRecord, StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "keys", column };
    let role = match row.try_get::<&str, _>("role")? {
        "application" => KeyRole::Application,
        "admin" => KeyRole::Admin,
        _ => return Err(unknown("role")),
    };
    let hash = row.try_get::<&[u8], _>("hash")?.try_into().map_err(|_| unknown("hash"))?;
    Ok(KeyRecord {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role,
        tenant: row.try_get("tenant")?,
        project: row.try_get("project")?,
        environment: row.try_get("environment")?,
        data_class: row.try_get::<&str, _>("data_class")?.parse().map_err(|_| unknown("data_class"))?,
        hash,
        created_at_ms: row.try_get("created_at_ms")?,
        revoked: row.try_get("revoked")?,
    })
}
