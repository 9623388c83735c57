//! `/v1/completions`: who speaks OpenAI's API is asked in its own words, and its answer is lifted to chat's, the one shape that
//! the pipeline knows. Who knows chat alone is asked for a chat of one message.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;
use shekara_protocol::sse::{self, SseEvent};

use super::translated_events::{ProviderEvents, Translation};
use super::{AttemptError, FailureKind, UpstreamResponse};

/// Where the endpoint lies below a provider's base URL.
pub(super) const PATH: &str = "/completions";
pub(super) const CHAT_PATH: &str = "/chat/completions";
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Fields that mean the same in both.
const SHARED: [&str; 17] = [
    "model",
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "n",
    "stop",
    "seed",
    "stream",
    "stream_options",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logit_bias",
    "user",
    "metadata",
];

/// A completion's request as a chat of one message.
///
/// # Errors
/// It asks for what chat has no words for; the field is named.
pub(super) fn as_chat_request(body: &[u8]) -> Result<Bytes, ApiError> {
    let body: Map<String, Value> = serde_json::from_slice(body).map_err(|_| ApiError::internal())?;
    let mut chat = Map::new();
    for (name, value) in &body {
        match name.as_str() {
            "prompt" => {
                let text =
                    prompt(value).ok_or_else(|| ApiError::unsupported("prompt", "Prompts other than one text are"))?;
                chat.insert("messages".to_owned(), json!([{ "role": "user", "content": text }]));
            }
            shared if SHARED.contains(&shared) => {
                chat.insert(name.clone(), value.clone());
            }
            _ if says_nothing(name, value) => {}
            _ => {
                let message = "The provider of this model answers chat only, which has no such field.";
                return Err(ApiError::invalid(name, message).with_code("unsupported_value"));
            }
        }
    }
    serde_json::to_vec(&chat).map(Bytes::from).map_err(|_| ApiError::internal())
}

fn prompt(value: &Value) -> Option<&str> {
    let only = value.as_array().filter(|list| list.len() == 1).and_then(|list| list.first());
    only.unwrap_or(value).as_str()
}

fn says_nothing(name: &str, value: &Value) -> bool {
    value.is_null() || (name == "best_of" && value == 1) || (name == "echo" && value == false)
}

/// A completion's answer as a chat's.
///
/// # Errors
/// It breaks off, is too large or is no JSON.
pub(super) async fn lifted(response: UpstreamResponse, is_stream: bool) -> Result<UpstreamResponse, AttemptError> {
    let (head, body) = response.into_parts();
    if is_stream {
        return Ok(UpstreamResponse::from_parts(head, ProviderEvents::new(body).translated(Lifting)));
    }
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|_| FailureKind::BrokenResponse)?;
    let mut answer: Value = serde_json::from_slice(&body.to_bytes()).map_err(|_| FailureKind::BrokenResponse)?;
    lift(&mut answer, "message");
    let body = Full::new(Bytes::from(answer.to_string())).map_err(|never| match never {}).boxed_unsync();
    Ok(UpstreamResponse::from_parts(head, body))
}

struct Lifting;

impl Translation for Lifting {
    fn event(&mut self, event: &SseEvent) -> Vec<Bytes> {
        vec![lifted_event(event)]
    }

    fn end(&mut self) -> Vec<Bytes> {
        Vec::new()
    }
}

fn lifted_event(event: &SseEvent) -> Bytes {
    let mut data = Cow::Borrowed(event.data.as_str());
    if let Ok(mut chunk) = serde_json::from_str::<Value>(&event.data) {
        lift(&mut chunk, "delta");
        data = Cow::Owned(chunk.to_string());
    }
    match event.event.as_str() {
        "error" => Bytes::from(sse::error(&data)),
        "" | "message" => Bytes::from(sse::data(&data)),
        // A heartbeat.
        _ => Bytes::from_static(sse::KEEP_ALIVE.as_bytes()),
    }
}

/// `text` becomes the content of a message or delta; everything else of a choice stays.
fn lift(answer: &mut Value, member: &str) {
    for choice in answer.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(choice) = choice.as_object_mut() else { continue };
        if let Some(text) = choice.remove("text") {
            let mut said = json!({ "content": text });
            if member == "message" {
                said["role"] = json!("assistant");
            }
            choice.insert(member.to_owned(), said);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_becomes_a_message_and_what_chat_lacks_is_named() {
        let body = br#"{"model":"m","prompt":["hi"],"max_tokens":5,"echo":false,"best_of":1,"suffix":null}"#;
        let chat: Value = serde_json::from_slice(&as_chat_request(body).unwrap()).unwrap();
        assert_eq!(chat, json!({ "model": "m", "max_tokens": 5, "messages": [{ "role": "user", "content": "hi" }] }));
        for (field, body) in [
            ("prompt", r#"{"prompt":["a","b"]}"#),
            ("prompt", r#"{"prompt":[1,2]}"#),
            ("suffix", r#"{"prompt":"a","suffix":"b"}"#),
            ("echo", r#"{"prompt":"a","echo":true}"#),
            ("logprobs", r#"{"prompt":"a","logprobs":2}"#),
        ] {
            assert_eq!(as_chat_request(body.as_bytes()).unwrap_err().param.as_deref(), Some(field));
        }
    }

    #[test]
    fn only_the_text_of_choices_moves() {
        let mut answer = json!({ "choices": [{ "index": 0, "text": "a", "logprobs": { "tokens": ["a"] } }] });
        lift(&mut answer, "message");
        let said = json!({ "role": "assistant", "content": "a" });
        assert_eq!(answer, json!({ "choices": [{ "index": 0, "message": said, "logprobs": { "tokens": ["a"] } }] }));
        let event = SseEvent { event: String::new(), data: r#"{"choices":[{"text":"b"}]}"#.to_owned() };
        assert_eq!(lifted_event(&event), "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n");
    }
}
