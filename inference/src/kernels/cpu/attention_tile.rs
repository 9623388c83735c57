//! Attention of a few query rows over one sequence's context.
//!
//! The context is walked in splits of a fixed size from its start, and each split is folded into
//! a running softmax. What a query computes therefore depends on its own position alone, not on
//! chunking, on other rows of the batch, or on the number of threads (after FlashAttention's
//! online softmax, with split size instead of split count held fixed). A window changes nothing
//! about where splits begin: those wholly before it are passed over, the first one is masked.

use std::ops::Range;

use super::attention::{AttentionShape, QueryRows, SequenceSpan};
use super::kv_store::{GROUP, KvElement, KvLayer, Storage};
use super::level::Kernel;
use super::parallel::SharedMut;
use super::vector::{LANES, Vector};

/// Context tokens folded into the running softmax at a time.
const SPLIT: usize = 256;
/// Rows that one register block works on.
const ROWS: usize = 8;

/// Query tokens `first..first + count` of a span, for the query heads of one key-value head.
pub(super) struct Tile<'a> {
    pub span: &'a SequenceSpan<'a>,
    pub first: usize,
    pub count: usize,
    pub head: usize,
}

pub(super) struct AttentionKernel<'a> {
    pub shape: AttentionShape<'a>,
    pub layer: &'a KvLayer,
    pub queries: QueryRows<'a>,
    pub tile: &'a Tile<'a>,
    pub output: SharedMut<f32>,
}

/// Per-row state of the running softmax, and the scores of the split at hand.
struct Running {
    scores: Vec<f32>,
    sums: Vec<f32>,
    largest: Vec<f32>,
    total: Vec<f32>,
}

impl Kernel for AttentionKernel<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        // SAFETY: the caller vouches for the features of `V`.
        unsafe {
            match &self.layer.storage {
                Storage::F16 { keys, values } => {
                    self.tile::<V, u16>(keys.as_slice(), values.as_slice());
                }
                Storage::F32 { keys, values } => {
                    self.tile::<V, f32>(keys.as_slice(), values.as_slice());
                }
            }
        }
    }
}

