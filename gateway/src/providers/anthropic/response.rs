//! Anthropic's message as a chat answer.

use serde_json::{Value, json};

/// `created` in Unix seconds; `None` for what is no message.
pub(super) fn as_chat(message: &Value, created: u64) -> Option<Value> {
    let (mut content, mut reasoning, mut calls) = (None::<String>, None::<String>, Vec::new());
    let add = |text: &mut Option<String>, piece: &Value| {
        text.get_or_insert_default().push_str(piece.as_str().unwrap_or_default());
    };
    for block in message["content"].as_array()? {
        match block["type"].as_str() {
            Some("text") => add(&mut content, &block["text"]),
            Some("thinking") => add(&mut reasoning, &block["thinking"]),
            Some("tool_use") => calls.push(json!({ "id": block["id"], "type": "function",
                "function": { "name": block["name"], "arguments": block["input"].to_string() } })),
            // Thoughts that nobody may read, and what a kind of tool brings that was not asked for.
            _ => {}
        }
    }
    let mut said = json!({ "role": "assistant", "content": content });
    if let Some(reasoning) = reasoning {
        said["reasoning_content"] = json!(reasoning);
    }
    if !calls.is_empty() {
        said["tool_calls"] = json!(calls);
    }
    let reason = finish_reason(message["stop_reason"].as_str());
    Some(json!({
        "id": message["id"], "object": "chat.completion", "created": created, "model": message["model"],
        "choices": [{ "index": 0, "message": said, "logprobs": null, "finish_reason": reason }],
        "usage": usage(&message["usage"]),
    }))
}

pub(super) fn finish_reason(reason: Option<&str>) -> &'static str {
    match reason {
        Some("max_tokens" | "model_context_window_exceeded") => "length",
        Some("tool_use") => "tool_calls",
        Some("refusal") => "content_filter",
        _ => "stop",
    }
}

/// Chat counts what a cache had, or was given to keep, as a part of the prompt.
pub(super) fn usage(usage: &Value) -> Value {
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    let cached = count("cache_read_input_tokens");
    let prompt = count("input_tokens").saturating_add(count("cache_creation_input_tokens")).saturating_add(cached);
    let completion = count("output_tokens");
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt.saturating_add(completion),
        "prompt_tokens_details": { "cached_tokens": cached },
    })
}
