//! Activations of feed-forward layers, gated or not.

use super::level::{Kernel, Level};
use super::parallel::for_each_row;
use super::vector::{LANES, Vector};

/// What a feed-forward layer does to each value between its projections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    Silu,
    /// By the error function.
    Gelu,
    /// By the hyperbolic tangent.
    GeluTanh,
    Relu,
    ReluSquared,
    /// Quadratic above zero, exponential below (Huang and Schlag 2025), both factors learnt.
    Xielu {
        positive: f32,
        negative: f32,
    },
    /// gpt-oss: `(up + 1) * gate * sigmoid(alpha * gate)` with both clamped. Needs a gate.
    ClampedSilu {
        alpha: f32,
        limit: f32,
    },
}

/// The linear part of xIELU, which no checkpoint changes.
const XIELU_BETA: f32 = 0.5;

/// `output[row] = activation(gate) * up`, where each row of `input` is `[gate, up]`.
///
/// # Panics
/// If `input` is not twice as long as `output`.
pub fn gated(level: Level, activation: Activation, width: usize, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), 2 * output.len(), "activation shape");
    for_each_row(output, width, |row, output| {
        let (gate, up) = input[2 * row * width..2 * (row + 1) * width].split_at(width);
        level.run(Activate { activation, gate, up: Some(up), output });
    });
}

/// `output = activation(input)`, in rows of `width` values.
///
/// # Panics
/// If the two differ in length.
pub fn ungated(level: Level, activation: Activation, width: usize, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), output.len(), "activation shape");
    for_each_row(output, width, |row, output| {
        let gate = &input[row * width..(row + 1) * width];
        level.run(Activate { activation, gate, up: None, output });
    });
}

struct Activate<'a> {
    activation: Activation,
    gate: &'a [f32],
    up: Option<&'a [f32]>,
    output: &'a mut [f32],
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let width = self.output.len();
        let mut at = 0;
        while at < width {
            let count = LANES.min(width - at);
            let mut lanes = [[0.0; LANES], [1.0; LANES]];
            lanes[0][..count].copy_from_slice(&self.gate[at..at + count]);
            if let Some(up) = self.up {
                lanes[1][..count].copy_from_slice(&up[at..at + count]);
            }
            // SAFETY: the caller vouches for the features; both arrays hold sixteen values.
            unsafe {
                let (gate, up) = (V::load(lanes[0].as_ptr()), V::load(lanes[1].as_ptr()));
                activate(self.activation, gate, up).store(lanes[0].as_mut_ptr());
            }
            self.output[at..at + count].copy_from_slice(&lanes[0][..count]);
            at += count;
        }
    }
}

/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn activate<V: Vector>(activation: Activation, gate: V, up: V) -> V {
    // SAFETY: passed on to the caller; no pointer is used.
    unsafe {
        match activation {
            Activation::Silu => gate.mul(sigmoid(gate)).mul(up),
            Activation::Gelu => {
                let half = gate.mul(V::splat(0.5));
                let error = erf(gate.mul(V::splat(std::f32::consts::FRAC_1_SQRT_2)));
                half.mul(error.add(V::splat(1.0))).mul(up)
            }
            Activation::GeluTanh => {
                let half = gate.mul(V::splat(0.5));
                let cubic = gate.mul(gate).mul_add(V::splat(0.044_715), V::splat(1.0));
                let inner = gate.mul(cubic).mul(V::splat((2.0 / std::f32::consts::PI).sqrt()));
                half.mul(inner.tanh().add(V::splat(1.0))).mul(up)
            }
            Activation::Relu => gate.max(V::splat(0.0)).mul(up),
            Activation::ReluSquared => {
                let positive = gate.max(V::splat(0.0));
                positive.mul(positive).mul(up)
            }
            Activation::Xielu { positive, negative } => {
                let above = gate.max(V::splat(0.0));
                // At zero and above the lower half is nothing, to the bit.
                let below = gate.min(V::splat(0.0));
                let exponential = below.exp().add(V::splat(-1.0));
                let lower = exponential.add(below.mul(V::splat(-1.0))).mul(V::splat(negative));
                let linear = gate.mul_add(V::splat(XIELU_BETA), lower);
                above.mul(above).mul_add(V::splat(positive), linear).mul(up)
            }
            Activation::ClampedSilu { alpha, limit } => {
                let gate = gate.min(V::splat(limit));
                let up = up.min(V::splat(limit)).max(V::splat(-limit));
                up.add(V::splat(1.0)).mul(gate.mul(sigmoid(gate.mul(V::splat(alpha)))))
            }
        }
    }
}

