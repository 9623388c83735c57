//! The rows of dense architectures with layer norm.

use crate::layers::{NormKind, NormSpan, QkvLayout, UpLayout};

use super::architecture::{
    Architecture, AttentionRow, Bias, Defaults, KvHeads, MlpRow, Names, Placement, QueryKeyNormRow, RopeLayers,
    RopeRow, SlidingWindow,
};
use super::architectures::{HEAD_NORM, LLAMA, LLAMA_NAMES, PRE, says};

const NEOX_NAMES: Names = Names {
    embedding: "gpt_neox.embed_in",
    layers: "gpt_neox.layers",
    norm: "gpt_neox.final_layer_norm",
    head: "embed_out",
    attention: "attention",
    mlp: "mlp",
};

const FALCON_NAMES: Names = Names {
    embedding: "transformer.word_embeddings",
    layers: "transformer.h",
    norm: "transformer.ln_f",
    head: "lm_head",
    attention: "self_attention",
    mlp: "mlp",
};

/// One norm for both parts side by side.
const PARALLEL: Placement = Placement { norms: [Some("input_layernorm"), None, None, None], parallel: true };

const PHI: Architecture = Architecture {
    name: "PhiForCausalLM",
    knobs: &["qk_layernorm"],
    names: Names { norm: "model.final_layernorm", ..LLAMA_NAMES },
    defaults: Defaults { epsilon: 1e-5, activation: "gelu_new", partial_rotary: 0.5, ..LLAMA.defaults },
    norm: NormKind::LayerWithBias,
    placement: PARALLEL,
    query_key_norm: Some(QueryKeyNormRow {
        kind: NormKind::LayerWithBias,
        names: ["q_layernorm", "k_layernorm"],
        key: Some("qk_layernorm"),
        ..HEAD_NORM
    }),
    attention: AttentionRow { output: "dense", qkv_bias: Bias::Always, output_bias: Bias::Always, ..LLAMA.attention },
    mlp: MlpRow { layout: UpLayout::Plain("fc1"), down: "fc2", bias: Bias::Always, ..LLAMA.mlp },
    head_bias: Bias::Always,
    ..LLAMA
};

const OLMO: Architecture = Architecture {
    name: "OlmoForCausalLM",
    knobs: &["clip_qkv"],
    defaults: Defaults { epsilon: 1e-5, ..LLAMA.defaults },
    norm: NormKind::LayerPlain,
    ..LLAMA
};

const STARCODER2: Architecture = Architecture {
    name: "Starcoder2ForCausalLM",
    defaults: Defaults {
        context: 4096,
        window: None,
        tied: true,
        epsilon: 1e-5,
        activation: "gelu_pytorch_tanh",
        ..LLAMA.defaults
    },
    norm: NormKind::LayerWithBias,
    attention: AttentionRow {
        qkv_bias: Bias::Key("use_bias", true),
        output_bias: Bias::Key("use_bias", true),
        ..LLAMA.attention
    },
    mlp: MlpRow { layout: UpLayout::Plain("c_fc"), down: "c_proj", bias: Bias::Key("use_bias", true), ..LLAMA.mlp },
    sliding_window: SlidingWindow::WhereStated,
    ..LLAMA
};

const STABLELM: Architecture = Architecture {
    name: "StableLmForCausalLM",
    knobs: &["qk_layernorm", "use_parallel_residual"],
    defaults: Defaults { context: 4096, epsilon: 1e-5, partial_rotary: 0.25, ..LLAMA.defaults },
    norm: NormKind::LayerWithBias,
    query_key_norm: Some(QueryKeyNormRow {
        span: NormSpan::ListedHead,
        kind: NormKind::Layer,
        names: ["q_layernorm", "k_layernorm"],
        after_rotation: false,
        key: Some("qk_layernorm"),
    }),
    attention: AttentionRow { qkv_bias: Bias::Key("use_qkv_bias", false), output_bias: Bias::Never, ..LLAMA.attention },
    ..LLAMA
};

const STABLELM_PARALLEL: Architecture =
    Architecture { fits: |config| says(config, "use_parallel_residual", false), placement: PARALLEL, ..STABLELM };

