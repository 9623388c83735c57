//! Chat requests in Anthropic's words.

use super::*;
use crate::providers::messages_fields::DEFAULT_MAX_TOKENS;

fn outgoing(stream: bool, max_output_tokens: Option<u32>) -> Outgoing<'static> {
    let (path, is_generated) = ("/chat/completions", true);
    Outgoing {
        path,
        is_generated,
        counts_tokens: false,
        stream,
        is_translated: false,
        max_output_tokens,
        tenant: "t",
        request_id: "r",
        now: jiff::Timestamp::UNIX_EPOCH,
        enclosed: crate::providers::Enclosed::default(),
        alerts: None,
        key: 0,
        batch: None,
    }
}

fn translated(chat: &Value, drops: bool) -> Result<Value, ApiError> {
    let body = chat.to_string();
    let body = messages_body((body.as_bytes(), "claude"), outgoing(chat["stream"] == true, Some(77)), drops)?;
    Ok(serde_json::from_slice(&body).unwrap())
}

#[test]
fn a_conversation_with_everything() {
    let chat = json!({
        "model": "alias", "stream": true, "temperature": 0.3, "top_p": 0.9, "stop": "END", "user": "u-1", "n": 1,
        "max_tokens": 300, "metadata": { "a": "b" }, "stream_options": { "include_usage": true }, "seed": null,
        "reasoning_effort": "high", "parallel_tool_calls": false, "tool_choice": "required",
        "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": { "type": "object" } } },
        "tools": [{ "type": "function", "function": { "name": "f", "description": "d", "strict": true,
            "parameters": { "type": "object", "properties": { "q": { "type": "string" } } } } },
            { "type": "function", "function": { "name": "g" } }],
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "developer", "content": [{ "type": "text", "text": "And kind." }] },
            { "role": "user", "content": [{ "type": "text", "text": "See:", "cache_control": { "type": "ephemeral" } },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
                { "type": "image_url", "image_url": { "url": "https://e.kz/a.png" } },
                { "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB" } }] },
            { "role": "user", "content": "Well?" },
            { "role": "assistant", "content": "", "tool_calls": [{ "id": "c1", "type": "function",
                "function": { "name": "f", "arguments": "{\"q\":\"x\"}" } }, { "id": "c2", "type": "function",
                "function": { "name": "g", "arguments": "" } }] },
            { "role": "tool", "tool_call_id": "c1", "content": "one" },
            { "role": "tool", "tool_call_id": "c2", "content": [{ "type": "text", "text": "two" }] },
            { "role": "user", "content": "And?" },
        ],
    });
    let text = |text: &str| json!({ "type": "text", "text": text });
    let expected = json!({
        "model": "claude", "stream": true, "temperature": 0.3, "top_p": 0.9, "stop_sequences": ["END"], "max_tokens": 300,
        "metadata": { "user_id": "u-1" }, "system": [text("Be brief."), text("And kind.")],
        "output_config": { "effort": "high", "format": { "type": "json_schema", "schema": { "type": "object" } } },
        "tool_choice": { "type": "any", "disable_parallel_tool_use": true },
        "tools": [{ "name": "f", "description": "d", "strict": true,
            "input_schema": { "type": "object", "properties": { "q": { "type": "string" } } } },
            { "name": "g", "input_schema": { "type": "object", "properties": {} } }],
        "messages": [
            { "role": "user", "content": [
                { "type": "text", "text": "See:", "cache_control": { "type": "ephemeral" } },
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } },
                { "type": "image", "source": { "type": "url", "url": "https://e.kz/a.png" } },
                { "type": "document", "title": "a.pdf",
                    "source": { "type": "base64", "media_type": "application/pdf", "data": "BBBB" } },
                text("Well?")] },
            { "role": "assistant", "content": [
                { "type": "tool_use", "id": "c1", "name": "f", "input": { "q": "x" } },
                { "type": "tool_use", "id": "c2", "name": "g", "input": {} }] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "c1", "content": [text("one")] },
                { "type": "tool_result", "tool_use_id": "c2", "content": [text("two")] },
                text("And?")] },
        ],
    });
    assert_eq!(translated(&chat, false).unwrap(), expected);
}

#[test]
fn answers_are_always_bounded() {
    let chat = json!({ "messages": [{ "role": "user", "content": "hi" }] });
    assert_eq!(translated(&chat, false).unwrap()["max_tokens"], 77);
    let body = messages_body((chat.to_string().as_bytes(), "claude"), outgoing(false, None), false).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["max_tokens"], DEFAULT_MAX_TOKENS);
}

#[test]
fn what_has_no_words_is_refused_by_name_or_left_out() {
    let with = |name: &str, value: Value| {
        let mut chat = json!({ "messages": [{ "role": "user", "content": "hi" }] });
        chat[name] = value;
        chat
    };
    for (name, value) in [
        ("seed", json!(7)),
        ("n", json!(2)),
        ("logprobs", json!(true)),
        ("frequency_penalty", json!(0.5)),
        ("temperature", json!(1.5)),
        ("something_new", json!({ "a": 1 })),
    ] {
        let chat = with(name, value);
        assert_eq!(translated(&chat, false).unwrap_err().param.as_deref(), Some(name));
        let dropped = translated(&chat, true).unwrap();
        assert!(dropped.get(name).is_none() || dropped["temperature"] == 1.0, "{dropped}");
    }
    for (chat, param) in [
        (with("response_format", json!({ "type": "json_object" })), "response_format.type"),
        (with("tools", json!([{ "type": "custom", "custom": { "name": "x" } }])), "tools[0].type"),
        (with("messages", json!([{ "role": "function", "name": "f", "content": "x" }])), "messages[0].role"),
        (
            with("messages", json!([{ "role": "user", "content": [{ "type": "input_audio", "input_audio": {} }] }])),
            "messages[0].content[0].type",
        ),
        (
            with(
                "messages",
                json!([{ "role": "assistant", "tool_calls": [{ "id": "c", "type": "function",
                "function": { "name": "f", "arguments": "[1]" } }] }]),
            ),
            "messages[0].tool_calls[0].function.arguments",
        ),
    ] {
        assert_eq!(translated(&chat, true).unwrap_err().param.as_deref(), Some(param));
    }
}
