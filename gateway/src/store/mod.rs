//! What outlives the process: a journal that is written before an answer ends, and a database that is a projection of it.

mod content_store;
mod data_dir;
mod error;
mod journal;
mod journal_reader;
mod projector;
mod sqlite;
mod vault_store;

pub use content_store::ContentStore;
pub(crate) use content_store::MAX_NAMES;
pub use data_dir::{DataDir, Lock};
pub use error::StoreError;
pub use journal::{Journal, JournalError};
pub use journal_reader::{JournalReader, Position};
pub use projector::{Projector, project_all};
pub use sqlite::SqliteStore;
pub use vault_store::VaultStore;

use std::future::Future;
use std::pin::Pin;

use crate::audit::AuditRecord;
use crate::auth::KeyRecord;
use crate::pii::masking::ConversationId;

pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// One audit row with its place in the database's order.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AuditRow {
    pub sequence: i64,
    #[serde(flatten)]
    pub record: AuditRecord,
}

/// What was used of a provider's model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokensUsed {
    pub provider: String,
    pub model: String,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// A database. On the path of a request that models answer it is only read, and only for what the request names: tokens of
/// a conversation that are not in memory, the answer under its `Idempotency-Key`, the response before it, a route's cache.
pub trait Store: Send + Sync {
    fn keys(&self) -> StoreFuture<'_, Vec<KeyRecord>>;
    fn insert_key(&self, key: KeyRecord) -> StoreFuture<'_, ()>;
    /// True if there was such a key and it was in force.
    fn revoke_key(&self, id: String) -> StoreFuture<'_, bool>;
    /// Where the projection of the journal stands.
    fn journal_position(&self) -> StoreFuture<'_, Position>;
    /// Writes rows and the position behind them in one transaction. A row replaces the one of the same request.
    fn append_audit(&self, records: Vec<AuditRecord>, upto: Position) -> StoreFuture<'_, ()>;
    /// The sealed tokens of a conversation that has not expired.
    fn sealed_conversation(&self, id: ConversationId, now_ms: u64) -> StoreFuture<'_, Option<Vec<u8>>>;
    fn keep_sealed_conversation(&self, id: ConversationId, sealed: Vec<u8>, expires_at_ms: u64) -> StoreFuture<'_, ()>;
    /// Forgets what has expired; gives their number.
    fn delete_expired_conversations(&self, now_ms: u64) -> StoreFuture<'_, u64>;
    /// What is kept of requests and answers.
    fn content(&self) -> &dyn ContentStore;
    /// Tokens by provider and model, of requests that came at `from` or later and before `until` (as in audit records).
    fn tokens_used(&self, from: String, until: String) -> StoreFuture<'_, Vec<TokensUsed>>;
    /// Rows after `after`, oldest first.
    fn audit_page(&self, after: i64, limit: u32) -> StoreFuture<'_, Vec<AuditRow>>;
}
