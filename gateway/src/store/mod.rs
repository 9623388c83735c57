//! What outlives the process: a journal that is written before an answer ends, and a database that is a projection of it.

mod act_store;
mod audit_rows;
mod audit_trail;
mod backup;
mod content_store;
mod correction_rows;
mod correction_store;
mod data_dir;
mod database;
mod error;
mod invoice_rows;
mod invoice_store;
mod journal;
mod journal_reader;
mod ledger_rows;
mod ledger_store;
mod people_store;
mod projection;
mod projector;
mod recent;
mod retention;
mod sql_store;
mod state_store;
mod tenancy_rows;
mod tenancy_store;
#[cfg(test)]
pub(crate) mod test_store;
mod trail_check;
mod trail_export;
mod trail_store;
mod vault_store;

pub use act_store::{ActClaim, ActName, ActStore, Claimed, acting};
pub use audit_trail::{AuditTrail, CheckpointTools};
pub use backup::{
    BackupError, BackupFile, BackupManifest, BackupOrder, Damage, LedgerSums, Progress, RestoreOrder, Restored,
    SecretNote, SecretState, SectionSum, StoredSecret, Taken, back_up, restore,
};
pub use content_store::ContentStore;
pub(crate) use content_store::MAX_NAMES;
pub use correction_store::{Corrected, CorrectionStore};
pub use data_dir::{DataDir, Lock};
pub use error::StoreError;
pub use invoice_rows::{
    Closing, Crediting, InvoiceFilter, InvoiceKind, InvoiceRow, IssuedInvoice, Kept, MonthStanding, NewDocument,
    UsageGroup, UsageRow,
};
pub use invoice_store::InvoiceStore;
pub use journal::{Journal, JournalError};
pub use journal_reader::{JournalReader, Position};
pub use ledger_store::{LedgerStore, RateKept, Spent};
pub use people_store::PeopleStore;
pub use projector::{Projector, project_all};
pub use retention::{Pruned, Retention, count_expired, prune_expired};
pub use sql_store::SqlStore;
pub use tenancy_store::{KeyFilter, TenancyStore, Written};
pub use trail_check::verify_store;
pub use trail_export::{ExportPart, ExportSigner, Outlet, export_csv, export_csv_to, export_lines, export_lines_to};
pub use trail_store::{Bounds, ChainName, ChainTable, LineRow, Projected, SearchRow, Stretch, TrailStore};
pub use vault_store::VaultStore;

use std::future::Future;
use std::pin::Pin;

use crate::audit::AuditRecord;
use crate::pii::masking::ConversationId;

pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// One audit row with its place in the database's order.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AuditRow {
    pub sequence: i64,
    #[serde(flatten)]
    pub record: AuditRecord,
}

/// Which rows are asked for; what is not set asks for all. Times are as in records.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub tenant: Option<String>,
    pub project: Option<String>,
    pub key_id: Option<String>,
    pub route: Option<String>,
    pub provider: Option<String>,
    /// Found in the request or in its answer.
    pub entity: Option<String>,
    pub outcome: Option<String>,
    pub status: Option<u16>,
    pub error_code: Option<String>,
    pub request_id: Option<String>,
    /// From then on.
    pub from: Option<String>,
    /// Before then.
    pub until: Option<String>,
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
    /// Who may do what.
    fn tenancy(&self) -> &dyn TenancyStore;
    /// Who logs in, and who is logged in.
    fn people(&self) -> &dyn PeopleStore;
    /// Where the projection of the journal stands.
    fn journal_position(&self) -> StoreFuture<'_, Position>;
    /// Writes entries, search rows and the position behind them in one transaction. A row replaces the one of the same
    /// request.
    fn append_audit(&self, records: Vec<Projected>, upto: Position) -> StoreFuture<'_, ()>;
    /// The sealed tokens of a conversation that has not expired.
    fn sealed_conversation(&self, id: ConversationId, now_ms: u64) -> StoreFuture<'_, Option<Vec<u8>>>;
    fn keep_sealed_conversation(&self, id: ConversationId, sealed: Vec<u8>, expires_at_ms: u64) -> StoreFuture<'_, ()>;
    /// Forgets what has expired; gives their number.
    fn delete_expired_conversations(&self, now_ms: u64) -> StoreFuture<'_, u64>;
    /// The audit's chains.
    fn trail(&self) -> &dyn TrailStore;
    /// What was used and what it cost.
    fn ledger(&self) -> &dyn LedgerStore;
    /// What was billed of it.
    fn invoices(&self) -> &dyn InvoiceStore;
    /// Acts of administrators that may be asked for twice.
    fn acts(&self) -> &dyn ActStore;
    /// What is kept of requests and answers.
    fn content(&self) -> &dyn ContentStore;
    /// Tokens by provider and model, of requests that came at `from` or later and before `until` (as in audit records).
    fn tokens_used(&self, from: String, until: String) -> StoreFuture<'_, Vec<TokensUsed>>;
    /// Rows after `after` that fit the filter, oldest first.
    fn audit_page(&self, filter: AuditFilter, after: i64, limit: u32) -> StoreFuture<'_, Vec<AuditRow>>;
}
