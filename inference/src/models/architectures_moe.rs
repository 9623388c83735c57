//! The rows of architectures with experts.

use crate::layers::{ExpertLayout, NormKind, UpLayout};

use super::architecture::{
    Architecture, AttentionRow, Bias, Defaults, ExpertLayers, GroupsRow, MoeRow, QueryKeyNormRow, RopeRow, ScoreRow,
    SharedRow, SlidingWindow,
};
use super::architectures::{FULL_NORM, GATED, HEAD_NORM, LLAMA};
use super::architectures_rms_norm::{GRANITE, MISTRAL, QWEN2, QWEN3};

/// Qwen's first.
const QWEN_EXPERTS: MoeRow = MoeRow {
    name: "mlp",
    router: ("gate", false),
    correction: None,
    layout: ExpertLayout::Listed("experts"),
    up: GATED,
    down: "down_proj",
    width: "moe_intermediate_size",
    score: ScoreRow::Softmax,
    renormalise: Bias::Key("norm_topk_prob", false),
    groups: GroupsRow::Never,
    shared: SharedRow::Never,
    layers: ExpertLayers::Stepped,
    clamped: false,
    default_chosen: 8,
};

const MIXTRAL_EXPERTS: MoeRow = MoeRow {
    name: "block_sparse_moe",
    up: UpLayout::Gated(["w1", "w3"]),
    down: "w2",
    width: "intermediate_size",
    renormalise: Bias::Always,
    layers: ExpertLayers::All,
    default_chosen: 2,
    ..QWEN_EXPERTS
};

const MIXTRAL: Architecture = Architecture {
    name: "MixtralForCausalLM",
    knobs: &["num_local_experts"],
    defaults: Defaults { window: None, theta: 1e6, epsilon: 1e-5, ..MISTRAL.defaults },
    moe: Some(MIXTRAL_EXPERTS),
    ..MISTRAL
};

const QWEN2_MOE: Architecture = Architecture {
    name: "Qwen2MoeForCausalLM",
    knobs: &["num_experts"],
    attention: AttentionRow { qkv_bias: Bias::Key("qkv_bias", true), ..QWEN2.attention },
    sliding_window: SlidingWindow::Never,
    moe: Some(MoeRow {
        shared: SharedRow::Gated { name: "shared_expert", gate: "shared_expert_gate" },
        default_chosen: 4,
        ..QWEN_EXPERTS
    }),
    ..QWEN2
};

const QWEN3_MOE: Architecture = Architecture {
    name: "Qwen3MoeForCausalLM",
    knobs: &["num_experts", "num_local_experts"],
    defaults: Defaults { head_dim: None, ..QWEN3.defaults },
    sliding_window: SlidingWindow::Never,
    moe: Some(QWEN_EXPERTS),
    ..QWEN3
};

const OLMOE: Architecture = Architecture {
    name: "OlmoeForCausalLM",
    knobs: &["num_experts", "num_local_experts", "clip_qkv"],
    defaults: Defaults { context: 4096, epsilon: 1e-5, ..LLAMA.defaults },
    query_key_norm: Some(FULL_NORM),
    moe: Some(MoeRow { width: "intermediate_size", layers: ExpertLayers::All, ..QWEN_EXPERTS }),
    ..LLAMA
};

const PHIMOE: Architecture = Architecture {
    name: "PhimoeForCausalLM",
    knobs: &["num_local_experts", "router_jitter_noise"],
    norm: NormKind::LayerWithBias,
    head_bias: Bias::Key("lm_head_bias", false),
    moe: Some(MoeRow { score: ScoreRow::SparseMixer, renormalise: Bias::Never, ..MIXTRAL_EXPERTS }),
    ..MIXTRAL
};

/// The name in Microsoft's own files.
const PHIMOE_OLDER: Architecture = Architecture { name: "PhiMoEForCausalLM", ..PHIMOE };

