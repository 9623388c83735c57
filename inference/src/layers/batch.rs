//! The rows of one step: tokens of many sequences, prefill and decode alike, end to end.

use std::sync::Arc;

use crate::kernels::cpu::SequenceSpan;
use crate::kernels::{NO_BLOCK, NO_SLOT};

use super::{Adapter, AdapterScratch, Angles, Projection};

/// One sequence's consecutive rows.
#[derive(Clone, Debug)]
pub struct BatchSequence {
    pub num_rows: usize,
    /// Position of the first row in its sequence.
    pub first_position: usize,
    /// Blocks of the context up to and with these rows; [`NO_BLOCK`] where a block was given back
    /// because it lies before every layer's window of the first of these rows.
    pub block_table: Vec<u32>,
    /// So many of the first rows have their keys and values in the cache already. They are not
    /// stored again, since other sequences may be reading the same blocks.
    pub num_cached_rows: usize,
    /// Logits are wanted for so many of the last rows: 0 amid a prompt, 1 to draw the next token,
    /// more for log probabilities of the prompt or to check a guess.
    pub num_logit_rows: usize,
}

/// Everything a forward pass needs to know about its rows.
#[derive(Clone, Debug, Default)]
pub struct TokenBatch {
    /// `[num_rows]`
    pub tokens: Vec<u32>,
    /// `[num_rows]`, position of each row in its sequence.
    pub positions: Vec<usize>,
    /// `[num_rows]`, cache slot of each row: block times block size plus offset, or [`NO_SLOT`].
    pub slots: Vec<usize>,
    pub sequences: Vec<BatchSequence>,
    /// One for each adapter; empty where none is asked for.
    pub adapted: Vec<AdaptedRows>,
}

/// The rows that an adapter adds to, in ascending order.
#[derive(Clone, Debug)]
pub struct AdaptedRows {
    pub adapter: Arc<Adapter>,
    pub rows: Vec<usize>,
}

/// What every layer of one forward pass looks at.
pub struct ForwardContext<'a> {
    pub batch: &'a TokenBatch,
    /// Whose turn it is.
    pub layer: usize,
    /// One for each of the model's rotations.
    pub angles: &'a [Angles],
    pub spans: Vec<SequenceSpan<'a>>,
}

impl ForwardContext<'_> {
    /// Adds to the output of one of the layer's projections, a row for each of the batch's, what its adapters say.
    pub fn adapt(&self, projection: Projection, input: &[f32], output: &mut [f32], scratch: &mut AdapterScratch) {
        let stride = output.len() / self.batch.num_rows().max(1);
        for AdaptedRows { adapter, rows } in &self.batch.adapted {
            adapter.add_to((self.layer, projection), (input, rows), (output, stride), scratch);
        }
    }
}

impl TokenBatch {
    /// Appends a sequence's rows.
    ///
    /// # Panics
    /// If `tokens` are not as many as the rows, or a row that is to be stored has no block.
    pub fn push(&mut self, tokens: &[u32], sequence: BatchSequence, block_size: usize) {
        assert_eq!(tokens.len(), sequence.num_rows, "rows");
        for (offset, token) in tokens.iter().enumerate() {
            let position = sequence.first_position + offset;
            self.tokens.push(*token);
            self.positions.push(position);
            if offset < sequence.num_cached_rows {
                self.slots.push(NO_SLOT);
                continue;
            }
            let block = sequence.block_table[position / block_size];
            assert!(block != NO_BLOCK, "a row's own block was given back");
            self.slots.push(block as usize * block_size + position % block_size);
        }
        self.sequences.push(sequence);
    }

    /// Lets an adapter add to the rows of the sequence that was appended last.
    pub fn adapt(&mut self, adapter: &Arc<Adapter>) {
        let num_rows = self.sequences.last().map_or(0, |sequence| sequence.num_rows);
        let rows = self.num_rows() - num_rows..self.num_rows();
        match self.adapted.iter_mut().find(|adapted| Arc::ptr_eq(&adapted.adapter, adapter)) {
            Some(adapted) => adapted.rows.extend(rows),
            None => self.adapted.push(AdaptedRows { adapter: Arc::clone(adapter), rows: rows.collect() }),
        }
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
    pub fn logit_rows(&self) -> impl Iterator<Item = usize> {
        let ends = self.sequences.iter().scan(0, |end, sequence| {
            *end += sequence.num_rows;
            Some((*end, sequence.num_logit_rows.min(sequence.num_rows)))
        });
        ends.flat_map(|(end, wanted)| end - wanted..end)
    }

    /// How many rows [`Self::logit_rows`] has.
    pub fn num_logit_rows(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.num_logit_rows.min(sequence.num_rows)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(num_rows: usize, first_position: usize, block_table: &[u32]) -> BatchSequence {
        let block_table = block_table.to_vec();
        BatchSequence { num_rows, first_position, block_table, num_cached_rows: 0, num_logit_rows: 0 }
    }

    #[test]
    fn cached_rows_are_not_stored_and_the_others_go_to_their_blocks() {
        let mut batch = TokenBatch::default();
        batch.push(&[5, 6, 7], BatchSequence { num_cached_rows: 2, ..sequence(3, 14, &[9, 4]) }, 16);
        batch.push(&[8], sequence(1, 33, &[NO_BLOCK, NO_BLOCK, 2]), 16);
        assert_eq!(batch.slots, [NO_SLOT, NO_SLOT, 4 * 16, 2 * 16 + 1]);
        assert_eq!(batch.positions, [14, 15, 16, 33]);
        assert_eq!(batch.spans()[1].first_row, 3);
    }

    #[test]
    fn logits_are_of_the_last_rows_of_each_sequence() {
        let mut batch = TokenBatch::default();
        for (num_rows, num_logit_rows) in [(4, 0), (3, 1), (2, 2), (1, 9), (5, 3)] {
            let sequence = BatchSequence { num_logit_rows, ..sequence(num_rows, 0, &[0]) };
            batch.push(&vec![1; num_rows], sequence, 16);
        }
        assert_eq!(batch.logit_rows().collect::<Vec<_>>(), [6, 7, 8, 9, 12, 13, 14]);
        assert_eq!(batch.num_logit_rows(), 7);
    }

    #[test]
    fn rows_are_gathered_by_their_adapters() {
        let adapters = [1, 2].map(|number| Arc::new(Adapter::new(number, 1, None)));
        let mut batch = TokenBatch::default();
        for (num_rows, adapter) in [(2, Some(0)), (3, None), (1, Some(1)), (2, Some(0))] {
            batch.push(&vec![1; num_rows], sequence(num_rows, 0, &[0]), 16);
            if let Some(adapter) = adapter {
                batch.adapt(&adapters[adapter]);
            }
        }
        let found: Vec<_> = batch.adapted.iter().map(|adapted| (adapted.adapter.number(), &adapted.rows)).collect();
        assert_eq!(found, [(1, &vec![0, 1, 6, 7]), (2, &vec![5])]);
    }

    #[test]
    #[should_panic(expected = "given back")]
    fn a_row_without_a_block_is_refused() {
        TokenBatch::default().push(&[1, 2], sequence(2, 15, &[3, NO_BLOCK]), 16);
    }
}
