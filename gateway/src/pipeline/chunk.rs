//! What the gateway reads of a streamed event. Fields that a provider spells strangely count as absent.

use serde_json::Value;
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
    /// All of it.
    pub(super) json: Value,
}

impl ChatEvent {
    pub(super) fn read(event: &SseEvent) -> Self {
        if event.data.trim() == "[DONE]" {
            return Self::Done;
        }
        let json = serde_json::from_str::<Value>(&event.data).ok().filter(Value::is_object);
        let error = json.as_ref().and_then(|json| json.get("error")).filter(|error| !error.is_null());
        if event.event == "error" {
            return Self::Error(json.as_ref().map_or(FailureKind::Server, |_| kind_of(error.unwrap_or(&Value::Null))));
        }
        if let Some(error) = error {
            return Self::Error(kind_of(error));
        }
        json.and_then(Chunk::read).map_or(Self::Unknown, Self::Chunk)
    }
}

impl Chunk {
    /// `None` if its choices are none.
    fn read(json: Value) -> Option<Self> {
        let mut chunk = Self::default();
        let choices = match json.get("choices") {
            None | Some(Value::Null) => &[][..],
            Some(choices) => choices.as_array()?,
        };
        for choice in choices.iter().map(Value::as_object) {
            let choice = choice?;
            match choice.get("delta") {
                None | Some(Value::Null) => {}
                Some(delta) => chunk.has_content |= has_content(delta.as_object()?),
            }
            chunk.has_finish |= choice.get("finish_reason").is_some_and(Value::is_string);
            chunk.has_choices = true;
        }
        chunk.usage = json.get("usage").and_then(Usage::read_tokens).map(Box::new);
        Some(Self { json, ..chunk })
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
        let json = serde_json::from_str(strange).unwrap();
        assert_eq!(read(strange), ChatEvent::Chunk(Chunk { has_choices: true, json, ..Chunk::default() }));
        for unknown in ["[]", "7", r#"{"choices":7}"#, r#"{"choices":[7]}"#, r#"{"choices":[{"delta":"a"}]}"#] {
            assert_eq!(read(unknown), ChatEvent::Unknown, "{unknown}");
        }
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