const COHERE: Architecture = Architecture {
    name: "CohereForCausalLM",
    knobs: &["logit_scale", "use_qk_norm"],
    defaults: Defaults { context: 8192, tied: true, theta: 500_000.0, epsilon: 1e-5, ..LLAMA.defaults },
    norm: NormKind::Layer,
    placement: PARALLEL,
    query_key_norm: Some(QueryKeyNormRow {
        span: NormSpan::OwnHead,
        kind: NormKind::Layer,
        key: Some("use_qk_norm"),
        ..HEAD_NORM
    }),
    rope: RopeRow { interleaved: true, ..LLAMA.rope },
    ..LLAMA
};

const COHERE2: Architecture = Architecture {
    name: "Cohere2ForCausalLM",
    knobs: &["logit_scale"],
    defaults: Defaults { theta: 10000.0, ..COHERE.defaults },
    query_key_norm: None,
    rope: RopeRow { layers: RopeLayers::Sliding, ..COHERE.rope },
    sliding_window: SlidingWindow::AllButEvery(4),
    ..COHERE
};

const NEOX: Architecture = Architecture {
    name: "GPTNeoXForCausalLM",
    knobs: &["use_parallel_residual"],
    names: NEOX_NAMES,
    defaults: Defaults { epsilon: 1e-5, activation: "gelu", partial_rotary: 0.25, ..LLAMA.defaults },
    norm: NormKind::LayerWithBias,
    placement: Placement { parallel: true, ..PRE },
    attention: AttentionRow {
        layout: QkvLayout::Grouped("query_key_value"),
        output: "dense",
        qkv_bias: Bias::Key("attention_bias", true),
        output_bias: Bias::Key("attention_bias", true),
        ..LLAMA.attention
    },
    mlp: MlpRow { layout: UpLayout::Plain("dense_h_to_4h"), down: "dense_4h_to_h", bias: Bias::Always, ..LLAMA.mlp },
    ..LLAMA
};

const NEOX_SEQUENTIAL: Architecture =
    Architecture { fits: |config| !says(config, "use_parallel_residual", true), placement: PRE, ..NEOX };

/// Falcon-7B's: one norm, one head of keys and values.
const FALCON: Architecture = Architecture {
    name: "FalconForCausalLM",
    fits: |config| says(config, "parallel_attn", true),
    knobs: &["new_decoder_architecture", "num_ln_in_parallel_attn"],
    names: FALCON_NAMES,
    defaults: Defaults { tied: true, epsilon: 1e-5, activation: "gelu", mlp_ratio: Some(4), ..LLAMA.defaults },
    norm: NormKind::LayerWithBias,
    placement: PARALLEL,
    attention: AttentionRow {
        layout: QkvLayout::Grouped("query_key_value"),
        output: "dense",
        qkv_bias: Bias::Key("bias", false),
        output_bias: Bias::Key("bias", false),
        kv_heads: KvHeads::MultiQuery,
        ..LLAMA.attention
    },
    mlp: MlpRow { bias: Bias::Key("bias", false), ..NEOX.mlp },
    ..LLAMA
};

/// Falcon-11B's: one norm, groups of heads.
const FALCON_GROUPED: Architecture = Architecture {
    fits: |config| says(config, "new_decoder_architecture", false),
    attention: AttentionRow { kv_heads: KvHeads::Stated, ..FALCON.attention },
    ..FALCON
};

/// Falcon-40B's: a norm for each part.
const FALCON_TWO_NORMS: Architecture = Architecture {
    fits: |config| {
        let one = config.value("num_ln_in_parallel_attn").is_some_and(|count| *count == 1);
        says(config, "new_decoder_architecture", false) && !one
    },
    placement: Placement { norms: [Some("ln_attn"), None, Some("ln_mlp"), None], parallel: true },
    ..FALCON_GROUPED
};

const FALCON_SEQUENTIAL: Architecture = Architecture { fits: |_| true, placement: PRE, ..FALCON };

/// Of several rows with one name the first that fits is taken.
pub(super) static WITH_LAYER_NORM: [Architecture; 13] = [
    PHI,
    OLMO,
    STARCODER2,
    STABLELM_PARALLEL,
    STABLELM,
    COHERE,
    COHERE2,
    NEOX_SEQUENTIAL,
    NEOX,
    FALCON_TWO_NORMS,
    FALCON_GROUPED,
    FALCON,
    FALCON_SEQUENTIAL,
];
