//! `config.json` of an encoder, parsed into its knobs.

use serde_json::json;

use crate::layers::{Activation, NormConfig, NormKind, PackedAttentionConfig, RotaryConfig};
use crate::weights::{ConfigError, HfConfig};

use super::architecture::{BiasRow, EncoderNames, EncoderRow, PositionsRow, Refused};
use super::architectures::ENCODERS;
use super::head_config::HeadConfig;
use super::pooling::Pooling;
use super::positions_config::{disentangled, rotary, windows};

/// More layers than this are damage, not a model.
const MAX_LAYERS: usize = 4096;

/// Everything an encoder needs to know about a model.
#[derive(Clone, Debug)]
pub struct EncoderConfig {
    /// The class that the folder names.
    pub architecture: String,
    pub(super) prefixes: &'static [&'static str],
    pub(super) names: EncoderNames,
    pub vocab_size: usize,
    /// Width of the embeddings, which a projection widens where it is not the hidden size.
    pub embedding_size: usize,
    pub attention: PackedAttentionConfig,
    /// In order.
    pub layers: Vec<EncoderLayerConfig>,
    pub rotations: Vec<RotaryConfig>,
    pub table: Option<PositionTable>,
    pub num_token_types: usize,
    pub norm: NormConfig,
    pub pre_norm: bool,
    /// The embeddings of distances go through a norm.
    pub distance_norm: bool,
    pub feed_forward: EncoderFeedForwardConfig,
    pub head: HeadConfig,
    /// Where the folder does not say.
    pub default_pooling: Pooling,
    /// Longest input in tokens.
    pub max_positions: usize,
}

