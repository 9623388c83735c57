//! Attention of a few query rows over one sequence's context.
//!
//! The context is walked in splits of a fixed size, counted from its start. Each split's softmax and weighted sum are
//! computed on their own and merged in their order. What a query computes therefore depends on its own position
//! alone, not on chunking, on other rows of the batch, or on how many cores a context is shared out to (after
//! FlashAttention's online softmax and Flash-Decoding, with split size instead of split count held fixed). A window
//! changes nothing about where splits begin: those wholly before it are passed over, the first one is masked.
//!
//! Exponentials are to the base of two; the logarithm is in what scores are multiplied with.

use std::f32::consts::LOG2_E;
use std::ops::Range;

use super::attention::{AttentionShape, QueryRows};
use super::attention_plan::Tile;
use super::kv_format::{GROUP, KvFormat};
use super::kv_store::KvLayer;
use super::level::Kernel;
use super::parallel::SharedMut;
use super::vector::{LANES, Vector};
use crate::kernels::AlignedBuffer;
use crate::kernels::aligned::Plain;

/// Context tokens whose softmax is computed on its own.
pub(super) const SPLIT: usize = 256;
/// Groups of transposed keys in a split.
pub(super) const GROUPS: usize = SPLIT / GROUP;

/// Values of a row's answer so far: `[dim]` sums of weighted values, the largest score, the total of the weights, and
/// a rest that keeps rows on cache lines.
pub(super) fn state_len(dim: usize) -> usize {
    dim + LANES
}

/// Memory that grows to what is asked for and stays; its contents are whatever they were.
pub(super) struct Buffer<T: Plain>(AlignedBuffer<T>);

impl<T: Plain> Default for Buffer<T> {
    fn default() -> Self {
        Self(AlignedBuffer::zeroed(0))
    }
}

impl<T: Plain> Buffer<T> {
    pub(super) fn at_least(&mut self, len: usize) -> &mut [T] {
        if self.0.len() < len {
            self.0 = AlignedBuffer::zeroed(len);
        }
        self.0.as_mut_slice()
    }
}

/// What a thread needs beside a tile's own input and output.
#[derive(Default)]
pub(super) struct Scratch {
    /// `[rows of the tile, state_len]`
    pub states: Buffer<f32>,
    /// `[rows of a block, state_len]`, of the split at hand.
    pub part: Buffer<f32>,
    /// `[rows of a block, SPLIT]`: scores, then weights.
    pub scores: Buffer<f32>,
    /// Queries and values as matrix units take them.
    pub matrices: [Buffer<u8>; 2],
    /// High and low halves of a few queries, and of their weights.
    pub halves: Buffer<f32>,
}

/// What there is to do for one tile.
pub(super) struct TileKernel<'a> {
    pub shape: AttentionShape<'a>,
    pub layer: &'a KvLayer,
    pub queries: QueryRows<'a>,
    pub tile: &'a Tile<'a>,
    /// Answers to splits, for tiles that have a place there.
    pub partials: SharedMut<f32>,
    pub output: SharedMut<f32>,
    pub scratch: &'a mut Scratch,
}

/// A tile's rows, which run token by token, head by head.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub shape: AttentionShape<'a>,
    pub tile: &'a Tile<'a>,
}

