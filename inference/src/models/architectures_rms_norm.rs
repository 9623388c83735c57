//! The rows of dense architectures with norms by root mean square.

use crate::layers::{NormKind, QkvLayout, UpLayout};

use super::architecture::{
    Architecture, AttentionRow, Bias, Defaults, MlpRow, Placement, QueryKeyNormRow, RopeLayers, RopeRow, ScoreScale,
    SecondRope, SlidingWindow,
};
use super::architectures::{FULL_NORM, HEAD_NORM, LLAMA};

/// Behind both, before the sum.
const POST: Placement = Placement {
    norms: [None, Some("post_attention_layernorm"), None, Some("post_feedforward_layernorm")],
    parallel: false,
};

/// On both sides, as Gemma names them.
const SANDWICH: Placement = Placement {
    norms: [
        Some("input_layernorm"),
        Some("post_attention_layernorm"),
        Some("pre_feedforward_layernorm"),
        Some("post_feedforward_layernorm"),
    ],
    parallel: false,
};

pub(super) const MISTRAL: Architecture = Architecture {
    name: "MistralForCausalLM",
    defaults: Defaults { context: 131_072, ..LLAMA.defaults },
    sliding_window: SlidingWindow::WhereStated,
    ..LLAMA
};

pub(super) const QWEN2: Architecture = Architecture {
    name: "Qwen2ForCausalLM",
    defaults: Defaults { context: 32768, ..LLAMA.defaults },
    attention: AttentionRow { qkv_bias: Bias::Always, output_bias: Bias::Never, ..LLAMA.attention },
    sliding_window: SlidingWindow::WhereSwitchedOn,
    ..LLAMA
};

pub(super) const QWEN3: Architecture = Architecture {
    name: "Qwen3ForCausalLM",
    defaults: Defaults { head_dim: Some(128), context: 32768, ..LLAMA.defaults },
    query_key_norm: Some(HEAD_NORM),
    sliding_window: SlidingWindow::WhereSwitchedOn,
    ..LLAMA
};

const GEMMA: Architecture = Architecture {
    name: "GemmaForCausalLM",
    defaults: Defaults {
        head_dim: Some(256),
        context: 8192,
        tied: true,
        activation: "gelu_pytorch_tanh",
        ..LLAMA.defaults
    },
    norm: NormKind::RmsPlusOne,
    mlp: MlpRow { gelu_is_tanh: true, ..LLAMA.mlp },
    embedding_by_root: true,
    ..LLAMA
};

const GEMMA2: Architecture = Architecture {
    name: "Gemma2ForCausalLM",
    knobs: &["attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar"],
    placement: SANDWICH,
    attention: AttentionRow { scale: ScoreScale::InverseRoot("query_pre_attn_scalar", 256), ..LLAMA.attention },
    sliding_window: SlidingWindow::AllButEvery(2),
    ..GEMMA
};

const GEMMA3: Architecture = Architecture {
    name: "Gemma3ForCausalLM",
    defaults: Defaults { context: 131_072, theta: 1e6, ..GEMMA.defaults },
    query_key_norm: Some(QueryKeyNormRow { kind: NormKind::RmsPlusOne, ..HEAD_NORM }),
    rope: RopeRow { second: SecondRope::OwnBase("rope_local_base_freq", 10000.0), ..LLAMA.rope },
    sliding_window: SlidingWindow::AllButEvery(6),
    ..GEMMA2
};

const PHI3: Architecture = Architecture {
    name: "Phi3ForCausalLM",
    defaults: Defaults { context: 4096, window: None, epsilon: 1e-5, ..LLAMA.defaults },
    attention: AttentionRow { layout: QkvLayout::Stacked("qkv_proj"), ..LLAMA.attention },
    mlp: MlpRow { layout: UpLayout::GatedFused("gate_up_proj"), ..LLAMA.mlp },
    sliding_window: SlidingWindow::WhereStated,
    ..LLAMA
};

const GLM: Architecture = Architecture {
    name: "GlmForCausalLM",
    defaults: Defaults {
        head_dim: Some(128),
        context: 131_072,
        epsilon: 1.562_5e-7,
        partial_rotary: 0.5,
        ..LLAMA.defaults
    },
    attention: AttentionRow {
        qkv_bias: Bias::Key("attention_bias", true),
        output_bias: Bias::Never,
        ..LLAMA.attention
    },
    mlp: MlpRow { layout: UpLayout::GatedFused("gate_up_proj"), ..LLAMA.mlp },
    rope: RopeRow { interleaved: true, ..LLAMA.rope },
    ..LLAMA
};

