//! A GGUF file's metadata as the `config.json` that the decoder reads.

use serde_json::{Map, Value, json};

use super::super::{ConfigError, HfConfig};
use super::family::Family;
use super::value::{GgufMetadata, GgufValue};

/// What a configuration is made from.
pub(super) struct ModelFacts<'a> {
    pub metadata: &'a GgufMetadata,
    pub family: &'static Family,
    /// Of a tensor, if there is one of this name.
    pub shape: &'a dyn Fn(&str) -> Option<Vec<usize>>,
    /// The values of a small tensor.
    pub floats: &'a dyn Fn(&str) -> Option<Vec<f32>>,
}

/// Keys that say the same under another name. The value under the first that is there counts.
const INTEGERS: [(&str, &str); 11] = [
    ("context_length", "max_position_embeddings"),
    ("embedding_length", "hidden_size"),
    ("block_count", "num_hidden_layers"),
    ("feed_forward_length", "intermediate_size"),
    ("attention.head_count", "num_attention_heads"),
    ("attention.head_count_kv", "num_key_value_heads"),
    ("attention.key_length", "head_dim"),
    ("expert_used_count", "num_experts_per_tok"),
    ("expert_feed_forward_length", "moe_intermediate_size"),
    ("expert_shared_feed_forward_length", "shared_expert_intermediate_size"),
    ("attention.sliding_window", "sliding_window"),
];
const NUMBERS: [(&str, &str); 12] = [
    ("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
    ("attention.layer_norm_epsilon", "layer_norm_eps"),
    ("attention.clamp_kqv", "clip_qkv"),
    ("attention.scale", "attention_multiplier"),
    ("embedding_scale", "embedding_multiplier"),
    ("residual_scale", "residual_multiplier"),
    ("logit_scale", "logit_scale"),
    ("attn_logit_softcapping", "attn_logit_softcapping"),
    ("final_logit_softcapping", "final_logit_softcapping"),
    ("rope.freq_base", "rope_theta"),
    ("rope.freq_base_swa", "rope_local_base_freq"),
    ("expert_weights_scale", "routed_scaling_factor"),
];
/// Widths of the gemma models that scale scores by the hidden size over the heads.
const GEMMA2_27B_LAYERS: u64 = 46;
const GEMMA3_27B_LAYERS: u64 = 62;

/// # Errors
/// If a key that every model has is missing.
pub(super) fn hf_config(facts: &ModelFacts<'_>) -> Result<HfConfig, ConfigError> {
    let mut config = Map::new();
    for (theirs, ours) in INTEGERS {
        if let Some(value) = facts.integer(theirs).filter(|value| *value > 0) {
            config.insert(ours.to_owned(), json!(value));
        }
    }
    for (theirs, ours) in NUMBERS {
        if let Some(value) = facts.metadata.number(&facts.key(theirs)).filter(|value| *value > 0.0) {
            config.insert(ours.to_owned(), json!(value));
        }
    }
    let experts = facts.integer("expert_count").filter(|count| *count > 0);
    let architecture = if experts.is_some() { facts.family.with_experts } else { facts.family.architecture };
    if architecture.is_empty() {
        let feature = format!("{} with {} experts", facts.family.name, experts.unwrap_or(0));
        return Err(ConfigError::Unsupported { feature });
    }
    let vocabulary = (facts.shape)("token_embd.weight");
    let vocab_size = vocabulary.and_then(|shape| shape.first().copied());
    config.insert("vocab_size".to_owned(), json!(vocab_size.ok_or(ConfigError::Missing { key: "token_embd.weight" })?));
    config.insert("architectures".to_owned(), json!([architecture]));
    config.insert("tie_word_embeddings".to_owned(), json!((facts.shape)("output.weight").is_none()));
    config.insert("eos_token_id".to_owned(), json!(end_tokens(facts.metadata)));
    if let Some(count) = experts {
        add_experts(facts, count, &mut config);
    }
    add_biases(facts, &mut config);
    add_rope(facts, &mut config)?;
    add_family(facts, &mut config);
    Ok(HfConfig::from_values(config))
}

impl ModelFacts<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.family.name)
    }

    fn integer(&self, key: &str) -> Option<u64> {
        self.metadata.integer(&self.key(key))
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.metadata.number(&self.key(key))
    }

    fn has(&self, tensor: &str) -> bool {
        (self.shape)(tensor).is_some()
    }

    /// Of queries and keys.
    fn head_dim(&self) -> u64 {
        let heads = self.integer("attention.head_count").unwrap_or(1).max(1);
        self.integer("attention.key_length").unwrap_or_else(|| self.integer("embedding_length").unwrap_or(0) / heads)
    }
}

