//! Inputs rounded to eight bits, for kernels over small integers.
//!
//! Each row is cut into groups of 32 values that share a scale: the largest value is 127. Rows lie
//! beside each other block by block of 256 values, so that a pass over a block of weights reads
//! memory front to back. Where a value is not a number its block's scales are none either, so that
//! what is computed from it shows it.

use super::level::{Kernel, Level};
use super::parallel::{SharedMut, for_each_range};
use super::vector::{LANES, Vector};

/// Values of a block.
pub(super) const BLOCK: usize = 256;
/// Values that share a scale.
pub(super) const GROUP: usize = 32;
const GROUPS: usize = BLOCK / GROUP;
/// Values whose sum is kept at the finest.
const SUMMED: usize = 16;
/// Words of a row's block: scales, scaled sums, sums, codes.
pub(super) const ROW_WORDS: usize = 2 * GROUPS + BLOCK / SUMMED + BLOCK / 4;
/// Words to the sums, and to the codes.
const SUMS: usize = 2 * GROUPS;
const CODES: usize = SUMS + BLOCK / SUMMED;
/// Words of a cache line.
const LINE_WORDS: usize = 16;
const LARGEST_CODE: f32 = 127.0;
/// Below it the reciprocal of a group's largest value might overflow.
const NOTHING: f32 = 1e-36;

/// What [`Rounded::new`] writes to memory for a row of so many values.
pub(super) const fn words_of_row(width: usize) -> usize {
    width.div_ceil(BLOCK) * ROW_WORDS
}

/// What [`Rounded::new`] needs beside, so that it may begin on a cache line.
pub(super) const SPARE_WORDS: usize = LINE_WORDS;

/// What of a value is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    /// The value.
    First,
    /// What is left of it when it was rounded.
    Second,
}

/// Rows of rounded inputs.
#[derive(Clone, Copy)]
pub(super) struct Rounded<'a> {
    words: &'a [f32],
    num_rows: usize,
}

impl<'a> Rounded<'a> {
    /// Rounds `input`, `[num_rows, width]`, into `scratch`, which becomes as long as that takes.
    pub(super) fn new(
        level: Level,
        (input, width): (&[f32], usize),
        digits: Digits,
        scratch: &'a mut Vec<f32>,
    ) -> Self {
        let (num_rows, num_blocks) = (input.len() / width, width.div_ceil(BLOCK));
        let len = num_rows * words_of_row(width);
        scratch.resize(len + SPARE_WORDS, 0.0);
        let past = scratch.as_ptr().addr() / size_of::<f32>() % LINE_WORDS;
        let words = &mut scratch[(LINE_WORDS - past) % LINE_WORDS..][..len];
        let target = SharedMut::new(words);
        for_each_range(num_rows, width * 4, |rows| {
            for row in rows {
                for block in 0..num_blocks {
                    let values = &input[row * width..(row + 1) * width][block * BLOCK..];
                    let at = (block * num_rows + row) * ROW_WORDS;
                    // SAFETY: this row's words of this block lie inside `words`, and only the
                    // thread that has the row writes them.
                    let target = unsafe { std::slice::from_raw_parts_mut(target.pointer().add(at), ROW_WORDS) };
                    level.run(RoundBlock { values: &values[..values.len().min(BLOCK)], digits, target });
                }
            }
        });
        Self { words, num_rows }
    }

    pub(super) fn num_rows(self) -> usize {
        self.num_rows
    }

    /// A block of `count` rows from row `first` on; the next row's words come [`ROW_WORDS`] later.
    ///
    /// # Panics
    /// If there are fewer rows or blocks.
    #[inline(always)]
    pub(super) fn rows(self, block: usize, first: usize, count: usize) -> RoundedRows {
        let words = &self.words[(block * self.num_rows + first) * ROW_WORDS..][..count * ROW_WORDS];
        RoundedRows { words: words.as_ptr() }
    }
}

/// Some rows of a block. Indices are below what [`Rounded::rows`] was asked for, and below the
/// number of groups.
#[derive(Clone, Copy)]
pub(super) struct RoundedRows {
    words: *const f32,
}

