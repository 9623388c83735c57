//! Norms of rows: by root mean square, or by mean and variance.

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

/// Layer norm of each `weight.len()`-wide row of `input`: centred, divided by its deviation, scaled by
/// `weight`, moved by `bias` if there is one.
///
/// # Panics
/// If `output` and `input` differ in length, or `bias` and `weight` do.
pub fn layer_norm(
    level: Level,
    (weight, bias): (&[f32], Option<&[f32]>),
    epsilon: f32,
    input: &[f32],
    output: &mut [f32],
) {
    assert_eq!(input.len(), output.len(), "norm shape");
    assert!(bias.is_none_or(|bias| bias.len() == weight.len()), "bias shape");
    let width = weight.len();
    for_each_row(output, width, |row, output| {
        let input = &input[row * width..(row + 1) * width];
        level.run(LayerNorm { weight, bias, epsilon, input, output });
    });
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

struct LayerNorm<'a> {
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    epsilon: f32,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for LayerNorm<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let width = self.input.len();
        let whole = width / LANES * LANES;
        // SAFETY: the caller vouches for the features; all offsets stay below `whole` ≤ `width`,
        // the length of the slices.
        let (mean, scale) = unsafe {
            let mut sums = V::splat(0.0);
            for at in (0..whole).step_by(LANES) {
                sums = sums.add(V::load(self.input.as_ptr().add(at)));
            }
            let mean = (sums.sum() + self.input[whole..].iter().sum::<f32>()) / width as f32;
            let mut squares = V::splat(0.0);
            for at in (0..whole).step_by(LANES) {
                let value = V::load(self.input.as_ptr().add(at)).add(V::splat(-mean));
                squares = value.mul_add(value, squares);
            }
            let rest: f32 = self.input[whole..].iter().map(|value| (value - mean) * (value - mean)).sum();
            let variance = (squares.sum() + rest) / width as f32;
            (mean, 1.0 / (variance + self.epsilon).sqrt())
        };
        for (at, output) in self.output.iter_mut().enumerate() {
            let moved = self.bias.map_or(0.0, |bias| bias[at]);
            *output = (self.input[at] - mean) * scale * self.weight[at] + moved;
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
    fn layer_norm_matches_its_formula_on_every_level() {
        for level in Level::available() {
            for width in [1, 7, 16, 33, 128, 1000] {
                let (input, weight, bias) = (row(2 * width, 0.3), row(width, 5.0), row(width, 9.0));
                let mut output = vec![0.0; 2 * width];
                layer_norm(level, (&weight, Some(&bias)), 1e-5, &input, &mut output);
                for (index, output) in output.iter().enumerate() {
                    let row = &input[index / width * width..(index / width + 1) * width];
                    let mean: f64 = row.iter().map(|v| f64::from(*v)).sum::<f64>() / width as f64;
                    let variance: f64 = row.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / width as f64;
                    let centred = (f64::from(input[index]) - mean) / (variance + 1e-5).sqrt();
                    let expected = centred * f64::from(weight[index % width]) + f64::from(bias[index % width]);
                    assert!((f64::from(*output) - expected).abs() < 2e-5, "{} {width}", level.name());
                }
            }
        }
    }
}
