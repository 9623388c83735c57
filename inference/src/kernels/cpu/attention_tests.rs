//! Paged attention against the textbook formula, and against itself in other batches.

use proptest::prelude::*;

use super::*;
use crate::kernels::cpu::KvDtype;
use crate::kernels::cpu::kv_store::Storage;
use crate::kernels::cpu::level::Kernel;
use crate::kernels::cpu::vector::{LANES, Vector};

fn values(count: usize, seed: u32) -> Vec<f32> {
    (0..count).map(|at| ((at as f32 * 0.37 + seed as f32 * 1.7).sin() * 43.0).fract()).collect()
}

struct Case {
    shape: AttentionShape<'static>,
    context: usize,
    layer: KvLayer,
    block_table: Vec<u32>,
    /// `[context, queries | keys | values]`.
    rows: Vec<f32>,
    width: usize,
}

fn case(num_heads: usize, num_kv_heads: usize, head_dim: usize, context: usize, dtype: KvDtype) -> Case {
    let kv = KvShape { num_kv_heads, head_dim, block_size: 16 };
    case_of(num_heads, kv, context, dtype)
}

fn case_of(num_heads: usize, kv: KvShape, context: usize, dtype: KvDtype) -> Case {
    let KvShape { num_kv_heads, head_dim, block_size } = kv;
    let scale = 1.0 / (head_dim as f32).sqrt();
    let shape = AttentionShape { num_heads, kv, scale, window: None, softcap: None, sinks: None };
    let width = (num_heads + 2 * num_kv_heads) * head_dim;
    let rows = values(context * width, 1);
    let num_blocks = context.div_ceil(block_size);
    // Blocks out of order, the first of the storage unused, stale memory full of NaN.
    let block_table: Vec<u32> = (1..=num_blocks as u32).rev().collect();
    let mut layer = KvLayer::new(kv, dtype, num_blocks + 1);
    match &mut layer.storage {
        Storage::F16(buffers) => {
            buffers.keys.as_mut_slice().fill(0x7e00);
            buffers.values.as_mut_slice().fill(0x7e00);
        }
        Storage::Bf16(buffers) => {
            buffers.keys.as_mut_slice().fill(0x7fc0);
            buffers.values.as_mut_slice().fill(0x7fc0);
        }
        Storage::F32(buffers) => {
            buffers.keys.as_mut_slice().fill(f32::NAN);
            buffers.values.as_mut_slice().fill(f32::NAN);
        }
    }
    let slots: Vec<usize> =
        (0..context).map(|at| block_table[at / block_size] as usize * block_size + at % block_size).collect();
    layer.store(&rows, width, num_heads * head_dim, &slots);
    Case { shape, context, layer, block_table, rows, width }
}

impl Case {
    fn attend(&self, level: Level, first: usize, count: usize) -> Vec<f32> {
        self.attend_with(level, (first, count), &self.block_table)
    }

    fn attend_with(&self, level: Level, (first, count): (usize, usize), block_table: &[u32]) -> Vec<f32> {
        let span = SequenceSpan { first_row: 0, num_rows: count, first_position: first, block_table };
        let queries = QueryRows { values: &self.rows[first * self.width..], width: self.width };
        let mut output = vec![f32::NAN; count * self.shape.num_heads * self.shape.kv.head_dim];
        paged_attention(level, self.shape, &self.layer, (queries, &[span]), &mut output);
        output
    }

    /// The block table with every block before the window of position `first` given back: by turns
    /// marked so, and left to another sequence (block 0, full of NaN).
    fn given_back(&self, first: usize) -> Vec<u32> {
        let window = self.shape.window.expect("a window");
        let unseen = (first + 1).saturating_sub(window) / self.shape.kv.block_size;
        let gone = |index| if index % 2 == 0 { NO_BLOCK } else { 0 };
        let entries = self.block_table.iter().enumerate();
        entries.map(|(index, block)| if index < unseen { gone(index) } else { *block }).collect()
    }

