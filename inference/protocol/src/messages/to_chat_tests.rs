//! Blocks to messages, fields to fields, and errors in this API's words.

use super::*;
use crate::messages::{error_json, parse_request};

fn chat_of(body: &Value) -> Result<ChatRequest, ApiError> {
    to_chat(&parse_request(body.to_string().as_bytes())?)
}

fn with(field: &str, value: Value) -> Value {
    let mut body = json!({ "model": "m", "max_tokens": 2000, "messages": [{ "role": "user", "content": "x" }],
        "tools": [{ "name": "f", "input_schema": { "type": "object" } }] });
    body[field] = value;
    body
}

fn saying(content: &Value) -> Value {
    with("messages", json!([{ "role": "user", "content": content }]))
}

#[test]
fn turns_and_blocks_become_messages() {
    let body = json!({ "model": "m", "max_tokens": 9, "system": [{ "type": "text", "text": "s",
            "cache_control": { "type": "ephemeral" } }], "messages": [
        { "role": "user", "content": "a" },
        { "role": "user", "content": [{ "type": "text", "text": "b" }] },
        { "role": "assistant", "content": [
            { "type": "thinking", "thinking": "hm", "signature": "z" },
            { "type": "redacted_thinking", "data": "zz" },
            { "type": "thinking", "thinking": "", "signature": "y" },
            { "type": "thinking", "thinking": "unsigned", "signature": "" },
            { "type": "text", "text": "Wait." },
            { "type": "tool_use", "id": "t1", "name": "f", "input": { "city": "Алматы" } },
            { "type": "tool_use", "id": "t2", "name": "f", "input": {} }] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "t1", "content": [{ "type": "text", "text": "1" }] },
            { "type": "tool_result", "tool_use_id": "t2", "content": "no", "is_error": true },
            { "type": "text", "text": "c" }] },
        { "role": "assistant", "content": "So" },
    ] });
    let call = |id: &str, arguments: &str| {
        let function = json!({ "name": "f", "arguments": arguments });
        json!({ "id": id, "type": "function", "function": function })
    };
    let expected = json!({ "model": "m", "messages": [
        { "role": "system", "content": [{ "type": "text", "text": "s", "cache_control": { "type": "ephemeral" } }] },
        { "role": "user", "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] },
        { "role": "assistant", "content": "Wait.", "reasoning_content": "hmunsigned", "thinking_blocks": [
            { "type": "thinking", "thinking": "hm", "signature": "z" }, { "type": "redacted_thinking", "data": "zz" },
            { "type": "thinking", "thinking": "", "signature": "y" }],
            "tool_calls": [call("t1", "{\"city\":\"Алматы\"}"), call("t2", "{}")] },
        { "role": "tool", "content": "1", "tool_call_id": "t1" },
        { "role": "tool", "content": "Error: no", "tool_call_id": "t2" },
        { "role": "user", "content": "c" },
        { "role": "assistant", "content": "So" },
    ], "max_completion_tokens": 9, "add_generation_prompt": false, "continue_final_message": true });
    assert_eq!(serde_json::to_value(chat_of(&body).unwrap()).unwrap(), expected);
}

#[test]
fn images_and_documents_become_parts() {
    let base64 = |kind: &str| json!({ "type": "base64", "media_type": kind, "data": "AAAA" });
    let cached = json!({ "type": "ephemeral", "ttl": "1h" });
    let result = json!([{ "type": "text", "text": "see" }, { "type": "text", "text": ":" },
        { "type": "image", "source": base64("image/png") }]);
    let body = json!({ "model": "m", "max_tokens": 9, "messages": [
        { "role": "user", "content": [
            { "type": "image", "source": base64("image/png"), "cache_control": cached },
            { "type": "image", "source": { "type": "url", "url": "https://e.kz/a.png" } },
            { "type": "document", "title": "a.pdf", "context": "a law", "source": base64("application/pdf") },
            { "type": "document", "source": { "type": "url", "url": "https://e.kz/a.pdf" } },
            { "type": "document", "title": "Notes", "citations": { "enabled": false }, "cache_control": cached,
                "source": { "type": "text", "media_type": "text/plain", "data": "said" } }] },
        { "role": "assistant", "content": [{ "type": "tool_use", "id": "t", "name": "f", "input": {} }] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "t", "is_error": true, "content": result, "cache_control": cached }] },
    ] });
    let image = |url: &str| json!({ "type": "image_url", "image_url": { "url": url } });
    let marked = |mut part: Value| {
        part["cache_control"] = cached.clone();
        part
    };
    let text = |text: &str| json!({ "type": "text", "text": text });
    let data = "data:image/png;base64,AAAA";
    let chat = serde_json::to_value(chat_of(&body).unwrap()).unwrap();
    let expected = json!([marked(image(data)), image("https://e.kz/a.png"), text("a law"),
        { "type": "file", "file": { "file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf" } },
        { "type": "file", "file": { "file_url": "https://e.kz/a.pdf" } }, text("Notes"), marked(text("said"))]);
    assert_eq!(chat["messages"][0]["content"], expected);
    assert_eq!(chat["messages"][2]["content"], json!([text("Error: see:"), marked(image(data))]));
}

