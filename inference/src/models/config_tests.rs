//! Configurations in all their spellings.

use serde_json::{Value, json};

use super::*;
use crate::layers::RopeScaling;

fn parse(changes: Value) -> Result<DecoderConfig, ConfigError> {
    let mut values = json!({
        "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 96, "vocab_size": 300
    });
    let target = values.as_object_mut().expect("an object");
    if let Value::Object(changes) = changes {
        target.extend(changes);
    }
    DecoderConfig::parse(&HfConfig::from_values(target.clone()))
}

#[test]
fn missing_keys_get_the_familys_defaults() {
    let llama = parse(json!({})).expect("enough keys");
    assert_eq!((llama.attention.num_kv_heads, llama.attention.head_dim), (4, 16));
    let plain = RotaryConfig { theta: 10000.0, dim: 16, interleaved: false, scaling: RopeScaling::None };
    assert_eq!(llama.rotations, [plain]);
    assert!(!llama.tied && llama.attention.query_key_norm.is_none());
    let qwen = parse(json!({"architectures": ["Qwen3ForCausalLM"]})).expect("enough keys");
    assert_eq!((qwen.attention.head_dim, qwen.max_positions), (128, 32768));
    assert!(qwen.attention.query_key_norm.is_some());
}

#[test]
fn blocks_can_go_only_where_no_layer_looks() {
    let window = |changes| parse(changes).expect("valid").kv_window();
    assert_eq!(window(json!({})), None);
    assert_eq!(window(json!({"sliding_window": 24})), None);
    let mistral = |changes: Value| {
        let mut values = json!({"architectures": ["MistralForCausalLM"], "sliding_window": 24});
        values.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        parse(values).expect("valid")
    };
    let all = mistral(json!({}));
    assert_eq!((all.kv_window(), all.layer_attention(1).sliding_window), (Some(24), Some(24)));
    assert_eq!(all.attention.head_dim, 16);
    let some = mistral(json!({"layer_types": ["full_attention", "sliding_attention"]}));
    assert_eq!((some.kv_window(), some.layer_attention(1).sliding_window), (None, Some(24)));
    assert_eq!(some.layer_attention(0).sliding_window, None);
    assert_eq!(mistral(json!({"sliding_window": null})).kv_window(), None);
    let qwen = json!({"architectures": ["Qwen3ForCausalLM"], "sliding_window": 24, "use_sliding_window": false});
    assert_eq!(window(qwen), None);
}

#[test]
fn both_spellings_of_rope_mean_the_same() {
    let llama3 = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192});
    let older = parse(json!({"rope_theta": 5e5, "rope_scaling": llama3})).expect("older");
    let mut newer = llama3;
    newer["rope_theta"] = json!(5e5);
    let newer = parse(json!({"rope_parameters": newer})).expect("newer");
    assert_eq!(older.rotations, newer.rotations);
    assert!(matches!(newer.rotations[0].scaling, RopeScaling::Llama3 { .. }));
    let none = parse(json!({"rope_scaling": null})).expect("null is absent");
    assert_eq!(none.rotations[0].scaling, RopeScaling::None);
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let message = |changes| parse(changes).expect_err("refused").to_string();
    let unknown = message(json!({"architectures": ["MambaForCausalLM"]}));
    assert!(unknown.contains("Mamba") && unknown.contains("Qwen3ForCausalLM"), "{unknown}");
    assert!(message(json!({"rope_scaling": {"type": "proportional"}})).contains("proportional"));
    assert!(message(json!({"rope_scaling": {"type": "default", "mrope_section": [1, 2]}})).contains("mrope_section"));
    assert!(message(json!({"hidden_act": "quick_gelu"})).contains("quick_gelu"));
    assert!(message(json!({"vocab_size": null})).contains("vocab_size"));
    assert!(message(json!({"vocab_size": -3})).contains("vocab_size"));
    assert!(message(json!({"num_hidden_layers": 100_000})).contains("num_hidden_layers"));
    let windowed = message(json!({"use_sliding_window": true, "sliding_window": 24}));
    assert!(windowed.contains("use_sliding_window"), "{windowed}");
    assert!(message(json!({"num_key_value_heads": 3})).contains("num_key_value_heads"));
    assert!(message(json!({"quantization_config": {"bits": 4}})).contains("quantization"));
}

#[test]
fn a_knob_of_another_family_is_refused_by_name_unless_it_does_nothing() {
    for (key, value) in [
        ("attn_logit_softcapping", json!(30.0)),
        ("final_logit_softcapping", json!(30.0)),
        ("embedding_multiplier", json!(12.0)),
        ("num_local_experts", json!(8)),
        ("no_rope_layers", json!([1, 0])),
        ("alibi", json!(true)),
        ("use_mrope", json!(true)),
        ("scoring_func", json!("sigmoid")),
    ] {
        let message = parse(json!({ key: value })).expect_err("refused").to_string();
        assert!(message.contains(key), "{message}");
    }
    let nothing = json!({"attn_logit_softcapping": null, "embedding_multiplier": 1.0, "num_experts": 0, "alibi": false,
        "no_rope_layers": [], "use_mrope": false});
    parse(nothing).expect("nothing is asked for");
    let gemma = parse(json!({"architectures": ["Gemma2ForCausalLM"], "attn_logit_softcapping": 30.0}));
    assert!(gemma.is_ok_and(|gemma| gemma.attention.softcap.is_some()));
}

#[test]
fn one_name_can_have_several_rows() {
    let falcon = |changes: Value| {
        let mut values = json!({"architectures": ["FalconForCausalLM"]});
        values.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        let falcon = parse(values).expect("valid");
        (falcon.attention.num_kv_heads, falcon.placement.norms[0], falcon.placement.parallel)
    };
    assert_eq!(falcon(json!({})), (1, Some("input_layernorm"), true));
    let grouped = json!({"new_decoder_architecture": true, "num_kv_heads": 2});
    assert_eq!(falcon(grouped), (2, Some("ln_attn"), true));
    let one = json!({"new_decoder_architecture": true, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1});
    assert_eq!(falcon(one), (2, Some("input_layernorm"), true));
    let old = json!({"multi_query": false, "parallel_attn": false});
    assert_eq!(falcon(old), (4, Some("input_layernorm"), false));
}

#[test]
fn nonsense_about_experts_and_heads_is_refused_by_name() {
    let message = |changes: Value| {
        let mut values = json!({"architectures": ["DeepseekV3ForCausalLM"], "kv_lora_rank": 16,
            "qk_nope_head_dim": 12, "qk_rope_head_dim": 8, "v_head_dim": 10, "n_routed_experts": 8,
            "moe_intermediate_size": 16, "num_experts_per_tok": 2});
        values.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        parse(values).map(|_| ()).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(message(json!({})), "");
    assert!(message(json!({"num_experts_per_tok": 9})).contains("num_experts_per_tok"));
    assert!(message(json!({"n_group": 3, "topk_group": 1})).contains("n_group"));
    assert!(message(json!({"n_group": 2, "topk_group": 3})).contains("n_group"));
    assert!(message(json!({"topk_method": "other"})).contains("other"));
    assert!(message(json!({"v_head_dim": 100})).contains("v_head_dim"));
    assert!(message(json!({"kv_lora_rank": null})).contains("kv_lora_rank"));
}
