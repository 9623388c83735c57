//! How one head's cached keys and values lie in a group of sixteen tokens, and how they are read.
//!
//! In half and in single precision keys lie transposed, `[head_dim][16]`, so that one register holds one dimension of
//! sixteen keys and scores need no horizontal sums; values lie token by token, `[16][padded_dim]`. In bf16 two
//! dimensions of a key, and two tokens' values, lie beside each other, `[key_dim / 2][16][2]` and
//! `[8][padded_dim][2]`, as matrix units and dot products of pairs take them; key dimensions are padded with zeros to
//! what a matrix unit takes at a time.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::vector::{LANES, Vector};
use crate::kernels::aligned::Plain;

/// Tokens of one group; a block holds a whole number of groups.
pub(super) const GROUP: usize = LANES;
/// Values that are encoded at a time.
const CHUNK: usize = 64;

/// A dtype of the cache together with its layout.
pub(super) trait KvFormat {
    type Element: Plain;

    const ZERO: Self::Element;

    /// Dimensions that are stored of a key.
    fn key_dim(head_dim: usize) -> usize;

    /// Where dimension `dim` of a group's key `token` lies.
    fn key_at(dim: usize, token: usize) -> usize;

    /// Where dimension `dim` of a group's value `token` lies.
    fn value_at(dim: usize, token: usize, padded_dim: usize) -> usize;

    /// What is stored of `values`, as many as there are of them.
    fn encode(values: &[f32], stored: &mut [Self::Element]);

    /// Dimension `dim` of sixteen keys.
    ///
    /// # Safety
    /// The processor has the features of `V`; `keys` leads to a group with that dimension.
    unsafe fn key<V: Vector>(keys: *const Self::Element, dim: usize) -> V;

    /// Sixteen dimensions from `lane` on of the value of a group's token.
    ///
    /// # Safety
    /// The processor has the features of `V`; `values` leads to a group with those dimensions.
    unsafe fn value<V: Vector>(values: *const Self::Element, token: usize, lane: usize, padded_dim: usize) -> V;
}

/// Half precision, which saturates instead of overflowing.
pub(super) struct Half;

impl KvFormat for Half {
    type Element = u16;

    const ZERO: u16 = 0;

    fn key_dim(head_dim: usize) -> usize {
        head_dim
    }

    #[inline(always)]
    fn key_at(dim: usize, token: usize) -> usize {
        dim * GROUP + token
    }

    #[inline(always)]
    fn value_at(dim: usize, token: usize, padded_dim: usize) -> usize {
        token * padded_dim + dim
    }

    fn encode(values: &[f32], stored: &mut [u16]) {
        let (mut clamped, mut halves) = ([0.0; CHUNK], [f16::ZERO; CHUNK]);
        for (values, stored) in values.chunks(CHUNK).zip(stored.chunks_mut(CHUNK)) {
            for (clamped, value) in clamped.iter_mut().zip(values) {
                *clamped = value.clamp(-65504.0, 65504.0);
            }
            halves[..values.len()].convert_from_f32_slice(&clamped[..values.len()]);
            for (stored, half) in stored.iter_mut().zip(halves) {
                *stored = half.to_bits();
            }
        }
    }

    #[inline(always)]
    unsafe fn key<V: Vector>(keys: *const u16, dim: usize) -> V {
        // SAFETY: passed on to the caller.
        unsafe { V::load_f16(keys.add(dim * GROUP)) }
    }

    #[inline(always)]
    unsafe fn value<V: Vector>(values: *const u16, token: usize, lane: usize, padded_dim: usize) -> V {
        // SAFETY: passed on to the caller.
        unsafe { V::load_f16(values.add(token * padded_dim + lane)) }
    }
}

/// Single precision, which is exact.
pub(super) struct Single;

impl KvFormat for Single {
    type Element = f32;

    const ZERO: f32 = 0.0;

    fn key_dim(head_dim: usize) -> usize {
        head_dim
    }

    #[inline(always)]
    fn key_at(dim: usize, token: usize) -> usize {
        Half::key_at(dim, token)
    }

    #[inline(always)]
    fn value_at(dim: usize, token: usize, padded_dim: usize) -> usize {
        Half::value_at(dim, token, padded_dim)
    }

