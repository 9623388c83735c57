//! The decoder: layers that look back at the text so far and across at what was heard.

use rayon::prelude::*;

use crate::kernels::cpu::{KvLayer, SequenceSpan, add_assign, for_each_row};
use crate::layers::{Attention, CrossAttention, Embedding, ForwardContext, Mlp, Norm, Scratch, TokenBatch};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::WhisperConfig;

const NAME: &str = "model.decoder";

/// Buffers of a forward pass. They grow to the largest step and never shrink.
#[derive(Default)]
pub(super) struct DecoderWorkspace {
    hidden: Vec<f32>,
    normed: Vec<f32>,
    projected: Vec<f32>,
}

pub(super) struct WhisperDecoder {
    embedding: Embedding,
    /// `[max_positions, hidden_size]`
    positions: Vec<f32>,
    layers: Vec<DecoderLayer>,
    norm: Norm,
}

struct DecoderLayer {
    attention_norm: Norm,
    attention: Attention,
    cross_norm: Norm,
    cross: CrossAttention,
    mlp_norm: Norm,
    mlp: Mlp,
}

impl WhisperDecoder {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub(super) fn load(source: &dyn WeightSource, config: &WhisperConfig) -> Result<Self, WeightsError> {
        let hidden = config.hidden_size;
        let layers = (0..config.decoder.num_layers).into_par_iter();
        let layers = layers.map(|index| DecoderLayer::load(source, config, index)).collect::<Result<_, _>>()?;
        let positions = source.load(&positions_name(), &[config.decoder.max_positions, hidden])?.to_f32();
        Ok(Self {
            embedding: Embedding::load(source, &format!("{NAME}.embed_tokens"), config.vocab_size, hidden)?,
            positions,
            layers,
            norm: Norm::load(source, &format!("{NAME}.layer_norm"), hidden, WhisperConfig::norm())?,
        })
    }

    /// Names and shapes of what [`Self::load`] reads. The head is the embedding.
    pub(super) fn tensors(config: &WhisperConfig) -> TensorList {
        let hidden = config.hidden_size;
        let mut all = vec![
            (format!("{NAME}.embed_tokens.weight"), vec![config.vocab_size, hidden]),
            (positions_name(), vec![config.decoder.max_positions, hidden]),
        ];
        all.extend(Norm::tensors(&format!("{NAME}.layer_norm"), &[hidden], WhisperConfig::norm()));
        for index in 0..config.decoder.num_layers {
            let layer = layer_name(index);
            all.extend(Attention::tensors(&format!("{layer}.self_attn"), &config.decoder_attention()));
            all.extend(CrossAttention::tensors(&format!("{layer}.encoder_attn"), &config.cross_attention()));
            all.extend(Mlp::tensors(&layer, &config.mlp(config.decoder)));
            for name in ["self_attn_layer_norm", "encoder_attn_layer_norm", "final_layer_norm"] {
                all.extend(Norm::tensors(&format!("{layer}.{name}"), &[hidden], WhisperConfig::norm()));
            }
        }
        all
    }

    /// Keeps what every layer needs of an encoded window, `[slots.len(), hidden_size]`.
    pub(super) fn remember(&self, encoded: &[f32], memory: &mut [KvLayer], slots: &[usize], scratch: &mut Scratch) {
        for (layer, memory) in self.layers.iter().zip(memory) {
            layer.cross.store(encoded, memory, slots, scratch);
        }
    }

    /// Runs the batch's rows; `heard` has a span of the memory for each row. Returns the logits of the rows that the batch
    /// wants them of, `[num_logit_rows, vocab_size]`.
    pub(super) fn forward(
        &self,
        batch: &TokenBatch,
        heard: &[SequenceSpan<'_>],
        (own, memory): (&mut [KvLayer], &[KvLayer]),
        (workspace, scratch): (&mut DecoderWorkspace, &mut Scratch),
    ) -> Vec<f32> {
        let DecoderWorkspace { hidden, normed, projected } = workspace;
        let width = self.norm.width();
        self.embedding.forward(&batch.tokens, hidden);
        for_each_row(hidden, width, |row, values| {
            let position = batch.positions[row] * width;
            add_assign(values, &self.positions[position..position + width]);
        });
        let context = ForwardContext { batch, layer: 0, angles: &[], spans: batch.spans() };
        for ((layer, own), memory) in self.layers.iter().zip(own).zip(memory) {
            layer.attention_norm.forward(hidden, normed);
            layer.attention.forward(&context, own, normed, (scratch, projected));
            add_assign(hidden, projected);
            layer.cross_norm.forward(hidden, normed);
            layer.cross.forward(normed, heard, memory, (scratch, projected));
            add_assign(hidden, projected);
            layer.mlp_norm.forward(hidden, normed);
            layer.mlp.forward_alone(normed, scratch, projected);
            add_assign(hidden, projected);
        }
        let wanted = batch.logit_rows().flat_map(|row| &hidden[row * width..(row + 1) * width]);
        projected.clear();
        projected.extend(wanted);
        self.norm.forward(projected, normed);
        let mut logits = Vec::new();
        self.embedding.as_head().forward(normed, &mut scratch.interleaved, &mut logits);
        logits
    }
}

impl DecoderLayer {
    fn load(source: &dyn WeightSource, config: &WhisperConfig, index: usize) -> Result<Self, WeightsError> {
        let layer = layer_name(index);
        let norm =
            |name: &str| Norm::load(source, &format!("{layer}.{name}"), config.hidden_size, WhisperConfig::norm());
        Ok(Self {
            attention_norm: norm("self_attn_layer_norm")?,
            attention: Attention::load(source, &format!("{layer}.self_attn"), &config.decoder_attention())?,
            cross_norm: norm("encoder_attn_layer_norm")?,
            cross: CrossAttention::load(source, &format!("{layer}.encoder_attn"), &config.cross_attention())?,
            mlp_norm: norm("final_layer_norm")?,
            mlp: Mlp::load(source, &layer, &config.mlp(config.decoder))?,
        })
    }
}

fn layer_name(index: usize) -> String {
    format!("{NAME}.layers.{index}")
}

fn positions_name() -> String {
    format!("{NAME}.embed_positions.weight")
}
