//! Root-mean-square norm (Zhang and Sennrich 2019), over rows and over heads.

use crate::kernels::cpu::{Level, rms_norm};
use crate::weights::{WeightSource, WeightsError};

/// Partial sums kept side by side, so that the compiler can use vectors in a fixed order.
const PARTS: usize = 8;

/// `x / rms(x) * weight`.
pub struct RmsNorm {
    weight: Vec<f32>,
    epsilon: f32,
}

impl RmsNorm {
    /// # Errors
    /// If the tensor is missing or malformed.
    pub fn load(source: &dyn WeightSource, name: &str, width: usize, epsilon: f32) -> Result<Self, WeightsError> {
        let weight = source.load(&format!("{name}.weight"), &[width])?.to_f32();
        Ok(Self { weight, epsilon })
    }

    /// `input` is `[num_rows, width]`, and so becomes `output`.
    pub fn forward(&self, input: &[f32], output: &mut Vec<f32>) {
        output.resize(input.len(), 0.0);
        rms_norm(Level::best(), &self.weight, self.epsilon, input, output);
    }

    /// Norms one head of `width` values in place.
    pub fn forward_head(&self, head: &mut [f32]) {
        let mut squares = [0.0; PARTS];
        for chunk in head.chunks(PARTS) {
            for (square, value) in squares.iter_mut().zip(chunk) {
                *square += value * value;
            }
        }
        let mean = squares.iter().sum::<f32>() / head.len() as f32;
        let scale = 1.0 / (mean + self.epsilon).sqrt();
        for (value, weight) in head.iter_mut().zip(&self.weight) {
            *value = *value * scale * weight;
        }
    }
}
