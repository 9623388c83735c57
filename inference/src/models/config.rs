//! `config.json`, in both generations of its keys, parsed into the decoder's knobs.

use crate::layers::{AttentionConfig, NormConfig, RotaryConfig};
use crate::weights::{ConfigError, HfConfig};

use super::architecture::{Architecture, Names, Placement};
use super::architectures;
use super::attention_config::{attention, knob};
use super::feed_forward_config::{FeedForwardConfig, feed_forward};
use super::refused::refuse_unsupported;
use super::rope_config::{layer_rotations, rotations};
use super::windows::LayerWindows;

/// Far above any real vocabulary: each entry takes memory even where the file has none.
const MAX_VOCABULARY: usize = 1 << 22;
/// More layers than this are damage, not a model.
const MAX_LAYERS: usize = 4096;

const EPSILON: [&str; 5] = ["rms_norm_eps", "layer_norm_eps", "norm_epsilon", "layer_norm_epsilon", "norm_eps"];

/// Everything the decoder needs to know about a model.
#[derive(Clone, Debug)]
pub struct DecoderConfig {
    pub architecture: &'static str,
    pub names: Names,
    pub vocab_size: usize,
    pub num_layers: usize,
    /// What all layers share; their windows and rotations differ, see [`Self::layer_attention`].
    pub attention: AttentionConfig,
    /// In order.
    pub layers: Vec<LayerConfig>,
    pub rotations: Vec<RotaryConfig>,
    pub norm: NormConfig,
    pub placement: Placement,
    /// What embeddings are multiplied with.
    pub embedding_scale: Option<f32>,
    /// What each part of a layer is multiplied with before the sum.
    pub residual_scale: Option<f32>,
    /// What logits are multiplied with.
    pub logit_scale: Option<f32>,
    /// Logits are squeezed between ± this.
    pub logit_softcap: Option<f32>,
    /// The embedding table doubles as the output head.
    pub tied: bool,
    pub head_bias: bool,
    /// Longest context the model is served with, in tokens: what it was made for, or less.
    pub max_positions: usize,
}

/// What differs from layer to layer.
#[derive(Clone, Debug)]
pub struct LayerConfig {
    /// How far back it looks; none where it looks at everything.
    pub window: Option<usize>,
    /// Which of the model's rotations it uses, if any.
    pub rotation: Option<usize>,
    pub feed_forward: FeedForwardConfig,
}

impl DecoderConfig {
    /// # Errors
    /// If the architecture or a feature is unknown, or a key is missing or malformed.
    pub fn parse(config: &HfConfig) -> Result<Self, ConfigError> {
        let row = architectures::find(architecture_name(config)?, config)?;
        refuse_unsupported(config, row)?;
        let norm = NormConfig { kind: row.norm, epsilon: norm_epsilon(config, row)? };
        let attention = attention(config, row, norm)?;
        let num_layers = num_layers(config)?;
        let max_positions = config.size("max_position_embeddings")?.unwrap_or(row.defaults.context);
        let rotated_dim = attention.latent.map_or(attention.head_dim, |latent| latent.rotated_dim);
        let tied = config.flag("tie_word_embeddings")?.unwrap_or(row.defaults.tied);
        let factor = |key| Ok::<_, ConfigError>(knob(config, row, key)?.map(|factor| factor as f32));
        let root = row.embedding_by_root.then(|| (attention.hidden_size as f32).sqrt());
        Ok(Self {
            architecture: row.name,
            names: row.names,
            vocab_size: vocab_size(config)?,
            num_layers,
            layers: layers(config, row, (attention.hidden_size, num_layers, max_positions))?,
            rotations: rotations(config, row, (rotated_dim, max_positions))?,
            norm,
            placement: row.placement,
            embedding_scale: factor("embedding_multiplier")?.or(root),
            residual_scale: factor("residual_multiplier")?,
            logit_scale: logit_scale(config, row)?,
            logit_softcap: knob(config, row, "final_logit_softcapping")?.map(|cap| cap as f32),
            tied,
            head_bias: row.head_bias.read(config)?,
            max_positions,
            attention,
        })
    }

    /// The attention of one layer, its window and rotation included.
    pub fn layer_attention(&self, layer: usize) -> AttentionConfig {
        let LayerConfig { window, rotation, .. } = self.layers[layer];
        AttentionConfig { sliding_window: window, rotation, ..self.attention.clone() }
    }

    /// The window beyond which no layer looks; none if any layer looks at everything. A query at
    /// position `p` needs no block that ends at or before position `p + 1 - window`.
    pub fn kv_window(&self) -> Option<usize> {
        let windows: Option<Vec<usize>> = self.layers.iter().map(|layer| layer.window).collect();
        windows?.into_iter().max()
    }
}

fn architecture_name(config: &HfConfig) -> Result<&str, ConfigError> {
    let names = config.value("architectures").and_then(|value| value.as_array());
    names
        .and_then(|names| names.first())
        .and_then(|name| name.as_str())
        .ok_or(ConfigError::Missing { key: "architectures" })
}

fn vocab_size(config: &HfConfig) -> Result<usize, ConfigError> {
    let found = config.required_size(&["vocab_size"])?;
    if found > MAX_VOCABULARY {
        let (key, found) = ("vocab_size".to_owned(), found.to_string());
        return Err(ConfigError::WrongValue { key, found, expected: "at most 4194304" });
    }
    Ok(found)
}

fn num_layers(config: &HfConfig) -> Result<usize, ConfigError> {
    let keys = ["num_hidden_layers", "n_layer", "n_layers"];
    let found = config.required_size(&keys)?;
    if found > MAX_LAYERS {
        let (key, found) = (keys[0].to_owned(), found.to_string());
        return Err(ConfigError::WrongValue { key, found, expected: "at most 4096" });
    }
    Ok(found)
}

fn layers(
    config: &HfConfig,
    row: &Architecture,
    (hidden_size, num_layers, max_positions): (usize, usize, usize),
) -> Result<Vec<LayerConfig>, ConfigError> {
    let rule = (row.sliding_window, row.defaults.window);
    let windows = LayerWindows::read(config, rule, num_layers, max_positions)?;
    let rotations = layer_rotations(config, row, &windows)?;
    let feed_forward = feed_forward(config, row, hidden_size, num_layers)?;
    let layers = rotations.into_iter().zip(feed_forward).enumerate();
    Ok(layers
        .map(|(index, (rotation, feed_forward))| LayerConfig { window: windows.of(index), rotation, feed_forward })
        .collect())
}

fn norm_epsilon(config: &HfConfig, row: &Architecture) -> Result<f32, ConfigError> {
    let key = EPSILON.into_iter().find(|key| config.value(key).is_some());
    let stated = key.map_or(Ok(None), |key| config.number(key))?;
    Ok(stated.unwrap_or(row.defaults.epsilon) as f32)
}

/// Cohere multiplies logits, Granite divides them.
fn logit_scale(config: &HfConfig, row: &Architecture) -> Result<Option<f32>, ConfigError> {
    /// Cohere's where it is missing.
    const DEFAULT: f64 = 0.0625;
    if row.knows("logit_scale") {
        return Ok(Some(config.number("logit_scale")?.unwrap_or(DEFAULT) as f32));
    }
    Ok(knob(config, row, "logits_scaling")?.map(|divisor| 1.0 / divisor as f32))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
