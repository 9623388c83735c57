//! Attention in `f32` on vectors, for every dtype of the cache: a block of rows against one split at a time.

use std::ops::Range;

use super::attention::QueryRows;
use super::attention_tile::{Answers, GROUPS, Rows, SPLIT, TileKernel, state_len};
use super::kv_format::{GROUP, KvFormat};
use super::kv_store::{Buffers, Storage};
use super::level::Kernel;
use super::vector::{LANES, Vector};

/// Rows that any level keeps in registers at a time, at most.
const MOST_ROWS: usize = 12;

impl Kernel for TileKernel<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        // SAFETY: the caller vouches for the features of `V`.
        unsafe {
            match &self.layer.storage {
                Storage::F16(buffers) => self.tile::<V, _>(buffers),
                Storage::Bf16(buffers) => self.tile::<V, _>(buffers),
                Storage::F32(buffers) => self.tile::<V, _>(buffers),
            }
        }
    }
}

impl TileKernel<'_> {
    /// # Safety
    /// The processor has the features of `V`; `check` passed for the span.
    #[inline(always)]
    unsafe fn tile<V: Vector, F: KvFormat>(self, buffers: &Buffers<F>) {
        let rows = Rows { shape: self.shape, tile: self.tile };
        let mut answers = Answers::new(rows, self.partials, &mut self.scratch.states);
        let len = state_len(self.shape.kv.padded_dim());
        let part = self.scratch.part.at_least(MOST_ROWS * len);
        let scores = self.scratch.scores.at_least(MOST_ROWS * SPLIT);
        for split in self.tile.splits.clone() {
            let groups = Groups::of(&rows, buffers, split);
            let mut first = 0;
            while first < rows.len() {
                let count = block_rows(V::BLOCK_ROWS, rows.len() - first);
                let block = Block { rows, first, count, start: split * SPLIT };
                let seen = rows.seen((first, count), block.start);
                if seen.is_empty() {
                    answers.take_nothing(split, (first, count));
                } else {
                    // SAFETY: features as above; the groups hold what the rows see.
                    unsafe {
                        block.scores::<V, F>(&groups, self.queries, seen.clone(), scores);
                        for row in 0..count {
                            block.fold::<V>(row, scores, &mut part[row * len..(row + 1) * len]);
                        }
                        block.values::<V, F>(&groups, seen, scores, part);
                        answers.take::<V>(split, first, (&part[..count * len], len));
                    }
                }
                first += count;
            }
        }
        // SAFETY: features as above; `check` looked at the output.
        unsafe { answers.write::<V>(self.output) };
    }
}

/// How many of the rows that are left the next block takes: as there is a kernel for.
fn block_rows(most: usize, left: usize) -> usize {
    if left >= most { most } else { left.min(8) }
}