impl AttentionKernel<'_> {
    /// # Safety
    /// The processor has the features of `V`; `check` passed for the span.
    #[inline(always)]
    unsafe fn tile<V: Vector, T: KvElement>(&self, keys: &[T], values: &[T]) {
        let rows = self.tile.count * self.shape.group();
        let dim = self.shape.kv.padded_dim();
        let mut running = Running {
            scores: vec![0.0; rows * SPLIT],
            sums: vec![0.0; rows * dim],
            largest: vec![f32::NEG_INFINITY; rows],
            total: vec![0.0; rows],
        };
        let context = self.position(rows - 1) + 1;
        let first_split = self.first_visible(0) / SPLIT * SPLIT;
        for start in (first_split..context).step_by(SPLIT) {
            let length = SPLIT.min(context - start);
            for first in (0..rows).step_by(ROWS) {
                let count = ROWS.min(rows - first);
                // Later rows of the block see no key that lies further back.
                let skip = self.first_visible(first).saturating_sub(start);
                if skip >= length {
                    continue;
                }
                // SAFETY: features as above; `first + count` rows and the split's tokens exist.
                unsafe {
                    self.scores::<V, T>(keys, (start, skip..length), (first, count), &mut running.scores);
                    for row in first..first + count {
                        self.fold::<V>(row, start, &mut running);
                    }
                    self.values::<V, T>(values, (start, skip..length), (first, count), &mut running);
                }
            }
        }
        self.write(&running);
    }

    /// Position of a tile row in its sequence. Rows run token by token, head by head.
    fn position(&self, row: usize) -> usize {
        self.tile.span.first_position + self.tile.first + row / self.shape.group()
    }

    fn first_visible(&self, row: usize) -> usize {
        self.shape.first_visible(self.position(row))
    }

    fn query(&self, row: usize) -> &[f32] {
        let token = self.tile.span.first_row + self.tile.first + row / self.shape.group();
        let head = self.tile.head * self.shape.group() + row % self.shape.group();
        let from = token * self.queries.width + head * self.shape.kv.head_dim;
        &self.queries.values[from..from + self.shape.kv.head_dim]
    }

    /// Index of the block and head that hold token `position`.
    fn block_head(&self, position: usize) -> usize {
        let block = self.tile.span.block_table[position / self.shape.kv.block_size] as usize;
        block * self.shape.kv.num_kv_heads + self.tile.head
    }

    /// Scores of up to eight rows against tokens of one split, sixteen keys at a time: the first
    /// group may hold keys before the window, which [`Self::fold`] hides.
    ///
    /// # Safety
    /// The processor has the features of `V`; the tokens and rows exist.
    #[inline(always)]
    unsafe fn scores<V: Vector, T: KvElement>(
        &self,
        keys: &[T],
        (start, tokens): (usize, Range<usize>),
        (first, count): (usize, usize),
        scores: &mut [f32],
    ) {
        let mut queries = [self.query(first); ROWS];
        for (index, query) in queries.iter_mut().enumerate().take(count) {
            *query = self.query(first + index);
        }
        for group in (tokens.start / GROUP * GROUP..tokens.end).step_by(GROUP) {
            let offset = (start + group) % self.shape.kv.block_size;
            let at = self.block_head(start + group) * self.shape.kv.key_head() + offset * self.shape.kv.head_dim;
            let keys = &keys[at..at + GROUP * self.shape.kv.head_dim];
            let target = scores[first * SPLIT + group..].as_mut_ptr();
            macro_rules! by_rows {
                ($($rows:literal)*) => {
                    match count {
                        // SAFETY: `keys` is one group; `target` has `count` rows SPLIT apart.
                        $($rows => unsafe {
                            score_group::<V, T, $rows>(keys, &queries, self.shape.scale, target);
                        },)*
                        _ => {}
                    }
                };
            }
            by_rows!(1 2 3 4 5 6 7 8);
        }
    }

    /// Turns a row's scores into weights and scales down what earlier splits have summed.
    ///
    /// # Safety
    /// The processor has the features of `V`.
    #[inline(always)]
    unsafe fn fold<V: Vector>(&self, row: usize, start: usize, running: &mut Running) {
        let scores = &mut running.scores[row * SPLIT..(row + 1) * SPLIT];
        // Keys past the row's own position are the future, or stale memory.
        let visible = (self.position(row) + 1).saturating_sub(start).min(SPLIT);
        // Keys before its window may be another sequence's by now.
        let hidden = self.first_visible(row).saturating_sub(start);
        if hidden >= visible {
            scores.fill(0.0);
            return;
        }
        let (from, padded) = (hidden / LANES * LANES, visible.next_multiple_of(LANES));
        if let Some(cap) = self.shape.softcap {
            // SAFETY: features as above; `padded` ≤ SPLIT values are read and written.
            unsafe { soften::<V>(cap, &mut scores[from..padded]) };
        }
        scores[visible..].fill(f32::NEG_INFINITY);
        scores[..hidden].fill(f32::NEG_INFINITY);
        // SAFETY: features as above; `padded` ≤ SPLIT values are read and written.
        let (largest, total) = unsafe {
            let mut largest = V::splat(running.largest[row]);
            for at in (from..padded).step_by(LANES) {
                largest = largest.max(V::load(scores.as_ptr().add(at)));
            }
            let largest = largest.largest();
            for at in (from..padded).step_by(LANES) {
                let score = V::load(scores.as_ptr().add(at)).add(V::splat(-largest));
                score.exp().store(scores.as_mut_ptr().add(at));
            }
            scores[visible..].fill(0.0);
            scores[..hidden].fill(0.0);
            let mut total = V::splat(0.0);
            for at in (from..padded).step_by(LANES) {
                total = total.add(V::load(scores.as_ptr().add(at)));
            }
            (largest, total.sum())
        };
        let keep = (running.largest[row] - largest).exp();
        running.largest[row] = largest;
        running.total[row] = running.total[row] * keep + total;
        let dim = self.shape.kv.padded_dim();
        for sum in &mut running.sums[row * dim..(row + 1) * dim] {
            *sum *= keep;
        }
    }

    /// Adds the split's weighted values to up to eight rows.
    ///
    /// # Safety
    /// The processor has the features of `V`; the tokens and rows exist.
    #[inline(always)]
    unsafe fn values<V: Vector, T: KvElement>(
        &self,
        values: &[T],
        (start, tokens): (usize, Range<usize>),
        (first, count): (usize, usize),
        running: &mut Running,
    ) {
        let shape = self.shape.kv;
        let dim = shape.padded_dim();
        // Only as far as the last of these rows sees: what lies behind may be stale.
        let end = tokens.end.min((self.position(first + count - 1) + 1).saturating_sub(start));
        let mut next = tokens.start;
        while next < end {
            let offset = (start + next) % shape.block_size;
            let tokens = (shape.block_size - offset).min(end - next);
            let at = self.block_head(start + next) * shape.value_head();
            let values = &values[at + offset * dim..at + shape.value_head()];
            let weights = running.scores[first * SPLIT + next..].as_ptr();
            next += tokens;
            for lane in (0..dim).step_by(LANES) {
                let sums = running.sums[first * dim + lane..].as_mut_ptr();
                macro_rules! by_rows {
                    ($($rows:literal)*) => {
                        match count {
                            // SAFETY: `tokens` rows of `values` and `count` rows of weights and
                            // sums exist, and `lane + 16` ≤ `dim`.
                            $($rows => unsafe {
                                add_values::<V, T, $rows>(&values[lane..], (tokens, dim), weights, sums);
                            },)*
                            _ => {}
                        }
                    };
                }
                by_rows!(1 2 3 4 5 6 7 8);
            }
        }
    }

    fn write(&self, running: &Running) {
        let (dim, head_dim) = (self.shape.kv.padded_dim(), self.shape.kv.head_dim);
        for (row, total) in running.total.iter().enumerate() {
            let token = self.tile.span.first_row + self.tile.first + row / self.shape.group();
            let head = self.tile.head * self.shape.group() + row % self.shape.group();
            let at = (token * self.shape.num_heads + head) * head_dim;
            let (keep, total) = match self.shape.sinks {
                Some(sinks) => sunk(sinks[head], running.largest[row], *total),
                None => (1.0, *total),
            };
            for (offset, sum) in running.sums[row * dim..row * dim + head_dim].iter().enumerate() {
                // SAFETY: `check` made sure that the token's row is inside the output, and this
                // tile alone writes this token's head.
                unsafe { self.output.pointer().add(at + offset).write(sum * keep / total) };
            }
        }
    }
}

