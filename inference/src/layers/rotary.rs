//! Rotary position embedding (Su et al. 2021), of whole heads or their first dimensions.
//!
//! Angles are taken in `f32` from the `f32` inverse frequency, as transformers does, so that long
//! positions agree with the reference.

use crate::kernels::cpu::{Level, rotate_halves};

use super::RotaryConfig;

/// Inverse frequencies of one kind of rotation.
pub struct RotaryEmbedding {
    inverse_frequencies: Vec<f32>,
    /// What cosines and sines are multiplied with.
    factor: f32,
    interleaved: bool,
}

/// Cosines and sines of a batch's positions, each `[num_rows, dim / 2]`.
#[derive(Default)]
pub struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
    width: usize,
    interleaved: bool,
}

impl RotaryEmbedding {
    /// For a model that serves contexts of up to `max_positions`.
    pub fn new(config: &RotaryConfig, max_positions: usize) -> Self {
        let (inverse_frequencies, factor) = config.frequencies(max_positions);
        Self { inverse_frequencies, factor, interleaved: config.interleaved }
    }

    /// `angles` become those of `positions`.
    pub fn angles(&self, positions: &[usize], angles: &mut Angles) {
        angles.width = self.inverse_frequencies.len();
        angles.interleaved = self.interleaved;
        angles.cos.clear();
        angles.sin.clear();
        for position in positions {
            for frequency in &self.inverse_frequencies {
                let (sin, cos) = (*position as f32 * frequency).sin_cos();
                angles.sin.push(sin * self.factor);
                angles.cos.push(cos * self.factor);
            }
        }
    }
}

impl Angles {
    pub fn size_in_bytes(&self) -> usize {
        (self.cos.capacity() + self.sin.capacity()) * size_of::<f32>()
    }

    /// The memory behind them: `dim / 2` values a row in each.
    pub fn buffers(&mut self) -> [&mut Vec<f32>; 2] {
        [&mut self.cos, &mut self.sin]
    }

    /// Turns one head's first dimensions to the position of row `row`.
    pub fn rotate(&self, row: usize, head: &mut [f32]) {
        let head_dim = head.len();
        self.rotate_heads(row, head, head_dim);
    }

    /// Turns the first dimensions of each `head_dim`-wide head to the position of row `row`.
    pub fn rotate_heads(&self, row: usize, heads: &mut [f32], head_dim: usize) {
        let range = row * self.width..(row + 1) * self.width;
        let (cos, sin) = (&self.cos[range.clone()], &self.sin[range]);
        if !self.interleaved {
            rotate_halves(Level::best(), (cos, sin), heads, head_dim);
            return;
        }
        for head in heads.chunks_exact_mut(head_dim) {
            for (pair, (cos, sin)) in head.as_chunks_mut::<2>().0.iter_mut().zip(cos.iter().zip(sin)) {
                let [left, right] = *pair;
                *pair = [left * cos - right * sin, right * cos + left * sin];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // What is not turned stays as it is, to the bit.

    use super::*;
    use crate::layers::RopeScaling;

    fn turned(dim: usize, interleaved: bool, position: usize, head: &[f32; 8]) -> [f32; 8] {
        let config = RotaryConfig { theta: 10000.0, dim, interleaved, scaling: RopeScaling::None };
        let mut angles = Angles::default();
        RotaryEmbedding::new(&config, 100).angles(&[1, position], &mut angles);
        let mut head = *head;
        angles.rotate(1, &mut head);
        head
    }

    #[test]
    fn rotation_keeps_lengths_and_depends_on_distance_alone() {
        let dot = |a: [f32; 8], b: [f32; 8]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (query, key) = ([1., 2., 3., 4., 5., 6., 7., 8.], [2., -1., 0.5, 3., 1., 1., -2., 4.]);
        for (dim, interleaved) in [(8, false), (8, true), (4, false), (4, true)] {
            let turned = |position, head| turned(dim, interleaved, position, head);
            assert_eq!(turned(0, &query), query);
            assert_eq!(turned(9, &query)[dim..], query[dim..]);
            let near = dot(turned(3, &query), turned(0, &key));
            let far = dot(turned(13, &query), turned(10, &key));
            assert!((near - far).abs() < 1e-4, "{near} {far}");
        }
    }
}
