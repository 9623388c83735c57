//! What the gateway reads of a streamed event. Fields that a provider spells strangely count as absent.

use serde::Deserialize;
use serde_json::{Map, Value};
use shekara_protocol::sse::SseEvent;

use super::whole::has_content;
use crate::billing::Usage;
use crate::providers::FailureKind;

/// An event of a chat stream, as far as the gateway has to understand it.
#[derive(Debug, PartialEq)]
pub(super) enum ChatEvent {
    Done,
    /// `event: error`, or a data event with an `error` where choices should be: what it means for the target.
    Error(FailureKind),
    Chunk(Chunk),
    /// No JSON object.
    Unknown,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Chunk {
    /// Text, a tool call, a refusal: something beside the role.
    pub(super) has_content: bool,
    pub(super) has_finish: bool,
    pub(super) has_choices: bool,
    pub(super) usage: Option<Box<Usage>>,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    choices: Option<Vec<RawChoice>>,
    #[serde(default)]
    usage: Value,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct RawChoice {
    #[serde(default)]
    delta: Option<Map<String, Value>>,
    #[serde(default)]
    finish_reason: Option<Value>,
}

impl ChatEvent {
    pub(super) fn read(event: &SseEvent) -> Self {
        if event.data.trim() == "[DONE]" {
            return Self::Done;
        }
        let raw = serde_json::from_str::<Raw>(&event.data);
        if event.event == "error" {
            return Self::Error(raw.map_or(FailureKind::Server, |raw| kind_of(&raw.error.unwrap_or_default())));
        }
        let Ok(raw) = raw else { return Self::Unknown };
        if let Some(error) = raw.error {
            return Self::Error(kind_of(&error));
        }
        let choices = raw.choices.unwrap_or_default();
        Self::Chunk(Chunk {
            has_content: choices.iter().any(|choice| choice.delta.as_ref().is_some_and(has_content)),
            has_finish: choices.iter().any(|choice| choice.finish_reason.as_ref().is_some_and(Value::is_string)),
            has_choices: !choices.is_empty(),
            usage: Usage::read_tokens(&raw.usage).map(Box::new),
        })
    }
}

/// What an error means that came with a good status. Providers name it in `code` or `type`, in words or as a status.
pub(super) fn kind_of(error: &Value) -> FailureKind {
    let says = |words: &[&str]| {
        [&error["code"], &error["type"]].iter().any(|name| match name {
            Value::String(name) => words.iter().any(|word| name.contains(word)),
            Value::Number(status) => words.contains(&status.to_string().as_str()),
            _ => false,
        })
    };
    if says(&["quota", "billing", "credit", "402"]) {
        FailureKind::Quota
    } else if says(&["rate_limit", "too_many_requests", "429"]) {
        FailureKind::RateLimit
    } else {
        FailureKind::Server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str) -> ChatEvent {
        ChatEvent::read(&SseEvent { event: String::new(), data: data.to_owned() })
    }

    #[test]
    fn strange_spellings_count_as_absent() {
        let strange = r#"{"choices":[{"delta":null,"finish_reason":null}],"usage":null,"error":null}"#;
        assert_eq!(read(strange), ChatEvent::Chunk(Chunk { has_choices: true, ..Chunk::default() }));
        let finish =
            read(r#"{"choices":[{"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":1.0}}"#);
        let ChatEvent::Chunk(finish) = finish else { panic!("a chunk") };
        assert!(finish.has_finish && !finish.has_content && finish.usage.is_some());
        assert_eq!(read(" [DONE] "), ChatEvent::Done);
        assert_eq!(read("hello"), ChatEvent::Unknown);
        assert_eq!(read(r#"{"error":{}}"#), ChatEvent::Error(FailureKind::Server));
        assert_eq!(read(r#"{"error":{"code":"rate_limit_exceeded"}}"#), ChatEvent::Error(FailureKind::RateLimit));
        assert_eq!(read(r#"{"error":{"type":"insufficient_quota"}}"#), ChatEvent::Error(FailureKind::Quota));
        assert_eq!(read(r#"{"error":{"code":429}}"#), ChatEvent::Error(FailureKind::RateLimit));
    }
}
