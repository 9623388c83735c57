//! Attention of whole sequences that lie end to end: every token looks both ways.
//!
//! One sequence's one head is a unit of work. Its keys are laid out on their side, so that sixteen scores are computed
//! side by side without horizontal sums. What a token's answer is made of, and in which order, depends on its own
//! sequence alone: groups of sixteen keys are counted from the sequence's start.

use std::ops::Range;

use super::level::{Kernel, Level};
use super::parallel::{SharedMut, for_each_range};
use super::vector::{LANES, Vector};

/// Queries that share one pass over the keys.
const TILE: usize = 4;

/// What is added to a query's scores: the sequence's number, the query's place in it, its scores of all keys.
pub type ScoreBias<'a> = dyn Fn(usize, usize, &mut [f32]) + Sync + 'a;

/// Heads of a layer, and how far they look.
#[derive(Clone, Copy, Debug)]
pub struct PackedShape {
    pub num_heads: usize,
    pub head_dim: usize,
    /// What scores are multiplied with.
    pub scale: f32,
    /// So many tokens to either side; without it, all of them.
    pub window: Option<usize>,
}

impl PackedShape {
    fn width(&self) -> usize {
        self.num_heads * self.head_dim
    }

    /// The keys that a query sees.
    fn visible(&self, query: usize, len: usize) -> Range<usize> {
        match self.window {
            None => 0..len,
            Some(window) => query.saturating_sub(window)..(query + window + 1).min(len),
        }
    }
}

/// Attends each row of `sequences` to all rows of its own. `rows` holds `[queries, keys, values]`, each as wide as all
/// heads; `output` is `[num_rows, num_heads * head_dim]`, of which only `heads` are written.
///
/// # Panics
/// If a sequence or a head lies outside, or the sequences are not in their order.
pub fn packed_attention(
    level: Level,
    (shape, heads): (PackedShape, Range<usize>),
    (rows, sequences): (&[f32], &[Range<usize>]),
    bias: Option<&ScoreBias<'_>>,
    output: &mut [f32],
) {
    let width = shape.width();
    assert!(heads.end <= shape.num_heads, "heads");
    let fits = |sequence: &Range<usize>| {
        sequence.start <= sequence.end && sequence.end * 3 * width <= rows.len() && sequence.end * width <= output.len()
    };
    assert!(sequences.iter().all(fits), "sequences");
    // No row is written twice.
    assert!(sequences.windows(2).all(|pair| pair[0].end <= pair[1].start), "sequences overlap");
    let cost: usize = sequences.iter().map(|sequence| sequence.len() * sequence.len() * shape.head_dim).sum();
    let units = sequences.len() * heads.len();
    let output = SharedMut::new(output);
    for_each_range(units, cost * heads.len() / units.max(1), |range| {
        for unit in range {
            let (index, head) = (unit / heads.len(), heads.start + unit % heads.len());
            let sequence = sequences[index].clone();
            level.run(HeadKernel { shape, head, rows, sequence, index, bias, output });
        }
    });
}

struct HeadKernel<'a> {
    shape: PackedShape,
    head: usize,
    rows: &'a [f32],
    sequence: Range<usize>,
    index: usize,
    bias: Option<&'a ScoreBias<'a>>,
    output: SharedMut<f32>,
}

/// One head's keys and values, laid out for the kernel.
struct Laid {
    len: usize,
    /// Keys rounded up to whole groups.
    padded: usize,
    /// `[head_dim, padded]`
    keys: Vec<f32>,
    /// `[padded, value_width]`
    values: Vec<f32>,
    value_width: usize,
}

impl Kernel for HeadKernel<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let laid = self.lay_out();
        let mut scores = vec![0.0; TILE * laid.padded];
        let mut answers = vec![0.0; TILE * laid.value_width];
        for first in (0..laid.len).step_by(TILE) {
            let count = TILE.min(laid.len - first);
            let (from, to) =
                (self.shape.visible(first, laid.len).start, self.shape.visible(first + count - 1, laid.len).end);
            let groups = from / LANES * LANES..to.next_multiple_of(LANES);
            // SAFETY: the caller vouches for the features; `groups` are whole and end within `padded`.
            unsafe {
                self.scores::<V>(&laid, (first, count), groups.clone(), &mut scores);
                for (tile_row, row) in scores.chunks_exact_mut(laid.padded).take(count).enumerate() {
                    self.weights::<V>((first + tile_row, laid.len), groups.clone(), row);
                }
                weighted_sums::<V>(&laid, groups, &scores, &mut answers);
            }
            self.write(first, &answers[..count * laid.value_width], laid.value_width);
        }
    }
}