fn add_experts(facts: &ModelFacts<'_>, count: u64, config: &mut Map<String, Value>) {
    let family = facts.family;
    let key = match family.with_experts {
        "Qwen2MoeForCausalLM" | "Qwen3MoeForCausalLM" | "OlmoeForCausalLM" => "num_experts",
        _ => "num_local_experts",
    };
    config.insert(key.to_owned(), json!(count));
    config.insert("experts_listed".to_owned(), json!(true));
    let renormalises = facts.metadata.flag(&facts.key("expert_weights_norm")).unwrap_or(family.renormalises);
    config.insert("norm_topk_prob".to_owned(), json!(renormalises));
    // The width of an expert has one of two keys, in both kinds of file.
    let shape = (facts.shape)("blk.0.ffn_gate_exps.weight").or_else(|| (facts.shape)("blk.0.ffn_gate.0.weight"));
    if let Some(width) = shape.and_then(|shape| shape.iter().rev().nth(1).copied()) {
        config.insert("moe_intermediate_size".to_owned(), json!(width));
        if !matches!(family.name, "qwen2moe" | "qwen3moe") {
            config.insert("intermediate_size".to_owned(), json!(width));
        }
    }
    if let Some(shape) = (facts.shape)("blk.0.ffn_gate_shexp.weight") {
        config.insert("shared_expert_intermediate_size".to_owned(), json!(shape[0]));
    }
    let layers = facts.integer("block_count").unwrap_or(0);
    let dense = (0..layers.min(4096)).filter(|layer| !facts.has(&format!("blk.{layer}.ffn_gate_inp.weight")));
    config.insert("mlp_only_layers".to_owned(), json!(dense.collect::<Vec<_>>()));
}

fn add_biases(facts: &ModelFacts<'_>, config: &mut Map<String, Value>) {
    let attention = facts.has("blk.0.attn_q.bias");
    for key in ["attention_bias", "use_qkv_bias", "qkv_bias"] {
        config.insert(key.to_owned(), json!(attention));
    }
    config.insert("attention_out_bias".to_owned(), json!(facts.has("blk.0.attn_output.bias")));
    config.insert("mlp_bias".to_owned(), json!(facts.has("blk.0.ffn_up.bias")));
    config.insert("use_bias".to_owned(), json!(attention || facts.has("blk.0.ffn_up.bias")));
}

fn add_rope(facts: &ModelFacts<'_>, config: &mut Map<String, Value>) -> Result<(), ConfigError> {
    let head_dim = facts.head_dim();
    if let Some(rotated) = facts.integer("rope.dimension_count").filter(|rotated| *rotated < head_dim) {
        config.insert("partial_rotary_factor".to_owned(), json!(rotated as f64 / head_dim as f64));
    }
    let original = facts.integer("rope.scaling.original_context_length");
    if let Some(original) = original {
        config.insert("original_max_position_embeddings".to_owned(), json!(original));
    }
    let context = facts.integer("context_length");
    let lists = |short: Vec<f32>, long: Vec<f32>, attention_factor: Option<f64>| {
        let mut scaling = json!({"rope_type": "longrope", "short_factor": short, "long_factor": long});
        scaling["attention_factor"] = json!(attention_factor);
        scaling["original_max_position_embeddings"] = json!(original.or(context));
        scaling
    };
    let long = (facts.floats)("rope_factors_long.weight");
    let short = (facts.floats)("rope_factors_short.weight");
    let scaling = if let (Some(short), Some(long)) = (short, long) {
        lists(short, long, facts.number("rope.scaling.attn_factor").filter(|factor| *factor > 0.0))
    } else if let Some(factors) = (facts.floats)("rope_freqs.weight") {
        // Llama 3.1's scaling, worked out by whoever wrote the file.
        lists(factors.clone(), factors, Some(1.0))
    } else {
        let factor = facts.number("rope.scaling.factor").or_else(|| facts.number("rope.scale_linear"));
        let kind = facts.metadata.text(&facts.key("rope.scaling.type"));
        match (kind.unwrap_or(if factor.is_some() { "linear" } else { "none" }), factor) {
            ("none", _) | ("linear", None) => return Ok(()),
            ("linear", Some(factor)) => json!({"rope_type": "linear", "factor": factor}),
            ("yarn", Some(factor)) => yarn(facts, factor),
            (other, _) => return Err(ConfigError::Unsupported { feature: format!("rope.scaling.type {other}") }),
        }
    };
    config.insert("rope_scaling".to_owned(), scaling);
    Ok(())
}

