//! Element-wise steps between the matrix products: residual sums, scales, soft caps.

use super::level::{Kernel, Level};
use super::parallel::for_each_row;
use super::vector::{LANES, Vector};

/// Elements that one thread caps in a go.
const CAPPED_TOGETHER: usize = 1 << 12;

/// `target += addend`, element by element.
pub fn add_assign(target: &mut [f32], addend: &[f32]) {
    for (target, addend) in target.iter_mut().zip(addend) {
        *target += addend;
    }
}

/// `target += addend * factor`, element by element.
pub fn add_scaled(target: &mut [f32], addend: &[f32], factor: f32) {
    for (target, addend) in target.iter_mut().zip(addend) {
        *target += addend * factor;
    }
}

/// `values *= factor`.
pub fn scale(values: &mut [f32], factor: f32) {
    for value in values {
        *value *= factor;
    }
}

/// `cap * tanh(value / cap)` of every value (Gemma 2).
pub fn soft_cap(level: Level, cap: f32, values: &mut [f32]) {
    let whole = values.len() / CAPPED_TOGETHER * CAPPED_TOGETHER;
    let (chunks, rest) = values.split_at_mut(whole);
    for_each_row(chunks, CAPPED_TOGETHER, |_, values| level.run(SoftCap { cap, values }));
    level.run(SoftCap { cap, values: rest });
}

struct SoftCap<'a> {
    cap: f32,
    values: &'a mut [f32],
}

impl Kernel for SoftCap<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        for chunk in self.values.chunks_mut(LANES) {
            let mut lanes = [0.0; LANES];
            lanes[..chunk.len()].copy_from_slice(chunk);
            // SAFETY: the caller vouches for the features; the array holds sixteen values.
            unsafe {
                let value = V::load(lanes.as_ptr()).div(V::splat(self.cap)).tanh().mul(V::splat(self.cap));
                value.store(lanes.as_mut_ptr());
            }
            chunk.copy_from_slice(&lanes[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soft_cap_matches_its_formula_on_every_level() {
        for level in Level::available() {
            let inputs: Vec<f32> = (0..5000).map(|at| (at as f32 - 2500.0) * 0.04).collect();
            let mut values = inputs.clone();
            soft_cap(level, 5.0, &mut values);
            for (value, input) in values.iter().zip(inputs) {
                let expected = 5.0 * (f64::from(input) / 5.0).tanh();
                assert!((f64::from(*value) - expected).abs() < 2e-6, "{} {input}", level.name());
            }
        }
    }
}
