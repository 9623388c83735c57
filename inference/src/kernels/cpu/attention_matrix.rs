//! Attention on matrix units, of keys and values in bf16.
//!
//! Queries and weights are sums of two bf16, which keeps sixteen of their 24 bits: what is lost beside the rounding of
//! the cache is a hundredth of it. Keys are multiplied where they lie; values of two groups are first put below each
//! other. A few rows would leave most of a tile empty and are computed on vectors, in `attention_pairs`, to the same
//! bits.

use std::arch::x86_64::*;
use std::ops::Range;

use super::attention_block::{Groups, soften};
use super::attention_pairs::{MOST_ROWS, score_pairs, sum_pairs};
use super::attention_tile::{Answers, GROUPS, Rows, SPLIT, TileKernel, state_len};
use super::bf16_products::{self, COLUMN, DEPTH, Factors, HALF_ROW, SIDE, Tiles};
use super::kv_format::{Brain, GROUP, KvFormat};
use super::kv_store::{Buffers, KvShape, Storage};
use super::vector::LANES;
use super::vector_avx512::Avx512;

/// Rows that share one pass over the keys and values in registers.
const BLOCK: usize = 2 * SIDE;
/// Values from one row of scores to the next: a line more than they have, so that rows lie in different sets of the
/// cache.
const SCORES: usize = SPLIT + LANES;
/// The score of what is not seen: so low that its weight is zero, and still a number to subtract from.
const UNSEEN: f32 = -1e30;
/// The upper half of each word: a bf16 of a `f32`.
const UPPER: i32 = 0xffff_0000_u32.cast_signed();

/// What is smaller counts as zero, as in the cache: so no product or sum of them is so small that matrix units would
/// round it to zero where vectors do not.
const LEAST: f32 = Brain::LEAST;
const LEAST_POWER: f32 = Brain::LEAST_POWER as f32;

/// Whether the kernel's cache is of the kind that this is for.
pub(super) fn takes(kernel: &TileKernel<'_>) -> bool {
    matches!(kernel.layer.storage, Storage::Bf16(_)) && bf16_products::is_available()
}

/// How queries and values of a shape lie as matrices.
#[derive(Clone, Copy)]
struct Layout {
    /// Steps of the inner dimension of scores.
    depths: usize,
    /// Tiles of a value's dimensions, and how many there is room for: they are computed by twos.
    columns: usize,
    room: usize,
}

impl Layout {
    fn of(kv: KvShape) -> Self {
        let columns = kv.padded_dim() / SIDE;
        Self { depths: Brain::key_dim(kv.head_dim) / DEPTH, columns, room: columns.next_multiple_of(2) }
    }

    /// Bytes of a query: `[depths][high, low][DEPTH]`.
    fn query(&self) -> usize {
        self.depths * 2 * HALF_ROW
    }

    /// Values of a row's sums and what goes with them.
    fn part(&self) -> usize {
        state_len(self.room * SIDE)
    }
}

/// # Safety
/// The level has matrix units, and [`takes`] the kernel.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16,avx2,fma,f16c")]
pub(super) unsafe fn run(kernel: TileKernel<'_>) {
    let Storage::Bf16(cache) = &kernel.layer.storage else { return };
    let rows = Rows { shape: kernel.shape, tile: kernel.tile };
    let layout = Layout::of(kernel.shape.kv);
    let scratch = kernel.scratch;
    let [queries, values] = &mut scratch.matrices;
    let queries = queries.at_least(rows.len().next_multiple_of(BLOCK) * layout.query());
    for (row, bytes) in queries.chunks_exact_mut(layout.query()).enumerate().take(rows.len()) {
        split_query(rows.query(kernel.queries, row), rows.scale(), bytes);
    }
    let scores = scratch.scores.at_least(BLOCK * SCORES);
    let part = scratch.part.at_least(BLOCK * layout.part());
    let mut answers = Answers::new(rows, kernel.partials, &mut scratch.states);
    if rows.len() <= MOST_ROWS {
        let halves = scratch.halves.at_least(rows.len() * 2 * (layout.depths * DEPTH + SPLIT));
        few_rows((&rows, &layout), (cache, queries), halves, (scores, part), &mut answers);
    } else {
        let values = values.at_least(layout.room * SPLIT / DEPTH * COLUMN);
        // SAFETY: the caller vouches for the units.
        let tiles = unsafe { Tiles::configured() };
        let mut walk = Walk { rows, layout, cache, queries, values, scores, part, tiles, answers: &mut answers };
        for split in kernel.tile.splits.clone() {
            // SAFETY: the caller vouches for the units.
            unsafe { walk.split(split) };
        }
    }
    // SAFETY: features as above; `check` looked at the output.
    unsafe { answers.write::<Avx512>(kernel.output) };
}

