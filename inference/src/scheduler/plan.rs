//! What one step computes.

use super::SequenceId;

/// Consecutive tokens of one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSequence {
    pub id: SequenceId,
    /// Position of the first of `tokens` in the sequence.
    pub first_position: usize,
    /// Drafts come last.
    pub tokens: Vec<u32>,
    /// Guessed tokens at the end of `tokens`.
    pub num_drafts: usize,
    /// Leading tokens whose keys and values are in the cache already, in a block that others may
    /// share: they are computed for what follows from them, and not stored again.
    pub num_stored: usize,
    /// Blocks of the context up to and with these tokens.
    pub block_table: Vec<u32>,
    /// The sequence's known tokens end here (before the drafts): its next one is to be sampled.
    pub samples: bool,
}

impl PlannedSequence {
    /// Tokens that are known rather than guessed.
    pub fn num_known(&self) -> usize {
        self.tokens.len() - self.num_drafts
    }
}

/// One step of the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepPlan {
    pub sequences: Vec<PlannedSequence>,
    /// Sequences that lost their blocks in this step and will be computed anew.
    pub preempted: Vec<SequenceId>,
    /// Sequences that run for the first time, with the tokens of their prompts that the cache had.
    pub started: Vec<(SequenceId, usize)>,
}

impl StepPlan {
    pub fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    pub fn num_tokens(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.tokens.len()).sum()
    }
}

/// What a step brought one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub id: SequenceId,
    /// Drafts that turned out right; `tokens` begins with them.
    pub num_accepted_drafts: usize,
    /// New tokens at the sequence's end.
    pub tokens: Vec<u32>,
}