impl Rows<'_> {
    pub(super) fn len(&self) -> usize {
        self.tile.count * self.shape.group()
    }

    /// What scores are multiplied with, for exponentials to the base of two; soft caps come between.
    pub(super) fn scale(&self) -> f32 {
        if self.shape.softcap.is_some() { self.shape.scale } else { self.shape.scale * LOG2_E }
    }

    fn position(&self, row: usize) -> usize {
        self.tile.span.first_position + self.tile.first + row / self.shape.group()
    }

    /// What rows `first..first + count` see, one or the other, of the split that begins at `start`.
    pub(super) fn seen(&self, (first, count): (usize, usize), start: usize) -> Range<usize> {
        let from = self.shape.first_visible(self.position(first)).saturating_sub(start);
        let to = (self.position(first + count - 1) + 1).saturating_sub(start).min(SPLIT);
        from.min(to)..to
    }

    fn token(&self, row: usize) -> usize {
        self.tile.span.first_row + self.tile.first + row / self.shape.group()
    }

    fn head(&self, row: usize) -> usize {
        self.tile.head * self.shape.group() + row % self.shape.group()
    }

    pub(super) fn query<'q>(&self, queries: QueryRows<'q>, row: usize) -> &'q [f32] {
        let from = self.token(row) * queries.width + self.head(row) * self.shape.kv.head_dim;
        &queries.values[from..from + self.shape.kv.head_dim]
    }

    /// The head's keys of the group of tokens at `position`.
    pub(super) fn key_group<'k, F: KvFormat>(&self, keys: &'k [F::Element], position: usize) -> &'k [F::Element] {
        let (kv, len) = (self.shape.kv, GROUP * F::key_dim(self.shape.kv.head_dim));
        let from = self.block_head(position) * kv.key_head::<F>() + position % kv.block_size / GROUP * len;
        &keys[from..from + len]
    }

    /// The head's values of the group of tokens at `position`.
    pub(super) fn value_group<'v, T>(&self, values: &'v [T], position: usize) -> &'v [T] {
        let (kv, len) = (self.shape.kv, GROUP * self.shape.kv.padded_dim());
        let from = self.block_head(position) * kv.value_head() + position % kv.block_size / GROUP * len;
        &values[from..from + len]
    }

    /// Index of the block and head that hold the token at `position`.
    fn block_head(&self, position: usize) -> usize {
        let block = self.tile.span.block_table[position / self.shape.kv.block_size] as usize;
        block * self.shape.kv.num_kv_heads + self.tile.head
    }
}

/// Where answers of splits are gathered: merged at once, or, of a context that is shared out, kept for later.
pub(super) struct Answers<'a> {
    rows: Rows<'a>,
    /// `[rows, state_len]`, or of a shared context `[splits, rows, state_len]`.
    states: *mut f32,
}

impl<'a> Answers<'a> {
    /// `partials` must hold the tile's answers where it has a place there.
    pub(super) fn new(rows: Rows<'a>, partials: SharedMut<f32>, states: &'a mut Buffer<f32>) -> Self {
        let states = if let Some(first) = rows.tile.partials {
            partials.pointer().wrapping_add(first)
        } else {
            let len = state_len(rows.shape.kv.padded_dim());
            let states = &mut states.at_least(rows.len() * len)[..rows.len() * len];
            for state in states.chunks_exact_mut(len) {
                set_empty(state);
            }
            states.as_mut_ptr()
        };
        Self { rows, states }
    }

    /// Takes the answers of rows from `first` on to one split: `part` is a state each, perhaps with more between the
    /// sums and the rest.
    ///
    /// # Safety
    /// The processor has the features of `V`; the rows and the split are the tile's.
    #[inline(always)]
    pub(super) unsafe fn take<V: Vector>(&mut self, split: usize, first: usize, (part, part_len): (&[f32], usize)) {
        let len = state_len(self.rows.shape.kv.padded_dim());
        for (row, part) in part.chunks_exact(part_len).enumerate() {
            // SAFETY: rows and splits are the tile's, whose states nobody else looks at.
            unsafe {
                if self.rows.tile.partials.is_some() {
                    let row = (split - self.rows.tile.splits.start) * self.rows.len() + first + row;
                    copy(std::slice::from_raw_parts_mut(self.states.add(row * len), len), part);
                } else {
                    let state = std::slice::from_raw_parts_mut(self.states.add((first + row) * len), len);
                    merge::<V>(state, part);
                }
            }
        }
    }

    /// Takes that `count` rows see nothing of a split.
    pub(super) fn take_nothing(&mut self, split: usize, (first, count): (usize, usize)) {
        let len = state_len(self.rows.shape.kv.padded_dim());
        if self.rows.tile.partials.is_some() {
            for row in first..first + count {
                let row = (split - self.rows.tile.splits.start) * self.rows.len() + row;
                // SAFETY: as in `take`.
                set_empty(unsafe { std::slice::from_raw_parts_mut(self.states.add(row * len), len) });
            }
        }
    }

    /// Writes the rows' answers, if they are whole.
    ///
    /// # Safety
    /// The processor has the features of `V`; the tile's rows are inside the output.
    #[inline(always)]
    pub(super) unsafe fn write<V: Vector>(self, output: SharedMut<f32>) {
        if self.rows.tile.partials.is_none() {
            let len = state_len(self.rows.shape.kv.padded_dim());
            for row in 0..self.rows.len() {
                // SAFETY: as in `take`; passed on to the caller.
                unsafe {
                    let state = std::slice::from_raw_parts(self.states.add(row * len), len);
                    write::<V>(&self.rows, row, state, output);
                }
            }
        }
    }
}

