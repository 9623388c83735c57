//! The rows of one step: tokens of many sequences, prefill and decode alike, end to end.

use crate::kernels::cpu::SequenceSpan;

use super::Angles;

/// One sequence's consecutive rows.
#[derive(Clone, Debug)]
pub struct BatchSequence {
    pub num_rows: usize,
    /// Position of the first row in its sequence.
    pub first_position: usize,
    /// Blocks of the context up to and with these rows.
    pub block_table: Vec<u32>,
    /// Logits are wanted for the last of these rows.
    pub wants_logits: bool,
}

/// Everything a forward pass needs to know about its rows.
#[derive(Clone, Debug, Default)]
pub struct TokenBatch {
    /// `[num_rows]`
    pub tokens: Vec<u32>,
    /// `[num_rows]`, position of each row in its sequence.
    pub positions: Vec<usize>,
    /// `[num_rows]`, cache slot of each row: block times block size plus offset.
    pub slots: Vec<usize>,
    pub sequences: Vec<BatchSequence>,
}

/// What every layer of one forward pass looks at.
pub struct ForwardContext<'a> {
    pub batch: &'a TokenBatch,
    pub angles: Angles,
    pub spans: Vec<SequenceSpan<'a>>,
}

impl TokenBatch {
    /// Appends a sequence's rows.
    pub fn push(&mut self, tokens: &[u32], sequence: BatchSequence, block_size: usize) {
        for (offset, token) in tokens.iter().enumerate() {
            let position = sequence.first_position + offset;
            let block = sequence.block_table[position / block_size] as usize;
            self.tokens.push(*token);
            self.positions.push(position);
            self.slots.push(block * block_size + position % block_size);
        }
        self.sequences.push(sequence);
    }

    pub fn num_rows(&self) -> usize {
        self.tokens.len()
    }

    pub fn spans(&self) -> Vec<SequenceSpan<'_>> {
        let mut first_row = 0;
        self.sequences
            .iter()
            .map(|sequence| {
                let span = SequenceSpan {
                    first_row,
                    num_rows: sequence.num_rows,
                    first_position: sequence.first_position,
                    block_table: &sequence.block_table,
                };
                first_row += sequence.num_rows;
                span
            })
            .collect()
    }

    /// Rows whose logits are wanted, in the order of their sequences.
    pub fn logit_rows(&self) -> Vec<usize> {
        let mut end = 0;
        let mut rows = Vec::new();
        for sequence in &self.sequences {
            end += sequence.num_rows;
            if sequence.wants_logits {
                rows.push(end - 1);
            }
        }
        rows
    }
}
