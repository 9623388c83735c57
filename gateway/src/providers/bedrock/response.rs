//! Converse's answer as a chat answer.

use serde_json::Value;

use crate::providers::chat_answer::{self, Said};

/// `head` is id, model and Unix seconds; `None` for what is no answer.
pub(super) fn as_chat(answer: &Value, head: (&Value, &Value, u64)) -> Option<Value> {
    let mut said = Said::default();
    for block in answer["output"]["message"]["content"].as_array()? {
        let Some((kind, block)) = block.as_object().and_then(|block| block.iter().next()) else { continue };
        match kind.as_str() {
            "text" => said.text(block),
            "reasoningContent" if block.get("redactedContent").is_some() => {
                said.sealed_thought(&block["redactedContent"]);
            }
            "reasoningContent" => {
                let thought = &block["reasoningText"];
                said.thought(&thought["text"], &thought["signature"]);
            }
            "toolUse" => said.call(&block["toolUseId"], &block["name"], &block["input"]),
            "citationsContent" => {
                block["content"].as_array().into_iter().flatten().for_each(|part| said.text(&part["text"]));
            }
            _ => {}
        }
    }
    Some(said.into_answer(head, finish_reason(answer["stopReason"].as_str()), &usage(&answer["usage"])))
}

pub(super) fn finish_reason(reason: Option<&str>) -> &'static str {
    match reason {
        Some("max_tokens" | "model_context_window_exceeded") => "length",
        Some("tool_use") => "tool_calls",
        Some("guardrail_intervened" | "content_filtered") => "content_filter",
        _ => "stop",
    }
}

pub(super) fn usage(usage: &Value) -> Value {
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    let caches = (count("cacheReadInputTokens"), count("cacheWriteInputTokens"));
    chat_answer::usage(count("inputTokens"), caches, count("outputTokens"))
}