    fn plain(&self, position: usize, head: usize) -> Vec<f64> {
        let dim = self.shape.kv.head_dim;
        let at = |position: usize, head: usize| {
            let from = position * self.width + head * dim;
            &self.rows[from..from + dim]
        };
        let kv_head = self.shape.num_heads + head / self.shape.group();
        let query = at(position, head);
        let first = self.shape.window.map_or(0, |window| (position + 1).saturating_sub(window));
        let scores: Vec<f64> = (first..=position)
            .map(|key| {
                let dot: f64 =
                    query.iter().zip(at(key, kv_head)).map(|(query, key)| f64::from(*query) * f64::from(*key)).sum();
                let score = dot * f64::from(self.shape.scale);
                self.shape.softcap.map_or(score, |cap| f64::from(cap) * (score / f64::from(cap)).tanh())
            })
            .collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let sunk = self.shape.sinks.map_or(0.0, |sinks| (f64::from(sinks[head]) - largest).exp());
        let total = weights.iter().sum::<f64>() + sunk;
        (0..dim)
            .map(|offset| {
                let value = |key| at(key, kv_head + self.shape.kv.num_kv_heads)[offset];
                let sum: f64 = weights.iter().zip(first..).map(|(weight, key)| weight * f64::from(value(key))).sum();
                sum / total
            })
            .collect()
    }
}

const CASES: [(usize, usize, usize, usize); 7] =
    [(1, 1, 16, 1), (4, 2, 8, 37), (6, 2, 20, 90), (8, 1, 64, 300), (3, 3, 40, 16), (32, 1, 16, 50), (4, 4, 128, 530)];

