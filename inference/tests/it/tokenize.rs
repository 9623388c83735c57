//! `/tokenize` and `/detokenize`, as vLLM has them.

use serde_json::{Value, json};

use crate::support::{Models, settings};

#[tokio::test]
async fn texts_come_back_from_their_tokens() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(settings());
    let text = "Қайрат 👋 <|im_end|>!";
    let body = json!({"model": "llama-tiny", "prompt": text, "return_token_strs": true});
    let tokens = server.ask("/tokenize", &body).await;
    assert_eq!(tokens.status, 200);
    let ids = tokens.body["tokens"].as_array().expect("tokens");
    assert_eq!(tokens.body["count"], ids.len());
    assert_eq!(tokens.body["max_model_len"], server.model("llama-tiny").engine.max_context());
    assert_eq!(tokens.body["token_strs"].as_array().map(Vec::len), Some(ids.len()));
    assert!(tokens.body["token_strs"].as_array().expect("strings").contains(&json!("<|im_end|>")));
    let back = server.ask("/detokenize", &json!({"tokens": ids})).await;
    assert_eq!((back.status.as_u16(), &back.body["prompt"]), (200, &json!(text)));
    assert_eq!(server.ask("/tokenize", &json!({"prompt": text})).await.body["token_strs"], Value::Null);
    assert_eq!(server.ask("/detokenize", &json!({"tokens": []})).await.body["prompt"], "");
}

#[tokio::test]
async fn a_conversation_has_the_tokens_that_a_chat_counts() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(settings());
    let messages = json!([{"role": "user", "content": "a<|im_end|>b"}]);
    let tokens = server.ask("/tokenize", &json!({"messages": messages})).await;
    let chat = json!({"model": "llama-tiny", "messages": messages, "max_tokens": 1});
    assert_eq!(tokens.body["count"], server.chat(&chat).await.body["usage"]["prompt_tokens"]);
    let longer = server.ask("/tokenize", &json!({"messages": messages, "add_generation_prompt": false})).await;
    assert!(longer.body["count"].as_u64() < tokens.body["count"].as_u64());
}

#[tokio::test]
async fn special_tokens_are_added_where_they_are_asked_for() {
    let models = Models::new(&["llama-tiny"]);
    let path = models.path("llama-tiny").join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_slice(&std::fs::read(&path).expect("a tokenizer")).expect("JSON");
    // A tokenizer that puts a token before any text and one behind it.
    tokenizer["post_processor"] = json!({"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "<|im_end|>", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            "<|im_start|>": {"id": "<|im_start|>", "ids": [1], "tokens": ["<|im_start|>"]},
            "<|im_end|>": {"id": "<|im_end|>", "ids": [2], "tokens": ["<|im_end|>"]}}});
    std::fs::write(&path, tokenizer.to_string()).expect("write");
    let server = models.serve(settings());
    let tokens = async |body: Value| -> Vec<u32> {
        let answer = server.ask("/tokenize", &body).await;
        serde_json::from_value(answer.body["tokens"].clone()).unwrap_or_else(|_| panic!("{}", answer.body))
    };
    let text = tokens(json!({"prompt": "hi"})).await;
    let plain = tokens(json!({"prompt": "hi", "add_special_tokens": false})).await;
    assert_eq!(text, [&[1], plain.as_slice(), &[2]].concat());
    let messages = json!([{"role": "user", "content": "hi"}]);
    let chat = tokens(json!({"messages": messages})).await;
    let marked = tokens(json!({"messages": messages, "add_special_tokens": true})).await;
    assert_eq!(marked, [&[1], chat.as_slice(), &[2]].concat());
}

#[tokio::test]
async fn errors_name_their_field() {
    let models = Models::new(&["llama-tiny", "qwen3-tiny"]);
    let server = models.serve(settings());
    let named = |body: Value| {
        let mut body = body;
        body["model"] = json!("qwen3-tiny");
        body
    };
    for (path, body, expected) in [
        ("/tokenize", json!({"prompt": "x"}), (400, "missing_required_parameter", "model")),
        ("/detokenize", json!({"tokens": [1]}), (400, "missing_required_parameter", "model")),
        ("/tokenize", json!({"prompt": "x", "model": "nobody"}), (404, "model_not_found", "model")),
        ("/tokenize", named(json!({})), (400, "missing_required_parameter", "prompt")),
        ("/tokenize", named(json!({"messages": []})), (400, "empty_array", "messages")),
        ("/detokenize", named(json!({"tokens": [1, 1 << 20]})), (400, "invalid_value", "tokens")),
        ("/detokenize", named(json!({"tokens": [1, -1]})), (400, "invalid_type", "tokens[1]")),
        ("/detokenize", named(json!({})), (400, "missing_required_parameter", "tokens")),
        ("/tokenize", json!("x".repeat(2 << 20)), (413, "body_too_large", "")),
    ] {
        let answer = server.ask(path, &body).await;
        let shown = body.to_string();
        assert_eq!(answer.error(), expected, "{path} {}", &shown[..shown.len().min(80)]);
    }
}
