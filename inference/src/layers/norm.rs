//! Norms over rows and over heads: root mean square (Zhang and Sennrich 2019) or layer norm.

use crate::kernels::cpu::{Level, layer_norm, rms_norm};
use crate::weights::{TensorList, WeightSource, WeightsError};

/// Partial sums kept side by side, so that the compiler can use vectors in a fixed order.
const PARTS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    Rms,
    /// Gemma's: what is stored is added to one.
    RmsPlusOne,
    /// Layer norm with a weight alone.
    Layer,
    LayerWithBias,
    /// Layer norm without anything learnt.
    LayerPlain,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormConfig {
    pub kind: NormKind,
    pub epsilon: f32,
}

/// One norm's weights.
pub struct Norm {
    config: NormConfig,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Norm {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(source: &dyn WeightSource, name: &str, width: usize, config: NormConfig) -> Result<Self, WeightsError> {
        Self::load_shaped(source, name, &[width], config)
    }

    /// A norm whose weights are stored in several dimensions.
    ///
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load_shaped(
        source: &dyn WeightSource,
        name: &str,
        shape: &[usize],
        config: NormConfig,
    ) -> Result<Self, WeightsError> {
        let read = |part: &str| Ok(source.load(&format!("{name}.{part}"), shape)?.to_f32());
        let weight = match config.kind {
            NormKind::LayerPlain => vec![1.0; shape.iter().product()],
            NormKind::RmsPlusOne => read("weight")?.into_iter().map(|weight| 1.0 + weight).collect(),
            _ => read("weight")?,
        };
        let bias = if config.kind == NormKind::LayerWithBias { Some(read("bias")?) } else { None };
        Ok(Self { config, weight, bias })
    }

    /// What [`Self::load_shaped`] reads.
    pub fn tensors(name: &str, shape: &[usize], config: NormConfig) -> TensorList {
        let parts: &[&str] = match config.kind {
            NormKind::LayerPlain => &[],
            NormKind::LayerWithBias => &["weight", "bias"],
            _ => &["weight"],
        };
        parts.iter().map(|part| (format!("{name}.{part}"), shape.to_vec())).collect()
    }

    /// One norm after the other, as one of all their weights.
    #[must_use]
    pub fn joined(norms: Vec<Self>, config: NormConfig) -> Self {
        let weight = norms.iter().flat_map(|norm| norm.weight.clone()).collect();
        let bias: Vec<f32> = norms.into_iter().filter_map(|norm| norm.bias).flatten().collect();
        Self { config, weight, bias: (!bias.is_empty()).then_some(bias) }
    }

    pub fn width(&self) -> usize {
        self.weight.len()
    }

    /// `input` is `[num_rows, width]`, and so becomes `output`.
    pub fn forward(&self, input: &[f32], output: &mut Vec<f32>) {
        output.resize(input.len(), 0.0);
        match self.config.kind {
            NormKind::Rms | NormKind::RmsPlusOne => {
                rms_norm(Level::best(), &self.weight, self.config.epsilon, input, output);
            }
            NormKind::Layer | NormKind::LayerWithBias | NormKind::LayerPlain => {
                let weights = (self.weight.as_slice(), self.bias.as_deref());
                layer_norm(Level::best(), weights, self.config.epsilon, input, output);
            }
        }
    }

    /// Norms `values` in place, with the weights from `from` on.
    pub fn forward_part(&self, values: &mut [f32], from: usize) {
        let weight = &self.weight[from..from + values.len()];
        if !matches!(self.config.kind, NormKind::Rms | NormKind::RmsPlusOne) {
            let mean = sum(values, |value| value) / values.len() as f32;
            for value in values.iter_mut() {
                *value -= mean;
            }
        }
        let mean = sum(values, |value| value * value) / values.len() as f32;
        let scale = 1.0 / (mean + self.config.epsilon).sqrt();
        for (value, weight) in values.iter_mut().zip(weight) {
            *value = *value * scale * weight;
        }
        if let Some(bias) = &self.bias {
            for (value, bias) in values.iter_mut().zip(&bias[from..]) {
                *value += bias;
            }
        }
    }
}

/// A sum in an order that depends on the number of values alone.
fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut parts = [0.0; PARTS];
    for chunk in values.chunks(PARTS) {
        for (part, value) in parts.iter_mut().zip(chunk) {
            *part += of(*value);
        }
    }
    parts.iter().sum()
}