/// Where the groups of one split lie, and what will be read next.
pub(super) struct Groups<'k, F: KvFormat> {
    pub keys: [&'k [F::Element]; GROUPS],
    pub values: [&'k [F::Element]; GROUPS],
    pub next_keys: [&'k [F::Element]; GROUPS],
    /// What some row of the tile sees of the split.
    pub seen: Range<usize>,
}

impl<'k, F: KvFormat> Groups<'k, F> {
    /// Groups that some row of the tile sees; the others are empty.
    pub(super) fn of(rows: &Rows<'_>, buffers: &'k Buffers<F>, split: usize) -> Self {
        let (keys, values) = (buffers.keys.as_slice(), buffers.values.as_slice());
        let seen = |split: usize| {
            let seen = rows.seen((0, rows.len()), split * SPLIT);
            seen.start / GROUP..seen.end.div_ceil(GROUP)
        };
        let none: [&[F::Element]; GROUPS] = [&[]; GROUPS];
        let range = rows.seen((0, rows.len()), split * SPLIT);
        let mut groups = Self { keys: none, values: none, next_keys: none, seen: range };
        for group in seen(split) {
            let position = split * SPLIT + group * GROUP;
            groups.keys[group] = rows.key_group::<F>(keys, position);
            groups.values[group] = rows.value_group(values, position);
        }
        if split + 1 < rows.tile.splits.end {
            for group in seen(split + 1) {
                groups.next_keys[group] = rows.key_group::<F>(keys, (split + 1) * SPLIT + group * GROUP);
            }
        }
        groups
    }
}

/// A few rows of a tile, and the split that begins at `start`.
struct Block<'a> {
    rows: Rows<'a>,
    first: usize,
    count: usize,
    start: usize,
}

macro_rules! by_rows {
    ($count:expr, $call:ident::<$vector:ty, $format:ty>$arguments:tt) => {
        match $count {
            1 => $call::<$vector, $format, 1>$arguments,
            2 => $call::<$vector, $format, 2>$arguments,
            3 => $call::<$vector, $format, 3>$arguments,
            4 => $call::<$vector, $format, 4>$arguments,
            5 => $call::<$vector, $format, 5>$arguments,
            6 => $call::<$vector, $format, 6>$arguments,
            7 => $call::<$vector, $format, 7>$arguments,
            8 => $call::<$vector, $format, 8>$arguments,
            _ => $call::<$vector, $format, MOST_ROWS>$arguments,
        }
    };
}

impl Block<'_> {
    /// Scores of the rows, a group of keys at a time: the first and the last may hold keys that nobody sees.
    ///
    /// # Safety
    /// The processor has the features of `V`; the groups hold what the rows see.
    #[inline(always)]
    unsafe fn scores<V: Vector, F: KvFormat>(
        &self,
        groups: &Groups<'_, F>,
        queries: QueryRows<'_>,
        seen: Range<usize>,
        scores: &mut [f32],
    ) {
        let mut rows = [self.rows.query(queries, self.first).as_ptr(); MOST_ROWS];
        for (index, row) in rows.iter_mut().enumerate().take(self.count) {
            *row = self.rows.query(queries, self.first + index).as_ptr();
        }
        let range = seen.start / GROUP..seen.end.div_ceil(GROUP);
        let ahead = (self.first == 0).then_some(&groups.values);
        let dim = self.rows.shape.kv.head_dim;
        let input = (&groups.keys, range, ahead);
        let scale = self.rows.scale();
        // SAFETY: passed on to the caller.
        unsafe { by_rows!(self.count, score_rows::<V, F>(input, &rows, (dim, scale), scores)) }
    }

    /// Turns a row's scores into weights, and begins its answer with their total.
    ///
    /// # Safety
    /// The processor has the features of `V`.
    #[inline(always)]
    unsafe fn fold<V: Vector>(&self, row: usize, scores: &mut [f32], state: &mut [f32]) {
        let scores = &mut scores[row * SPLIT..(row + 1) * SPLIT];
        let dim = state.len() - LANES;
        // Keys before its window may be another sequence's by now; those past its own position are the future, or
        // stale memory.
        let seen = self.rows.seen((self.first + row, 1), self.start);
        if seen.is_empty() {
            scores.fill(0.0);
            (state[dim], state[dim + 1]) = (f32::NEG_INFINITY, 0.0);
            return;
        }
        let (from, to) = (seen.start / LANES * LANES, seen.end.next_multiple_of(LANES));
        if let Some(cap) = self.rows.shape.softcap {
            // SAFETY: features as above.
            unsafe { soften::<V>(cap, &mut scores[from..to]) };
        }
        scores[seen.end..].fill(f32::NEG_INFINITY);
        scores[..seen.start].fill(f32::NEG_INFINITY);
        // SAFETY: features as above; `to` ≤ SPLIT values are read and written.
        unsafe {
            let mut largest = V::load(scores.as_ptr().add(from));
            for at in (from + LANES..to).step_by(LANES) {
                largest = largest.max(V::load(scores.as_ptr().add(at)));
            }
            let largest = largest.largest();
            for at in (from..to).step_by(LANES) {
                let score = V::load(scores.as_ptr().add(at)).add(V::splat(-largest));
                score.exp2().store(scores.as_mut_ptr().add(at));
            }
            scores[seen.end..].fill(0.0);
            scores[..seen.start].fill(0.0);
            let mut total = V::splat(0.0);
            for at in (from..to).step_by(LANES) {
                total = total.add(V::load(scores.as_ptr().add(at)));
            }
            (state[dim], state[dim + 1]) = (largest, total.sum());
        }
    }

    /// The rows' sums of weighted values.
    ///
    /// # Safety
    /// The processor has the features of `V`; the groups hold what the rows see.
    #[inline(always)]
    unsafe fn values<V: Vector, F: KvFormat>(
        &self,
        groups: &Groups<'_, F>,
        seen: Range<usize>,
        weights: &[f32],
        part: &mut [f32],
    ) {
        let ahead = (self.first == 0).then_some(&groups.next_keys);
        let dim = self.rows.shape.kv.padded_dim();
        let input = (&groups.values, seen, ahead);
        // SAFETY: passed on to the caller. Only tokens that some row sees are looked at: others may be stale.
        unsafe { by_rows!(self.count, sum_rows::<V, F>(input, dim, weights.as_ptr(), part.as_mut_ptr())) }
    }
}

/// Squeezes scores, whole vectors of them, between ± `cap`, and takes them to the base of two.
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
pub(super) unsafe fn soften<V: Vector>(cap: f32, scores: &mut [f32]) {
    for chunk in scores.chunks_exact_mut(LANES) {
        // SAFETY: the caller vouches for the features; the chunk holds sixteen values.
        unsafe {
            let squeezed = V::load(chunk.as_ptr()).div(V::splat(cap)).tanh();
            squeezed.mul(V::splat(cap * std::f32::consts::LOG2_E)).store(chunk.as_mut_ptr());
        }
    }
}

/// Asks for a group that will be read later.
#[inline(always)]
fn prefetch<V: Vector, T>(group: &[T]) {
    for line in group.chunks(64 / size_of::<T>()) {
        V::prefetch(line.as_ptr().cast());
    }
}

type Input<'a, 'k, T> = (&'a [&'k [T]; GROUPS], Range<usize>, Option<&'a [&'k [T]; GROUPS]>);