#[allow(clippy::missing_safety_doc)]
impl RoundedRows {
    /// Those from a row on.
    #[inline(always)]
    pub(super) unsafe fn from(self, row: usize) -> Self {
        // SAFETY: the caller vouches for the row.
        Self { words: unsafe { self.words.add(row * ROW_WORDS) } }
    }

    /// What a group's codes are multiples of.
    #[inline(always)]
    pub(super) unsafe fn scale(self, row: usize, group: usize) -> f32 {
        // SAFETY: the caller vouches for the indices.
        unsafe { *self.words.add(row * ROW_WORDS + group) }
    }

    /// The sum of a group's rounded values.
    #[inline(always)]
    pub(super) unsafe fn sum(self, row: usize, group: usize) -> f32 {
        // SAFETY: the caller vouches for the indices.
        unsafe { *self.words.add(row * ROW_WORDS + GROUPS + group) }
    }

    /// The sum of the codes of half a group, its sign turned round.
    #[inline(always)]
    pub(super) unsafe fn negative_codes(self, row: usize, half_group: usize) -> i32 {
        // SAFETY: the caller vouches for the indices; the word is an integer's bits.
        unsafe { *self.words.add(row * ROW_WORDS + SUMS + half_group).cast::<i32>() }
    }

    /// Four codes from value `4 * quad` of the block on.
    #[inline(always)]
    pub(super) unsafe fn quad(self, row: usize, quad: usize) -> i32 {
        // SAFETY: the caller vouches for the indices.
        unsafe { *self.words.add(row * ROW_WORDS + CODES + quad).cast::<i32>() }
    }

    /// Where the codes of the first row lie.
    pub(super) unsafe fn codes(self) -> *const i8 {
        // SAFETY: the caller vouches for the row.
        unsafe { self.words.add(CODES).cast() }
    }
}

struct RoundBlock<'a> {
    /// A block, or less at the end of a row.
    values: &'a [f32],
    digits: Digits,
    target: &'a mut [f32],
}

impl Kernel for RoundBlock<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let mut padded = [0.0; BLOCK];
        let values = if self.values.len() == BLOCK {
            self.values.as_ptr()
        } else {
            padded[..self.values.len()].copy_from_slice(self.values);
            padded.as_ptr()
        };
        let words = self.target.as_mut_ptr();
        // SAFETY: the caller vouches for the features; `values` has BLOCK values and `words`
        // ROW_WORDS words, of which the last are BLOCK codes.
        unsafe {
            let codes = words.add(CODES).cast::<i8>();
            let mut poison = V::splat(0.0);
            for group in 0..GROUPS {
                let mut pair = (V::load(values.add(group * GROUP)), V::load(values.add(group * GROUP + LANES)));
                poison = pair.0.mul_add(V::splat(0.0), pair.1.mul_add(V::splat(0.0), poison));
                let (mut rounded, mut scale) = round(pair);
                if self.digits == Digits::Second {
                    let back = V::splat(-scale);
                    pair = (rounded.0.mul_add(back, pair.0), rounded.1.mul_add(back, pair.1));
                    (rounded, scale) = round(pair);
                }
                rounded.0.store_bytes(codes.add(group * GROUP));
                rounded.1.store_bytes(codes.add(group * GROUP + LANES));
                *words.add(group) = scale;
            }
            let poison = poison.sum();
            let mut sums = [0_i32; BLOCK / 4];
            let ones = V::splat_word(0x0101_0101);
            for line in 0..BLOCK / 64 {
                let sum = V::dot::<true>(V::splat_word(0), ones, V::load_words(codes.add(line * 64).cast()));
                V::store_words(sum, sums.as_mut_ptr().add(line * LANES).cast());
            }
            for group in 0..GROUPS {
                let scale = *words.add(group) + poison;
                let half = |half: usize| sums[(2 * group + half) * 4..][..4].iter().sum::<i32>();
                let (first, second) = (half(0), half(1));
                *words.add(group) = scale;
                *words.add(GROUPS + group) = scale * (first + second) as f32;
                words.add(SUMS + 2 * group).cast::<i32>().write(-first);
                words.add(SUMS + 2 * group + 1).cast::<i32>().write(-second);
            }
        }
    }
}

