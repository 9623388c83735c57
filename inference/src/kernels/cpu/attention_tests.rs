//! Paged attention against the textbook formula, and against itself in other batches.

use super::*;
use crate::kernels::cpu::KvDtype;

fn values(count: usize, seed: u32) -> Vec<f32> {
    (0..count).map(|at| ((at as f32 * 0.37 + seed as f32 * 1.7).sin() * 43.0).fract()).collect()
}

struct Case {
    shape: AttentionShape,
    context: usize,
    layer: KvLayer,
    block_table: Vec<u32>,
    /// `[context, queries | keys | values]`.
    rows: Vec<f32>,
    width: usize,
}

fn case(num_heads: usize, num_kv_heads: usize, head_dim: usize, context: usize, dtype: KvDtype) -> Case {
    let kv = KvShape { num_kv_heads, head_dim, block_size: 16 };
    let shape = AttentionShape { num_heads, kv, scale: 1.0 / (head_dim as f32).sqrt() };
    let width = (num_heads + 2 * num_kv_heads) * head_dim;
    let rows = values(context * width, 1);
    let num_blocks = context.div_ceil(16);
    // Blocks out of order, the first of the storage unused, stale memory full of NaN.
    let block_table: Vec<u32> = (1..=num_blocks as u32).rev().collect();
    let mut layer = KvLayer::new(kv, dtype, num_blocks + 1);
    match &mut layer.storage {
        Storage::F16 { keys, values } => {
            keys.as_mut_slice().fill(0x7e00);
            values.as_mut_slice().fill(0x7e00);
        }
        Storage::F32 { keys, values } => {
            keys.as_mut_slice().fill(f32::NAN);
            values.as_mut_slice().fill(f32::NAN);
        }
    }
    let slots: Vec<usize> = (0..context).map(|at| block_table[at / 16] as usize * 16 + at % 16).collect();
    layer.store(&rows, width, num_heads * head_dim, &slots);
    Case { shape, context, layer, block_table, rows, width }
}

impl Case {
    fn attend(&self, level: Level, first: usize, count: usize) -> Vec<f32> {
        let span =
            SequenceSpan { first_row: 0, num_rows: count, first_position: first, block_table: &self.block_table };
        let queries = QueryRows { values: &self.rows[first * self.width..], width: self.width };
        let mut output = vec![f32::NAN; count * self.shape.num_heads * self.shape.kv.head_dim];
        paged_attention(level, self.shape, &self.layer, (queries, &[span]), &mut output);
        output
    }

    fn plain(&self, position: usize, head: usize) -> Vec<f64> {
        let dim = self.shape.kv.head_dim;
        let at = |position: usize, head: usize| {
            let from = position * self.width + head * dim;
            &self.rows[from..from + dim]
        };
        let kv_head = self.shape.num_heads + head / self.shape.group();
        let query = at(position, head);
        let scores: Vec<f64> = (0..=position)
            .map(|key| {
                let dot: f64 =
                    query.iter().zip(at(key, kv_head)).map(|(query, key)| f64::from(*query) * f64::from(*key)).sum();
                dot * f64::from(self.shape.scale)
            })
            .collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let total: f64 = weights.iter().sum();
        (0..dim)
            .map(|offset| {
                let value = |key| at(key, kv_head + self.shape.kv.num_kv_heads)[offset];
                let sum: f64 = weights.iter().enumerate().map(|(key, weight)| weight * f64::from(value(key))).sum();
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
        for (dtype, tolerance) in [(KvDtype::F32, 2e-5), (KvDtype::F16, 2e-3)] {
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
fn a_query_has_the_same_bits_in_any_chunk() {
    for level in Level::available() {
        for dtype in [KvDtype::F32, KvDtype::F16] {
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