fn yarn(facts: &ModelFacts<'_>, factor: f64) -> Value {
    let mut scaling = json!({"rope_type": "yarn", "factor": factor});
    scaling["original_max_position_embeddings"] = json!(facts.integer("rope.scaling.original_context_length"));
    scaling["beta_fast"] = json!(facts.number("rope.scaling.yarn_beta_fast"));
    scaling["beta_slow"] = json!(facts.number("rope.scaling.yarn_beta_slow"));
    // gpt-oss' authors do not round the borders between frequencies.
    scaling["truncate"] = json!(facts.family.name != "gpt-oss");
    scaling
}

/// What one family alone needs said.
fn add_family(facts: &ModelFacts<'_>, config: &mut Map<String, Value>) {
    let mut set = |key: &str, value: Value| {
        config.insert(key.to_owned(), value);
    };
    let layers = facts.integer("block_count").unwrap_or(0);
    let windowed = facts.integer("attention.sliding_window").is_some_and(|window| window > 0);
    match facts.family.name {
        "gemma2" | "gemma3" => {
            let wide = layers == if facts.family.name == "gemma2" { GEMMA2_27B_LAYERS } else { GEMMA3_27B_LAYERS };
            let heads = facts.integer("attention.head_count").unwrap_or(1).max(1);
            let by_width = facts.integer("embedding_length").unwrap_or(0) / heads;
            set("query_pre_attn_scalar", json!(if wide { by_width } else { facts.head_dim() }));
        }
        "granite" | "granitemoe" => {
            set("logits_scaling", json!(facts.number("logit_scale")));
            set("logit_scale", Value::Null);
        }
        "command-r" => set("use_qk_norm", json!(facts.has("blk.0.attn_q_norm.weight"))),
        "stablelm" => {
            set("qk_layernorm", json!(facts.has("blk.0.attn_q_norm.weight")));
            set("use_parallel_residual", json!(!facts.has("blk.0.ffn_norm.weight")));
        }
        "olmo2" if windowed => set("architectures", json!(["Olmo3ForCausalLM"])),
        "llama" | "phi3" | "starcoder2" | "exaone4" if !windowed => set("sliding_window", Value::Null),
        _ => {}
    }
    if let Some(pattern) = pattern(facts, layers).filter(|_| windowed) {
        set("layer_types", pattern);
    }
}

/// `sliding_window_pattern`: of each layer whether it slides, or every how many layers one does not.
fn pattern(facts: &ModelFacts<'_>, layers: u64) -> Option<Value> {
    let kind = |slides: bool| if slides { "sliding_attention" } else { "full_attention" };
    match facts.metadata.value(&facts.key("attention.sliding_window_pattern"))? {
        GgufValue::Integers(slides) => Some(slides.iter().map(|slides| kind(*slides != 0)).collect()),
        GgufValue::Integer(every) if *every > 0 => {
            let every = every.unsigned_abs();
            Some((1..=layers.min(4096)).map(|layer| kind(layer % every != 0)).collect())
        }
        _ => None,
    }
}

/// Texts of tokens that end a turn, which not every file names as such.
const TURN_ENDS: [&str; 8] = [
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<end_of_turn>",
    "<|end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|END_OF_TURN_TOKEN|>",
];
/// `tokenizer.ggml.token_type` of a token that is no text.
const CONTROL: i64 = 3;

/// Tokens after which a model has said what it had to say.
fn end_tokens(metadata: &GgufMetadata) -> Vec<u64> {
    let stated = ["eos", "eot", "eom"].map(|key| metadata.integer(&format!("tokenizer.ggml.{key}_token_id")));
    let mut ids: Vec<u64> = stated.into_iter().flatten().collect();
    let texts = metadata.texts("tokenizer.ggml.tokens").unwrap_or_default();
    let kinds = metadata.integers("tokenizer.ggml.token_type").unwrap_or_default();
    // Where answers have several channels, this ends only one of them.
    let channels = texts.iter().any(|text| text == "<|return|>");
    for (id, (text, kind)) in texts.iter().zip(kinds).enumerate() {
        let ends = TURN_ENDS.contains(&text.as_str()) && !(channels && text == "<|end|>");
        if *kind == CONTROL && (ends || channels && text == "<|call|>") {
            ids.push(id as u64);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}