/// A group's values as integers up to [`LARGEST_CODE`], and what these are multiples of.
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn round<V: Vector>((low, high): (V, V)) -> ((V, V), f32) {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let negative = low.mul(V::splat(-1.0)).max(high.mul(V::splat(-1.0)));
        let largest = low.max(high).max(negative).largest();
        let (factor, scale) =
            if largest > NOTHING { (LARGEST_CODE / largest, largest / LARGEST_CODE) } else { (0.0, 0.0) };
        ((low.mul(V::splat(factor)).round(), high.mul(V::splat(factor)).round()), scale)
    }
}

#[cfg(test)]
impl Rounded<'_> {
    /// What the kernels compute with, `[num_rows, width]`.
    pub(super) fn values(self, width: usize) -> Vec<f32> {
        let rows = |block| self.rows(block, 0, self.num_rows);
        // SAFETY: row and step are below the numbers asked for.
        let value = |row: usize, step: usize| unsafe {
            let rows = rows(step / BLOCK);
            let code = *rows.codes().add(row * ROW_WORDS * 4 + step % BLOCK);
            f32::from(code) * rows.scale(row, step % BLOCK / GROUP)
        };
        (0..self.num_rows).flat_map(|row| (0..width).map(move |step| value(row, step))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_to_a_part_in_254_of_their_groups_largest() {
        for (rows, width) in [(1, 1), (2, 32), (3, 300), (5, 512)] {
            let input: Vec<f32> = (0..rows * width).map(|at| ((at * 7919) % 1000) as f32 / 300.0 - 1.5).collect();
            for level in Level::available() {
                let mut scratch = Vec::new();
                let rounded = Rounded::new(level, (&input, width), Digits::First, &mut scratch).values(width);
                for (row, rounded) in input.chunks(width).zip(rounded.chunks(width)) {
                    for (group, rounded) in row.chunks(GROUP).zip(rounded.chunks(GROUP)) {
                        let largest = group.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
                        for (value, rounded) in group.iter().zip(rounded) {
                            assert!((value - rounded).abs() <= largest / 253.9, "{}: {value} {rounded}", level.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn second_digits_are_those_that_the_first_left() {
        let input: Vec<f32> = (0..3 * 300).map(|at| (at as f32 * 0.73).sin()).collect();
        for level in Level::available() {
            let values = |digits| Rounded::new(level, (&input, 300), digits, &mut Vec::new()).values(300);
            for ((value, first), second) in input.iter().zip(values(Digits::First)).zip(values(Digits::Second)) {
                assert!((value - first - second).abs() < 2.0e-5, "{}: {value} {first} {second}", level.name());
            }
        }
    }

    #[test]
    fn sums_are_those_of_the_codes() {
        let input: Vec<f32> = (0..BLOCK).map(|at| (at as f32 * 0.37).sin()).collect();
        for level in Level::available() {
            let mut scratch = Vec::new();
            let rounded = Rounded::new(level, (&input, BLOCK), Digits::First, &mut scratch);
            let (rows, values) = (rounded.rows(0, 0, 1), rounded.values(BLOCK));
            for group in 0..GROUPS {
                let sum: f32 = values[group * GROUP..(group + 1) * GROUP].iter().sum();
                // SAFETY: there is one row of a whole block.
                let (found, scale, halves) = unsafe {
                    let halves = rows.negative_codes(0, 2 * group) + rows.negative_codes(0, 2 * group + 1);
                    (rows.sum(0, group), rows.scale(0, group), halves)
                };
                assert!((found - sum).abs() < 1e-5 && (found + scale * halves as f32).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for level in Level::available() {
            for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for at in [0, 17, 40, 255] {
                    let mut input = [0.5; BLOCK];
                    input[at] = wrong;
                    let mut scratch = Vec::new();
                    let rounded = Rounded::new(level, (&input, BLOCK), Digits::First, &mut scratch);
                    assert!(!rounded.values(BLOCK)[at].is_finite(), "{} {wrong} {at}", level.name());
                }
            }
        }
    }
}
