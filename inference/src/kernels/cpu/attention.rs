//! Causal attention over paged keys and values, with grouped query heads and sliding windows.
//!
//! Here the work is checked and cut into tiles; what a tile computes is in `attention_tile`.

use super::attention_tile::{AttentionKernel, Tile};
use super::kv_store::{KvLayer, KvShape};
use super::level::Level;
use super::parallel::{SharedMut, for_each_range};
use crate::kernels::NO_BLOCK;

/// Query rows (query token times head of its group) that share one pass over a split.
const TILE: usize = 16;

/// Head counts of a layer, and how far back it looks.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape<'a> {
    pub num_heads: usize,
    pub kv: KvShape,
    /// What scores are multiplied with, usually `1 / √head_dim`.
    pub scale: f32,
    /// A query at position `p` sees the keys at `p - window + 1 ..= p`, so many keys and its own
    /// among them: transformers' reading of `sliding_window`. Without one it sees them all.
    pub window: Option<usize>,
    /// Scores are squeezed between ± this.
    pub softcap: Option<f32>,
    /// One score a head that takes its share of the weights and adds nothing, `[num_heads]`.
    pub sinks: Option<&'a [f32]>,
}

impl AttentionShape<'_> {
    pub(super) fn group(&self) -> usize {
        self.num_heads / self.kv.num_kv_heads
    }

    /// The first position that a query at `position` sees.
    pub(super) fn first_visible(&self, position: usize) -> usize {
        self.window.map_or(0, |window| (position + 1).saturating_sub(window))
    }
}

/// Consecutive rows of the batch that belong to one sequence.
#[derive(Clone, Copy, Debug)]
pub struct SequenceSpan<'a> {
    pub first_row: usize,
    pub num_rows: usize,
    /// Position of the first row in its sequence.
    pub first_position: usize,
    /// Blocks of the sequence's whole context, these rows included. Those wholly before the window
    /// of the first row are never read and may be [`NO_BLOCK`].
    pub block_table: &'a [u32],
}

/// Rows that hold queries: `[num_rows, width]`, heads from the row's start, `[num_heads, head_dim]`.
#[derive(Clone, Copy)]
pub struct QueryRows<'a> {
    pub values: &'a [f32],
    pub width: usize,
}

/// Attends every row of `spans` to its sequence up to its own position, as far back as the window
/// reaches, and writes `output`, `[num_rows, num_heads * head_dim]`.
///
/// # Panics
/// If a span reaches outside the batch, its block table or the storage, or the window is empty.
pub fn paged_attention(
    level: Level,
    shape: AttentionShape<'_>,
    layer: &KvLayer,
    (queries, spans): (QueryRows<'_>, &[SequenceSpan<'_>]),
    output: &mut [f32],
) {
    let tokens_per_tile = (TILE / shape.group()).max(1);
    let mut tiles = Vec::new();
    let mut cost = 0;
    for span in spans {
        check(shape, layer, queries, span, output.len());
        let context = (span.first_position + span.num_rows).min(shape.window.unwrap_or(usize::MAX));
        cost += span.num_rows * shape.group() * context * shape.kv.head_dim;
        for first in (0..span.num_rows).step_by(tokens_per_tile) {
            let count = tokens_per_tile.min(span.num_rows - first);
            for head in 0..shape.kv.num_kv_heads {
                tiles.push(Tile { span, first, count, head });
            }
        }
    }
    let output = SharedMut::new(output);
    for_each_range(tiles.len(), cost * shape.kv.num_kv_heads / tiles.len().max(1), |range| {
        for tile in &tiles[range] {
            level.run(AttentionKernel { shape, layer, queries, tile, output });
        }
    });
}

/// What the kernel relies on without looking again.
fn check(
    shape: AttentionShape<'_>,
    layer: &KvLayer,
    queries: QueryRows<'_>,
    span: &SequenceSpan<'_>,
    output_len: usize,
) {
    let last_row = span.first_row + span.num_rows;
    let width = shape.num_heads * shape.kv.head_dim;
    let context = span.first_position + span.num_rows;
    assert_eq!(shape.kv, layer.shape, "layer shape");
    assert!(width <= queries.width && last_row * queries.width <= queries.values.len(), "queries");
    assert!(last_row * width <= output_len, "output");
    assert!(context <= span.block_table.len() * shape.kv.block_size, "block table");
    assert!(shape.window != Some(0), "window");
    assert!(shape.sinks.is_none_or(|sinks| sinks.len() == shape.num_heads), "sinks");
    let num_blocks = layer.num_blocks();
    let unseen = (shape.first_visible(span.first_position) / shape.kv.block_size).min(span.block_table.len());
    let (before, seen) = span.block_table.split_at(unseen);
    assert!(seen.iter().all(|block| (*block as usize) < num_blocks), "block");
    assert!(before.iter().all(|block| *block == NO_BLOCK || (*block as usize) < num_blocks), "block before the window");
}

#[cfg(test)]
#[path = "attention_tests.rs"]
mod tests;
