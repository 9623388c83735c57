//! The table. A new architecture is a row here and a golden, seldom code.

use crate::layers::{NormKind, NormSpan, QkvLayout, UpLayout};
use crate::weights::{ConfigError, HfConfig};

use super::architecture::{
    Architecture, AttentionRow, Bias, Defaults, KvHeads, MlpRow, Names, Placement, QueryKeyNormRow, RopeLayers,
    RopeRow, ScoreScale, SecondRope, SlidingWindow,
};
use super::architectures_layer_norm::WITH_LAYER_NORM;
use super::architectures_moe::WITH_EXPERTS;
use super::architectures_rms_norm::WITH_RMS_NORM;

pub(super) const LLAMA_NAMES: Names = Names {
    embedding: "model.embed_tokens",
    layers: "model.layers",
    norm: "model.norm",
    head: "lm_head",
    attention: "self_attn",
    mlp: "mlp",
};

/// Before attention and before the feed-forward layer.
pub(super) const PRE: Placement =
    Placement { norms: [Some("input_layernorm"), None, Some("post_attention_layernorm"), None], parallel: false };

pub(super) const SPLIT: QkvLayout = QkvLayout::Split(["q_proj", "k_proj", "v_proj"]);
pub(super) const GATED: UpLayout = UpLayout::Gated(["gate_proj", "up_proj"]);

pub(super) const HEAD_NORM: QueryKeyNormRow = QueryKeyNormRow {
    span: NormSpan::Head,
    kind: NormKind::Rms,
    names: ["q_norm", "k_norm"],
    after_rotation: false,
    key: None,
};

pub(super) const FULL_NORM: QueryKeyNormRow = QueryKeyNormRow { span: NormSpan::Full, ..HEAD_NORM };

/// What the others are told by their differences from.
pub(super) const LLAMA: Architecture = Architecture {
    name: "LlamaForCausalLM",
    fits: |_| true,
    knobs: &[],
    names: LLAMA_NAMES,
    defaults: Defaults {
        head_dim: None,
        context: 2048,
        window: Some(4096),
        tied: false,
        theta: 10000.0,
        epsilon: 1e-6,
        activation: "silu",
        partial_rotary: 1.0,
        mlp_ratio: None,
    },
    norm: NormKind::Rms,
    placement: PRE,
    query_key_norm: None,
    attention: AttentionRow {
        layout: SPLIT,
        output: "o_proj",
        qkv_bias: Bias::Key("attention_bias", false),
        output_bias: Bias::Key("attention_bias", false),
        kv_heads: KvHeads::Stated,
        scale: ScoreScale::HeadDim,
        sinks: false,
        latent: false,
    },
    mlp: MlpRow { layout: GATED, down: "down_proj", bias: Bias::Key("mlp_bias", false), gelu_is_tanh: false },
    head_bias: Bias::Never,
    rope: RopeRow { interleaved: false, layers: RopeLayers::All, second: SecondRope::Same },
    sliding_window: SlidingWindow::Never,
    embedding_by_root: false,
    moe: None,
};

/// Whether a flag is set, or else whether it is by default.
pub(super) fn says(config: &HfConfig, key: &str, default: bool) -> bool {
    config.value(key).map_or(default, |value| value.as_bool() == Some(true))
}

fn all() -> impl Iterator<Item = &'static Architecture> {
    WITH_RMS_NORM.iter().chain(&WITH_LAYER_NORM).chain(&WITH_EXPERTS)
}

/// The names of all rows.
pub fn supported() -> Vec<&'static str> {
    let mut supported: Vec<_> = all().map(|row| row.name).collect();
    supported.dedup();
    supported
}

/// # Errors
/// If no row has this name; the error lists those that exist.
pub(super) fn find(name: &str, config: &HfConfig) -> Result<&'static Architecture, ConfigError> {
    all()
        .find(|row| row.name == name && (row.fits)(config))
        .ok_or_else(|| ConfigError::UnknownArchitecture { found: name.to_owned(), supported: supported() })
}
