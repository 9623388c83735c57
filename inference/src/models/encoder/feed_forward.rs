//! An encoder's feed-forward layer, gated or plain, in any of the ways that checkpoints store it.

use crate::kernels::cpu::{Activation, Level, gated, ungated};
use crate::layers::{Linear, Scratch};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::architecture::UpNames;
use super::config::EncoderFeedForwardConfig;

/// `down(activation(gate(x)) * up(x))`, or `down(activation(up(x)))`.
pub(super) struct FeedForward {
    up: Linear,
    down: Linear,
    activation: Activation,
    intermediate_size: usize,
    is_gated: bool,
}

/// Where the layer's tensors are.
pub(super) struct FeedForwardNames<'a> {
    pub layer: &'a str,
    pub up: UpNames,
    pub down: &'static str,
}

impl FeedForwardNames<'_> {
    fn up_parts(&self, config: &EncoderFeedForwardConfig) -> Vec<(String, usize)> {
        let part = |name: &str, width| (format!("{}.{name}", self.layer), width);
        match self.up {
            UpNames::Plain(name) => vec![part(name, config.intermediate_size)],
            UpNames::Gated(names) => names.map(|name| part(name, config.intermediate_size)).to_vec(),
            UpNames::GateFirst(name) | UpNames::GateLast(name) => vec![part(name, 2 * config.intermediate_size)],
        }
    }

    fn down_parts(&self, config: &EncoderFeedForwardConfig) -> [(String, usize); 1] {
        [(format!("{}.{}", self.layer, self.down), config.hidden_size)]
    }
}

impl FeedForward {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub(super) fn load(
        source: &dyn WeightSource,
        names: &FeedForwardNames<'_>,
        config: &EncoderFeedForwardConfig,
    ) -> Result<Self, WeightsError> {
        let parts = names.up_parts(config);
        let up = match names.up {
            UpNames::GateLast(_) => gate_last(source, &parts[0], config)?,
            _ => Linear::load(source, &parts, config.hidden_size, config.up_bias)?,
        };
        let down = Linear::load(source, &names.down_parts(config), config.intermediate_size, config.down_bias)?;
        let is_gated = !matches!(names.up, UpNames::Plain(_));
        let (activation, intermediate_size) = (config.activation, config.intermediate_size);
        Ok(Self { up, down, activation, intermediate_size, is_gated })
    }

    /// What [`Self::load`] reads.
    pub(super) fn tensors(names: &FeedForwardNames<'_>, config: &EncoderFeedForwardConfig) -> TensorList {
        let mut all = Linear::tensors(&names.up_parts(config), config.hidden_size, config.up_bias);
        all.extend(Linear::tensors(&names.down_parts(config), config.intermediate_size, config.down_bias));
        all
    }

    /// `input` is `[num_rows, hidden_size]`, and so becomes `output`; `scratch` is reused.
    pub(super) fn forward(&self, input: &[f32], scratch: &mut Scratch, output: &mut Vec<f32>) {
        let Scratch { wide, narrow, interleaved, .. } = scratch;
        self.up.forward(input, interleaved, wide);
        let width = self.intermediate_size;
        narrow.resize(if self.is_gated { wide.len() / 2 } else { wide.len() }, 0.0);
        if self.is_gated {
            gated(Level::best(), self.activation, width, wide, narrow);
        } else {
            ungated(Level::best(), self.activation, width, wide, narrow);
        }
        self.down.forward(narrow, interleaved, output);
    }
}

/// The fused projection with its halves swapped, so that the gate comes first.
fn gate_last(
    source: &dyn WeightSource,
    (name, outputs): &(String, usize),
    config: &EncoderFeedForwardConfig,
) -> Result<Linear, WeightsError> {
    let half = outputs / 2;
    let order = || (half..*outputs).chain(0..half);
    let weight = source.load(&format!("{name}.weight"), &[*outputs, config.hidden_size])?;
    let bias = if config.up_bias {
        let values = source.load(&format!("{name}.bias"), &[*outputs])?.to_f32();
        Some(order().map(|row| values[row]).collect())
    } else {
        None
    };
    Ok(Linear::new(&weight.rows(config.hidden_size, order()), bias))
}