/// What sums are multiplied with and the total they are divided by, once a sink has had its share.
fn sunk(sink: f32, largest: f32, total: f32) -> (f32, f32) {
    let new_largest = largest.max(sink);
    let keep = (largest - new_largest).exp();
    (keep, total * keep + (sink - new_largest).exp())
}

/// Squeezes scores, whole vectors of them, between ± `cap`.
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn soften<V: Vector>(cap: f32, scores: &mut [f32]) {
    for chunk in scores.chunks_exact_mut(LANES) {
        // SAFETY: the caller vouches for the features; the chunk holds sixteen values.
        unsafe {
            let score = V::load(chunk.as_ptr()).div(V::splat(cap)).tanh().mul(V::splat(cap));
            score.store(chunk.as_mut_ptr());
        }
    }
}

/// # Safety
/// The processor has the features of `V`; `keys` is one transposed group; `target` leads to `R`
/// rows of sixteen scores, SPLIT apart.
#[inline(always)]
unsafe fn score_group<V: Vector, T: KvElement, const R: usize>(
    keys: &[T],
    queries: &[&[f32]; ROWS],
    scale: f32,
    target: *mut f32,
) {
    // SAFETY: dimension `dim` of the group is sixteen elements from `dim * GROUP`; every query has
    // as many dimensions as the group.
    unsafe {
        let mut sums = [V::splat(0.0); R];
        for dim in 0..keys.len() / GROUP {
            let key = T::load::<V>(keys.as_ptr().add(dim * GROUP));
            for (row, sum) in sums.iter_mut().enumerate() {
                *sum = V::splat(*queries[row].as_ptr().add(dim)).mul_add(key, *sum);
            }
        }
        for (row, sum) in sums.iter().enumerate() {
            sum.mul(V::splat(scale)).store(target.add(row * SPLIT));
        }
    }
}

/// # Safety
/// The processor has the features of `V`; `values` has `tokens` rows `dim` apart with sixteen
/// elements each; `weights` leads to `R` rows SPLIT apart, `sums` to `R` rows `dim` apart.
#[inline(always)]
unsafe fn add_values<V: Vector, T: KvElement, const R: usize>(
    values: &[T],
    (tokens, dim): (usize, usize),
    weights: *const f32,
    sums: *mut f32,
) {
    // SAFETY: passed on to the caller.
    unsafe {
        let mut totals = [V::splat(0.0); R];
        for (row, total) in totals.iter_mut().enumerate() {
            *total = V::load(sums.add(row * dim));
        }
        for token in 0..tokens {
            let value = T::load::<V>(values.as_ptr().add(token * dim));
            for (row, total) in totals.iter_mut().enumerate() {
                *total = V::splat(*weights.add(row * SPLIT + token)).mul_add(value, *total);
            }
        }
        for (row, total) in totals.iter().enumerate() {
            total.store(sums.add(row * dim));
        }
    }
}
