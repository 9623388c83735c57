//! What is kept, for whom, and how rows say that without saying what.

use std::collections::BTreeMap;
use std::fmt;

use super::keys::ContentKeys;

/// Where an item lies: a keyed hash of its kind and name, the tenant's own.
pub type Address = [u8; 32];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An answer, by the `Idempotency-Key` of its request.
    Replay,
    /// An answer of `/v1/responses` and its input, by its id.
    Response,
    /// An answer, by all that shapes it.
    Cache,
    /// What is known of a file, by its id.
    File,
    /// A piece of a file, by the file's id and its place.
    FilePart,
    /// Where a batch stands, by its id.
    Batch,
    /// That a batch has not ended, by its id.
    OpenBatch,
    /// What came of one line of a batch, by the batch's id and its place.
    BatchLine,
    /// A request, or its answer, by the request's id and which of them it is: kept beside its audit record.
    AuditContent,
}

impl Kind {
    /// In the order in which they give way to others; files and batches, which their owner
    /// sees, and what an auditor must find never do.
    pub const ALL: [Self; 9] = [
        Self::Cache,
        Self::Replay,
        Self::Response,
        Self::File,
        Self::FilePart,
        Self::Batch,
        Self::OpenBatch,
        Self::BatchLine,
        Self::AuditContent,
    ];

    /// Whether it may be dropped for something newer.
    pub fn gives_way(self) -> bool {
        matches!(self, Self::Cache | Self::Replay | Self::Response)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Response => "response",
            Self::Cache => "cache",
            Self::File => "file",
            Self::FilePart => "file_part",
            Self::Batch => "batch",
            Self::OpenBatch => "open_batch",
            Self::BatchLine => "batch_line",
            Self::AuditContent => "audit_content",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The key that an item was kept for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub tenant: String,
    pub project: String,
    pub key_id: String,
}

/// Whom an item is about, in the caller's own words, so that it can be found for erasure.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Subjects {
    pub user: Option<String>,
    pub conversation: Option<String>,
}

/// What is to be kept.
pub struct Item {
    pub owner: Owner,
    pub subjects: Subjects,
    pub kind: Kind,
    /// What it is found by, beside tenant and kind.
    pub name: Vec<Vec<u8>>,
    pub content: Vec<u8>,
    pub expires_at_ms: u64,
}

/// An item as it lies in a database.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    pub owner: Owner,
    pub kind: Kind,
    pub address: Address,
    pub user_hash: Option<[u8; 32]>,
    pub conversation_hash: Option<[u8; 32]>,
    pub sealed: Vec<u8>,
    pub expires_at_ms: u64,
}

/// How much may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub item_bytes: usize,
    pub tenant_bytes: u64,
    pub total_bytes: u64,
}

/// Whose content is to be erased: everything that fits all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    pub tenant: Option<String>,
    pub key_id: Option<String>,
    /// Under each known master.
    pub user: Option<SubjectHashes>,
    pub conversation: Option<SubjectHashes>,
}

/// One person or conversation, as each known master names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectHashes(pub Vec<[u8; 32]>);

impl ContentKeys {
    pub fn user(&self, tenant: &str, user: &str) -> SubjectHashes {
        SubjectHashes(self.all().map(|key| key.subject(tenant, "user", user)).collect())
    }

    pub fn conversation(&self, tenant: &str, conversation: &str) -> SubjectHashes {
        SubjectHashes(self.all().map(|key| key.subject(tenant, "conversation", conversation)).collect())
    }
}

impl Subject {
    /// Whether a row is among what is to be erased.
    pub fn fits(&self, row: &Row) -> bool {
        let is = |wanted: &Option<String>, own: &str| wanted.as_ref().is_none_or(|wanted| wanted == own);
        let names = |wanted: &Option<SubjectHashes>, own: &Option<[u8; 32]>| {
            wanted.as_ref().is_none_or(|wanted| own.is_some_and(|own| wanted.0.contains(&own)))
        };
        is(&self.tenant, &row.owner.tenant)
            && is(&self.key_id, &row.owner.key_id)
            && names(&self.user, &row.user_hash)
            && names(&self.conversation, &row.conversation_hash)
    }
}

/// What was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Items by kind.
    pub items: BTreeMap<Kind, u64>,
    /// As they lay in the database.
    pub bytes: u64,
}

/// Whom it is about stays out of logs.
impl fmt::Debug for Subjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subjects(..)")
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Item");
        shown.field("owner", &self.owner).field("kind", &self.kind).field("bytes", &self.content.len());
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Row");
        shown.field("owner", &self.owner).field("kind", &self.kind).field("bytes", &self.sealed.len());
        shown.finish_non_exhaustive()
    }
}
