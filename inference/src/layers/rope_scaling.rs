//! How rotary frequencies are stretched beyond the context that a model was first trained on.
//!
//! Each rule is transformers' of the same name; frequencies are computed in `f64`.

use std::f64::consts::PI;

#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    None,
    Linear {
        factor: f64,
    },
    /// HunYuan: a larger base for all lengths.
    StaticNtk {
        alpha: f64,
    },
    /// Llama 3.1: low frequencies stretched, high ones kept, a ramp between.
    Llama3 {
        factor: f64,
        low_freq_factor: f64,
        high_freq_factor: f64,
        original_context: f64,
    },
    /// Peng et al. 2023: the ramp runs over dimensions, between two numbers of turns.
    Yarn {
        factor: f64,
        original_context: f64,
        beta_fast: f64,
        beta_slow: f64,
        /// The ramp's ends are whole dimensions.
        truncate: bool,
        /// What cosines and sines are multiplied with.
        attention_factor: f64,
    },
    /// Ding et al. 2024: a factor for each dimension, one list within the original context and one
    /// for models that are served with more.
    LongRope {
        short: Vec<f64>,
        long: Vec<f64>,
        original_context: f64,
        /// What cosines and sines are multiplied with: with the short list, and with the long one.
        attention_factors: [f64; 2],
    },
}

/// One kind of rotation: a model has one, or one for windowed layers and one for the others.
#[derive(Clone, Debug, PartialEq)]
pub struct RotaryConfig {
    pub theta: f64,
    /// So many of a head's first dimensions are turned.
    pub dim: usize,
    /// Dimensions `2i` and `2i + 1` are a pair, where others pair `i` with `i + dim / 2`.
    pub interleaved: bool,
    pub scaling: RopeScaling,
}

impl RotaryConfig {
    /// Inverse frequencies of the pairs and what cosines and sines are multiplied with, for a model
    /// that serves contexts of up to `max_positions`.
    pub(super) fn frequencies(&self, max_positions: usize) -> (Vec<f32>, f32) {
        let pairs = self.dim / 2;
        let theta = match self.scaling {
            RopeScaling::StaticNtk { alpha } => self.theta * alpha.powf(self.dim as f64 / (self.dim as f64 - 2.0)),
            _ => self.theta,
        };
        let plain = (0..pairs).map(|pair| theta.powf(-2.0 * pair as f64 / self.dim as f64));
        let (frequencies, factor): (Vec<f64>, f64) = match &self.scaling {
            RopeScaling::None | RopeScaling::StaticNtk { .. } => (plain.collect(), 1.0),
            RopeScaling::Linear { factor } => (plain.map(|frequency| frequency / factor).collect(), 1.0),
            RopeScaling::Llama3 { .. } => (plain.map(|frequency| self.llama3(frequency)).collect(), 1.0),
            RopeScaling::Yarn { attention_factor, .. } => {
                let ramp = self.yarn_ramp();
                (plain.enumerate().map(|(pair, frequency)| ramp(pair, frequency)).collect(), *attention_factor)
            }
            RopeScaling::LongRope { short, long, original_context, attention_factors } => {
                let is_long = max_positions as f64 > *original_context;
                let factors = if is_long { long } else { short };
                let stretched = plain.zip(factors).map(|(frequency, factor)| frequency / factor).collect();
                (stretched, attention_factors[usize::from(is_long)])
            }
        };
        (frequencies.into_iter().map(|frequency| frequency as f32).collect(), factor as f32)
    }

    fn llama3(&self, frequency: f64) -> f64 {
        let RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_context } = self.scaling else {
            return frequency;
        };
        let wavelength = 2.0 * PI / frequency;
        if wavelength < original_context / high_freq_factor {
            frequency
        } else if wavelength > original_context / low_freq_factor {
            frequency / factor
        } else {
            let ramp = (original_context / wavelength - low_freq_factor) / (high_freq_factor - low_freq_factor);
            (1.0 - ramp) * frequency / factor + ramp * frequency
        }
    }

    /// What a pair's frequency becomes.
    fn yarn_ramp(&self) -> impl Fn(usize, f64) -> f64 {
        let dim = self.dim as f64;
        let (factor, low, high) = match self.scaling {
            RopeScaling::Yarn { factor, original_context, beta_fast, beta_slow, truncate, .. } => {
                let at = |turns: f64| dim * (original_context / (turns * 2.0 * PI)).ln() / (2.0 * self.theta.ln());
                let (low, high) = (at(beta_fast), at(beta_slow));
                let (low, high) = if truncate { (low.floor(), high.ceil()) } else { (low, high) };
                (factor, low.max(0.0), high.min(dim - 1.0))
            }
            _ => (1.0, 0.0, 1.0),
        };
        // A ramp without a length would divide by zero.
        let length = if (high - low).abs() < f64::EPSILON { 0.001 } else { high - low };
        move |pair, frequency| {
            let stretched = ((pair as f64 - low) / length).clamp(0.0, 1.0);
            frequency / factor * stretched + frequency * (1.0 - stretched)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(scaling: RopeScaling) -> RotaryConfig {
        RotaryConfig { theta: 10000.0, dim: 8, interleaved: false, scaling }
    }

    #[test]
    fn llama3_keeps_high_and_stretches_low_frequencies() {
        let scaling =
            RopeScaling::Llama3 { factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_context: 8192.0 };
        let config = config(scaling);
        let same = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(same(config.llama3(1.0), 1.0));
        assert!(same(config.llama3(1e-5), 1e-5 / 8.0));
        let middle = 2.0 * PI / 4096.0;
        assert!(config.llama3(middle) < middle && config.llama3(middle) > middle / 8.0);
    }

    #[test]
    fn a_ramp_without_length_divides_nothing_by_zero() {
        let yarn = RopeScaling::Yarn {
            factor: 4.0,
            original_context: 2.0,
            beta_fast: 1.0,
            beta_slow: 1.0,
            truncate: true,
            attention_factor: 1.1,
        };
        let (frequencies, factor) = config(yarn).frequencies(100);
        assert!(frequencies.iter().all(|frequency| frequency.is_finite()) && (factor - 1.1).abs() < 1e-6);
    }

    #[test]
    fn the_long_list_is_for_models_served_beyond_their_first_context() {
        let longrope = RopeScaling::LongRope {
            short: vec![1.0; 4],
            long: vec![2.0; 4],
            original_context: 64.0,
            attention_factors: [1.0, 1.5],
        };
        let config = config(longrope);
        let (short, long) = (config.frequencies(64), config.frequencies(65));
        assert!((short.0[0] - 1.0).abs() < 1e-6 && (long.0[0] - 0.5).abs() < 1e-6);
        assert!((short.1 - 1.0).abs() < 1e-6 && (long.1 - 1.5).abs() < 1e-6);
    }
}