#[test]
fn fields_find_their_chat_names() {
    let body = json!({ "model": "m", "max_tokens": 2000, "messages": [{ "role": "user", "content": "x" }],
        "stream": true, "temperature": 1.0, "top_p": 0.9, "top_k": 4, "stop_sequences": ["END"],
        "metadata": { "user_id": "u" }, "thinking": { "type": "enabled", "budget_tokens": 1024, "display": "omitted" },
        "tools": [{ "name": "f", "description": "d", "input_schema": { "a": 1 }, "cache_control": { "type": "ephemeral" } }],
        "tool_choice": { "type": "any", "disable_parallel_tool_use": true },
        "output_config": { "effort": "low", "format": { "type": "json_schema", "schema": { "b": 2 } } } });
    let expected = json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }], "stream": true,
        "stream_options": { "include_usage": true }, "max_completion_tokens": 2000, "temperature": 1.0, "top_p": 0.9,
        "top_k": 4, "stop": ["END"], "user": "u", "chat_template_kwargs": { "enable_thinking": true },
        "thinking": { "type": "enabled", "budget_tokens": 1024, "display": "omitted" },
        "tools": [{ "type": "function", "function": { "name": "f", "description": "d", "parameters": { "a": 1 } },
            "cache_control": { "type": "ephemeral" } }],
        "tool_choice": "required", "parallel_tool_calls": false, "reasoning_effort": "low",
        "response_format": { "type": "json_schema",
            "json_schema": { "name": "output", "schema": { "b": 2 }, "strict": true } } });
    assert_eq!(serde_json::to_value(chat_of(&body).unwrap()).unwrap(), expected);

    let choice = |choice: Value| chat_of(&with("tool_choice", choice)).unwrap().tool_choice.unwrap();
    assert_eq!(choice(json!({ "type": "auto" })), "auto");
    assert_eq!(choice(json!({ "type": "none" })), "none");
    assert_eq!(choice(json!({ "type": "tool", "name": "f" }))["function"]["name"], "f");
}

