//! `adapter_config.json` as PEFT writes it, and as it cannot be served.

use serde_json::{Value, json};

use super::*;

/// What PEFT 0.21 writes for a plain LoRA.
fn written() -> Value {
    json!({"alora_invocation_tokens": null, "alpha_pattern": {}, "arrow_config": null, "auto_mapping": null,
        "base_model_name_or_path": "org/base", "bias": "none", "corda_config": null, "ensure_weight_tying": false,
        "eva_config": null, "exclude_modules": null, "fan_in_fan_out": false, "inference_mode": true,
        "init_lora_weights": true, "kasa_config": null, "layer_replication": null, "layers_pattern": null,
        "layers_to_transform": null, "loftq_config": {}, "lora_alpha": 8, "lora_bias": false, "lora_dropout": 0.05,
        "megatron_config": null, "megatron_core": "megatron.core", "modules_to_save": null, "peft_type": "LORA",
        "peft_version": "0.21.2", "qalora_group_size": 16, "r": 4, "rank_pattern": {}, "revision": null,
        "target_modules": ["q_proj", "down_proj"], "target_parameters": null, "task_type": "CAUSAL_LM",
        "trainable_token_indices": null, "use_dora": false, "use_qalora": false, "use_rslora": false})
}

fn parse(changes: &Value) -> Result<AdapterConfig, AdapterError> {
    let mut values = written().as_object().expect("an object").clone();
    values.extend(changes.as_object().expect("an object").clone());
    AdapterConfig::parse(&values)
}

const QUERY: &str = "model.layers.3.self_attn.q_proj";
const KEY: &str = "model.layers.3.self_attn.k_proj";

#[test]
fn targets_are_listed_or_matched_as_peft_does_it() {
    let selects = |changes: &Value, module: &str| parse(changes).expect("understood").selects(module);
    for (changes, query, key) in [
        (json!({}), true, false),
        (json!({"target_modules": "all-linear"}), true, true),
        (json!({"target_modules": [QUERY]}), true, false),
        // A name is a whole part, not the end of one.
        (json!({"target_modules": ["proj", "_proj"]}), false, false),
        (json!({"target_modules": r".*layers\.[0-3]\.self_attn\.(q|k)_proj"}), true, true),
        // A pattern covers all of a name.
        (json!({"target_modules": r"self_attn\.q_proj"}), false, false),
        (json!({"layers_to_transform": [3, 5]}), true, false),
        (json!({"layers_to_transform": 2}), false, false),
        (json!({"layers_to_transform": []}), true, false),
        (json!({"layers_to_transform": [3], "layers_pattern": "layers"}), true, false),
        (json!({"layers_to_transform": [3], "layers_pattern": ["h", "blocks"]}), false, false),
        (json!({"exclude_modules": ["q_proj"]}), false, false),
        (json!({"exclude_modules": r".*\.3\..*", "target_modules": "all-linear"}), false, false),
    ] {
        let found = (selects(&changes, QUERY), selects(&changes, KEY));
        assert_eq!(found, (Some(query), Some(key)), "{changes}");
    }
    // Python knows patterns that are not understood here; the file's tensors are then taken at their word.
    assert_eq!(selects(&json!({"target_modules": r"(?<!lm_)(?=model).*q_proj"}), QUERY), None);
}

#[test]
fn ranks_and_scales_follow_the_patterns() {
    let config = parse(&json!({
        "r": 8, "lora_alpha": 4, "rank_pattern": {"down_proj": 2, "layers.3.self_attn.q_proj": 16, "l.*self_attn.k_proj": 5},
        "alpha_pattern": {"q_proj": 2.5, "^model.layers.0.mlp.up_proj": 12}
    }))
    .expect("understood");
    for (module, rank, scale) in [
        (QUERY, 16, 2.5 / 16.0),
        ("model.layers.13.self_attn.q_proj", 8, 2.5 / 8.0),
        (KEY, 5, 4.0 / 5.0),
        ("model.layers.0.mlp.down_proj", 2, 2.0),
        ("model.layers.0.mlp.up_proj", 8, 1.5),
    ] {
        assert_eq!(config.rank(module), rank, "{module}");
        assert!((config.scale(module) - scale).abs() < 1e-7, "{module}");
    }
    let stabilised = parse(&json!({"r": 16, "lora_alpha": 8, "use_rslora": true})).expect("understood");
    assert!((stabilised.scale(KEY) - 2.0).abs() < 1e-7);
}

#[test]
fn what_would_be_computed_wrongly_is_refused_by_name() {
    for (changes, expected) in [
        (json!({"peft_type": "ADALORA"}), "ADALORA"),
        (json!({"peft_type": null}), "no peft_type"),
        (json!({"use_dora": true}), "DoRA"),
        (json!({"bias": "all"}), "bias"),
        (json!({"bias": "lora_only"}), "bias"),
        (json!({"lora_bias": true}), "lora_bias"),
        (json!({"fan_in_fan_out": true}), "fan_in_fan_out"),
        (json!({"modules_to_save": ["lm_head"]}), "modules_to_save"),
        (json!({"init_lora_weights": "pissa_niter_4"}), "pissa_niter_4"),
        (json!({"init_lora_weights": "loftq"}), "loftq"),
        (json!({"layer_replication": [[0, 2], [1, 3]]}), "layer_replication"),
        (json!({"trainable_token_indices": [1, 2]}), "trainable_token_indices"),
        (json!({"target_parameters": ["experts.gate_up_proj"]}), "target_parameters"),
        (json!({"alora_invocation_tokens": [5]}), "alora_invocation_tokens"),
        (json!({"use_qalora": true}), "use_qalora"),
        (json!({"some_later_invention": 0.5}), "some_later_invention"),
        (json!({"r": 0}), "r is missing"),
        (json!({"r": "8"}), "r is missing"),
        (json!({"lora_alpha": null}), "lora_alpha"),
        (json!({"target_modules": null}), "target_modules"),
        (json!({"target_modules": [1]}), "target_modules"),
        (json!({"rank_pattern": {"q_proj": 1.5}}), "rank_pattern"),
        (json!({"rank_pattern": {"(?=q)": 1}}), "rank_pattern"),
        (json!({"alpha_pattern": []}), "alpha_pattern"),
        (json!({"layers_to_transform": [-1]}), "layers_to_transform"),
        (json!({"use_rslora": "yes"}), "use_rslora"),
    ] {
        let error = parse(&changes).expect_err(&changes.to_string());
        assert!(error.to_string().contains(expected), "{changes}: {error}");
    }
    for harmless in [json!({"init_lora_weights": "gaussian"}), json!({"some_later_invention": false})] {
        assert!(parse(&harmless).is_ok(), "{harmless}");
    }
}
