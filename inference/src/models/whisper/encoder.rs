//! The encoder: two convolutions over the frames, then layers in which every position looks at all others.

use rayon::prelude::*;

use crate::kernels::cpu::add_assign;
use crate::layers::{Mlp, Norm, PackedAttention, PackedRows, Scratch};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::WhisperConfig;
use super::convolution::Convolution;

const NAME: &str = "model.encoder";

/// Buffers of a forward pass. They grow to the largest window and never shrink.
#[derive(Default)]
pub(super) struct EncoderWorkspace {
    /// `[positions, hidden_size]` behind the last norm.
    pub encoded: Vec<f32>,
    hidden: Vec<f32>,
    projected: Vec<f32>,
}

pub(super) struct WhisperEncoder {
    convolutions: [Convolution; 2],
    /// `[max_positions, hidden_size]`
    positions: Vec<f32>,
    layers: Vec<EncoderLayer>,
    norm: Norm,
}

struct EncoderLayer {
    attention_norm: Norm,
    attention: PackedAttention,
    mlp_norm: Norm,
    mlp: Mlp,
}

impl WhisperEncoder {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub(super) fn load(source: &dyn WeightSource, config: &WhisperConfig) -> Result<Self, WeightsError> {
        let hidden = config.hidden_size;
        let layers = (0..config.encoder.num_layers).into_par_iter();
        let layers = layers.map(|index| EncoderLayer::load(source, config, index)).collect::<Result<_, _>>()?;
        let first = Convolution::load(source, &format!("{NAME}.conv1"), [config.num_mels, hidden], 1)?;
        let second = Convolution::load(source, &format!("{NAME}.conv2"), [hidden, hidden], 2)?;
        let positions = source.load(&positions_name(), &[config.encoder.max_positions, hidden])?;
        let norm = Norm::load(source, &format!("{NAME}.layer_norm"), hidden, WhisperConfig::norm())?;
        Ok(Self { convolutions: [first, second], positions: positions.to_f32(), layers, norm })
    }

    /// Names and shapes of what [`Self::load`] reads.
    pub(super) fn tensors(config: &WhisperConfig) -> TensorList {
        let hidden = config.hidden_size;
        let mut all = Convolution::tensors(&format!("{NAME}.conv1"), [config.num_mels, hidden]);
        all.extend(Convolution::tensors(&format!("{NAME}.conv2"), [hidden, hidden]));
        all.push((positions_name(), vec![config.encoder.max_positions, hidden]));
        all.extend(Norm::tensors(&format!("{NAME}.layer_norm"), &[hidden], WhisperConfig::norm()));
        for index in 0..config.encoder.num_layers {
            let layer = layer_name(index);
            all.extend(PackedAttention::tensors(&format!("{layer}.self_attn"), &config.encoder_attention()));
            all.extend(Mlp::tensors(&layer, &config.mlp(config.encoder)));
            for name in ["self_attn_layer_norm", "final_layer_norm"] {
                all.extend(Norm::tensors(&format!("{layer}.{name}"), &[hidden], WhisperConfig::norm()));
            }
        }
        all
    }

    /// `features` are `[2 * positions, num_mels]`, at most as many positions as the model has.
    pub(super) fn forward(&self, features: &[f32], workspace: &mut EncoderWorkspace, scratch: &mut Scratch) {
        let EncoderWorkspace { encoded, hidden, projected } = workspace;
        let [first, second] = &self.convolutions;
        first.forward(features, scratch, projected);
        second.forward(projected, scratch, hidden);
        let length = hidden.len();
        add_assign(hidden, &self.positions[..length]);
        let whole = 0..length / self.norm.width();
        let rows = PackedRows { sequences: std::slice::from_ref(&whole), angles: &[] };
        for layer in &self.layers {
            layer.attention_norm.forward(hidden, encoded);
            layer.attention.forward(encoded, &rows, scratch, projected);
            add_assign(hidden, projected);
            layer.mlp_norm.forward(hidden, encoded);
            layer.mlp.forward_alone(encoded, scratch, projected);
            add_assign(hidden, projected);
        }
        self.norm.forward(hidden, encoded);
    }
}

impl EncoderLayer {
    fn load(source: &dyn WeightSource, config: &WhisperConfig, index: usize) -> Result<Self, WeightsError> {
        let layer = layer_name(index);
        let norm =
            |name: &str| Norm::load(source, &format!("{layer}.{name}"), config.hidden_size, WhisperConfig::norm());
        let attention = config.encoder_attention();
        let (attention_name, own) = (format!("{layer}.self_attn"), (None, None));
        Ok(Self {
            attention_norm: norm("self_attn_layer_norm")?,
            attention: PackedAttention::load(source, &attention_name, &attention, own, None)?,
            mlp_norm: norm("final_layer_norm")?,
            mlp: Mlp::load(source, &layer, &config.mlp(config.encoder))?,
        })
    }
}

fn layer_name(index: usize) -> String {
    format!("{NAME}.layers.{index}")
}

fn positions_name() -> String {
    format!("{NAME}.embed_positions.weight")
}
