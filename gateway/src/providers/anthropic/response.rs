//! Anthropic's message as a chat answer.

use serde_json::Value;

use crate::providers::chat_answer::{self, Said};

/// `created` in Unix seconds; `None` for what is no message.
pub(super) fn as_chat(message: &Value, created: u64) -> Option<Value> {
    let mut said = Said::default();
    for block in message["content"].as_array()? {
        match block["type"].as_str() {
            Some("text") => said.text(&block["text"]),
            Some("thinking") => said.thought(&block["thinking"], &block["signature"]),
            Some("redacted_thinking") => said.sealed_thought(&block["data"]),
            Some("tool_use") => said.call(&block["id"], &block["name"], &block["input"]),
            // What a kind of tool brings that was not asked for.
            _ => {}
        }
    }
    let reason = finish_reason(message["stop_reason"].as_str());
    Some(said.into_answer((&message["id"], &message["model"], created), reason, &usage(&message["usage"])))
}

pub(super) fn finish_reason(reason: Option<&str>) -> &'static str {
    match reason {
        Some("max_tokens" | "model_context_window_exceeded") => "length",
        Some("tool_use") => "tool_calls",
        Some("refusal") => "content_filter",
        _ => "stop",
    }
}

pub(super) fn usage(usage: &Value) -> Value {
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    let caches = (count("cache_read_input_tokens"), count("cache_creation_input_tokens"));
    chat_answer::usage(count("input_tokens"), caches, count("output_tokens"))
}
