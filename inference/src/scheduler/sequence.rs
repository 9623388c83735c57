//! One request's tokens and how far they have been computed.

use std::sync::Arc;

use crate::kv_cache::BlockTable;

/// Identifies a sequence within one engine; later ones are larger, so it is also the arrival order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceId(pub u64);

/// Who comes first: the lower priority value, then the earlier arrival.
pub(super) type Rank = (i32, SequenceId);

/// A sequence: prompt and what was generated so far.
#[derive(Debug)]
pub struct Sequence {
    pub(super) id: SequenceId,
    pub(super) priority: i32,
    pub(super) tokens: Vec<u32>,
    /// Tokens whose keys and values are in the cache. Back to zero on preemption.
    pub(super) num_computed_tokens: usize,
    /// Tokens whose keys and values were found in the cache, in blocks that others may share.
    pub(super) num_stored_tokens: usize,
    pub(super) block_table: BlockTable,
    salt: Arc<str>,
    reads_cache: bool,
    /// Tokens of the prompt that the cache already had; known once the sequence has run.
    pub(super) num_cached_tokens: Option<usize>,
    /// A guess at the next tokens, to be computed along and thrown away where it is wrong.
    pub(super) drafts: Vec<u32>,
    /// How often a later one was let in while this one could not be.
    pub(super) times_passed: u32,
}

impl Sequence {
    /// A sequence that starts with `prompt`, which must not be empty.
    pub fn new(id: SequenceId, prompt: Vec<u32>) -> Self {
        let salt: Arc<str> = Arc::from("");
        Self {
            id,
            priority: 0,
            tokens: prompt,
            num_computed_tokens: 0,
            num_stored_tokens: 0,
            block_table: BlockTable::new(Arc::clone(&salt)),
            salt,
            reads_cache: true,
            num_cached_tokens: None,
            drafts: Vec::new(),
            times_passed: 0,
        }
    }

    /// Lower values are served sooner and give way later.
    #[must_use]
    pub fn with_priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Only sequences of equal salts share cached prefixes.
    #[must_use]
    pub fn with_salt(mut self, salt: Arc<str>) -> Self {
        self.block_table = BlockTable::new(Arc::clone(&salt));
        self.salt = salt;
        self
    }

    /// Computes every token itself, e.g. because something is wanted of each.
    #[must_use]
    pub fn without_cached_prefix(mut self) -> Self {
        self.reads_cache = false;
        self
    }

    pub fn id(&self) -> SequenceId {
        self.id
    }

    pub(super) fn rank(&self) -> Rank {
        (self.priority, self.id)
    }

    pub(super) fn salt(&self) -> &Arc<str> {
        &self.salt
    }

    pub(super) fn reads_cache(&self) -> bool {
        self.reads_cache
    }

    pub(super) fn num_pending_tokens(&self) -> usize {
        self.tokens.len() - self.num_computed_tokens
    }
}