#[test]
fn errors_name_this_apis_fields() {
    let cases = [
        (json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }] }), "max_tokens"),
        (with("max_tokens", json!(0)), "max_tokens"),
        (with("messages", json!([])), "messages"),
        (with("messages", json!([{ "role": "tool", "content": "x" }])), "messages[0].role"),
        (with("messages", json!([{ "role": "900101300123", "content": "x" }])), "messages[0].role"),
        (with("messages", json!([{ "role": "user" }])), "messages[0].content"),
        (saying(&json!([])), "messages[0].content"),
        (saying(&json!([{ "type": "image", "source": {} }])), "messages[0].content[0].source.type"),
        (saying(&json!([{ "type": "image" }])), "messages[0].content[0].source"),
        (
            saying(&json!([{ "type": "image", "source": { "type": "file", "file_id": "f" } }])),
            "messages[0].content[0].source.type",
        ),
        (saying(&json!([{ "type": "image", "source": { "type": "url" } }])), "messages[0].content[0].source.url"),
        (
            saying(&json!([{ "type": "image", "source":
                { "type": "base64", "media_type": "image/png;base64,AA, и 900101300123", "data": "AA" } }])),
            "messages[0].content[0].source.media_type",
        ),
        (
            saying(&json!([{ "type": "document", "source": { "type": "content" } }])),
            "messages[0].content[0].source.type",
        ),
        (
            saying(&json!([{ "type": "document", "source": { "type": "text", "data": "x" },
                "citations": { "enabled": true } }])),
            "messages[0].content[0].citations",
        ),
        (saying(&json!([{ "type": "search_result" }])), "messages[0].content[0].type"),
        (
            with(
                "messages",
                json!([{ "role": "assistant", "content": [{ "type": "image", "source":
                { "type": "url", "url": "https://e.kz" } }] }]),
            ),
            "messages[0].content[0].type",
        ),
        (
            with("messages", json!([{ "role": "assistant", "content": [{ "type": "redacted_thinking" }] }])),
            "messages[0].content[0].data",
        ),
        (saying(&json!([{ "type": "text" }])), "messages[0].content[0].text"),
        (saying(&json!([{ "text": "x" }])), "messages[0].content[0].type"),
        (saying(&json!([{ "type": "thinking", "thinking": "x" }])), "messages[0].content[0].type"),
        (saying(&json!([{ "type": "tool_result", "tool_use_id": "t" }])), "messages[0].content[0].tool_use_id"),
        (
            with(
                "messages",
                json!([
                { "role": "assistant", "content": [{ "type": "tool_use", "id": "t", "name": "f", "input": {} }] },
                { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t",
                    "content": [{ "type": "image", "source": {} }] }] }]),
            ),
            "messages[1].content[0].content[0].source.type",
        ),
        (
            with(
                "messages",
                json!([{ "role": "assistant", "content":
                [{ "type": "tool_use", "id": "t", "name": "f", "input": "900101300123" }] }]),
            ),
            "messages[0].content[0].input",
        ),
        (with("system", json!([{ "type": "image" }])), "system[0].type"),
        (with("temperature", json!(1.5)), "temperature"),
        (with("stop_sequences", json!("x")), "stop_sequences"),
        (with("tools", json!([{ "type": "web_search_20250305", "name": "w" }])), "tools[0].type"),
        (with("tools", json!([{ "name": "f" }])), "tools[0].input_schema"),
        (with("tools", json!([{ "input_schema": {} }])), "tools[0].name"),
        (with("tool_choice", json!({ "type": "tool" })), "tool_choice.name"),
        (with("tool_choice", json!({ "type": "tool", "name": "g" })), "tool_choice.name"),
        (with("tool_choice", json!({ "type": "some" })), "tool_choice.type"),
        (with("tool_choice", json!("auto")), "tool_choice"),
        (with("thinking", json!({ "type": "enabled" })), "thinking.budget_tokens"),
        (with("thinking", json!({ "type": "enabled", "budget_tokens": 2000 })), "thinking.budget_tokens"),
        (with("thinking", json!({ "type": "on" })), "thinking.type"),
        (with("output_config", json!({ "format": { "type": "xml" } })), "output_config.format.type"),
    ];
    for (body, param) in cases {
        let error = chat_of(&body).unwrap_err();
        assert_eq!((error.status.as_u16(), error.param.as_deref()), (400, Some(param)), "{body}");
        let told = error_json(&error, None)["error"]["message"].as_str().unwrap().to_owned();
        assert!(told.contains(param) && !told.contains("900101300123"), "{told}");
    }
}

#[test]
fn errors_of_the_chat_request_are_restated() {
    let body = with(
        "messages",
        json!([
            { "role": "user", "content": "x" },
            { "role": "assistant", "content": [{ "type": "text", "text": "y" },
                { "type": "tool_use", "id": "t", "name": "f", "input": {} }] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t" }, { "type": "text", "text": "z" }] },
        ]),
    );
    let (_, places) = translate(&parse_request(body.to_string().as_bytes()).unwrap()).unwrap();
    for (chat, own) in [
        ("messages", "messages"),
        ("messages[1].tool_calls[0].function.name", "messages[1].content[1].name"),
        ("messages[2].tool_call_id", "messages[2].content[0].tool_use_id"),
        ("messages[3].content", "messages[2]"),
        ("max_completion_tokens", "max_tokens"),
        ("stop", "stop_sequences"),
        ("stop[4]", "stop_sequences[4]"),
        ("tools[0].function.parameters.type", "tools[0].input_schema.type"),
        ("tools[0].function.name", "tools[0].name"),
        ("response_format.json_schema.schema", "output_config.format.schema"),
    ] {
        assert_eq!(places.restate(ApiError::invalid(chat, "x")).param.as_deref(), Some(own), "{chat}");
    }
}
