//! The same request in the words of another API, with everything that it says.

use serde_json::{Map, Value, json};

use super::random::Random;

/// A path and a body; chat's own for what another API has no words for.
pub fn reshaped(request: &Value, random: &mut Random) -> (&'static str, Value) {
    let (path, body) = match random.between(0, 7) {
        0 => ("/v1/responses", as_responses(request)),
        1 => ("/v1/messages", as_messages(request)),
        2 => ("/v1/messages/count_tokens", as_messages(request)),
        _ => ("/v1/chat/completions", None),
    };
    body.map_or_else(|| ("/v1/chat/completions", request.clone()), |body| (path, body))
}

/// All fields but those that are said otherwise.
fn rest(request: &Value) -> Map<String, Value> {
    let said = ["messages", "tools", "response_format", "stop", "n"];
    let fields = request.as_object().unwrap().iter().filter(|(name, _)| !said.contains(&name.as_str()));
    fields.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn functions(request: &Value) -> impl Iterator<Item = &Value> {
    request["tools"].as_array().into_iter().flatten().map(|tool| &tool["function"])
}

fn as_responses(request: &Value) -> Option<Value> {
    let mut input = Vec::new();
    for message in request["messages"].as_array()? {
        let role = message["role"].as_str()?;
        if role == "tool" {
            let (id, output) = (&message["tool_call_id"], &message["content"]);
            input.push(json!({ "type": "function_call_output", "call_id": id, "output": output }));
            continue;
        }
        let kind = if role == "assistant" { "output_text" } else { "input_text" };
        let part = |part: &Value| match part["type"].as_str()? {
            "text" => Some(json!({ "type": kind, "text": part["text"] })),
            "image_url" => Some(json!({ "type": "input_image", "image_url": part["image_url"]["url"] })),
            "file" => Some(json!({ "type": "input_file", "filename": part["file"]["filename"],
                "file_data": part["file"]["file_data"] })),
            _ => None,
        };
        match &message["content"] {
            Value::Array(parts) => {
                input.push(json!({ "role": role, "content": parts.iter().map(part).collect::<Option<Vec<_>>>()? }));
            }
            Value::Null => {}
            text => input.push(json!({ "role": role, "content": text })),
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let function = &call["function"];
            input.push(json!({ "type": "function_call", "call_id": call["id"], "name": function["name"],
                "arguments": function["arguments"] }));
        }
    }
    let mut body = rest(request);
    body.insert("input".to_owned(), json!(input));
    let tools = functions(request).map(|function| {
        let mut tool = json!({ "type": "function" });
        tool.as_object_mut().unwrap().extend(function.as_object().unwrap().clone());
        tool
    });
    body.insert("tools".to_owned(), tools.collect());
    if let Some(schema) = request["response_format"]["json_schema"].as_object() {
        let mut format = json!({ "type": "json_schema" });
        format.as_object_mut().unwrap().extend(schema.clone());
        body.insert("text".to_owned(), json!({ "format": format }));
    }
    Some(Value::Object(body))
}

fn as_block(part: &Value) -> Option<Value> {
    let encoded = |url: &str| {
        let (kind, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
        Some(json!({ "type": "base64", "media_type": kind, "data": data }))
    };
    match part["type"].as_str()? {
        "text" => Some(part.clone()),
        "image_url" => {
            let url = part["image_url"]["url"].as_str()?;
            let source = encoded(url).unwrap_or_else(|| json!({ "type": "url", "url": url }));
            Some(json!({ "type": "image", "source": source }))
        }
        "file" => {
            let source = encoded(part["file"]["file_data"].as_str()?)?;
            Some(json!({ "type": "document", "title": part["file"]["filename"], "source": source }))
        }
        _ => None,
    }
}

fn as_messages(request: &Value) -> Option<Value> {
    let (mut system, mut messages) = (Vec::new(), Vec::new());
    for message in request["messages"].as_array()? {
        let mut blocks = match &message["content"] {
            Value::Array(parts) => parts.iter().map(as_block).collect::<Option<Vec<_>>>()?,
            Value::String(text) => vec![json!({ "type": "text", "text": text })],
            Value::Null => Vec::new(),
            _ => return None,
        };
        let thoughts = message["thinking_blocks"].as_array().into_iter().flatten().cloned();
        blocks.splice(0..0, thoughts);
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let function = &call["function"];
            let input: Map<String, Value> = serde_json::from_str(function["arguments"].as_str()?).ok()?;
            blocks.push(json!({ "type": "tool_use", "id": call["id"], "name": function["name"], "input": input }));
        }
        match message["role"].as_str()? {
            "system" | "developer" => system.append(&mut blocks),
            "tool" => messages.push(json!({ "role": "user", "content": [{ "type": "tool_result",
                "tool_use_id": message["tool_call_id"], "content": blocks }] })),
            role => messages.push(json!({ "role": role, "content": blocks })),
        }
    }
    let mut body = rest(request);
    if let Some(user) = body.remove("user") {
        body.insert("metadata".to_owned(), json!({ "user_id": user }));
    }
    body.insert("max_tokens".to_owned(), json!(64));
    body.insert("system".to_owned(), json!(system));
    body.insert("messages".to_owned(), json!(messages));
    let tools = functions(request).map(|function| {
        json!({ "name": function["name"], "description": function["description"],
            "input_schema": function.get("parameters").cloned().unwrap_or(json!({ "type": "object" })) })
    });
    body.insert("tools".to_owned(), tools.collect());
    body.insert(
        "stop_sequences".to_owned(),
        if request["stop"].is_array() { request["stop"].clone() } else { json!([]) },
    );
    Some(Value::Object(body))
}