impl HeadKernel<'_> {
    /// Where part `part` (queries, keys, values) of row `row` of the sequence begins.
    #[inline(always)]
    fn part(&self, row: usize, part: usize) -> &[f32] {
        let start = ((self.sequence.start + row) * 3 + part) * self.shape.width() + self.head * self.shape.head_dim;
        &self.rows[start..start + self.shape.head_dim]
    }

    #[inline(always)]
    fn lay_out(&self) -> Laid {
        let (len, dim) = (self.sequence.len(), self.shape.head_dim);
        let (padded, value_width) = (len.next_multiple_of(LANES), dim.next_multiple_of(LANES));
        let mut laid =
            Laid { len, padded, keys: vec![0.0; dim * padded], values: vec![0.0; padded * value_width], value_width };
        for row in 0..len {
            for (at, value) in self.part(row, 1).iter().enumerate() {
                laid.keys[at * padded + row] = *value;
            }
            laid.values[row * value_width..row * value_width + dim].copy_from_slice(self.part(row, 2));
        }
        laid
    }

    /// Scores of `count` queries and the keys of `groups`, times the scale.
    ///
    /// # Safety
    /// The processor has the features of `V`; `groups` are whole groups within `laid.padded`.
    #[inline(always)]
    unsafe fn scores<V: Vector>(
        &self,
        laid: &Laid,
        (first, count): (usize, usize),
        groups: Range<usize>,
        scores: &mut [f32],
    ) {
        let dim = self.shape.head_dim;
        // Where a tile is short, its last query stands in for those that are missing.
        let queries: [&[f32]; TILE] = std::array::from_fn(|at| self.part(first + at.min(count - 1), 0));
        for group in groups.step_by(LANES) {
            // SAFETY: `keys` holds `dim` rows of `padded` values and `scores` as many of them as a tile has; a group
            // ends within each.
            unsafe {
                let mut sums = [V::splat(0.0); TILE];
                for at in 0..dim {
                    let keys = V::load(laid.keys.as_ptr().add(at * laid.padded + group));
                    for (sum, query) in sums.iter_mut().zip(&queries) {
                        *sum = keys.mul_add(V::splat(query[at]), *sum);
                    }
                }
                let scale = V::splat(self.shape.scale);
                for (row, sum) in sums.into_iter().enumerate() {
                    sum.mul(scale).store(scores.as_mut_ptr().add(row * laid.padded + group));
                }
            }
        }
    }

    /// Turns one query's scores into weights that sum to one; what it does not see has none.
    ///
    /// # Safety
    /// The processor has the features of `V`; `groups` are whole groups within `row`.
    #[inline(always)]
    unsafe fn weights<V: Vector>(&self, (query, len): (usize, usize), groups: Range<usize>, row: &mut [f32]) {
        if let Some(bias) = self.bias {
            bias(self.index, query, &mut row[..len]);
        }
        let visible = self.shape.visible(query, len);
        let largest = row[visible.clone()].iter().copied().fold(f32::NEG_INFINITY, f32::max);
        // SAFETY: the caller vouches for the features and the groups.
        unsafe {
            let mut sum = V::splat(0.0);
            for group in groups.clone().step_by(LANES) {
                let at = row.as_mut_ptr().add(group);
                V::load(at).add(V::splat(-largest)).exp().store(at);
                for (lane, weight) in row[group..group + LANES].iter_mut().enumerate() {
                    if !visible.contains(&(group + lane)) {
                        *weight = 0.0;
                    }
                }
                sum = sum.add(V::load(row.as_ptr().add(group)));
            }
            let factor = V::splat(1.0 / sum.sum());
            for group in groups.step_by(LANES) {
                let at = row.as_mut_ptr().add(group);
                V::load(at).mul(factor).store(at);
            }
        }
    }

    #[inline(always)]
    fn write(&self, first: usize, answers: &[f32], value_width: usize) {
        let (width, dim) = (self.shape.width(), self.shape.head_dim);
        for (row, answer) in answers.chunks_exact(value_width).enumerate() {
            let start = (self.sequence.start + first + row) * width + self.head * dim;
            // SAFETY: the row lies in the sequence, which ends within the output; this head's part of it is written by
            // this unit alone.
            let target = unsafe { std::slice::from_raw_parts_mut(self.output.pointer().add(start), dim) };
            target.copy_from_slice(&answer[..dim]);
        }
    }
}

