//! Attention's shape and knobs.

use crate::layers::{AttentionConfig, LatentConfig, NormConfig, QueryKeyNormConfig};
use crate::weights::{ConfigError, HfConfig};

use super::architecture::{Architecture, KvHeads, ScoreScale};
use super::rope_config::latent_score_factor;

pub(super) const HIDDEN_SIZE: [&str; 3] = ["hidden_size", "n_embd", "n_embed"];
const NUM_HEADS: [&str; 2] = ["num_attention_heads", "n_head"];
const NUM_KV_HEADS: [&str; 3] = ["num_key_value_heads", "num_kv_heads", "n_head_kv"];

/// What all layers share: their windows and rotations differ.
///
/// # Errors
/// If a key is missing or malformed.
pub(super) fn attention(
    config: &HfConfig,
    row: &Architecture,
    norm: NormConfig,
) -> Result<AttentionConfig, ConfigError> {
    let hidden_size = config.required_size(&HIDDEN_SIZE)?;
    let num_heads = config.required_size(&NUM_HEADS)?;
    let latent = if row.attention.latent { Some(latent(config)?) } else { None };
    let num_kv_heads = match row.attention.kv_heads {
        _ if latent.is_some() => num_heads,
        KvHeads::MultiQuery if config.flag("multi_query")?.unwrap_or(true) => 1,
        KvHeads::MultiQuery => num_heads,
        KvHeads::Stated => config.first_size(&NUM_KV_HEADS)?.unwrap_or(num_heads),
    };
    let head_dim = match latent {
        Some(latent) => latent.plain_dim + latent.rotated_dim,
        None => config.size("head_dim")?.or(row.defaults.head_dim).unwrap_or(hidden_size / num_heads),
    };
    check(num_heads, num_kv_heads, head_dim)?;
    Ok(AttentionConfig {
        hidden_size,
        num_heads,
        num_kv_heads,
        head_dim,
        layout: row.attention.layout,
        output: row.attention.output,
        qkv_bias: row.attention.qkv_bias.read(config)?,
        output_bias: row.attention.output_bias.read(config)?,
        query_key_norm: query_key_norm(config, row, norm)?,
        clip: knob(config, row, "clip_qkv")?.map(|clip| clip as f32),
        scale: scale(config, row, head_dim)? as f32,
        softcap: knob(config, row, "attn_logit_softcapping")?.map(|cap| cap as f32),
        sinks: row.attention.sinks,
        sliding_window: None,
        rotation: None,
        latent,
    })
}

/// A number under a key that the architecture understands.
pub(super) fn knob(config: &HfConfig, row: &Architecture, key: &str) -> Result<Option<f64>, ConfigError> {
    if row.knows(key) { config.number(key) } else { Ok(None) }
}

fn check(num_heads: usize, num_kv_heads: usize, head_dim: usize) -> Result<(), ConfigError> {
    let wrong = |key: &str, found: usize, expected: &'static str| {
        Err(ConfigError::WrongValue { key: key.to_owned(), found: found.to_string(), expected })
    };
    if !num_heads.is_multiple_of(num_kv_heads) {
        return wrong("num_key_value_heads", num_kv_heads, "a divisor of num_attention_heads");
    }
    if head_dim == 0 || !head_dim.is_multiple_of(2) {
        return wrong("head_dim", head_dim, "an even number");
    }
    Ok(())
}

fn latent(config: &HfConfig) -> Result<LatentConfig, ConfigError> {
    let size = |key: &'static str| config.required_size(&[key]);
    let latent = LatentConfig {
        query_rank: config.size("q_lora_rank")?,
        kv_rank: size("kv_lora_rank")?,
        plain_dim: size("qk_nope_head_dim")?,
        rotated_dim: size("qk_rope_head_dim")?,
        value_dim: size("v_head_dim")?,
    };
    if latent.value_dim > latent.plain_dim + latent.rotated_dim {
        let (key, found) = ("v_head_dim".to_owned(), latent.value_dim.to_string());
        return Err(ConfigError::WrongValue { key, found, expected: "no more than a key's dimensions" });
    }
    Ok(latent)
}

fn query_key_norm(
    config: &HfConfig,
    row: &Architecture,
    norm: NormConfig,
) -> Result<Option<QueryKeyNormConfig>, ConfigError> {
    let Some(knob) = row.query_key_norm else { return Ok(None) };
    let on = knob.key.map_or(Ok(true), |key| Ok(config.flag(key)?.unwrap_or(false)))?;
    Ok(on.then_some(QueryKeyNormConfig {
        span: knob.span,
        norm: NormConfig { kind: knob.kind, ..norm },
        names: knob.names,
        after_rotation: knob.after_rotation,
    }))
}

fn scale(config: &HfConfig, row: &Architecture, head_dim: usize) -> Result<f64, ConfigError> {
    let by_root = |size: f64| 1.0 / size.sqrt();
    Ok(match row.attention.scale {
        ScoreScale::HeadDim if row.attention.latent => by_root(head_dim as f64) * latent_score_factor(config)?,
        ScoreScale::HeadDim => by_root(head_dim as f64),
        ScoreScale::Key(key) => config.number(key)?.unwrap_or(1.0),
        ScoreScale::InverseRoot(key, default) => by_root(config.number(key)?.unwrap_or(f64::from(default))),
    })
}