/// Puts together what the pieces of a shared tile have computed.
pub(super) struct MergeKernel<'a> {
    pub shape: AttentionShape<'a>,
    pub tile: &'a Tile<'a>,
    pub partials: SharedMut<f32>,
    pub output: SharedMut<f32>,
}

impl Kernel for MergeKernel<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let rows = Rows { shape: self.shape, tile: self.tile };
        let len = state_len(self.shape.kv.padded_dim());
        let first = self.tile.partials.unwrap_or_default();
        for row in 0..rows.len() {
            // SAFETY: the plan made room for all splits of all rows, the pieces have filled it, and each tile is
            // merged by one thread.
            unsafe {
                let state = |split: usize| {
                    let at = first + (split * rows.len() + row) * len;
                    std::slice::from_raw_parts_mut(self.partials.pointer().add(at), len)
                };
                let merged = state(0);
                for split in 1..self.tile.splits.len() {
                    merge::<V>(merged, state(split));
                }
                write::<V>(&rows, row, merged, self.output);
            }
        }
    }
}

fn set_empty(state: &mut [f32]) {
    let dim = state.len() - LANES;
    (state[dim], state[dim + 1]) = (f32::NEG_INFINITY, 0.0);
}

/// What `part` says of the sums, the largest score and the total of the weights.
fn copy(state: &mut [f32], part: &[f32]) {
    let (sums, rest) = state.split_at_mut(state.len() - LANES);
    sums.copy_from_slice(&part[..sums.len()]);
    rest[..2].copy_from_slice(&part[part.len() - LANES..][..2]);
}

/// Merges the answer to a later split into the answer to all earlier ones.
///
/// # Safety
/// The processor has the features of `V`; both are states.
#[inline(always)]
unsafe fn merge<V: Vector>(state: &mut [f32], part: &[f32]) {
    let dim = state.len() - LANES;
    let [part_largest, part_total] = [part[part.len() - LANES], part[part.len() - LANES + 1]];
    if part_largest == f32::NEG_INFINITY {
        return;
    }
    if state[dim] == f32::NEG_INFINITY {
        copy(state, part);
        return;
    }
    let largest = state[dim].max(part_largest);
    let (keep, share) = ((state[dim] - largest).exp2(), (part_largest - largest).exp2());
    (state[dim], state[dim + 1]) = (largest, state[dim + 1] * keep + part_total * share);
    for at in (0..dim).step_by(LANES) {
        // SAFETY: the caller vouches for the features; `at + 16` ≤ `dim`.
        unsafe {
            let kept = V::load(state.as_ptr().add(at)).mul(V::splat(keep));
            let merged = V::load(part.as_ptr().add(at)).mul_add(V::splat(share), kept);
            merged.store(state.as_mut_ptr().add(at));
        }
    }
}

/// # Safety
/// The processor has the features of `V`; the tile's rows are inside the output, and nobody else writes their heads.
#[inline(always)]
unsafe fn write<V: Vector>(rows: &Rows<'_>, row: usize, state: &[f32], output: SharedMut<f32>) {
    let (dim, head_dim) = (rows.shape.kv.padded_dim(), rows.shape.kv.head_dim);
    let at = (rows.token(row) * rows.shape.num_heads + rows.head(row)) * head_dim;
    let factor = match rows.shape.sinks {
        Some(sinks) => {
            // A sink has its share of the weights, and adds nothing.
            let sink = sinks[rows.head(row)] * LOG2_E;
            let largest = state[dim].max(sink);
            let keep = (state[dim] - largest).exp2();
            keep / (state[dim + 1] * keep + (sink - largest).exp2())
        }
        None => 1.0 / state[dim + 1],
    };
    let whole = head_dim / LANES * LANES;
    // SAFETY: passed on to the caller; `whole` ≤ `head_dim`, the width of a head's output.
    unsafe {
        let target = output.pointer().add(at);
        for lane in (0..whole).step_by(LANES) {
            V::load(state.as_ptr().add(lane)).mul(V::splat(factor)).store(target.add(lane));
        }
        for (lane, sum) in state.iter().enumerate().take(head_dim).skip(whole) {
            target.add(lane).write(sum * factor);
        }
    }
}
