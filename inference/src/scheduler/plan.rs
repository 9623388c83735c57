//! What one step runs.

use super::SequenceId;

/// A run of one sequence's tokens that goes through the model in this step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSequence {
    pub id: SequenceId,
    /// Position of the first of `tokens` in the sequence.
    pub first_position: usize,
    /// Never empty.
    pub tokens: Vec<u32>,
    /// Blocks of the context up to and with these tokens.
    pub block_table: Vec<u32>,
    /// These tokens reach the sequence's end: its next token is to be sampled.
    pub samples: bool,
}

/// One step of the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepPlan {
    pub sequences: Vec<PlannedSequence>,
    /// Sequences that lost their blocks in this step and will be computed anew.
    pub preempted: Vec<SequenceId>,
}

impl StepPlan {
    pub fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    pub fn num_tokens(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.tokens.len()).sum()
    }
}
