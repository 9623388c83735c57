//! Answers of a stub upstream that say what it was sent: what a client sees of them shows what became of its words.

use serde_json::{Value, json};

/// A good answer with the last message's text, and as arguments of a tool call if there are tools.
pub fn whole(request: &str) -> String {
    let request: Value = serde_json::from_str(request).unwrap();
    let text = last_text(&request);
    let mut message = json!({ "role": "assistant", "content": text });
    if !request["tools"].is_null() {
        message["tool_calls"] = json!([{ "id": "c1", "type": "function",
            "function": { "name": "f", "arguments": arguments(&text) } }]);
    }
    let choices = json!([{ "index": 0, "message": message, "finish_reason": "stop" }]);
    json!({ "id": "e", "object": "chat.completion", "created": 1, "model": "stub", "choices": choices }).to_string()
}

/// The same, a character at a time.
pub fn stream(request: &str) -> String {
    let request: Value = serde_json::from_str(request).unwrap();
    let text = last_text(&request);
    let mut events = vec![chunk(&json!({ "role": "assistant", "content": "" }), None)];
    events.extend(text.chars().map(|c| chunk(&json!({ "content": c.to_string() }), None)));
    if !request["tools"].is_null() {
        let call = |function: Value| json!({ "tool_calls": [{ "index": 0, "function": function }] });
        let mut begun = call(json!({ "name": "f", "arguments": "" }));
        begun["tool_calls"][0]["id"] = json!("c1");
        events.push(chunk(&begun, None));
        let pieces = arguments(&text);
        events.extend(pieces.chars().map(|c| chunk(&call(json!({ "arguments": c.to_string() })), None)));
    }
    events.push(chunk(&json!({}), Some("stop")));
    events.push("data: [DONE]\n\n".to_owned());
    events.concat()
}

/// An error that quotes the request.
pub fn refusal(request: &str) -> String {
    let parsed: Value = serde_json::from_str(request).unwrap();
    let key = parsed["metadata"].as_object().and_then(|fields| fields.keys().next().cloned());
    json!({ "error": { "message": format!("Cannot answer {request}"), "type": parsed["user"],
        "param": key.map(|key| format!("metadata.{key}")), "code": parsed["user"] } })
    .to_string()
}

/// Some content, and then an error that quotes the request.
pub fn broken_stream(request: &str) -> String {
    let content = chunk(&json!({ "content": "well" }), None);
    format!("{content}event: error\ndata: {}\n\n", refusal(request))
}

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    let choices = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
    let chunk =
        json!({ "id": "e", "object": "chat.completion.chunk", "created": 1, "model": "stub", "choices": choices });
    format!("data: {chunk}\n\n")
}

fn last_text(request: &Value) -> String {
    let content = &request["messages"].as_array().and_then(|messages| messages.last()).unwrap()["content"];
    let of_part = |part: &Value| part["text"].as_str().unwrap_or_default().to_owned();
    content.as_str().map_or_else(|| content.as_array().into_iter().flatten().map(of_part).collect(), str::to_owned)
}

fn arguments(text: &str) -> String {
    json!({ "said": text }).to_string()
}

const ARGUMENTS: &str = r#"{"order":17}"#;

/// A call of the tool `f`.
pub fn call() -> String {
    let call = json!({ "id": "c1", "type": "function", "function": { "name": "f", "arguments": ARGUMENTS } });
    let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
    let choices = json!([{ "index": 0, "message": message, "finish_reason": "tool_calls" }]);
    json!({ "id": "e", "object": "chat.completion", "created": 1, "model": "stub", "choices": choices,
        "usage": { "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9 } })
    .to_string()
}

/// The same in pieces.
pub fn call_stream() -> String {
    let piece = |function: Value| json!({ "tool_calls": [{ "index": 0, "function": function }] });
    let mut begun = piece(json!({ "name": "f", "arguments": "" }));
    begun["tool_calls"][0]["id"] = json!("c1");
    let mut events = vec![chunk(&json!({ "role": "assistant", "content": null }), None), chunk(&begun, None)];
    events.extend(ARGUMENTS.chars().map(|c| chunk(&piece(json!({ "arguments": c.to_string() })), None)));
    events.push(chunk(&json!({}), Some("tool_calls")));
    let usage = json!({ "id": "e", "object": "chat.completion.chunk", "created": 1, "model": "stub", "choices": [],
        "usage": { "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9 } });
    events.push(format!("data: {usage}\n\ndata: [DONE]\n\n"));
    events.concat()
}
