//! Fields in and out of range.

use serde_json::json;
use shekara_protocol::chat::parse_request;

use super::*;

fn check(fields: Value) -> Result<ValidRequest, ApiError> {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    let Value::Object(fields) = fields else { unreachable!("tests pass objects") };
    body.as_object_mut().expect("an object").extend(fields);
    let request = parse_request(body.to_string().as_bytes())?;
    let defaults = GenerationDefaults::read(&HfConfig::default(), 77).expect("no values to be wrong");
    ValidRequest::check(&request, &defaults, 5)
}

#[test]
fn silence_means_the_defaults() {
    let valid = check(json!({})).expect("valid");
    assert_eq!(valid.sampling, SamplingParams { seed: 5, ..SamplingParams::default() });
    assert_eq!((valid.max_tokens, valid.stream, valid.ignore_eos), (77, false, false));
}

#[test]
fn a_models_own_defaults_apply_until_the_request_says_otherwise() {
    let config = json!({"temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0});
    let config = HfConfig::from_values(config.as_object().expect("an object").clone());
    let defaults = GenerationDefaults::read(&config, 1).expect("valid");
    let body = br#"{"model":"m","messages":[{"role":"user","content":"x"}],"top_k":-1}"#;
    let valid = ValidRequest::check(&parse_request(body).expect("valid"), &defaults, 0).expect("valid");
    assert_eq!((valid.sampling.temperature, valid.sampling.top_p, valid.sampling.top_k), (0.6, 0.95, 0));
}

#[test]
fn a_model_that_is_not_meant_to_be_sampled_is_not() {
    let config = json!({"do_sample": false, "max_new_tokens": 9});
    let config = HfConfig::from_values(config.as_object().expect("an object").clone());
    let defaults = GenerationDefaults::read(&config, 1).expect("valid");
    let body = br#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#;
    let valid = ValidRequest::check(&parse_request(body).expect("valid"), &defaults, 0).expect("valid");
    assert_eq!((valid.sampling.temperature, valid.max_tokens), (0.0, 9));
}

#[test]
fn values_that_change_nothing_are_taken() {
    let fields = json!({"n": 1, "logprobs": false, "top_logprobs": 0, "response_format": {"type": "text"},
        "tool_choice": "auto", "modalities": ["text"], "user": "u", "metadata": {"a": "b"}, "store": false,
        "parallel_tool_calls": true, "reasoning_effort": "low", "stop": null, "seed": null});
    assert!(check(fields).is_ok());
}

#[test]
fn every_bad_field_is_named() {
    let cases = [
        (json!({"n": 0}), "n"),
        (json!({"n": 2}), "n"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"response_format": {"type": "json_object"}}), "response_format"),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"tool_choice": {"type": "function", "function": {"name": "f"}}}), "tool_choice"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
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
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_completion_tokens": -1}), "max_completion_tokens"),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
        (json!({"stop": ""}), "stop"),
        (json!({"stream_options": {"include_usage": true}}), "stream_options"),
    ];
    for (fields, param) in cases {
        let error = check(fields.clone()).expect_err("refused");
        assert_eq!((error.status.as_u16(), error.param.as_deref()), (400, Some(param)), "{fields}");
    }
}

#[test]
fn forbidden_tools_are_not_shown_to_the_model() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    assert!(check(json!({"tools": tools})).expect("valid").tools.is_some());
    assert!(check(json!({"tools": tools, "tool_choice": "none"})).expect("valid").tools.is_none());
    assert!(check(json!({"tools": []})).expect("valid").tools.is_none());
}