/// Answers of no more than [`MOST_ROWS`] rows, on vectors.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16,avx2,fma,f16c")]
fn few_rows(
    (rows, layout): (&Rows<'_>, &Layout),
    (cache, queries): (&Buffers<Brain>, &[u8]),
    halves: &mut [f32],
    (scores, part): (&mut [f32], &mut [f32]),
    answers: &mut Answers<'_>,
) {
    let (count, dim, len) = (rows.len(), layout.depths * DEPTH, layout.part());
    let (query_halves, weights) = halves.split_at_mut(count * 2 * dim);
    for (bytes, halves) in queries.chunks_exact(layout.query()).zip(query_halves.chunks_exact_mut(2 * dim)) {
        widen_row(bytes, halves.split_at_mut(dim));
    }
    for split in rows.tile.splits.clone() {
        let groups = Groups::of(rows, cache, split);
        let block = Block { first: 0, count, start: split * SPLIT, seen: groups.seen.clone() };
        if block.seen.is_empty() {
            answers.take_nothing(split, (0, count));
            continue;
        }
        // SAFETY: this function's features are those of `Avx512`; the buffers hold the rows.
        unsafe {
            score_pairs::<Avx512>(&groups, (count, dim), query_halves, (scores, SCORES));
            weigh(rows, &block, scores, (part, len));
            let range = block.steps().start * DEPTH..block.steps().end * DEPTH;
            for (scores, weights) in scores.chunks_exact(SCORES).zip(weights.chunks_exact_mut(2 * SPLIT)) {
                let (high, low) = weights.split_at_mut(SPLIT);
                // By now these are rows of halves.
                let bytes = scores[range.clone()].as_ptr().cast::<u8>();
                let bytes = std::slice::from_raw_parts(bytes, range.len() * size_of::<f32>());
                widen_row(bytes, (&mut high[range.clone()], &mut low[range.clone()]));
            }
            sum_pairs::<Avx512>(&groups, (count, layout.columns), weights, (part, len));
            answers.take::<Avx512>(split, 0, (&part[..count * len], len));
        }
    }
}

/// A tile on its way through the context.
struct Walk<'a, 'b> {
    rows: Rows<'a>,
    layout: Layout,
    cache: &'a Buffers<Brain>,
    /// `[rows]`
    queries: &'a [u8],
    /// `[room][SPLIT / DEPTH][COLUMN]`, of the split at hand.
    values: &'a mut [u8],
    /// `[BLOCK, SCORES]`
    scores: &'a mut [f32],
    /// `[BLOCK, part]`
    part: &'a mut [f32],
    answers: &'a mut Answers<'b>,
    tiles: Tiles,
}

impl Walk<'_, '_> {
    /// # Safety
    /// The level has matrix units.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16,avx2,fma,f16c")]
    unsafe fn split(&mut self, split: usize) {
        let groups = Groups::of(&self.rows, self.cache, split);
        let mut is_first = true;
        for first in (0..self.rows.len()).step_by(BLOCK) {
            let count = BLOCK.min(self.rows.len() - first);
            let block =
                Block { first, count, start: split * SPLIT, seen: self.rows.seen((first, count), split * SPLIT) };
            if block.seen.is_empty() {
                self.answers.take_nothing(split, (first, count));
                continue;
            }
            // SAFETY: passed on to the caller; the buffers hold whole blocks.
            unsafe {
                for group in block.groups().step_by(2) {
                    if is_first {
                        for values in &groups.values[group..(group + 2).min(GROUPS)] {
                            prefetch(values);
                        }
                    }
                    self.score(&block, group, &groups);
                }
                weigh(&self.rows, &block, self.scores, (self.part, self.layout.part()));
                if is_first {
                    self.put_values(0, &groups);
                }
                for column in (0..self.layout.columns).step_by(2) {
                    if is_first && column + 2 < self.layout.columns {
                        self.put_values(column + 2, &groups);
                    }
                    self.sum(&block, column);
                }
                is_first = false;
                let len = self.layout.part();
                self.answers.take::<Avx512>(split, first, (&self.part[..count * len], len));
            }
        }
    }

    /// Scores of two groups of keys, or of the last one.
    ///
    /// # Safety
    /// The level has matrix units.
    unsafe fn score(&mut self, block: &Block, group: usize, groups: &Groups<'_, Brain>) {
        // A last one alone is scored twice, the other time behind itself: there is room.
        let second = (group + 1).min(block.groups().end - 1);
        let factors = Factors {
            rows: self.queries[block.first * self.layout.query()..].as_ptr(),
            stride: self.layout.query(),
            columns: [groups.keys[group].as_ptr().cast(), groups.keys[second].as_ptr().cast()],
            next: COLUMN,
            depths: self.layout.depths,
            sums: self.scores[group * GROUP..].as_mut_ptr(),
            sums_stride: SCORES * size_of::<f32>(),
        };
        // SAFETY: passed on to the caller; queries and scores are whole blocks.
        unsafe { if block.count > SIDE { self.tiles.two_by_two(factors) } else { self.tiles.one_by_two(factors) } };
    }

    /// Weighted values of two columns, summed.
    ///
    /// # Safety
    /// The level has matrix units; the scores are weights by now.
    unsafe fn sum(&mut self, block: &Block, column: usize) {
        let steps = block.steps();
        let values = |column: usize| self.values[(column * SPLIT / DEPTH + steps.start) * COLUMN..].as_ptr();
        let factors = Factors {
            rows: self.scores[steps.start * DEPTH..].as_ptr().cast(),
            stride: SCORES * size_of::<f32>(),
            columns: [values(column), values(column + 1)],
            next: COLUMN,
            depths: steps.len(),
            sums: self.part[column * SIDE..].as_mut_ptr(),
            sums_stride: self.layout.part() * size_of::<f32>(),
        };
        // SAFETY: passed on to the caller; weights and sums are whole blocks.
        unsafe { if block.count > SIDE { self.tiles.two_by_two(factors) } else { self.tiles.one_by_two(factors) } };
    }

    /// Puts two columns of the values below each other, zeros for tokens that no row of the tile sees.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn put_values(&mut self, column: usize, groups: &Groups<'_, Brain>) {
        let share = GROUPS.div_ceil(self.layout.columns.div_ceil(2));
        for group in column / 2 * share..((column / 2 + 1) * share).min(GROUPS) {
            prefetch(groups.next_keys[group]);
        }
        for group in steps(&groups.seen).start * 2..steps(&groups.seen).end * 2 {
            for column in column..(column + 2).min(self.layout.columns) {
                let bytes = &mut self.values[(column * GROUPS + group) * COLUMN / 2..][..COLUMN / 2];
                if groups.values[group].is_empty() {
                    bytes.fill(0);
                } else {
                    let first = group * GROUP;
                    let seen = groups.seen.start.saturating_sub(first)..groups.seen.end.saturating_sub(first);
                    put_column(groups.values[group], column, &seen, bytes);
                }
            }
        }
    }
}

