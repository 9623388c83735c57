//! Attention of a few rows on vectors, to the bits of matrix units.
//!
//! A matrix unit adds up a product of depth 32 in two chains of fused multiply-adds from zero, one of the even and one
//! of the odd steps, adds the two, and adds that to the sum (Intel's manual, TDPBF16PS): so does this. Numbers are kept
//! away from where the units round to zero (`kv_format::Brain::LEAST`), so that nothing else differs.

use super::attention_block::Groups;
use super::attention_tile::SPLIT;
use super::bf16_products::DEPTH;
use super::kv_format::{Brain, GROUP};
use super::vector::{LANES, Vector};

/// Rows that are quicker this way.
pub(super) const MOST_ROWS: usize = 2;
/// The chains of a sum: low halves and high ones, even steps and odd ones.
const CHAINS: usize = 4;

/// Scores of all seen groups, rows `stride` apart: `queries` is `[rows][high, low][dim]`.
///
/// # Safety
/// The processor has the features of `V`; there are 1 to [`MOST_ROWS`] rows, and scores for them.
#[inline(always)]
pub(super) unsafe fn score_pairs<V: Vector>(
    groups: &Groups<'_, Brain>,
    (rows, dim): (usize, usize),
    queries: &[f32],
    (scores, stride): (&mut [f32], usize),
) {
    let mut range = groups.seen.start / GROUP..groups.seen.end.div_ceil(GROUP);
    macro_rules! several {
        ($rows:literal, $count:literal) => {
            while range.len() >= $count {
                let group = range.start;
                for values in &groups.values[group..group + $count] {
                    prefetch::<V>(values);
                }
                let keys: [*const u16; $count] = std::array::from_fn(|index| groups.keys[group + index].as_ptr());
                let target = scores[group * GROUP..].as_mut_ptr();
                // SAFETY: passed on to the caller; the groups are seen, so that they are there.
                unsafe { score_groups::<V, $rows, $count>(&keys, queries, dim, (target, stride)) };
                range.start += $count;
            }
        };
    }
    if rows == 1 {
        several!(1, 4);
        several!(1, 1);
    } else {
        several!(2, 2);
        several!(2, 1);
    }
}

/// # Safety
/// As for [`score_pairs`]; the keys are groups, `target` leads to `R` rows of `G` groups of scores.
#[inline(always)]
unsafe fn score_groups<V: Vector, const R: usize, const G: usize>(
    keys: &[*const u16; G],
    queries: &[f32],
    dim: usize,
    (target, stride): (*mut f32, usize),
) {
    assert!(queries.len() >= R * 2 * dim, "queries");
    // SAFETY: passed on to the caller; the queries are long enough.
    unsafe {
        let mut sums = [[V::splat(0.0); G]; R];
        for depth in (0..dim).step_by(DEPTH) {
            let mut chains = [[[V::splat(0.0); CHAINS]; G]; R];
            for at in (depth..depth + DEPTH).step_by(2) {
                let pairs: [(V, V); G] = std::array::from_fn(|group| V::load_bf16_pair(keys[group].add(at * GROUP)));
                for (row, chains) in chains.iter_mut().enumerate() {
                    let high = queries.as_ptr().add(row * 2 * dim + at);
                    let halves = [*high.add(dim), *high.add(dim + 1), *high, *high.add(1)];
                    for (chains, pair) in chains.iter_mut().zip(pairs) {
                        add_pair(chains, halves, pair);
                    }
                }
            }
            close(&mut sums, &chains);
        }
        for (row, sums) in sums.iter().enumerate() {
            for (group, sum) in sums.iter().enumerate() {
                sum.store(target.add(row * stride + group * GROUP));
            }
        }
    }
}

