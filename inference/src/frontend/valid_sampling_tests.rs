//! Fields in and out of range.

use serde_json::json;
use shekara_protocol::chat::parse_request;

use super::*;

fn check_with(fields: Value, defaults: &GenerationDefaults) -> Result<ValidSampling, ApiError> {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    let Value::Object(fields) = fields else { unreachable!("tests pass objects") };
    body.as_object_mut().expect("an object").extend(fields);
    let request = parse_request(body.to_string().as_bytes())?;
    let context = SamplingContext { defaults, vocab_size: 1000, max_tokens: defaults.max_tokens, random_seed: 5 };
    ValidSampling::check(&request.sampling(), context)
}

fn check(fields: Value) -> Result<ValidSampling, ApiError> {
    let defaults = GenerationDefaults::read(&HfConfig::default(), 77).expect("no values to be wrong");
    check_with(fields, &defaults)
}

fn defaults(values: &Value) -> GenerationDefaults {
    let config = HfConfig::from_values(values.as_object().expect("an object").clone());
    GenerationDefaults::read(&config, 1).expect("valid")
}

#[test]
fn silence_means_the_defaults() {
    let valid = check(json!({})).expect("valid");
    assert_eq!(valid.params, SamplingParams { seed: 5, ..SamplingParams::default() });
    assert_eq!((valid.max_tokens, valid.min_tokens, valid.ignore_eos), (77, 0, false));
    assert_eq!((valid.num_choices, valid.best_of, valid.priority), (1, 1, 0));
}

#[test]
fn a_models_own_defaults_apply_until_the_request_says_otherwise() {
    let defaults = defaults(&json!({"temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0}));
    let params = check_with(json!({"top_k": -1}), &defaults).expect("valid").params;
    assert_eq!((params.temperature, params.top_p, params.top_k), (0.6, 0.95, 0));
}

#[test]
fn a_model_that_is_not_meant_to_be_sampled_is_not() {
    let defaults = defaults(&json!({"do_sample": false, "max_new_tokens": 9}));
    let valid = check_with(json!({}), &defaults).expect("valid");
    assert_eq!((valid.params.temperature, valid.max_tokens), (0.0, 9));
}

#[test]
fn every_field_arrives() {
    let valid = check(json!({"n": 3, "logprobs": true, "top_logprobs": 20, "typical_p": 0.5, "min_tokens": 4,
        "max_completion_tokens": 9, "max_tokens": 2, "stop": ["a"], "stop_token_ids": [7], "ignore_eos": true,
        "include_stop_str_in_output": true, "skip_special_tokens": false, "allowed_token_ids": [1, 2],
        "priority": -3, "cache_salt": "s", "seed": -1, "logit_bias": {"5": -100}}))
    .expect("valid");
    assert_eq!((valid.params.logprobs, valid.params.typical_p, valid.params.seed), (Some(20), 0.5, u64::MAX));
    assert_eq!((valid.params.allowed_token_ids, valid.params.logit_bias), (vec![1, 2], vec![(5, -100.0)]));
    assert_eq!((valid.num_choices, valid.best_of, valid.max_tokens, valid.min_tokens), (3, 3, 9, 4));
    assert_eq!((valid.stop, valid.stop_token_ids, valid.priority), (vec!["a".to_owned()], vec![7], -3));
    assert!(valid.ignore_eos && valid.include_stop_string && valid.show_special_tokens);
    assert_eq!(valid.cache_salt.as_deref(), Some("s"));
}

#[test]
fn values_that_change_nothing_are_taken() {
    let fields = json!({"n": 1, "logprobs": false, "top_logprobs": 0, "response_format": {"type": "text"},
        "user": "u", "metadata": {"a": "b"}, "store": false,
        "parallel_tool_calls": true, "reasoning_effort": "low", "stop": null, "seed": null});
    assert!(check(fields).is_ok());
}

#[test]
fn every_bad_field_is_named() {
    let cases = [
        (json!({"n": 0}), "n"),
        (json!({"n": 129}), "n"),
        (json!({"n": 1.5}), "n"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"logprobs": false, "top_logprobs": 3}), "top_logprobs"),
        (json!({"logprobs": true, "top_logprobs": 21}), "top_logprobs"),
        (json!({"logprobs": true, "top_logprobs": -1}), "top_logprobs"),
        (json!({"typical_p": 0}), "typical_p"),
        (json!({"min_tokens": -1}), "min_tokens"),
        (json!({"min_tokens": 5, "max_tokens": 4}), "min_tokens"),
        (json!({"allowed_token_ids": []}), "allowed_token_ids"),
        (json!({"allowed_token_ids": [1000]}), "allowed_token_ids"),
        (json!({"stop_token_ids": [1000]}), "stop_token_ids"),
        (json!({"priority": 3_000_000_000_i64}), "priority"),
        (json!({"cache_salt": ""}), "cache_salt"),
        (json!({"response_format": {"type": "yaml"}}), "response_format.type"),
        (json!({"temperature": 2.1}), "temperature"),
        (json!({"temperature": -0.1}), "temperature"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"top_p": 0}), "top_p"),
        (json!({"top_p": 1.5}), "top_p"),
        (json!({"top_k": -2}), "top_k"),
        (json!({"min_p": 2}), "min_p"),
        (json!({"presence_penalty": 3}), "presence_penalty"),
        (json!({"frequency_penalty": -3}), "frequency_penalty"),
        (json!({"repetition_penalty": 0}), "repetition_penalty"),
        (json!({"logit_bias": {"x": 1}}), "logit_bias"),
        (json!({"logit_bias": {"1": 101}}), "logit_bias"),
        (json!({"logit_bias": {"1000": 1}}), "logit_bias"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_completion_tokens": -1}), "max_completion_tokens"),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
        (json!({"stop": ""}), "stop"),
    ];
    for (fields, param) in cases {
        let error = check(fields.clone()).expect_err("refused");
        assert_eq!((error.status.as_u16(), error.param.as_deref()), (400, Some(param)), "{fields}");
    }
}