/// Turns scores into weights, in their place, as rows of the first matrix of sums; begins the rows' answers, `len` apart.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16,avx2,fma,f16c")]
fn weigh(rows: &Rows<'_>, block: &Block, scores: &mut [f32], (part, len): (&mut [f32], usize)) {
    let range = block.steps().start * DEPTH..block.steps().end * DEPTH;
    for (row, scores) in scores.chunks_exact_mut(SCORES).enumerate().take(block.count) {
        let state = &mut part[row * len + len - LANES..][..2];
        let seen = rows.seen((block.first + row, 1), block.start);
        if seen.is_empty() {
            scores[range.clone()].fill(0.0);
            state.copy_from_slice(&[f32::NEG_INFINITY, 0.0]);
            continue;
        }
        if let Some(cap) = rows.shape.softcap {
            // SAFETY: this function's features are those of `Avx512`.
            unsafe { soften::<Avx512>(cap, &mut scores[range.clone()]) };
        }
        // Keys before its window may be another sequence's by now; those past its own position are the future, or
        // stale memory.
        scores[range.start..seen.start].fill(UNSEEN);
        scores[seen.end..range.end].fill(UNSEEN);
        state.copy_from_slice(&weigh_row(&mut scores[range.clone()]));
    }
}

/// Up to [`BLOCK`] rows of a tile, where a split starts, and what they see of it.
struct Block {
    first: usize,
    count: usize,
    start: usize,
    seen: Range<usize>,
}