/// # Safety
/// The processor has the features of `V`; `rows` leads to `R` queries, the groups in the range are whole, and `scores`
/// has `R` rows.
#[inline(always)]
unsafe fn score_rows<V: Vector, F: KvFormat, const R: usize>(
    (groups, mut range, ahead): Input<'_, '_, F::Element>,
    rows: &[*const f32; MOST_ROWS],
    scale: (usize, f32),
    scores: &mut [f32],
) {
    macro_rules! several {
        ($count:literal) => {
            while range.len() >= $count {
                let group = range.start;
                for group in group..group + $count {
                    if let Some(ahead) = ahead {
                        prefetch::<V, F::Element>(ahead[group]);
                    }
                }
                let target = scores[group * GROUP..].as_mut_ptr();
                let keys = std::array::from_fn(|index| groups[group + index]);
                // SAFETY: passed on to the caller.
                unsafe { score_groups::<V, F, R, $count>(&keys, rows, scale, target) };
                range.start += $count;
            }
        };
    }
    if V::BLOCK_ROWS == MOST_ROWS && R <= 4 {
        several!(4);
    }
    if V::BLOCK_ROWS == MOST_ROWS || R <= 2 {
        several!(2);
    }
    several!(1);
}

/// # Safety
/// The processor has the features of `V`; `rows` leads to `R` queries of `dim` dimensions, as many as the groups have;
/// `target` leads to `R` rows of `G` groups of scores, SPLIT apart.
#[inline(always)]
unsafe fn score_groups<V: Vector, F: KvFormat, const R: usize, const G: usize>(
    keys: &[&[F::Element]; G],
    rows: &[*const f32; MOST_ROWS],
    (dim, scale): (usize, f32),
    target: *mut f32,
) {
    // SAFETY: passed on to the caller.
    unsafe {
        let mut sums = [[V::splat(0.0); G]; R];
        for dim in 0..dim {
            let keys: [V; G] = std::array::from_fn(|group| F::key::<V>(keys[group].as_ptr(), dim));
            for (row, sums) in sums.iter_mut().enumerate() {
                let query = V::splat(*rows[row].add(dim));
                for (sum, key) in sums.iter_mut().zip(keys) {
                    *sum = query.mul_add(key, *sum);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for (group, sum) in sums.iter().enumerate() {
                sum.mul(V::splat(scale)).store(target.add(row * SPLIT + group * GROUP));
            }
        }
    }
}

/// # Safety
/// The processor has the features of `V`; the groups hold the tokens in the range; `weights` leads to `R` rows SPLIT
/// apart, `sums` to `R` rows of states.
#[inline(always)]
unsafe fn sum_rows<V: Vector, F: KvFormat, const R: usize>(
    (groups, tokens, mut ahead): Input<'_, '_, F::Element>,
    dim: usize,
    weights: *const f32,
    sums: *mut f32,
) {
    let mut lane = 0;
    macro_rules! several {
        ($count:literal) => {
            while dim - lane >= $count * LANES {
                let input = (groups, tokens.clone(), ahead.take());
                // SAFETY: passed on to the caller; the lanes end within `dim`.
                unsafe { sum_lanes::<V, F, R, $count>(input, (lane, dim), weights, sums.add(lane)) };
                lane += $count * LANES;
            }
        };
    }
    if V::BLOCK_ROWS == MOST_ROWS && R <= 3 {
        several!(8);
    }
    if V::BLOCK_ROWS == MOST_ROWS && R <= 6 || R == 1 {
        several!(4);
    }
    if V::BLOCK_ROWS == MOST_ROWS || R <= 2 {
        several!(2);
    }
    several!(1);
}

/// # Safety
/// As for [`sum_rows`]; `sums` leads to the first of `L` vectors of each row.
#[inline(always)]
unsafe fn sum_lanes<V: Vector, F: KvFormat, const R: usize, const L: usize>(
    (groups, tokens, ahead): Input<'_, '_, F::Element>,
    (lane, dim): (usize, usize),
    weights: *const f32,
    sums: *mut f32,
) {
    // SAFETY: passed on to the caller.
    unsafe {
        let mut totals = [[V::splat(0.0); L]; R];
        for group in tokens.start / GROUP..tokens.end.div_ceil(GROUP) {
            if let Some(ahead) = ahead {
                prefetch::<V, F::Element>(ahead[group]);
            }
            let first = group * GROUP;
            for token in tokens.start.max(first)..tokens.end.min(first + GROUP) {
                let value =
                    |index: usize| F::value::<V>(groups[group].as_ptr(), token - first, lane + index * LANES, dim);
                let values: [V; L] = std::array::from_fn(value);
                for (row, totals) in totals.iter_mut().enumerate() {
                    let weight = V::splat(*weights.add(row * SPLIT + token));
                    for (total, value) in totals.iter_mut().zip(values) {
                        *total = weight.mul_add(value, *total);
                    }
                }
            }
        }
        for (row, totals) in totals.iter().enumerate() {
            for (lane, total) in totals.iter().enumerate() {
                total.store(sums.add(row * state_len(dim) + lane * LANES));
            }
        }
    }
}