/// A learnt table of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionTable {
    pub rows: usize,
    /// Positions begin behind this token's id and do not count it.
    pub padding: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderLayerConfig {
    /// So many tokens to either side; none where it looks at everything.
    pub window: Option<usize>,
    /// Which of the model's rotations it uses, if any.
    pub rotation: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub struct EncoderFeedForwardConfig {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub activation: Activation,
    pub up_bias: bool,
    pub down_bias: bool,
}

impl EncoderConfig {
    /// Whether the folder's class is one of an encoder.
    pub fn knows(config: &HfConfig) -> bool {
        architecture(config).is_ok_and(|name| row(name).is_some())
    }

    /// The same model without the head that its class names, for folders that say themselves what it is for.
    pub(super) fn without_head(config: &HfConfig) -> HfConfig {
        let family = architecture(config).ok().and_then(|name| name.strip_suffix(row(name)?.1));
        match family {
            Some(family) => config.clone().with("architectures", json!([format!("{family}Model")])),
            None => config.clone(),
        }
    }

    /// # Errors
    /// If the class or a feature is unknown, or a key is missing or malformed.
    pub fn parse(config: &HfConfig) -> Result<Self, ConfigError> {
        let name = architecture(config)?;
        let (row, class) = row(name).ok_or_else(|| ConfigError::UnknownArchitecture {
            found: name.to_owned(),
            supported: ENCODERS.iter().flat_map(|row| row.families).copied().collect(),
        })?;
        refuse(config, row.refused)?;
        let hidden_size = config.required_size(&["hidden_size", "n_embd"])?;
        let num_heads = config.required_size(&["num_attention_heads", "n_head"])?;
        if !hidden_size.is_multiple_of(num_heads) {
            let found = num_heads.to_string();
            let expected = "a divisor of hidden_size";
            return Err(ConfigError::WrongValue { key: "num_attention_heads".to_owned(), found, expected });
        }
        let num_layers = num_layers(config)?;
        let table = table(config, row)?;
        let max_positions = max_positions(config, table)?;
        let norm = norm(config, row)?;
        let bias = |rule: BiasRow| bias(config, rule);
        let attention = PackedAttentionConfig {
            hidden_size,
            num_heads,
            head_dim: hidden_size / num_heads,
            layout: row.names.qkv,
            output: row.names.attention_output,
            qkv_bias: bias(row.biases.qkv)?,
            output_bias: bias(row.biases.attention_output)?,
            disentangled: disentangled(config, row, max_positions)?,
        };
        let feed_forward = EncoderFeedForwardConfig {
            hidden_size,
            intermediate_size: intermediate_size(config, hidden_size)?,
            activation: activation(config, row)?,
            up_bias: bias(row.biases.up)?,
            down_bias: bias(row.biases.down)?,
        };
        Ok(Self {
            architecture: name.to_owned(),
            prefixes: row.prefixes,
            names: row.names,
            vocab_size: config.required_size(&["vocab_size"])?,
            embedding_size: config.size("embedding_size")?.unwrap_or(hidden_size),
            layers: windows(config, row, num_layers)?,
            rotations: rotary(config, row, attention.head_dim)?,
            table,
            num_token_types: config.count("type_vocab_size")?.unwrap_or(row.default_token_types),
            pre_norm: row.pre_norm,
            distance_norm: attention.disentangled.is_some()
                && config.text("norm_rel_ebd")?.is_some_and(|rule| rule.to_lowercase().contains("layer_norm")),
            head: HeadConfig::read(config, row, class, (hidden_size, norm))?,
            default_pooling: row.default_pooling,
            attention,
            feed_forward,
            norm,
            max_positions,
        })
    }
}

pub(super) fn architecture(config: &HfConfig) -> Result<&str, ConfigError> {
    let names = config.value("architectures").and_then(|value| value.as_array());
    let first = names.and_then(|names| names.first()).and_then(|name| name.as_str());
    first.ok_or(ConfigError::Missing { key: "architectures" })
}

/// Whether a class of transformers is an encoder of the table, with whatever head.
pub fn is_encoder(class: &str) -> bool {
    row(class).is_some()
}

/// A class' row, and what its name ends in: `Model`, `ForTokenClassification`.
fn row(name: &str) -> Option<(&'static EncoderRow, &str)> {
    ENCODERS.iter().find_map(|row| {
        let class = row.families.iter().find_map(|family| name.strip_prefix(family))?;
        (class == "Model" || class.starts_with("For")).then_some((row, class))
    })
}

fn refuse(config: &HfConfig, refused: &[Refused]) -> Result<(), ConfigError> {
    for Refused { key, fine } in refused {
        if let Some(value) = config.value(key).map(ToString::to_string)
            && !fine.contains(&value.as_str())
        {
            return Err(ConfigError::Unsupported { feature: format!("{key} = {value}") });
        }
    }
    Ok(())
}

fn num_layers(config: &HfConfig) -> Result<usize, ConfigError> {
    let found = config.required_size(&["num_hidden_layers", "n_layer"])?;
    if found > MAX_LAYERS {
        let key = "num_hidden_layers".to_owned();
        return Err(ConfigError::WrongValue { key, found: found.to_string(), expected: "at most 4096" });
    }
    Ok(found)
}

fn table(config: &HfConfig, row: &EncoderRow) -> Result<Option<PositionTable>, ConfigError> {
    let rows = || config.required_size(&["max_position_embeddings"]);
    let padding = config.count("pad_token_id")?.map_or(row.default_pad_token, |id| id as u32);
    Ok(match row.positions {
        PositionsRow::Learned => Some(PositionTable { rows: rows()?, padding: None }),
        PositionsRow::LearnedAfterPadding => Some(PositionTable { rows: rows()?, padding: Some(padding) }),
        PositionsRow::Disentangled if config.flag("position_biased_input")?.unwrap_or(true) => {
            Some(PositionTable { rows: rows()?, padding: None })
        }
        _ => None,
    })
}

fn max_positions(config: &HfConfig, table: Option<PositionTable>) -> Result<usize, ConfigError> {
    if let Some(PositionTable { rows, padding }) = table {
        let before = padding.map_or(0, |id| id as usize + 1);
        let found = rows.to_string();
        let key = "max_position_embeddings".to_owned();
        let expected = "more than the padding token's id";
        let left = rows.checked_sub(before).filter(|left| *left > 0);
        return left.ok_or(ConfigError::WrongValue { key, found, expected });
    }
    // Nomic's own code: what it was trained with comes before what it has room for.
    config.required_size(&["max_trained_positions", "max_position_embeddings", "n_positions"])
}

fn norm(config: &HfConfig, row: &EncoderRow) -> Result<NormConfig, ConfigError> {
    let keys = ["layer_norm_eps", "norm_eps", "layer_norm_epsilon"];
    let key = keys.into_iter().find(|key| config.value(key).is_some());
    let epsilon = key.map_or(Ok(None), |key| config.number(key))?.unwrap_or(row.default_epsilon) as f32;
    let has_bias = config.flag("norm_bias")?.unwrap_or(row.norm == NormKind::LayerWithBias);
    let kind = if has_bias { NormKind::LayerWithBias } else { NormKind::Layer };
    Ok(NormConfig { kind, epsilon })
}

fn bias(config: &HfConfig, rule: BiasRow) -> Result<bool, ConfigError> {
    match rule {
        BiasRow::Never => Ok(false),
        BiasRow::Always => Ok(true),
        BiasRow::Keys(keys) => {
            let key = keys.iter().find(|key| config.value(key).is_some());
            Ok(key.map_or(Ok(None), |key| config.flag(key))?.unwrap_or(false))
        }
    }
}

fn intermediate_size(config: &HfConfig, hidden_size: usize) -> Result<usize, ConfigError> {
    let stated = config.first_size(&["intermediate_size", "n_inner"])?;
    Ok(stated.unwrap_or(4 * hidden_size))
}

fn activation(config: &HfConfig, row: &EncoderRow) -> Result<Activation, ConfigError> {
    let key = ["hidden_act", "hidden_activation"].into_iter().find(|key| config.value(key).is_some());
    let name = key.map_or(Ok(None), |key| config.text(key))?.unwrap_or(row.default_activation);
    named_activation(name)
}

pub(super) fn named_activation(name: &str) -> Result<Activation, ConfigError> {
    match name {
        "gelu" => Ok(Activation::Gelu),
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ok(Activation::GeluTanh),
        "silu" | "swish" => Ok(Activation::Silu),
        "relu" => Ok(Activation::Relu),
        _ => Err(ConfigError::Unsupported { feature: format!("the activation {name}") }),
    }
}
