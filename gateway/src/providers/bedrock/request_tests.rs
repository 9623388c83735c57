//! Chat requests in Converse's words.

use super::*;

const CLAUDE: &str = "eu.anthropic.claude-x-v1:0";

fn outgoing() -> Outgoing<'static> {
    Outgoing {
        path: "/chat/completions",
        is_generated: true,
        counts_tokens: false,
        stream: false,
        is_translated: false,
        max_output_tokens: Some(77),
        tenant: "t",
        request_id: "r",
        now: jiff::Timestamp::UNIX_EPOCH,
        enclosed: crate::providers::Enclosed::default(),
        alerts: None,
        key: 0,
        batch: None,
    }
}

fn translated(chat: &Value, model: &str, drops: bool) -> Result<Value, ApiError> {
    let body = converse_body((chat.to_string().as_bytes(), model), outgoing(), drops)?;
    Ok(serde_json::from_slice(&body).unwrap())
}

fn with(name: &str, value: Value) -> Value {
    let mut chat = json!({ "messages": [{ "role": "user", "content": "hi" }] });
    chat[name] = value;
    chat
}

#[test]
fn a_conversation_with_everything() {
    let cached = json!({ "type": "ephemeral", "ttl": "1h" });
    let chat = json!({
        "model": "alias", "stream": true, "temperature": 0.3, "top_p": 0.9, "top_k": 5, "stop": "END", "user": "u-1",
        "n": 1, "max_tokens": 3000, "metadata": { "a": "b" }, "seed": null, "tool_choice": "required",
        "thinking": { "type": "enabled", "budget_tokens": 2000 }, "reasoning_effort": "high",
        "response_format": { "type": "json_schema",
            "json_schema": { "name": "n", "strict": true, "schema": { "type": "object" } } },
        "tools": [{ "type": "function", "function": { "name": "f", "description": "d", "strict": true,
            "parameters": { "type": "object", "properties": { "q": { "type": "string" } } } } },
            { "type": "function", "cache_control": cached, "function": { "name": "g", "description": "" } }],
        "messages": [
            { "role": "system", "content": [{ "type": "text", "text": "Be brief.", "cache_control": cached }] },
            { "role": "developer", "content": "And kind." },
            { "role": "user", "content": [
                { "type": "text", "text": "See:" },
                { "type": "image_url", "image_url": { "url": "data:image/jpeg;base64,AAAA" } },
                { "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB" } },
                { "type": "file", "file": { "file_data": "data:text/plain;charset=utf-8;base64,CCCC" },
                    "cache_control": { "type": "ephemeral" } }] },
            { "role": "user", "content": "Well?" },
            { "role": "assistant", "content": "", "reasoning_content": "Hm.",
                "thinking_blocks": [{ "type": "thinking", "thinking": "Hm.", "signature": "s" },
                    { "type": "thinking", "thinking": "unsigned" }, { "type": "redacted_thinking", "data": "DDDD" }],
                "tool_calls": [{ "id": "c1", "type": "function",
                    "function": { "name": "f", "arguments": "{\"q\":\"x\"}" } }] },
            { "role": "tool", "tool_call_id": "c1", "content": [{ "type": "text", "text": "one", "cache_control": cached },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,EEEE" } }] },
            { "role": "user", "content": "And?" },
        ],
    });
    let mark = json!({ "cachePoint": { "type": "default", "ttl": "1h" } });
    let image = |format: &str, data: &str| json!({ "image": { "format": format, "source": { "bytes": data } } });
    let document = |format: &str, name: &str, data: &str| json!({ "document": { "format": format, "name": name, "source": { "bytes": data } } });
    let reasoning = |thought: Value| json!({ "reasoningContent": thought });
    let expected = json!({
        "system": [{ "text": "Be brief." }, mark, { "text": "And kind." }],
        "inferenceConfig": { "maxTokens": 3000, "temperature": 0.3, "topP": 0.9, "stopSequences": ["END"] },
        "outputConfig": { "textFormat": { "type": "json_schema",
            "structure": { "jsonSchema": { "schema": "{\"type\":\"object\"}", "name": "n" } } } },
        "additionalModelRequestFields": { "top_k": 5, "thinking": { "type": "enabled", "budget_tokens": 2000 },
            "output_config": { "effort": "high" } },
        "toolConfig": { "toolChoice": { "any": {} }, "tools": [
            { "toolSpec": { "name": "f", "description": "d", "strict": true,
                "inputSchema": { "json": { "type": "object", "properties": { "q": { "type": "string" } } } } } },
            { "toolSpec": { "name": "g", "inputSchema": { "json": { "type": "object", "properties": {} } } } }, mark] },
        "messages": [
            { "role": "user", "content": [{ "text": "See:" }, image("jpeg", "AAAA"), document("pdf", "Document 1", "BBBB"),
                document("txt", "Document 2", "CCCC"), { "cachePoint": { "type": "default" } }, { "text": "Well?" }] },
            { "role": "assistant", "content": [
                reasoning(json!({ "reasoningText": { "text": "Hm.", "signature": "s" } })),
                reasoning(json!({ "redactedContent": "DDDD" })),
                { "toolUse": { "toolUseId": "c1", "name": "f", "input": { "q": "x" } } }] },
            { "role": "user", "content": [
                { "toolResult": { "toolUseId": "c1", "content": [{ "text": "one" }, image("png", "EEEE")] } }, mark,
                { "text": "And?" }] },
        ],
    });
    assert_eq!(translated(&chat, CLAUDE, false).unwrap(), expected);
}

#[test]
fn what_a_maker_alone_knows_goes_to_its_models_alone() {
    let fields =
        |chat: &Value, model: &str| translated(chat, model, false).unwrap()["additionalModelRequestFields"].clone();
    let arn = "arn:aws:bedrock:eu-north-1:123456789012:inference-profile/eu.anthropic.claude-x-v1:0";
    let effort = with("reasoning_effort", json!("minimal"));
    assert_eq!(fields(&effort, arn), json!({ "output_config": { "effort": "low" } }));
    assert_eq!(fields(&effort, "openai.gpt-oss-120b-1:0"), json!({ "reasoning_effort": "minimal" }));
    assert_eq!(fields(&with("reasoning_effort", json!("none")), CLAUDE), json!({ "thinking": { "type": "disabled" } }));
    assert_eq!(fields(&with("reasoning_effort", json!("none")), "meta.llama"), Value::Null);
    for (name, value) in
        [("reasoning_effort", json!("low")), ("top_k", json!(3)), ("thinking", json!({ "type": "adaptive" }))]
    {
        let chat = with(name, value);
        assert_eq!(translated(&chat, "meta.llama3", false).unwrap_err().param.as_deref(), Some(name));
        assert!(translated(&chat, "meta.llama3", true).unwrap().get("additionalModelRequestFields").is_none());
    }
    let cached = json!([{ "role": "user", "content": [{ "type": "text", "text": "a", "cache_control": {} }] }]);
    let marks = |model: &str| translated(&with("messages", cached.clone()), model, false).unwrap().to_string();
    assert!(marks("amazon.nova-pro-v1:0").contains("cachePoint") && !marks("mistral.x").contains("cachePoint"));
}

#[test]
fn tools_that_must_not_be_called_are_left_out_where_that_says_the_same() {
    let mut chat = with("tools", json!([{ "type": "function", "function": { "name": "f" } }]));
    chat["tool_choice"] = json!("none");
    assert!(translated(&chat, CLAUDE, false).unwrap().get("toolConfig").is_none());
    chat["messages"] = json!([{ "role": "user", "content": "x" },
        { "role": "assistant", "tool_calls": [{ "id": "c", "type": "function", "function": { "name": "f" } }] },
        { "role": "tool", "tool_call_id": "c", "content": "y" }]);
    assert_eq!(translated(&chat, CLAUDE, false).unwrap_err().param.as_deref(), Some("tool_choice"));
    assert!(translated(&chat, CLAUDE, true).unwrap()["toolConfig"].get("toolChoice").is_none());
    chat["tool_choice"] = json!({ "type": "function", "function": { "name": "f" } });
    let chosen = translated(&chat, CLAUDE, false).unwrap();
    assert_eq!(chosen["toolConfig"]["toolChoice"], json!({ "tool": { "name": "f" } }));
    chat["parallel_tool_calls"] = json!(false);
    assert_eq!(translated(&chat, CLAUDE, false).unwrap_err().param.as_deref(), Some("parallel_tool_calls"));
}

#[test]
fn what_has_no_words_is_refused_by_name() {
    assert_eq!(translated(&with("n", json!(1)), CLAUDE, false).unwrap()["inferenceConfig"]["maxTokens"], 77);
    for (name, value) in [("seed", json!(7)), ("n", json!(2)), ("logprobs", json!(true)), ("temperature", json!(1.5))] {
        let chat = with(name, value);
        assert_eq!(translated(&chat, CLAUDE, false).unwrap_err().param.as_deref(), Some(name));
        assert!(translated(&chat, CLAUDE, true).is_ok());
    }
    let part = |part: Value| with("messages", json!([{ "role": "user", "content": [part] }]));
    let url = |url: &str| part(json!({ "type": "image_url", "image_url": { "url": url } }));
    for (chat, param) in [
        (with("response_format", json!({ "type": "json_object" })), "response_format.type"),
        (url("https://e.kz/a.png"), "messages[0].content[0].image_url"),
        (url("data:image/tiff;base64,AAAA"), "messages[0].content[0].image_url"),
        (part(json!({ "type": "file", "file": { "file_id": "f1" } })), "messages[0].content[0].file"),
        (
            part(json!({ "type": "file", "file": { "file_data": "data:application/zip;base64,AA" } })),
            "messages[0].content[0].file",
        ),
        (part(json!({ "type": "input_audio", "input_audio": {} })), "messages[0].content[0].type"),
        (with("messages", json!([{ "role": "function", "content": "x" }])), "messages[0].role"),
    ] {
        assert_eq!(translated(&chat, CLAUDE, true).unwrap_err().param.as_deref(), Some(param));
    }
}