/// What the weights of a tile make of the values.
///
/// # Safety
/// The processor has the features of `V`; `groups` lie within `laid.padded`.
#[inline(always)]
unsafe fn weighted_sums<V: Vector>(laid: &Laid, groups: Range<usize>, weights: &[f32], answers: &mut [f32]) {
    for part in (0..laid.value_width).step_by(LANES) {
        // SAFETY: `values` holds `padded` rows of `value_width` values, a whole number of vectors; `answers` and
        // `weights` hold a tile of rows.
        unsafe {
            let mut sums = [V::splat(0.0); TILE];
            for key in groups.clone() {
                let values = V::load(laid.values.as_ptr().add(key * laid.value_width + part));
                for (row, sum) in sums.iter_mut().enumerate() {
                    *sum = values.mul_add(V::splat(weights[row * laid.padded + key]), *sum);
                }
            }
            for (row, sum) in sums.into_iter().enumerate() {
                sum.store(answers.as_mut_ptr().add(row * laid.value_width + part));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize, width: usize) -> Vec<f32> {
        (0..count * 3 * width).map(|at| (at as f32 * 0.37).sin() * 2.0).collect()
    }

    fn expected(shape: PackedShape, rows: &[f32], sequence: &Range<usize>, bias: f64, query: usize) -> Vec<f64> {
        let (width, dim) = (shape.width(), shape.head_dim);
        let part =
            |row: usize, part: usize, at: usize| f64::from(rows[((sequence.start + row) * 3 + part) * width + at]);
        let mut answer = vec![0.0; width];
        for head in 0..shape.num_heads {
            let seen: Vec<usize> = shape.visible(query, sequence.len()).collect();
            let score = |key: &usize| {
                let dot: f64 = (head * dim..(head + 1) * dim).map(|at| part(query, 0, at) * part(*key, 1, at)).sum();
                (dot * f64::from(shape.scale) + bias * (query as f64 - *key as f64)).exp()
            };
            let weights: Vec<f64> = seen.iter().map(score).collect();
            let sum: f64 = weights.iter().sum();
            for (at, answer) in answer.iter_mut().enumerate().skip(head * dim).take(dim) {
                *answer = seen.iter().zip(&weights).map(|(key, weight)| weight / sum * part(*key, 2, at)).sum();
            }
        }
        answer
    }

    #[test]
    fn attention_matches_its_formula_on_every_level() {
        for level in Level::available() {
            for (head_dim, window, biased) in
                [(8, None, false), (24, Some(3), false), (16, Some(20), true), (33, None, true)]
            {
                let shape = PackedShape { num_heads: 3, head_dim, scale: 0.3, window };
                let sequences = [0..1, 1..38, 38..38, 38..55, 55..120];
                let rows = rows(120, shape.width());
                let mut output = vec![0.0; 120 * shape.width()];
                let add = |_: usize, query: usize, scores: &mut [f32]| {
                    for (key, score) in scores.iter_mut().enumerate() {
                        *score += 0.1 * (query as f32 - key as f32);
                    }
                };
                let bias: Option<&ScoreBias<'_>> = if biased { Some(&add) } else { None };
                packed_attention(level, (shape, 0..3), (&rows, &sequences), bias, &mut output);
                for sequence in sequences {
                    for query in 0..sequence.len() {
                        let expected = expected(shape, &rows, &sequence, if biased { 0.1 } else { 0.0 }, query);
                        let found = &output[(sequence.start + query) * shape.width()..][..shape.width()];
                        for (found, expected) in found.iter().zip(expected) {
                            assert!((f64::from(*found) - expected).abs() < 2e-5, "{} {found} {expected}", level.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_sequence_has_the_same_bits_in_any_company() {
        for level in Level::available() {
            let shape = PackedShape { num_heads: 2, head_dim: 20, scale: 0.2, window: Some(30) };
            let width = shape.width();
            let rows = rows(200, width);
            let mut together = vec![0.0; 200 * width];
            let sequences = [0..7, 7..100, 100..200];
            packed_attention(level, (shape, 0..2), (&rows, &sequences), None, &mut together);
            for sequence in sequences {
                let alone_rows = &rows[sequence.start * 3 * width..sequence.end * 3 * width];
                let mut alone = vec![0.0; sequence.len() * width];
                let whole = 0..sequence.len();
                for head in 0..2 {
                    let rows = (alone_rows, std::slice::from_ref(&whole));
                    packed_attention(level, (shape, head..head + 1), rows, None, &mut alone);
                }
                assert!(alone == together[sequence.start * width..sequence.end * width], "{}", level.name());
            }
        }
    }
}
