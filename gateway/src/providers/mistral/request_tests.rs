//! Requests in Mistral's words.

use super::*;

fn translated(chat: &Value, drops: bool) -> Result<Value, ApiError> {
    let outgoing = Outgoing {
        path: "/chat/completions",
        is_generated: true,
        stream: chat["stream"] == true,
        is_translated: false,
        counts_tokens: false,
        now: jiff::Timestamp::UNIX_EPOCH,
        max_output_tokens: Some(77),
        tenant: "t",
        request_id: "r",
        enclosed: crate::providers::Enclosed::default(),
        alerts: None,
        key: 0,
        batch: None,
    };
    let body = chat_body((chat.to_string().as_bytes(), "mistral-x"), outgoing, drops)?;
    Ok(serde_json::from_slice(&body).unwrap())
}

fn with(name: &str, value: Value) -> Value {
    let mut chat = json!({ "messages": [{ "role": "user", "content": "hi" }] });
    chat[name] = value;
    chat
}

#[test]
fn a_conversation_with_everything() {
    let schema = json!({ "name": "n", "strict": true, "schema": { "type": "object" } });
    let chat = json!({
        "model": "alias", "stream": true, "temperature": 0.3, "top_p": 0.9, "stop": ["END"], "user": "u-1", "n": 2,
        "max_completion_tokens": 300, "metadata": { "a": "b" }, "stream_options": { "include_usage": true }, "seed": 7,
        "reasoning_effort": "medium", "parallel_tool_calls": false, "tool_choice": "required", "safe_prompt": true,
        "response_format": { "type": "json_schema", "json_schema": schema },
        "tools": [{ "type": "function", "function": { "name": "f", "description": "d", "strict": null,
            "parameters": { "type": "object" } } }, { "type": "function", "function": { "name": "g" } }],
        "messages": [
            { "role": "developer", "content": "Be brief." },
            { "role": "user", "content": [{ "type": "text", "text": "See:", "cache_control": { "type": "ephemeral" } },
                { "type": "image_url", "image_url": { "url": "https://e.kz/a.png", "detail": "low" } },
                { "type": "input_audio", "input_audio": { "data": "CCCC", "format": "wav" } },
                { "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB" } }] },
            { "role": "assistant", "content": "Well.", "refusal": null, "annotations": [], "reasoning_content": "Hm.",
                "tool_calls": [
                { "id": "call_abc", "type": "function", "function": { "name": "f", "arguments": "{\"q\":\"x\"}" } },
                { "id": "Abc123def", "type": "function", "function": { "name": "g", "arguments": "{}" } }] },
            { "role": "tool", "tool_call_id": "call_abc", "content": "one" },
            { "role": "tool", "tool_call_id": "Abc123def", "content": [{ "type": "text", "text": "two" }] },
        ],
    });
    let told = translated(&chat, false).unwrap();
    let made = told["messages"][2]["tool_calls"][0]["id"].as_str().unwrap();
    let text = |text: &str| json!({ "type": "text", "text": text });
    let expected = json!({
        "model": "mistral-x", "n": 2, "parallel_tool_calls": false, "safe_prompt": true, "stop": ["END"], "stream": true,
        "temperature": 0.3, "top_p": 0.9, "random_seed": 7, "max_tokens": 300, "reasoning_effort": "high",
        "response_format": { "type": "json_schema", "json_schema": schema }, "tool_choice": "any",
        "tools": [
            { "type": "function", "function": { "name": "f", "description": "d", "parameters": { "type": "object" } } },
            { "type": "function", "function": { "name": "g", "parameters": { "type": "object", "properties": {} } } }],
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": [text("See:"),
                { "type": "image_url", "image_url": { "url": "https://e.kz/a.png", "detail": "low" } },
                { "type": "input_audio", "input_audio": "CCCC" },
                { "type": "document_url", "document_url": "data:application/pdf;base64,BBBB", "document_name": "a.pdf" }] },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": [text("Hm.")] }, text("Well.")],
                "tool_calls": [
                { "id": made, "type": "function", "function": { "name": "f", "arguments": "{\"q\":\"x\"}" } },
                { "id": "Abc123def", "type": "function", "function": { "name": "g", "arguments": "{}" } }] },
            { "role": "tool", "tool_call_id": made, "content": "one" },
            { "role": "tool", "tool_call_id": "Abc123def", "content": [text("two")] },
        ],
    });
    assert_eq!(told, expected);
    assert_eq!(made.len(), 9);
}

#[test]
fn answers_are_bounded_by_the_route() {
    assert_eq!(translated(&with("x", Value::Null), false).unwrap()["max_tokens"], 77);
}

#[test]
fn what_has_no_words_is_refused_by_name_or_left_out() {
    for (name, value) in [
        ("top_k", json!(5)),
        ("logprobs", json!(true)),
        ("logit_bias", json!({ "1": 5 })),
        ("something_new", json!({ "a": 1 })),
    ] {
        let chat = with(name, value);
        assert_eq!(translated(&chat, false).unwrap_err().param.as_deref(), Some(name));
        let left = json!({ "model": "mistral-x", "messages": [{ "role": "user", "content": "hi" }], "max_tokens": 77 });
        assert_eq!(translated(&chat, true).unwrap(), left);
    }
    let named = with("messages", json!([{ "role": "user", "name": "Ann", "content": "x" }]));
    assert_eq!(translated(&named, false).unwrap_err().param.as_deref(), Some("messages[0].name"));
    assert!(!translated(&named, true).unwrap().to_string().contains("Ann"));
    for (chat, param) in [
        (with("response_format", json!({ "type": "grammar" })), "response_format.type"),
        (with("tools", json!([{ "type": "custom", "custom": { "name": "x" } }])), "tools[0].type"),
        (with("reasoning_effort", json!("zq7")), "reasoning_effort"),
        (with("messages", json!([{ "role": "function", "content": "x" }])), "messages[0].role"),
        (with("messages", json!([{ "role": "tool", "content": "x" }])), "messages[0].tool_call_id"),
        (
            with("messages", json!([{ "role": "user", "content": [{ "type": "video_url" }] }])),
            "messages[0].content[0].type",
        ),
    ] {
        assert_eq!(translated(&chat, true).unwrap_err().param.as_deref(), Some(param));
    }
}

#[test]
fn embeddings_have_a_word_of_their_own_for_dimensions() {
    let asked = json!({ "model": "a", "input": ["x"], "dimensions": 256, "encoding_format": "base64", "user": "u" });
    let body = embeddings_body((asked.to_string().as_bytes(), "mistral-embed"), false).unwrap();
    let expected =
        json!({ "model": "mistral-embed", "input": ["x"], "output_dimension": 256, "encoding_format": "base64" });
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
    let strange = json!({ "input": "x", "task": "y" }).to_string();
    assert_eq!(embeddings_body((strange.as_bytes(), "m"), false).unwrap_err().param.as_deref(), Some("task"));
}