impl Block {
    fn groups(&self) -> Range<usize> {
        self.seen.start / GROUP..self.seen.end.div_ceil(GROUP)
    }

    fn steps(&self) -> Range<usize> {
        steps(&self.seen)
    }
}

/// Steps of values with a token of the range.
fn steps(seen: &Range<usize>) -> Range<usize> {
    seen.start / DEPTH..seen.end.div_ceil(DEPTH)
}

/// Asks for a group that is read later.
fn prefetch(group: &[u16]) {
    const LINE: usize = 64 / size_of::<u16>();
    for line in (0..group.len()).step_by(LINE) {
        // SAFETY: a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(group.as_ptr().wrapping_add(line).cast()) };
    }
}

/// The high halves of two vectors' lanes, exact remainders, and those halves as `[32]` bf16 in their order.
#[target_feature(enable = "avx512f,avx512bw")]
fn high_row(first: __m512, second: __m512) -> (__m512i, [__m512; 2]) {
    let upper = _mm512_set1_epi32(UPPER);
    let high = |lanes: __m512| _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(lanes), upper));
    // Each word's upper half: words 1, 3, … of the first, then of the second.
    let odd = _mm512_add_epi32(
        _mm512_mullo_epi32(
            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
            _mm512_set1_epi32(0x0004_0004),
        ),
        _mm512_set1_epi32(0x0003_0001),
    );
    let row = _mm512_permutex2var_epi16(_mm512_castps_si512(first), odd, _mm512_castps_si512(second));
    (row, [_mm512_sub_ps(first, high(first)), _mm512_sub_ps(second, high(second))])
}

/// Writes 32 values of a row as high and low halves.
///
/// # Safety
/// `to` has room for 128 bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn store_row(first: __m512, second: __m512, to: *mut u8) {
    let (high, [low_first, low_second]) = high_row(first, second);
    let low = _mm512_cvtne2ps_pbh(low_second, low_first);
    // SAFETY: passed on to the caller; the two types have the same 64 bytes.
    unsafe {
        _mm512_storeu_si512(to.cast(), high);
        _mm512_storeu_si512(to.add(HALF_ROW).cast(), std::mem::transmute::<__m512bh, __m512i>(low));
    }
}

/// The halves of a row as `f32`, high ones and low ones.
#[target_feature(enable = "avx512f")]
fn widen_row(bytes: &[u8], (high, low): (&mut [f32], &mut [f32])) {
    let halves = high.as_chunks_mut::<DEPTH>().0.iter_mut().zip(low.as_chunks_mut::<DEPTH>().0);
    for (bytes, (high, low)) in bytes.chunks_exact(2 * HALF_ROW).zip(halves) {
        for (bytes, widened) in bytes.chunks_exact(HALF_ROW).zip([high, low]) {
            for at in (0..DEPTH).step_by(LANES) {
                // SAFETY: a half is `DEPTH` values of two bytes, and so many are written.
                unsafe {
                    let half = _mm256_loadu_si256(bytes.as_ptr().add(2 * at).cast());
                    let wide = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(half));
                    _mm512_storeu_si512(widened.as_mut_ptr().add(at).cast(), wide);
                }
            }
        }
    }
}

