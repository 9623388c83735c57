//! The decoder: embedding, layers of attention and feed-forward, norm, output head.
//!
//! The head is apart from the rest: a row of logits is much wider than all else of its token, so
//! whoever wants many of them asks for a few rows at a time.

use std::ops::Range;

use rayon::prelude::*;

use crate::kernels::cpu::add_assign;
use crate::kv_cache::tensors::KvTensors;
use crate::layers::{Attention, Embedding, ForwardContext, Linear, Mlp, RmsNorm, RotaryEmbedding, TokenBatch};
use crate::weights::{WeightSource, WeightsError};

use super::{DecoderConfig, Workspace};

struct DecoderLayer {
    attention_norm: RmsNorm,
    attention: Attention,
    mlp_norm: RmsNorm,
    mlp: Mlp,
}

/// A loaded model.
pub struct Decoder {
    config: DecoderConfig,
    embedding: Embedding,
    layers: Vec<DecoderLayer>,
    norm: RmsNorm,
    /// None when the embedding doubles as the head.
    head: Option<Linear>,
    rotary: RotaryEmbedding,
}

impl Decoder {
    /// Reads and packs all weights, layers in parallel.
    ///
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(source: &dyn WeightSource, config: DecoderConfig) -> Result<Self, WeightsError> {
        let hidden = config.attention.hidden_size;
        let embedding = Embedding::load(source, "model.embed_tokens", config.vocab_size, hidden)?;
        let head = if config.tied {
            None
        } else {
            let parts = [("lm_head".to_owned(), config.vocab_size)];
            Some(Linear::load(source, &parts, hidden, false)?)
        };
        let layers = (0..config.num_layers)
            .into_par_iter()
            .map(|index| DecoderLayer::load(source, &config, index))
            .collect::<Result<_, _>>()?;
        let norm = RmsNorm::load(source, "model.norm", hidden, config.norm_epsilon)?;
        let rotary = RotaryEmbedding::new(config.rotary, config.attention.head_dim);
        Ok(Self { config, embedding, layers, norm, head, rotary })
    }

    /// Checks that every tensor is there in its shape, without reading any.
    ///
    /// # Errors
    /// Of the first tensor that is not.
    pub fn verify(source: &dyn WeightSource, config: &DecoderConfig) -> Result<(), WeightsError> {
        for (name, shape) in tensors(config) {
            source.check(&name, &shape)?;
        }
        Ok(())
    }

    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// Runs the batch's rows, filling the cache, and leaves in the workspace what
    /// [`Self::logits`] needs of the rows whose logits are wanted.
    pub fn forward(&self, batch: &TokenBatch, cache: &mut KvTensors, workspace: &mut Workspace) {
        let Workspace { angles, hidden, normed, scratch, projected, .. } = workspace;
        self.embedding.forward(&batch.tokens, hidden);
        self.rotary.angles(&batch.positions, angles);
        let context = ForwardContext { batch, angles, spans: batch.spans() };
        for (index, layer) in self.layers.iter().enumerate() {
            layer.attention_norm.forward(hidden, normed);
            let cache = cache.layer_mut(index);
            layer.attention.forward(&context, cache, normed, (scratch, projected));
            add_assign(hidden, projected);
            layer.mlp_norm.forward(hidden, normed);
            layer.mlp.forward(normed, scratch, projected);
            add_assign(hidden, projected);
        }
        let width = self.config.attention.hidden_size;
        projected.clear();
        for row in batch.logit_rows() {
            projected.extend_from_slice(&hidden[row * width..(row + 1) * width]);
        }
        self.norm.forward(projected, normed);
    }

    /// Logits, `[rows.len(), vocab_size]`, of some of the rows that the last forward pass of this
    /// workspace was asked logits of, counted in [`TokenBatch::logit_rows`]. In which slices they
    /// are asked for makes no difference to their bits.
    ///
    /// # Panics
    /// If there are fewer such rows.
    pub fn logits<'a>(&self, rows: Range<usize>, workspace: &'a mut Workspace) -> &'a mut [f32] {
        let Workspace { normed, scratch: [.., interleaved], logits, .. } = workspace;
        let width = self.config.attention.hidden_size;
        let input = &normed[rows.start * width..rows.end * width];
        self.head.as_ref().unwrap_or(self.embedding.as_head()).forward(input, interleaved, logits);
        logits
    }
}

impl DecoderLayer {
    fn load(source: &dyn WeightSource, config: &DecoderConfig, index: usize) -> Result<Self, WeightsError> {
        let prefix = format!("model.layers.{index}");
        let hidden = config.attention.hidden_size;
        let norm = |name: &str| RmsNorm::load(source, &format!("{prefix}.{name}"), hidden, config.norm_epsilon);
        let sizes = (hidden, config.intermediate_size);
        Ok(Self {
            attention_norm: norm("input_layernorm")?,
            attention: Attention::load(source, &format!("{prefix}.self_attn"), &config.layer_attention(index))?,
            mlp_norm: norm("post_attention_layernorm")?,
            mlp: Mlp::load(source, &format!("{prefix}.mlp"), sizes, config.mlp_bias)?,
        })
    }
}

/// Names and shapes of all tensors that [`Decoder::load`] reads.
fn tensors(config: &DecoderConfig) -> Vec<(String, Vec<usize>)> {
    let attention = &config.attention;
    let hidden = attention.hidden_size;
    let queries = attention.num_heads * attention.head_dim;
    let keys = attention.num_kv_heads * attention.head_dim;
    let mut all = vec![
        ("model.embed_tokens.weight".to_owned(), vec![config.vocab_size, hidden]),
        ("model.norm.weight".to_owned(), vec![hidden]),
    ];
    if !config.tied {
        all.push(("lm_head.weight".to_owned(), vec![config.vocab_size, hidden]));
    }
    let linears = [
        ("self_attn.q_proj", queries, hidden, attention.qkv_bias),
        ("self_attn.k_proj", keys, hidden, attention.qkv_bias),
        ("self_attn.v_proj", keys, hidden, attention.qkv_bias),
        ("self_attn.o_proj", hidden, queries, attention.output_bias),
        ("mlp.gate_proj", config.intermediate_size, hidden, config.mlp_bias),
        ("mlp.up_proj", config.intermediate_size, hidden, config.mlp_bias),
        ("mlp.down_proj", hidden, config.intermediate_size, config.mlp_bias),
    ];
    for index in 0..config.num_layers {
        let prefix = format!("model.layers.{index}");
        all.push((format!("{prefix}.input_layernorm.weight"), vec![hidden]));
        all.push((format!("{prefix}.post_attention_layernorm.weight"), vec![hidden]));
        for (name, outputs, inputs, bias) in linears {
            all.push((format!("{prefix}.{name}.weight"), vec![outputs, inputs]));
            if bias {
                all.push((format!("{prefix}.{name}.bias"), vec![outputs]));
            }
        }
        if attention.head_norm.is_some() {
            for name in ["q_norm", "k_norm"] {
                all.push((format!("{prefix}.self_attn.{name}.weight"), vec![attention.head_dim]));
            }
        }
    }
    all
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
