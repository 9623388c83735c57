//! Shapes of the prompt, and errors that name their field.

use super::*;
use crate::completions::PromptItem;
use serde_json::json;

fn parsed(prompt: &Value) -> Result<CompletionRequest, ApiError> {
    parse_request(json!({ "model": "m", "prompt": prompt }).to_string().as_bytes())
}

fn param_of(body: &Value) -> (Option<String>, String) {
    let error = parse_request(body.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.status.as_u16(), 400);
    (error.param, error.message)
}

#[test]
fn reads_every_shape_of_prompt() {
    let items = |prompt: Value| {
        let request = parsed(&prompt).unwrap();
        request.prompt.items().iter().map(|item| format!("{item:?}")).collect::<Vec<_>>()
    };
    let text = |text: &str| format!("{:?}", PromptItem::Text(text));
    let ids = |ids: &[u32]| format!("{:?}", PromptItem::Tokens(ids));
    assert_eq!(items(json!("a")), [text("a")]);
    assert_eq!(items(json!("")), [text("")]);
    assert_eq!(items(json!(["a", "b"])), [text("a"), text("b")]);
    assert_eq!(items(json!([1, 2, 3])), [ids(&[1, 2, 3])]);
    assert_eq!(items(json!([[1, 2], [3]])), [ids(&[1, 2]), ids(&[3])]);
    assert_eq!(parsed(&json!(["a", "b"])).unwrap().prompt.param(1), "prompt[1]");
    assert_eq!(parsed(&json!([1, 2])).unwrap().prompt.param(0), "prompt");
}

#[test]
fn names_the_prompt_that_is_wrong() {
    for (prompt, param) in [
        (json!([]), "prompt"),
        (json!(7), "prompt"),
        (json!(null), "prompt"),
        (json!({}), "prompt"),
        (json!([[]]), "prompt[0]"),
        (json!([[1], []]), "prompt[1]"),
        (json!(["a", 1]), "prompt[1]"),
        (json!([1, "a"]), "prompt[1]"),
        (json!([1, [2]]), "prompt[1]"),
        (json!([1, -2]), "prompt[1]"),
        (json!([1, 4_294_967_296_u64]), "prompt[1]"),
        (json!([[1], [2, 1.5]]), "prompt[1][1]"),
        (json!([null]), "prompt[0]"),
    ] {
        assert_eq!(param_of(&json!({ "model": "m", "prompt": prompt })).0.as_deref(), Some(param), "{prompt}");
    }
    assert_eq!(param_of(&json!({ "model": "m" })).0.as_deref(), Some("prompt"));
    assert_eq!(param_of(&json!({ "prompt": "x" })).0.as_deref(), Some("model"));
    assert_eq!(param_of(&json!(["m", "x"])).0, None);
}

#[test]
fn names_every_sampling_field_of_the_wrong_type() {
    for field in [
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "typical_p",
        "n",
        "best_of",
        "logprobs",
        "echo",
        "stop_token_ids",
        "ignore_eos",
        "min_tokens",
        "max_tokens",
        "presence_penalty",
        "frequency_penalty",
        "repetition_penalty",
        "logit_bias",
        "seed",
        "allowed_token_ids",
        "guided_choice",
        "priority",
        "truncate_prompt_tokens",
        "stream_options",
    ] {
        let (param, message) = param_of(&json!({ "model": "m", "prompt": "x", field: "`900101300123`, expected b" }));
        assert_eq!(param.as_deref(), Some(field));
        assert!(!message.contains("900101300123"), "{message}");
    }
}

#[test]
fn logprobs_lie_between_none_and_twenty() {
    let with = |logprobs: i64| {
        parse_request(json!({ "model": "m", "prompt": "x", "logprobs": logprobs }).to_string().as_bytes())
            .unwrap()
            .num_logprobs()
    };
    assert_eq!(with(0), Ok(Some(0)));
    assert_eq!(with(20), Ok(Some(20)));
    assert_eq!(with(21).unwrap_err().param.as_deref(), Some("logprobs"));
    assert_eq!(with(-1).unwrap_err().param.as_deref(), Some("logprobs"));
    assert_eq!(parsed(&json!("x")).unwrap().num_logprobs(), Ok(None));
}
