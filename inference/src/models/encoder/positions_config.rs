//! How an encoder's tokens know where they stand: rotations, windows and distances of `config.json`.

use serde_json::Value;

use crate::layers::{DisentangledConfig, RopeScaling, RotaryConfig};
use crate::weights::{ConfigError, HfConfig};

use super::architecture::{EncoderRow, PositionsRow};
use super::config::EncoderLayerConfig;

/// ModernBERT's where it is missing.
const DEFAULT_WINDOW: usize = 128;
const FULL: &str = "full_attention";
const SLIDING: &str = "sliding_attention";

/// Every rotation of the model: one, or one for layers that see everything and one for the others.
///
/// # Errors
/// If a key is malformed or a scaling is not supported.
pub(super) fn rotary(config: &HfConfig, row: &EncoderRow, head_dim: usize) -> Result<Vec<RotaryConfig>, ConfigError> {
    let rotation = |theta, scaling| RotaryConfig { theta, dim: head_dim, interleaved: false, scaling };
    match row.positions {
        PositionsRow::Rotary { theta } => {
            let section = config.section("rope_parameters").unwrap_or_else(|| config.clone());
            let stated = first_number(&section, &["rope_theta", "rotary_emb_base"])?;
            let scaling = config.section("rope_scaling").or_else(|| config.section("rope_parameters"));
            Ok(vec![rotation(stated.unwrap_or(theta), scaling_of(scaling.as_ref(), head_dim)?)])
        }
        PositionsRow::RotaryByLayer { global, local } => {
            let of_layer = |name: &str, key: &str, default: f64| {
                let section = config.section("rope_parameters").and_then(|section| section.section(name));
                let stated = match &section {
                    Some(section) => section.number("rope_theta")?,
                    None => config.number(key)?,
                };
                let scaling = section.or_else(|| config.section("rope_scaling"));
                Ok(rotation(stated.unwrap_or(default), scaling_of(scaling.as_ref(), head_dim)?))
            };
            Ok(vec![of_layer(FULL, "global_rope_theta", global)?, of_layer(SLIDING, "local_rope_theta", local)?])
        }
        _ => Ok(Vec::new()),
    }
}

fn first_number(config: &HfConfig, keys: &[&str]) -> Result<Option<f64>, ConfigError> {
    keys.iter().find(|key| config.value(key).is_some()).map_or(Ok(None), |key| config.number(key))
}

fn scaling_of(section: Option<&HfConfig>, dim: usize) -> Result<RopeScaling, ConfigError> {
    let Some(section) = section else { return Ok(RopeScaling::None) };
    let kind = match section.text("rope_type")? {
        Some(kind) => Some(kind),
        None => section.text("type")?,
    };
    match kind {
        None | Some("default") => Ok(RopeScaling::None),
        Some("linear") => Ok(RopeScaling::Linear { factor: section.number("factor")?.unwrap_or(1.0) }),
        Some("ntk") if section.value("mixed_b").is_none() => {
            Ok(fixed_ntk(section.number("factor")?.unwrap_or(1.0), dim))
        }
        Some(other) => Err(ConfigError::Unsupported { feature: format!("the rope scaling {other} of an encoder") }),
    }
}

/// Alibaba's `ntk`: a base that is larger by the factor, and all frequencies lower by its root.
fn fixed_ntk(factor: f64, dim: usize) -> RopeScaling {
    let factors: Vec<f64> = (1..=dim / 2).map(|pair| factor.powf(2.0 * pair as f64 / dim as f64)).collect();
    RopeScaling::LongRope { short: factors.clone(), long: factors, original_context: 0.0, attention_factors: [1.0; 2] }
}

/// Windows and rotations of each layer.
///
/// # Errors
/// If a key is malformed.
pub(super) fn windows(
    config: &HfConfig,
    row: &EncoderRow,
    num_layers: usize,
) -> Result<Vec<EncoderLayerConfig>, ConfigError> {
    let PositionsRow::RotaryByLayer { .. } = row.positions else {
        let rotation = matches!(row.positions, PositionsRow::Rotary { .. }).then_some(0);
        return Ok(vec![EncoderLayerConfig { window: None, rotation }; num_layers]);
    };
    let window = config.size("local_attention")?.unwrap_or(DEFAULT_WINDOW) / 2;
    let every = config.size("global_attn_every_n_layers")?.unwrap_or(3);
    let listed = config.texts("layer_types")?;
    if let Some(listed) = &listed
        && (listed.len() != num_layers || listed.iter().any(|kind| ![FULL, SLIDING].contains(kind)))
    {
        let key = "layer_types".to_owned();
        let expected = "full_attention or sliding_attention for each layer";
        return Err(ConfigError::WrongValue { key, found: format!("{} entries", listed.len()), expected });
    }
    let slides = |layer: usize| listed.as_ref().map_or(!layer.is_multiple_of(every), |listed| listed[layer] == SLIDING);
    let layer = |layer| {
        if slides(layer) {
            EncoderLayerConfig { window: Some(window), rotation: Some(1) }
        } else {
            EncoderLayerConfig { window: None, rotation: Some(0) }
        }
    };
    Ok((0..num_layers).map(layer).collect())
}

/// What distances add to scores, where the family has that.
///
/// # Errors
/// If a key is malformed.
pub(super) fn disentangled(
    config: &HfConfig,
    row: &EncoderRow,
    max_positions: usize,
) -> Result<Option<DisentangledConfig>, ConfigError> {
    if row.positions != PositionsRow::Disentangled || !config.flag("relative_attention")?.unwrap_or(false) {
        return Ok(None);
    }
    // Below one, these two say that they are not used.
    let positive = |key: &str| config.value(key).and_then(Value::as_i64).and_then(|size| usize::try_from(size).ok());
    let furthest = positive("max_relative_positions").filter(|size| *size > 0).unwrap_or(max_positions);
    let buckets = positive("position_buckets").filter(|size| *size > 0);
    let kinds = match config.value("pos_att_type") {
        Some(Value::String(kinds)) => kinds.clone(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|"),
        _ => String::new(),
    };
    let asks = |kind: &str| kinds.split('|').any(|one| one.trim().eq_ignore_ascii_case(kind));
    let shared = config.flag("share_att_key")?.unwrap_or(false);
    let [key, query] = if shared {
        ["attention.self.key_proj", "attention.self.query_proj"]
    } else {
        ["attention.self.pos_key_proj", "attention.self.pos_query_proj"]
    };
    if buckets.is_some_and(|span| span < 4 || furthest <= span / 2 + 1) {
        return Err(ConfigError::Unsupported { feature: "so few position_buckets".to_owned() });
    }
    Ok(Some(DisentangledConfig {
        span: buckets.unwrap_or(furthest),
        logarithmic_up_to: buckets.map(|_| furthest),
        max_positions,
        key: asks("c2p").then_some(key),
        query: asks("p2c").then_some(query),
    }))
}
