//! Causal attention over paged keys and values, with grouped query heads and sliding windows.
//!
//! Here the work is checked and shared out: `attention_plan` cuts it into tiles, `attention_tile` says what a tile
//! computes, `attention_block` how.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(target_arch = "x86_64")]
use super::attention_matrix;
use super::attention_plan::Plan;
use super::attention_tile::{MergeKernel, Scratch, TileKernel};
use super::kv_store::{KvLayer, KvShape};
use super::level::Level;
use super::parallel::{SharedMut, for_each_range};
use crate::kernels::{AlignedBuffer, NO_BLOCK};

thread_local! {
    /// What a thread computes tiles in: it grows to the largest shape seen, some hundred KiB.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
    /// Answers of splits, in the thread that calls.
    static PARTIALS: RefCell<AlignedBuffer<f32>> = RefCell::new(AlignedBuffer::zeroed(0));
}

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
    for span in spans {
        check(shape, layer, queries, span, output.len());
    }
    let plan = Plan::new(&shape, spans);
    let output = SharedMut::new(output);
    // Taken out, not borrowed: while this thread waits it may be lent to another call.
    let mut kept = PARTIALS.replace(AlignedBuffer::zeroed(0));
    if kept.len() < plan.num_partials {
        kept = AlignedBuffer::zeroed(plan.num_partials);
    }
    let partials = SharedMut::new(kept.as_mut_slice());
    // Whoever is free takes the dearest tile that is left.
    let next = AtomicUsize::new(0);
    for_each_range(plan.tiles.len(), plan.cost / plan.tiles.len().max(1), |range| {
        SCRATCH.with_borrow_mut(|scratch| {
            for _ in range {
                let tile = &plan.tiles[next.fetch_add(1, Ordering::Relaxed)];
                run(level, TileKernel { shape, layer, queries, tile, partials, output, scratch });
            }
        });
    });
    let cost = plan.num_partials / plan.shared.len().max(1);
    for_each_range(plan.shared.len(), cost, |range| {
        for tile in &plan.shared[range] {
            level.run(MergeKernel { shape, tile, partials, output });
        }
    });
    PARTIALS.set(kept);
}

fn run(level: Level, kernel: TileKernel<'_>) {
    #[cfg(target_arch = "x86_64")]
    if level.has_matrix_units() && attention_matrix::takes(&kernel) {
        // SAFETY: the level has matrix units, which is all that is asked for.
        unsafe { attention_matrix::run(kernel) };
        return;
    }
    level.run(kernel);
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