const GLM4: Architecture = Architecture {
    name: "Glm4ForCausalLM",
    placement: Placement {
        norms: [
            Some("input_layernorm"),
            Some("post_self_attn_layernorm"),
            Some("post_attention_layernorm"),
            Some("post_mlp_layernorm"),
        ],
        parallel: false,
    },
    ..GLM
};

const OLMO2: Architecture = Architecture {
    name: "Olmo2ForCausalLM",
    defaults: Defaults { epsilon: 1e-5, ..LLAMA.defaults },
    placement: POST,
    query_key_norm: Some(FULL_NORM),
    ..LLAMA
};

const OLMO3: Architecture = Architecture {
    name: "Olmo3ForCausalLM",
    defaults: Defaults { theta: 500_000.0, ..OLMO2.defaults },
    rope: RopeRow { second: SecondRope::Unscaled, ..LLAMA.rope },
    sliding_window: SlidingWindow::AllButEvery(4),
    ..OLMO2
};

pub(super) const GRANITE: Architecture = Architecture {
    name: "GraniteForCausalLM",
    knobs: &["attention_multiplier", "embedding_multiplier", "logits_scaling", "residual_multiplier"],
    attention: AttentionRow { scale: ScoreScale::Key("attention_multiplier"), ..LLAMA.attention },
    ..LLAMA
};

const SMOLLM3: Architecture = Architecture {
    name: "SmolLM3ForCausalLM",
    knobs: &["no_rope_layers"],
    defaults: Defaults { context: 32768, tied: true, theta: 2e6, ..LLAMA.defaults },
    rope: RopeRow { layers: RopeLayers::Listed, ..LLAMA.rope },
    ..LLAMA
};

const EXAONE4: Architecture = Architecture {
    name: "Exaone4ForCausalLM",
    defaults: Defaults { epsilon: 1e-5, ..LLAMA.defaults },
    placement: POST,
    query_key_norm: Some(HEAD_NORM),
    rope: RopeRow { layers: RopeLayers::SlidingIfAny, ..LLAMA.rope },
    sliding_window: SlidingWindow::AllButEvery(4),
    ..LLAMA
};

const ERNIE: Architecture = Architecture {
    name: "Ernie4_5ForCausalLM",
    defaults: Defaults {
        head_dim: Some(128),
        context: 131_072,
        tied: true,
        theta: 500_000.0,
        epsilon: 1e-5,
        ..LLAMA.defaults
    },
    attention: AttentionRow {
        qkv_bias: Bias::Key("use_bias", false),
        output_bias: Bias::Key("use_bias", false),
        ..LLAMA.attention
    },
    mlp: MlpRow { bias: Bias::Key("use_bias", false), ..LLAMA.mlp },
    rope: RopeRow { interleaved: true, ..LLAMA.rope },
    ..LLAMA
};

const HUNYUAN: Architecture = Architecture {
    name: "HunYuanDenseV1ForCausalLM",
    defaults: Defaults { epsilon: 1e-5, ..LLAMA.defaults },
    query_key_norm: Some(QueryKeyNormRow {
        names: ["query_layernorm", "key_layernorm"],
        after_rotation: true,
        ..HEAD_NORM
    }),
    ..LLAMA
};

const SEED_OSS: Architecture = Architecture {
    name: "SeedOssForCausalLM",
    defaults: Defaults { head_dim: Some(128), context: 524_288, ..LLAMA.defaults },
    attention: AttentionRow {
        qkv_bias: Bias::Key("attention_bias", true),
        output_bias: Bias::Key("attention_out_bias", false),
        ..LLAMA.attention
    },
    ..LLAMA
};

const APERTUS: Architecture = Architecture {
    name: "ApertusForCausalLM",
    defaults: Defaults { context: 65536, theta: 12e6, epsilon: 1e-5, activation: "xielu", ..LLAMA.defaults },
    placement: Placement {
        norms: [Some("attention_layernorm"), None, Some("feedforward_layernorm"), None],
        parallel: false,
    },
    query_key_norm: Some(HEAD_NORM),
    mlp: MlpRow { layout: UpLayout::Plain("up_proj"), ..LLAMA.mlp },
    ..LLAMA
};

pub(super) static WITH_RMS_NORM: [Architecture; 19] = [
    LLAMA, MISTRAL, QWEN2, QWEN3, GEMMA, GEMMA2, GEMMA3, PHI3, GLM, GLM4, OLMO2, OLMO3, GRANITE, SMOLLM3, EXAONE4,
    ERNIE, HUNYUAN, SEED_OSS, APERTUS,
];
