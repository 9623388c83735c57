//! Rotary position embedding: pairs of a head's dimensions turned by angles.

use super::level::{Kernel, Level};
use super::vector::{LANES, Vector};

/// Turns each `head_dim`-wide head of `heads`: dimension `i` with dimension `i + cos.len()`, by the angle whose cosine
/// and sine stand at `i`. What lies beyond both halves stays as it is.
///
/// # Panics
/// If there are not as many sines as cosines, or a head has no room for both halves.
pub fn rotate_halves(level: Level, (cos, sin): (&[f32], &[f32]), heads: &mut [f32], head_dim: usize) {
    assert!(cos.len() == sin.len() && 2 * cos.len() <= head_dim, "rotation");
    level.run(RotateHalves { cos, sin, heads, head_dim });
}

struct RotateHalves<'a> {
    cos: &'a [f32],
    sin: &'a [f32],
    heads: &'a mut [f32],
    head_dim: usize,
}

impl Kernel for RotateHalves<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let half = self.cos.len();
        let whole = half / LANES * LANES;
        for head in self.heads.chunks_exact_mut(self.head_dim) {
            let (first, second) = head.split_at_mut(half);
            for at in (0..whole).step_by(LANES) {
                // SAFETY: the caller vouches for the features; `at + 16` ≤ `half`, which all four have.
                unsafe {
                    let (left, right) = (V::load(first.as_ptr().add(at)), V::load(second.as_ptr().add(at)));
                    let (cos, sin) = (V::load(self.cos.as_ptr().add(at)), V::load(self.sin.as_ptr().add(at)));
                    let minus_sin = sin.mul(V::splat(-1.0));
                    left.mul_add(cos, right.mul(minus_sin)).store(first.as_mut_ptr().add(at));
                    right.mul_add(cos, left.mul(sin)).store(second.as_mut_ptr().add(at));
                }
            }
            for at in whole..half {
                let (left, right) = (first[at], second[at]);
                first[at] = left * self.cos[at] - right * self.sin[at];
                second[at] = right * self.cos[at] + left * self.sin[at];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_as_the_formula_says_on_every_level_over_odd_shapes() {
        let values = |count: usize, seed: f32| (0..count).map(|at| (at as f32 * 0.7 + seed).sin()).collect::<Vec<_>>();
        for level in Level::available() {
            for (half, head_dim) in [(1, 2), (7, 20), (16, 32), (20, 40), (33, 80), (64, 128)] {
                let (cos, sin) = (values(half, 0.1), values(half, 0.9));
                let heads = values(3 * head_dim, 2.0);
                let mut turned = heads.clone();
                rotate_halves(level, (&cos, &sin), &mut turned, head_dim);
                for (at, turned) in turned.iter().enumerate() {
                    let (head, dim) = (at / head_dim * head_dim, at % head_dim);
                    let [cos, sin] = [&cos, &sin].map(|angles| f64::from(angles[dim % half]));
                    let value = |dim: usize| f64::from(heads[head + dim]);
                    let expected = match dim / half {
                        0 => value(dim) * cos - value(dim + half) * sin,
                        1 => value(dim) * cos + value(dim - half) * sin,
                        _ => value(dim),
                    };
                    assert!((f64::from(*turned) - expected).abs() < 3e-7, "{} {half} of {head_dim}", level.name());
                }
            }
        }
    }
}