/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn sigmoid<V: Vector>(value: V) -> V {
    // SAFETY: passed on to the caller.
    unsafe {
        let one = V::splat(1.0);
        one.div(one.add(value.mul(V::splat(-1.0)).exp()))
    }
}

/// The error function within 2e-7 (Abramowitz and Stegun, formula 7.1.26).
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn erf<V: Vector>(value: V) -> V {
    const COEFFICIENTS: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_8, -0.284_496_74, 0.254_829_6];
    // SAFETY: passed on to the caller.
    unsafe {
        let one = V::splat(1.0);
        let size = value.max(value.mul(V::splat(-1.0)));
        let step = one.div(size.mul_add(V::splat(0.327_591_1), one));
        let mut polynomial = V::splat(COEFFICIENTS[0]);
        for coefficient in &COEFFICIENTS[1..] {
            polynomial = polynomial.mul_add(step, V::splat(*coefficient));
        }
        let tail = polynomial.mul(step).mul(size.mul(size).mul(V::splat(-1.0)).exp());
        // The sign is the value's: a ratio that is ±1, and 0 at zero.
        let sign = value.div(size.max(V::splat(f32::MIN_POSITIVE)));
        one.add(tail.mul(V::splat(-1.0))).mul(sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(width: usize, seed: f32) -> Vec<f32> {
        (0..width).map(|at| ((at as f32 + seed) * 0.7).sin() * 3.0).collect()
    }

    #[test]
    fn gated_activation_matches_its_formula_on_every_level() {
        for level in Level::available() {
            for width in [1, 15, 16, 40] {
                let mut input = row(4 * width, 1.0);
                input[0] = 200.0;
                input[width - 1] = if width > 1 { -200.0 } else { 200.0 };
                let mut output = vec![0.0; 2 * width];
                gated(level, Activation::Silu, width, &input, &mut output);
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

    /// The error function by its series, which converges everywhere.
    fn erf_of(x: f64) -> f64 {
        let mut term = x;
        let mut sum = x;
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        (2.0 / std::f64::consts::PI.sqrt() * sum).clamp(-1.0, 1.0)
    }

    fn expected(activation: Activation, x: f64) -> f64 {
        match activation {
            Activation::Silu | Activation::ClampedSilu { .. } => x / (1.0 + (-x).exp()),
            Activation::Gelu => 0.5 * x * (1.0 + erf_of(x / 2f64.sqrt())),
            Activation::GeluTanh => {
                0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
            }
            Activation::Relu => x.max(0.0),
            Activation::ReluSquared => x.max(0.0).powi(2),
            Activation::Xielu { positive, .. } if x > 0.0 => f64::from(positive) * x * x + 0.5 * x,
            Activation::Xielu { negative, .. } => (x.exp_m1() - x) * f64::from(negative) + 0.5 * x,
        }
    }

    #[test]
    fn ungated_activations_match_their_formulas_on_every_level() {
        let xielu = Activation::Xielu { positive: 0.7, negative: 1.3 };
        let all = [
            Activation::Silu,
            Activation::Gelu,
            Activation::GeluTanh,
            Activation::Relu,
            Activation::ReluSquared,
            xielu,
        ];
        for (level, activation) in Level::available().into_iter().flat_map(|level| all.map(|one| (level, one))) {
            let input: Vec<f32> = (0..201).map(|at| (at as f32 - 100.0) * 0.043).collect();
            let mut output = vec![0.0; input.len()];
            ungated(level, activation, 67, &input, &mut output);
            for (output, input) in output.iter().zip(&input) {
                let expected = expected(activation, f64::from(*input));
                let error = (f64::from(*output) - expected).abs();
                assert!(error <= 1e-6 * expected.abs().max(1.0), "{} {activation:?} {input} {error}", level.name());
            }
        }
    }

    #[test]
    fn the_clamped_gate_matches_its_formula_on_every_level() {
        for level in Level::available() {
            let (gates, ups) = (row(33, 0.2), row(33, 4.0));
            let mut output = vec![0.0; 33];
            let activation = Activation::ClampedSilu { alpha: 1.7, limit: 1.5 };
            gated(level, activation, 33, &[gates.clone(), ups.clone()].concat(), &mut output);
            for ((gate, up), output) in gates.iter().zip(&ups).zip(&output) {
                let (gate, up) = (f64::from(gate.min(1.5)), f64::from(up.clamp(-1.5, 1.5)));
                let expected = (up + 1.0) * gate / (1.0 + (-f64::from(1.7f32) * gate).exp());
                assert!((f64::from(*output) - expected).abs() < 2e-6, "{}", level.name());
            }
        }
    }
}
