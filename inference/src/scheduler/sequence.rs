//! One request's tokens and how far they have been computed.

use crate::kv_cache::BlockTable;

/// Identifies a sequence within one engine; later ones are larger, so it is also the arrival order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceId(pub u64);

/// A sequence: prompt and what was generated so far.
#[derive(Debug)]
pub struct Sequence {
    pub(super) id: SequenceId,
    pub(super) tokens: Vec<u32>,
    /// Tokens whose keys and values are in the cache. Back to zero on preemption.
    pub(super) num_computed_tokens: usize,
    pub(super) block_table: BlockTable,
}

impl Sequence {
    /// A sequence that starts with `prompt`, which must not be empty.
    pub fn new(id: SequenceId, prompt: Vec<u32>) -> Self {
        Self { id, tokens: prompt, num_computed_tokens: 0, block_table: BlockTable::default() }
    }

    pub fn id(&self) -> SequenceId {
        self.id
    }

    pub(super) fn num_pending_tokens(&self) -> usize {
        self.tokens.len() - self.num_computed_tokens
    }
}
