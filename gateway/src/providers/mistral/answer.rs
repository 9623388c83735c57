//! Mistral's answers, whole or in chunks, as chat's: content that is a list of chunks comes apart into thoughts and text.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use shekara_protocol::sse::SseEvent;

use crate::providers::translated_events::{self, Translation};

/// Makes `chat`'s messages or deltas what OpenAI's clients read. False: the model came to no answer.
pub(super) fn make_chat(chat: &mut Value, member: &str) -> bool {
    let choices = chat.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten();
    let mut is_answer = true;
    for choice in choices {
        is_answer &= choice["finish_reason"] != "error";
        if choice["finish_reason"] == "model_length" {
            choice["finish_reason"] = json!("length");
        }
        if let Some(said) = choice.get_mut(member).and_then(Value::as_object_mut) {
            take_apart(said);
            said.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten().for_each(tidy_call);
        }
    }
    is_answer
}

fn take_apart(said: &mut Map<String, Value>) {
    let Some(Value::Array(chunks)) = said.get("content") else { return };
    let (mut text, mut thoughts) = (None::<String>, None::<String>);
    for chunk in chunks {
        match chunk["type"].as_str() {
            Some("text") => text.get_or_insert_default().push_str(chunk["text"].as_str().unwrap_or_default()),
            Some("thinking") => {
                let pieces = chunk["thinking"].as_array().into_iter().flatten();
                let pieces: String = pieces.filter_map(|piece| piece["text"].as_str()).collect();
                thoughts.get_or_insert_default().push_str(&pieces);
            }
            // References, which come of tools of the provider's own.
            _ => {}
        }
    }
    if let Some(thoughts) = thoughts {
        said.insert("reasoning_content".to_owned(), json!(thoughts));
    }
    said.insert("content".to_owned(), json!(text));
}

/// Arguments may be an object here, and nothing says what kind a call is.
fn tidy_call(call: &mut Value) {
    if !call.is_object() {
        return;
    }
    call["type"] = json!("function");
    let arguments = &mut call["function"]["arguments"];
    if arguments.is_object() {
        *arguments = json!(arguments.to_string());
    }
}

#[derive(Debug, Default)]
pub(super) struct Chunks {
    is_over: bool,
}

impl Translation for Chunks {
    fn event(&mut self, event: &SseEvent) -> Vec<Bytes> {
        if self.is_over {
            return Vec::new();
        }
        if event.data.trim() == "[DONE]" {
            self.is_over = true;
            return vec![translated_events::done()];
        }
        let Ok(mut chunk) = serde_json::from_str::<Value>(&event.data) else { return Vec::new() };
        let is_error = chunk["object"] == "error" || chunk["error"].is_object() || chunk["detail"].is_array();
        if is_error || !make_chat(&mut chunk, "delta") {
            self.is_over = true;
            return vec![translated_events::error(None)];
        }
        vec![translated_events::chunk(&chunk)]
    }

    fn end(&mut self) -> Vec<Bytes> {
        Vec::new()
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
