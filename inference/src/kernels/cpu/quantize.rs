//! Rounding weights to blocks of small integers or of fp8.
//!
//! Eight bits and fp8 take the largest magnitude of a block as their scale. Four bits search, for
//! each 32 weights, the range whose rounding loses least (the idea is that of `ggml`'s k-quants).

use half::f16;

use super::block_format::{BlockFormat, FLOAT8_MAX, widen_float8};

/// Weights that share a scale in four-bit blocks.
const SUB_BLOCK: usize = 32;
/// Largest code of four bits, and largest scale of six.
const LARGEST_CODE: f32 = 15.0;
const LARGEST_SCALE: f32 = 63.0;
/// Ranges that are tried for 32 weights, in tenths of a step around the full one.
const TRIES: i32 = 8;

/// Appends a row of weights as blocks; the last one is filled up with zeros.
///
/// # Panics
/// If weights are never rounded to this format here.
pub fn quantize_row(format: BlockFormat, row: &[f32], bytes: &mut Vec<u8>) {
    for values in row.chunks(format.block_len()) {
        match format {
            BlockFormat::Q8_0 => eight_bits(values, bytes),
            BlockFormat::Q4K => four_bits(values, bytes),
            BlockFormat::Float8 => float8(values, bytes),
            other => unreachable!("{other:?} is only read"),
        }
    }
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

fn eight_bits(values: &[f32], bytes: &mut Vec<u8>) {
    let scale = f16::from_f32(largest(values) / 127.0);
    bytes.extend(scale.to_le_bytes());
    let inverse = inverse(scale.to_f32());
    let code = |value: f32| ((value * inverse).round_ties_even() as i8).cast_unsigned();
    bytes.extend((0..BlockFormat::Q8_0.block_len()).map(|at| code(values.get(at).copied().unwrap_or(0.0))));
}

fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

fn float8(values: &[f32], bytes: &mut Vec<u8>) {
    let scale = largest(values) / FLOAT8_MAX;
    bytes.extend(scale.to_le_bytes());
    let inverse = inverse(scale);
    bytes.extend(
        (0..BlockFormat::Float8.block_len())
            .map(|at| round_float8(values.get(at).map_or(0.0, |value| value * inverse))),
    );
}

/// The code of fp8 (E4M3) nearest to a value within its range.
fn round_float8(value: f32) -> u8 {
    let magnitude = value.abs();
    // Codes are in the order of what they stand for.
    let (mut low, mut high) = (0_u8, 0x7e_u8);
    while low < high {
        let middle = low.midpoint(high + 1);
        if widen_float8(middle) <= magnitude { low = middle } else { high = middle - 1 }
    }
    let below = magnitude - widen_float8(low);
    let above = if low == 0x7e { f32::INFINITY } else { widen_float8(low + 1) - magnitude };
    let nearest = if above < below || (above <= below && low & 1 == 1) { low + 1 } else { low };
    nearest | if value.is_sign_negative() { 0x80 } else { 0 }
}

/// What 32 weights are stored with: `scale * code - min`.
#[derive(Clone, Copy, Default)]
struct Range {
    scale: f32,
    min: f32,
}

fn four_bits(values: &[f32], bytes: &mut Vec<u8>) {
    let mut ranges = [Range::default(); 8];
    for (range, values) in ranges.iter_mut().zip(values.chunks(SUB_BLOCK)) {
        *range = best_range(values);
    }
    let of_all = |of: fn(&Range) -> f32| {
        let largest = ranges.iter().map(of).fold(0.0, f32::max);
        f16::from_f32(largest / LARGEST_SCALE)
    };
    let (scale, min) = (of_all(|range| range.scale), of_all(|range| range.min));
    bytes.extend(scale.to_le_bytes());
    bytes.extend(min.to_le_bytes());
    let (scale, min) = (scale.to_f32(), min.to_f32());
    let step = |value: f32, unit: f32| (value * inverse(unit)).round_ties_even().clamp(0.0, LARGEST_SCALE) as u8;
    let steps = ranges.map(|range| (step(range.scale, scale), step(range.min, min)));
    bytes.extend(packed_scales(steps));
    let mut codes = [0_u8; 256];
    for ((codes, values), (step, min_step)) in
        codes.chunks_exact_mut(SUB_BLOCK).zip(values.chunks(SUB_BLOCK)).zip(steps)
    {
        let range = Range { scale: scale * f32::from(step), min: min * f32::from(min_step) };
        for (code, value) in codes.iter_mut().zip(values) {
            *code = code_in(range, *value) as u8;
        }
    }
    for pair in codes.chunks_exact(2 * SUB_BLOCK) {
        let (low, high) = pair.split_at(SUB_BLOCK);
        bytes.extend(low.iter().zip(high).map(|(low, high)| low | high << 4));
    }
}

fn code_in(range: Range, value: f32) -> f32 {
    ((value + range.min) * inverse(range.scale)).round_ties_even().clamp(0.0, LARGEST_CODE)
}

/// Eight scales and mins of six bits.
fn packed_scales(steps: [(u8, u8); 8]) -> [u8; 12] {
    let mut packed = [0; 12];
    for at in 0..4 {
        let ((scale, min), (later_scale, later_min)) = (steps[at], steps[at + 4]);
        packed[at] = scale | later_scale >> 4 << 6;
        packed[at + 4] = min | later_min >> 4 << 6;
        packed[at + 8] = later_scale & 15 | later_min << 4;
    }
    packed
}

/// The range whose codes, fitted to the weights by least squares, come nearest to them. Large
/// weights count for more: they meet large inputs no more seldom, and what they lose is larger.
fn best_range(values: &[f32]) -> Range {
    let lowest = values.iter().copied().fold(0.0, f32::min);
    let highest = values.iter().copied().fold(0.0, f32::max);
    if highest <= lowest {
        return Range { scale: 0.0, min: -lowest };
    }
    let mean_square = values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32;
    let root = mean_square.sqrt();
    let weigh = |value: f32| root + value.abs();
    let error = |range: Range| -> f32 {
        let lost = |value: f32| range.scale * code_in(range, value) - range.min - value;
        values.iter().map(|value| weigh(*value) * lost(*value) * lost(*value)).sum()
    };
    let full = Range { scale: (highest - lowest) / LARGEST_CODE, min: -lowest };
    let (mut best, mut least) = (full, error(full));
    for attempt in -TRIES..=TRIES {
        let steps = LARGEST_CODE + attempt as f32 * 0.1;
        let start = Range { scale: (highest - lowest) / steps, min: -lowest };
        let fitted = fit(values, start, weigh);
        let error = error(fitted);
        if error < least {
            (best, least) = (fitted, error);
        }
    }
    best
}

/// The scale and min that fit best to the codes of a range.
fn fit(values: &[f32], range: Range, weigh: impl Fn(f32) -> f32) -> Range {
    let [mut total, mut codes, mut squares, mut sum, mut products] = [0.0_f32; 5];
    for value in values {
        let (weight, code) = (weigh(*value), code_in(range, *value));
        total += weight;
        codes += weight * code;
        squares += weight * code * code;
        sum += weight * value;
        products += weight * code * value;
    }
    let determinant = total * squares - codes * codes;
    if determinant <= 0.0 {
        return range;
    }
    let scale = (total * products - codes * sum) / determinant;
    let min = (codes * products - squares * sum) / determinant;
    if scale <= 0.0 {
        range
    } else if min < 0.0 {
        // Nothing can be added, so the best line goes through zero.
        Range { scale: products / squares.max(f32::MIN_POSITIVE), min: 0.0 }
    } else {
        Range { scale, min }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::cpu::WeightDtype;

    fn values(count: usize) -> Vec<f32> {
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        (0..count).map(|_| uniform() + uniform() + uniform() + uniform()).collect()
    }

    /// What rounding a row loses, as a part of its length.
    fn loss(format: BlockFormat, row: &[f32]) -> f32 {
        let mut bytes = Vec::new();
        quantize_row(format, row, &mut bytes);
        assert_eq!(bytes.len(), format.row_bytes(row.len()));
        let found = WeightDtype::Blocks(format).widen_all(&bytes, row.len());
        let square = |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum::<f32>();
        let lost = square(&mut row.iter().zip(&found).map(|(value, found)| value - found));
        (lost / square(&mut row.iter().copied())).sqrt()
    }

    #[test]
    fn rounding_loses_little() {
        for width in [256, 512, 896, 100] {
            let row = values(width);
            assert!(loss(BlockFormat::Q8_0, &row) < 0.006);
            assert!(loss(BlockFormat::Float8, &row) < 0.03);
            assert!(loss(BlockFormat::Q4K, &row) < 0.08, "{}", loss(BlockFormat::Q4K, &row));
        }
    }

    #[test]
    fn rows_of_one_value_and_of_zeros_are_kept() {
        for format in [BlockFormat::Q8_0, BlockFormat::Q4K, BlockFormat::Float8] {
            let mut bytes = Vec::new();
            quantize_row(format, &[0.0; 256], &mut bytes);
            assert_eq!(WeightDtype::Blocks(format).widen_all(&bytes, 256), [0.0; 256]);
            for value in [0.5, -0.5, 3e-3] {
                assert!(loss(format, &[value; 256]) < 0.05, "{format:?} {value}");
            }
        }
    }

    #[test]
    fn every_code_of_fp8_is_its_own_nearest() {
        for code in (0..=0x7e).chain(0x81..=0xfe) {
            assert_eq!(round_float8(widen_float8(code)), code);
        }
        assert_eq!(widen_float8(0x7e).to_bits(), FLOAT8_MAX.to_bits());
        assert_eq!(widen_float8(1).to_bits(), (1.0_f32 / 512.0).to_bits());
        // Half way between two, the even one.
        assert_eq!((round_float8(1.0625), round_float8(1.1875)), (0x38, 0x3a));
    }
}