/// The rows' sums of weighted values, rows `stride` apart: `weights` is `[rows][high, low][SPLIT]`.
///
/// # Safety
/// The processor has the features of `V`; there are 1 to [`MOST_ROWS`] rows, and sums for them.
#[inline(always)]
pub(super) unsafe fn sum_pairs<V: Vector>(
    groups: &Groups<'_, Brain>,
    (rows, columns): (usize, usize),
    weights: &[f32],
    (sums, stride): (&mut [f32], usize),
) {
    for group in groups.next_keys {
        prefetch::<V>(group);
    }
    let mut column = 0;
    macro_rules! several {
        ($rows:literal, $count:literal) => {
            while columns - column >= $count {
                let target = sums[column * LANES..].as_mut_ptr();
                // SAFETY: passed on to the caller; the columns are there.
                unsafe { sum_columns::<V, $rows, $count>(groups, (column, columns), weights, (target, stride)) };
                column += $count;
            }
        };
    }
    if rows == 1 {
        several!(1, 4);
        several!(1, 1);
    } else {
        several!(2, 2);
        several!(2, 1);
    }
}

/// # Safety
/// As for [`sum_pairs`]; `target` leads to `R` rows of `L` vectors.
#[inline(always)]
unsafe fn sum_columns<V: Vector, const R: usize, const L: usize>(
    groups: &Groups<'_, Brain>,
    (column, columns): (usize, usize),
    weights: &[f32],
    (target, stride): (*mut f32, usize),
) {
    assert!(weights.len() >= R * 2 * SPLIT, "weights");
    let seen = &groups.seen;
    // SAFETY: passed on to the caller; the weights are long enough, and only groups that are seen are read.
    unsafe {
        let mut sums = [[V::splat(0.0); L]; R];
        for step in (seen.start / DEPTH * DEPTH..seen.end).step_by(DEPTH) {
            let mut chains = [[[V::splat(0.0); CHAINS]; L]; R];
            for at in (step.max(seen.start / 2 * 2)..(step + DEPTH).min(seen.end)).step_by(2) {
                let line = groups.values[at / GROUP].as_ptr().add(2 * LANES * (at % GROUP / 2 * columns + column));
                let mut pairs: [(V, V); L] =
                    std::array::from_fn(|column| V::load_bf16_pair(line.add(column * 2 * LANES)));
                if at < seen.start || at + 1 >= seen.end {
                    for (even, odd) in &mut pairs {
                        *even = if at < seen.start { V::splat(0.0) } else { *even };
                        *odd = if at + 1 >= seen.end { V::splat(0.0) } else { *odd };
                    }
                }
                for (row, chains) in chains.iter_mut().enumerate() {
                    let high = weights.as_ptr().add(row * 2 * SPLIT + at);
                    let halves = [*high.add(SPLIT), *high.add(SPLIT + 1), *high, *high.add(1)];
                    for (chains, pair) in chains.iter_mut().zip(pairs) {
                        add_pair(chains, halves, pair);
                    }
                }
            }
            close(&mut sums, &chains);
        }
        for (row, sums) in sums.iter().enumerate() {
            for (lane, sum) in sums.iter().enumerate() {
                sum.store(target.add(row * stride + lane * LANES));
            }
        }
    }
}

/// Goes on with a sum's chains by one pair.
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn add_pair<V: Vector>(chains: &mut [V; CHAINS], halves: [f32; CHAINS], (even, odd): (V, V)) {
    for (index, (chain, half)) in chains.iter_mut().zip(halves).enumerate() {
        // SAFETY: passed on to the caller.
        *chain = unsafe { V::splat(half).mul_add(if index % 2 == 0 { even } else { odd }, *chain) };
    }
}

/// Adds what a depth's chains have come to, low halves first.
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn close<V: Vector, const R: usize, const G: usize>(sums: &mut [[V; G]; R], chains: &[[[V; CHAINS]; G]; R]) {
    for (sum, chains) in sums.as_flattened_mut().iter_mut().zip(chains.as_flattened()) {
        // SAFETY: passed on to the caller.
        *sum = unsafe { sum.add(chains[0].add(chains[1])).add(chains[2].add(chains[3])) };
    }
}

/// Asks for a group that is read later.
#[inline(always)]
fn prefetch<V: Vector>(group: &[u16]) {
    for line in (0..group.len()).step_by(32) {
        V::prefetch(group.as_ptr().wrapping_add(line).cast());
    }
}