#[test]
fn matches_the_formula_on_every_level_over_odd_shapes() {
    for level in Level::available() {
        for (dtype, tolerance) in [(KvDtype::F32, 2e-5), (KvDtype::F16, 2e-3), (KvDtype::Bf16, 2e-2)] {
            for (heads, kv_heads, dim, context) in CASES {
                let case = case(heads, kv_heads, dim, context, dtype);
                let output = case.attend(level, 0, context);
                for position in [0, context / 2, context - 1] {
                    for head in 0..heads {
                        let expected = case.plain(position, head);
                        let from = (position * heads + head) * dim;
                        for (got, expected) in output[from..from + dim].iter().zip(expected) {
                            let error = (f64::from(*got) - expected).abs();
                            assert!(error < tolerance, "{} {error} at {position}", level.name());
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn soft_caps_and_sinks_match_the_formula_on_every_level() {
    const SINKS: [f32; 4] = [-3.0, 0.0, 2.5, 40.0];
    for level in Level::available() {
        for (softcap, sinks) in [(Some(0.7), None), (None, Some(&SINKS[..])), (Some(2.0), Some(&SINKS[..]))] {
            let mut case = case(4, 2, 20, 290, KvDtype::F32);
            (case.shape.softcap, case.shape.sinks, case.shape.window) = (softcap, sinks, Some(270));
            let output = case.attend(level, 0, 290);
            for position in [0, 100, 289] {
                for head in 0..4 {
                    let from = (position * 4 + head) * 20;
                    for (got, expected) in output[from..from + 20].iter().zip(case.plain(position, head)) {
                        let error = (f64::from(*got) - expected).abs();
                        assert!(error < 2e-5, "{} {softcap:?} {position} {head}: {error}", level.name());
                    }
                }
            }
            let alone = case.attend(level, 289, 1);
            assert!(alone == output[289 * 80..], "{}: alone or in a chunk", level.name());
        }
    }
}

#[test]
fn a_query_has_the_same_bits_in_any_chunk() {
    for level in Level::available() {
        for dtype in [KvDtype::F32, KvDtype::F16, KvDtype::Bf16] {
            for (heads, kv_heads, dim, context) in CASES {
                let case = case(heads, kv_heads, dim, context, dtype);
                let whole = case.attend(level, 0, case.context);
                for chunk in [1, 3, 7, 100] {
                    let mut parts = Vec::new();
                    for first in (0..context).step_by(chunk) {
                        parts.extend(case.attend(level, first, chunk.min(context - first)));
                    }
                    let same = parts.iter().zip(&whole).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same && parts.len() == whole.len(), "{} chunk {chunk}", level.name());
                }
            }
        }
    }
}

const WINDOWS: [usize; 8] = [1, 15, 16, 17, 255, 256, 257, 10_000];

#[test]
fn a_window_matches_the_formula_on_every_level() {
    for level in Level::available() {
        for (dtype, tolerance) in [(KvDtype::F32, 2e-5), (KvDtype::F16, 2e-3), (KvDtype::Bf16, 2e-2)] {
            for (heads, kv_heads, dim, context) in [(4, 2, 8, 37), (6, 2, 20, 90), (8, 1, 16, 600)] {
                let mut case = case(heads, kv_heads, dim, context, dtype);
                for window in WINDOWS {
                    case.shape.window = Some(window);
                    let output = case.attend(level, 0, context);
                    for position in [0, 14, 15, 16, 17, 31, 255, 256, 257, 271, 272, 511, 512, 530, context - 1] {
                        let position = position.min(context - 1);
                        for head in [0, heads - 1] {
                            let expected = case.plain(position, head);
                            let from = (position * heads + head) * dim;
                            for (got, expected) in output[from..from + dim].iter().zip(expected) {
                                let error = (f64::from(*got) - expected).abs();
                                assert!(error < tolerance, "{} {error} at {position}, {window}", level.name());
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Chunk by chunk with the blocks that are out of sight gone, against all at once with all there.
fn assert_chunks_agree(case: &Case, level: Level, chunk: usize, whole: &[f32]) {
    let mut parts = Vec::new();
    for first in (0..case.context).step_by(chunk) {
        let count = chunk.min(case.context - first);
        parts.extend(case.attend_with(level, (first, count), &case.given_back(first)));
    }
    let same = parts.iter().zip(whole).all(|(a, b)| a.to_bits() == b.to_bits());
    assert!(same && parts.len() == whole.len(), "{} chunk {chunk}, {:?}", level.name(), case.shape.window);
}

#[test]
fn a_window_has_the_same_bits_in_any_chunk_and_never_reads_what_is_gone() {
    for level in Level::available() {
        for dtype in [KvDtype::F32, KvDtype::F16, KvDtype::Bf16] {
            let mut short = case(1, 1, 8, 270, dtype);
            let mut long = case(3, 1, 8, 560, dtype);
            for window in WINDOWS {
                short.shape.window = Some(window);
                let whole = short.attend(level, 0, short.context);
                assert!(whole.iter().all(|value| value.is_finite()));
                for chunk in 1..=short.context {
                    assert_chunks_agree(&short, level, chunk, &whole);
                }
                long.shape.window = Some(window);
                let whole = long.attend(level, 0, long.context);
                for chunk in [1, 17, 256, 300] {
                    assert_chunks_agree(&long, level, chunk, &whole);
                }
            }
        }
    }
}

#[test]
fn blocks_need_not_divide_the_splits() {
    for block_size in [32, 48, 512] {
        let kv = KvShape { num_kv_heads: 1, head_dim: 8, block_size };
        let mut case = case_of(2, kv, 600, KvDtype::F32);
        for window in [None, Some(17), Some(257)] {
            case.shape.window = window;
            let whole = case.attend(Level::best(), 0, 600);
            for position in [0, 47, 255, 256, 300, 599] {
                let expected = case.plain(position, 1);
                for (got, expected) in whole[position * 16 + 8..].iter().zip(expected) {
                    assert!((f64::from(*got) - expected).abs() < 2e-5, "{block_size} {window:?} at {position}");
                }
            }
            if window.is_some() {
                assert_chunks_agree(&case, Level::best(), 45, &whole);
            }
        }
    }
}

#[test]
fn a_window_beyond_the_context_changes_no_bit() {
    let mut case = case(4, 2, 24, 300, KvDtype::F16);
    let without = case.attend(Level::best(), 0, 300);
    for window in [300, 301, usize::MAX] {
        case.shape.window = Some(window);
        assert!(case.attend(Level::best(), 0, 300).iter().zip(&without).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn blocks_that_some_row_sees_may_not_be_gone() {
    let mut case = case(2, 1, 8, 80, KvDtype::F32);
    let refused = |case: &Case, gone: usize, first: usize| {
        let mut table = case.block_table.clone();
        table[gone] = NO_BLOCK;
        let attend = || case.attend_with(Level::best(), (first, 80 - first), &table);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(attend)).is_err()
    };
    assert!(refused(&case, 0, 79), "without a window every block is needed");
    // Position 56 sees 33..=56, position 55 sees 32..=55, position 54 sees 31..=54.
    case.shape.window = Some(24);
    assert!(!refused(&case, 1, 56) && !refused(&case, 1, 55));
    assert!(refused(&case, 1, 54) && refused(&case, 2, 56) && refused(&case, 4, 56));
}

/// What a kernel's exponentials come to.
struct Powers<'a>(&'a [f32], &'a mut [f32]);

impl Kernel for Powers<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        for (from, to) in self.0.chunks_exact(LANES).zip(self.1.chunks_exact_mut(LANES)) {
            // SAFETY: the caller vouches for the features; both chunks are sixteen values.
            unsafe { V::load(from.as_ptr()).exp2().store(to.as_mut_ptr()) };
        }
    }
}

#[test]
fn powers_of_two_are_good_to_two_units_of_the_last_place_on_every_level() {
    let exponents: Vec<f32> = (0..4096).map(|at| (at as f32 - 2048.0) / 17.0).collect();
    for level in Level::available() {
        let mut powers = vec![0.0; exponents.len()];
        level.run(Powers(&exponents, &mut powers));
        for (exponent, power) in exponents.iter().zip(&powers) {
            let expected = f64::from(exponent.clamp(-126.0, 126.0)).exp2();
            let error = (f64::from(*power) / expected - 1.0).abs();
            assert!(error < 2.4e-7, "{} {exponent}: {error}", level.name());
        }
    }
}

#[test]
fn a_long_context_is_shared_out_without_a_bit_changing() {
    for level in Level::available() {
        for dtype in [KvDtype::F16, KvDtype::Bf16] {
            for heads in [1, 2, 4, 24] {
                let case = case(heads, 1, 40, 1400, dtype);
                let whole = case.attend(level, 1300, 100);
                let alone = case.attend(level, 1399, 1);
                assert!(alone == whole[99 * heads * 40..], "{} {dtype:?} {heads}", level.name());
                let few = case.attend(level, 1390, 10);
                assert!(few == whole[90 * heads * 40..], "{} {dtype:?} {heads}: ten", level.name());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Any window, any block size, any cuts, all pieces as spans of one batch.
    #[test]
    fn spans_of_one_batch_do_not_feel_each_other(
        (kv_heads, group) in (1..3usize, 1..4usize),
        (head_dim, blocks) in (1..5usize, 1..4usize),
        (context, window) in (1..600usize, 1..700usize),
        cuts in prop::collection::btree_set(1..600usize, 0..12),
        dtype in prop::sample::select(vec![KvDtype::F16, KvDtype::Bf16]),
    ) {
        let kv = KvShape { num_kv_heads: kv_heads, head_dim: 6 * head_dim, block_size: 16 * blocks };
        let mut case = case_of(kv_heads * group, kv, context, dtype);
        case.shape.window = Some(window);
        let starts: Vec<usize> = std::iter::once(0).chain(cuts.into_iter().filter(|cut| *cut < context)).collect();
        let ends = starts.iter().skip(1).copied().chain([context]);
        let tables: Vec<Vec<u32>> = starts.iter().map(|first| case.given_back(*first)).collect();
        let spans: Vec<SequenceSpan<'_>> = starts
            .iter()
            .zip(ends)
            .zip(&tables)
            .map(|((first, end), table)| SequenceSpan {
                first_row: *first,
                num_rows: end - first,
                first_position: *first,
                block_table: &table[..end.div_ceil(kv.block_size)],
            })
            .collect();
        for level in Level::available() {
            let queries = QueryRows { values: &case.rows, width: case.width };
            let mut output = vec![f32::NAN; context * kv_heads * group * kv.head_dim];
            paged_attention(level, case.shape, &case.layer, (queries, &spans), &mut output);
            let whole = case.attend(level, 0, context);
            prop_assert!(output.iter().zip(&whole).all(|(a, b)| a.to_bits() == b.to_bits()), "{}", level.name());
        }
    }
}