    fn encode(values: &[f32], stored: &mut [f32]) {
        stored.copy_from_slice(values);
    }

    #[inline(always)]
    unsafe fn key<V: Vector>(keys: *const f32, dim: usize) -> V {
        // SAFETY: passed on to the caller.
        unsafe { V::load(keys.add(dim * GROUP)) }
    }

    #[inline(always)]
    unsafe fn value<V: Vector>(values: *const f32, token: usize, lane: usize, padded_dim: usize) -> V {
        // SAFETY: passed on to the caller.
        unsafe { V::load(values.add(token * padded_dim + lane)) }
    }
}

/// Truncated single precision, rounded to nearest.
pub(super) struct Brain;

impl Brain {
    /// Dimensions that a matrix unit takes at a time.
    pub(super) const DEPTH: usize = 32;
    /// What is smaller is stored as zero. Matrix units round what is below the normal range to zero; sums of products
    /// of numbers that are no smaller than this do not come near it.
    pub(super) const LEAST_POWER: i32 = -40;
    pub(super) const LEAST: f32 = 1.0 / (1_u64 << -Self::LEAST_POWER) as f32;
}

impl KvFormat for Brain {
    type Element = u16;

    const ZERO: u16 = 0;

    fn key_dim(head_dim: usize) -> usize {
        head_dim.next_multiple_of(Self::DEPTH)
    }

    #[inline(always)]
    fn key_at(dim: usize, token: usize) -> usize {
        dim / 2 * 2 * GROUP + 2 * token + dim % 2
    }

    #[inline(always)]
    fn value_at(dim: usize, token: usize, padded_dim: usize) -> usize {
        token / 2 * 2 * padded_dim + 2 * dim + token % 2
    }

    fn encode(values: &[f32], stored: &mut [u16]) {
        for (value, stored) in values.iter().zip(stored) {
            let bits = if value.abs() < Self::LEAST { 0 } else { value.to_bits() };
            let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
            *stored = (if value.is_nan() { bits | 1 << 22 } else { rounded } >> 16) as u16;
        }
    }

    #[inline(always)]
    unsafe fn key<V: Vector>(keys: *const u16, dim: usize) -> V {
        // SAFETY: passed on to the caller.
        let (even, odd) = unsafe { V::load_bf16_pair(keys.add(dim / 2 * 2 * GROUP)) };
        if dim.is_multiple_of(2) { even } else { odd }
    }

    #[inline(always)]
    unsafe fn value<V: Vector>(values: *const u16, token: usize, lane: usize, padded_dim: usize) -> V {
        // SAFETY: passed on to the caller.
        let (even, odd) = unsafe { V::load_bf16_pair(values.add(token / 2 * 2 * padded_dim + 2 * lane)) };
        if token.is_multiple_of(2) { even } else { odd }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // What is rounded is known to the bit.

    use super::*;

    #[test]
    fn bf16_rounds_to_the_nearest_even_and_drops_what_is_tiny() {
        let encoded = |value: f32| {
            let mut stored = [0];
            Brain::encode(&[value], &mut stored);
            f32::from_bits(u32::from(stored[0]) << 16)
        };
        let last = 1.0 / 128.0;
        for (value, expected) in [
            (1.0, 1.0),
            (1.0 + last / 2.0, 1.0),
            (1.0 + last * 1.5, 1.0 + 2.0 * last),
            (-1.0 - last * 0.51, -1.0 - last),
            (Brain::LEAST, Brain::LEAST),
            (-Brain::LEAST * 0.99, 0.0),
            (f32::INFINITY, f32::INFINITY),
        ] {
            assert!(encoded(value) == expected, "{value}: {}", encoded(value));
        }
        assert!(encoded(f32::NAN).is_nan() && encoded(f32::from_bits(0x7f80_0001)).is_nan());
    }

    #[test]
    fn half_precision_saturates_in_long_rows_too() {
        let values: Vec<f32> = (0..150).map(|at| if at % 2 == 0 { 1e6 } else { -f32::INFINITY }).collect();
        let mut stored = vec![0; 150];
        Half::encode(&values, &mut stored);
        assert!(stored.chunks(2).all(|pair| pair == [0x7bff, 0xfbff]));
    }
}
