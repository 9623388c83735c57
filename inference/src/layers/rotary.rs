//! Rotary position embedding (Su et al. 2021), halves paired as in Hugging Face's models.
//!
//! Angles are taken in `f32` from the `f32` inverse frequency, as transformers does, so that long
//! positions agree with the reference.

/// How frequencies are stretched beyond the trained context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    None,
    Linear {
        factor: f64,
    },
    /// Llama 3.1: low frequencies stretched, high ones kept, a ramp between.
    Llama3 {
        factor: f64,
        low_freq_factor: f64,
        high_freq_factor: f64,
        original_context: f64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RotaryConfig {
    pub theta: f64,
    pub scaling: RopeScaling,
}

/// Inverse frequencies of one model.
pub struct RotaryEmbedding {
    inverse_frequencies: Vec<f32>,
}

/// Cosines and sines of a batch's positions, each `[num_rows, head_dim / 2]`.
#[derive(Default)]
pub struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
    width: usize,
}

impl RotaryEmbedding {
    pub fn new(config: RotaryConfig, head_dim: usize) -> Self {
        let inverse_frequencies = (0..head_dim / 2)
            .map(|pair| {
                let frequency = config.theta.powf(-2.0 * pair as f64 / head_dim as f64);
                scale(config.scaling, frequency) as f32
            })
            .collect();
        Self { inverse_frequencies }
    }

    /// `angles` become those of `positions`.
    pub fn angles(&self, positions: &[usize], angles: &mut Angles) {
        angles.width = self.inverse_frequencies.len();
        angles.cos.clear();
        angles.sin.clear();
        for position in positions {
            for frequency in &self.inverse_frequencies {
                let (sin, cos) = (*position as f32 * frequency).sin_cos();
                angles.sin.push(sin);
                angles.cos.push(cos);
            }
        }
    }
}

impl Angles {
    pub fn size_in_bytes(&self) -> usize {
        (self.cos.capacity() + self.sin.capacity()) * size_of::<f32>()
    }

    /// The memory behind them: `head_dim / 2` values a row in each.
    pub fn buffers(&mut self) -> [&mut Vec<f32>; 2] {
        [&mut self.cos, &mut self.sin]
    }

    /// Turns one head, `[head_dim]`, to the position of row `row`.
    pub fn rotate(&self, row: usize, head: &mut [f32]) {
        let range = row * self.width..(row + 1) * self.width;
        let (cos, sin) = (&self.cos[range.clone()], &self.sin[range]);
        let (first, second) = head.split_at_mut(self.width);
        for (index, (a, b)) in first.iter_mut().zip(second).enumerate() {
            let (left, right) = (*a, *b);
            *a = left * cos[index] - right * sin[index];
            *b = right * cos[index] + left * sin[index];
        }
    }
}

fn scale(scaling: RopeScaling, frequency: f64) -> f64 {
    match scaling {
        RopeScaling::None => frequency,
        RopeScaling::Linear { factor } => frequency / factor,
        RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_context } => {
            let wavelength = 2.0 * std::f64::consts::PI / frequency;
            if wavelength < original_context / high_freq_factor {
                frequency
            } else if wavelength > original_context / low_freq_factor {
                frequency / factor
            } else {
                let ramp = (original_context / wavelength - low_freq_factor) / (high_freq_factor - low_freq_factor);
                (1.0 - ramp) * frequency / factor + ramp * frequency
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // Position zero changes nothing, to the bit.

    use super::*;

    #[test]
    fn rotation_keeps_lengths_and_depends_on_distance_alone() {
        let rotary = RotaryEmbedding::new(RotaryConfig { theta: 10000.0, scaling: RopeScaling::None }, 8);
        let mut angles = Angles::default();
        rotary.angles(&[1, 1], &mut angles);
        rotary.angles(&[0, 3, 10, 13], &mut angles);
        let turned = |row: usize, head: &[f32; 8]| {
            let mut head = *head;
            angles.rotate(row, &mut head);
            head
        };
        let dot = |a: [f32; 8], b: [f32; 8]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (query, key) = ([1., 2., 3., 4., 5., 6., 7., 8.], [2., -1., 0.5, 3., 1., 1., -2., 4.]);
        assert_eq!(turned(0, &query), query);
        let near = dot(turned(1, &query), turned(0, &key));
        let far = dot(turned(3, &query), turned(2, &key));
        assert!((near - far).abs() < 1e-4, "{near} {far}");
    }

    #[test]
    fn llama3_keeps_high_and_stretches_low_frequencies() {
        let scaling =
            RopeScaling::Llama3 { factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_context: 8192.0 };
        let same = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(same(scale(scaling, 1.0), 1.0));
        assert!(same(scale(scaling, 1e-5), 1e-5 / 8.0));
        let middle = 2.0 * std::f64::consts::PI / 4096.0;
        assert!(scale(scaling, middle) < middle && scale(scaling, middle) > middle / 8.0);
    }
}