/// A query, scaled, as a row of the first matrix of scores.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn split_query(query: &[f32], scale: f32, bytes: &mut [u8]) {
    let scale = _mm512_set1_ps(scale);
    let load = |from: usize| {
        let left = query.len().saturating_sub(from).min(LANES);
        let mask = ((1_u32 << left) - 1) as u16;
        // SAFETY: masked lanes are not read.
        let scaled = unsafe { _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, query.as_ptr().wrapping_add(from)), scale) };
        let counts = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(_mm512_abs_ps(scaled), _mm512_set1_ps(LEAST));
        _mm512_maskz_mov_ps(counts, scaled)
    };
    for (depth, bytes) in bytes.chunks_exact_mut(2 * HALF_ROW).enumerate() {
        // SAFETY: the chunk is what a row of one depth takes.
        unsafe { store_row(load(depth * DEPTH), load(depth * DEPTH + LANES), bytes.as_mut_ptr()) };
    }
}

/// One column of a group's values, as half the rows of a column tile: zero for tokens outside `seen`, which counts from
/// the group's first.
#[target_feature(enable = "avx512f,avx512bw")]
fn put_column(group: &[u16], column: usize, seen: &Range<usize>, bytes: &mut [u8]) {
    let dim = group.len() / GROUP;
    assert!((column + 1) * SIDE <= dim && bytes.len() >= COLUMN / 2, "column");
    for pair in 0..GROUP / 2 {
        // SAFETY: the column's lanes of all pairs are inside the group, each pair's line is inside the bytes.
        unsafe {
            let line = _mm512_loadu_si512(group.as_ptr().add(2 * (pair * dim + column * SIDE)).cast());
            let line = if seen.start <= 2 * pair && 2 * pair + 2 <= seen.end {
                line
            } else {
                let lanes = |token: usize, lanes: u32| if seen.contains(&token) { lanes } else { 0 };
                _mm512_maskz_mov_epi16(lanes(2 * pair, 0x5555_5555) | lanes(2 * pair + 1, 0xaaaa_aaaa), line)
            };
            _mm512_storeu_si512(bytes.as_mut_ptr().add(pair * 64).cast(), line);
        }
    }
}

/// Turns a row's scores, whole steps of them, into weights: gives the largest score and the total of the weights.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16")]
fn weigh_row(scores: &mut [f32]) -> [f32; 2] {
    // SAFETY: whole steps are read and written.
    let load = |at: *const f32| unsafe { _mm512_loadu_ps(at) };
    let mut largest = [_mm512_set1_ps(UNSEEN); 2];
    for step in scores.chunks_exact(DEPTH) {
        largest[0] = _mm512_max_ps(largest[0], load(step.as_ptr()));
        largest[1] = _mm512_max_ps(largest[1], load(step[LANES..].as_ptr()));
    }
    let largest = _mm512_reduce_max_ps(_mm512_max_ps(largest[0], largest[1]));
    let base = _mm512_set1_ps(largest);
    let mut totals = [_mm512_setzero_ps(); 2];
    for step in scores.chunks_exact_mut(DEPTH) {
        let first = exp2(_mm512_sub_ps(load(step.as_ptr()), base));
        let second = exp2(_mm512_sub_ps(load(step[LANES..].as_ptr()), base));
        totals = [_mm512_add_ps(totals[0], first), _mm512_add_ps(totals[1], second)];
        // SAFETY: a step of scores has the bytes of a step of halves.
        unsafe { store_row(first, second, step.as_mut_ptr().cast()) };
    }
    [largest, _mm512_reduce_add_ps(_mm512_add_ps(totals[0], totals[1]))]
}

/// Two to the power of `x`, which is not above zero: zero where that is below [`LEAST`] (a polynomial of the fifth
/// degree, good to 7.5e-8).
#[target_feature(enable = "avx512f")]
fn exp2(x: __m512) -> __m512 {
    const COEFFICIENTS: [f32; 5] = [1.327_647_2e-3, 9.675_541e-3, 5.550_713_3e-2, 0.240_221_2, 0.693_146_97];
    let power = _mm512_roundscale_ps::<0>(x);
    let x = _mm512_sub_ps(x, power);
    let mut polynomial = _mm512_set1_ps(COEFFICIENTS[0]);
    for coefficient in &COEFFICIENTS[1..] {
        polynomial = _mm512_fmadd_ps(polynomial, x, _mm512_set1_ps(*coefficient));
    }
    let counts = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(power, _mm512_set1_ps(LEAST_POWER));
    _mm512_maskz_scalef_ps(counts, _mm512_fmadd_ps(polynomial, x, _mm512_set1_ps(1.0)), power)
}