const GRANITE_MOE: Architecture = Architecture {
    name: "GraniteMoeForCausalLM",
    knobs: &[
        "attention_multiplier",
        "embedding_multiplier",
        "logits_scaling",
        "residual_multiplier",
        "num_local_experts",
    ],
    moe: Some(MoeRow {
        router: ("router.layer", false),
        layout: ExpertLayout::Stacked(["input_linear", "output_linear"]),
        score: ScoreRow::SoftmaxOfChosen,
        renormalise: Bias::Never,
        ..MIXTRAL_EXPERTS
    }),
    ..GRANITE
};

const DEEPSEEK_EXPERTS: MoeRow = MoeRow {
    correction: Some("gate.e_score_correction_bias"),
    score: ScoreRow::Sigmoid,
    renormalise: Bias::Key("norm_topk_prob", true),
    groups: GroupsRow::ByBest(2),
    shared: SharedRow::Counted("shared_experts"),
    layers: ExpertLayers::From(3),
    ..QWEN_EXPERTS
};

const GLM4_MOE: Architecture = Architecture {
    name: "Glm4MoeForCausalLM",
    knobs: &["n_routed_experts", "routed_scaling_factor", "use_qk_norm"],
    defaults: Defaults { context: 131_072, epsilon: 1e-5, partial_rotary: 0.5, ..LLAMA.defaults },
    query_key_norm: Some(QueryKeyNormRow { key: Some("use_qk_norm"), ..HEAD_NORM }),
    attention: AttentionRow { output_bias: Bias::Never, ..LLAMA.attention },
    moe: Some(MoeRow { layers: ExpertLayers::From(1), ..DEEPSEEK_EXPERTS }),
    ..LLAMA
};

const DEEPSEEK_V3: Architecture = Architecture {
    name: "DeepseekV3ForCausalLM",
    knobs: &["kv_lora_rank", "n_routed_experts", "routed_scaling_factor", "rope_interleave", "topk_method"],
    defaults: Defaults { context: 4096, ..LLAMA.defaults },
    attention: AttentionRow { latent: true, ..LLAMA.attention },
    rope: RopeRow { interleaved: true, ..LLAMA.rope },
    moe: Some(DEEPSEEK_EXPERTS),
    ..LLAMA
};

const DEEPSEEK_V2: Architecture = Architecture {
    name: "DeepseekV2ForCausalLM",
    knobs: &["kv_lora_rank", "n_routed_experts", "routed_scaling_factor", "topk_method"],
    defaults: Defaults { context: 2048, ..LLAMA.defaults },
    moe: Some(MoeRow {
        correction: None,
        score: ScoreRow::Softmax,
        renormalise: Bias::Never,
        groups: GroupsRow::IfMethodSaysSo,
        layers: ExpertLayers::From(0),
        ..DEEPSEEK_EXPERTS
    }),
    ..DEEPSEEK_V3
};

const GPT_OSS: Architecture = Architecture {
    name: "GptOssForCausalLM",
    knobs: &["num_local_experts", "num_experts", "swiglu_alpha", "swiglu_limit"],
    defaults: Defaults {
        head_dim: Some(64),
        context: 131_072,
        window: Some(128),
        theta: 150_000.0,
        epsilon: 1e-5,
        ..LLAMA.defaults
    },
    attention: AttentionRow {
        qkv_bias: Bias::Key("attention_bias", true),
        output_bias: Bias::Key("attention_bias", true),
        sinks: true,
        ..LLAMA.attention
    },
    sliding_window: SlidingWindow::AllButEvery(2),
    moe: Some(MoeRow {
        router: ("router", true),
        layout: ExpertLayout::Interleaved(["experts.gate_up_proj", "experts.down_proj"]),
        width: "intermediate_size",
        score: ScoreRow::SoftmaxOfChosen,
        renormalise: Bias::Never,
        layers: ExpertLayers::All,
        clamped: true,
        default_chosen: 4,
        ..QWEN_EXPERTS
    }),
    ..LLAMA
};

pub(super) static WITH_EXPERTS: [Architecture; 11] = [
    MIXTRAL,
    QWEN2_MOE,
    QWEN3_MOE,
    OLMOE,
    PHIMOE,
    PHIMOE_OLDER,
    GRANITE_MOE,
    GLM4_MOE,
    DEEPSEEK_V2,
    DEEPSEEK_V3,
    GPT_OSS,
];
