//! Row-wise steps between the matrix products: norm, gated activation, residual sum.

use super::level::{Kernel, Level};
use super::parallel::for_each_row;
use super::vector::{LANES, Vector};

/// Root-mean-square norm of each `weight.len()`-wide row of `input`, scaled by `weight`.
///
/// # Panics
/// If `output` and `input` differ in length.
pub fn rms_norm(level: Level, weight: &[f32], epsilon: f32, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), output.len(), "norm shape");
    let width = weight.len();
    for_each_row(output, width, |row, output| {
        let input = &input[row * width..(row + 1) * width];
        level.run(RmsNorm { weight, epsilon, input, output });
    });
}

/// `output[row] = silu(gate) * up`, where each row of `input` is `[gate, up]`.
///
/// # Panics
/// If `input` is not twice as long as `output`.
pub fn silu_mul(level: Level, width: usize, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), 2 * output.len(), "activation shape");
    for_each_row(output, width, |row, output| {
        let (gate, up) = input[2 * row * width..2 * (row + 1) * width].split_at(width);
        level.run(SiluMul { gate, up, output });
    });
}

/// `target += addend`, element by element.
pub fn add_assign(target: &mut [f32], addend: &[f32]) {
    for (target, addend) in target.iter_mut().zip(addend) {
        *target += addend;
    }
}

struct RmsNorm<'a> {
    weight: &'a [f32],
    epsilon: f32,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for RmsNorm<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let width = self.input.len();
        let whole = width / LANES * LANES;
        // SAFETY: the caller vouches for the features; all offsets stay below `whole` ≤ `width`,
        // the length of the three slices.
        unsafe {
            let mut squares = V::splat(0.0);
            for at in (0..whole).step_by(LANES) {
                let value = V::load(self.input.as_ptr().add(at));
                squares = value.mul_add(value, squares);
            }
            let rest: f32 = self.input[whole..].iter().map(|value| value * value).sum();
            let mean = (squares.sum() + rest) / width as f32;
            let scale = 1.0 / (mean + self.epsilon).sqrt();
            for at in (0..whole).step_by(LANES) {
                let value = V::load(self.input.as_ptr().add(at)).mul(V::splat(scale));
                let scaled = value.mul(V::load(self.weight.as_ptr().add(at)));
                scaled.store(self.output.as_mut_ptr().add(at));
            }
            for at in whole..width {
                self.output[at] = self.input[at] * scale * self.weight[at];
            }
        }
    }
}

struct SiluMul<'a> {
    gate: &'a [f32],
    up: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for SiluMul<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let width = self.output.len();
        let mut at = 0;
        while at < width {
            let count = LANES.min(width - at);
            let mut lanes = [[0.0; LANES]; 2];
            lanes[0][..count].copy_from_slice(&self.gate[at..at + count]);
            lanes[1][..count].copy_from_slice(&self.up[at..at + count]);
            // SAFETY: the caller vouches for the features; both arrays hold sixteen values.
            unsafe {
                let (gate, up) = (V::load(lanes[0].as_ptr()), V::load(lanes[1].as_ptr()));
                let one = V::splat(1.0);
                let sigmoid = one.div(one.add(gate.mul(V::splat(-1.0)).exp()));
                gate.mul(sigmoid).mul(up).store(lanes[0].as_mut_ptr());
            }
            self.output[at..at + count].copy_from_slice(&lanes[0][..count]);
            at += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(width: usize, seed: f32) -> Vec<f32> {
        (0..width).map(|at| ((at as f32 + seed) * 0.7).sin() * 3.0).collect()
    }

    #[test]
    fn norm_matches_its_formula_on_every_level() {
        for level in Level::available() {
            for width in [1, 7, 16, 33, 128, 1000] {
                let (input, weight) = (row(2 * width, 0.3), row(width, 5.0));
                let mut output = vec![0.0; 2 * width];
                rms_norm(level, &weight, 1e-6, &input, &mut output);
                for (index, output) in output.iter().enumerate() {
                    let row = &input[index / width * width..(index / width + 1) * width];
                    let mean: f64 = row.iter().map(|v| f64::from(v * v)).sum::<f64>() / width as f64;
                    let scale = 1.0 / (mean + 1e-6).sqrt();
                    let expected = f64::from(input[index]) * scale * f64::from(weight[index % width]);
                    assert!((f64::from(*output) - expected).abs() < 1e-5, "{}", level.name());
                }
            }
        }
    }

    #[test]
    fn gated_activation_matches_its_formula_on_every_level() {
        for level in Level::available() {
            for width in [1, 15, 16, 40] {
                let mut input = row(4 * width, 1.0);
                input[0] = 200.0;
                input[width - 1] = if width > 1 { -200.0 } else { 200.0 };
                let mut output = vec![0.0; 2 * width];
                silu_mul(level, width, &input, &mut output);
                for (index, output) in output.iter().enumerate() {
                    let gate = f64::from(input[index / width * 2 * width + index % width]);
                    let up = f64::from(input[index / width * 2 * width + width + index % width]);
                    let expected = gate / (1.0 + (-gate).exp()) * up;
                    let error = (f64::from(*output) - expected).abs();
                    assert!(error <= 2e-6 * expected.abs().max(1.0), "{} {error}", level.name());
                }
            }
        }
    }
}
