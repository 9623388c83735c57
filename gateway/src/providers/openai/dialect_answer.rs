//! Answers in a dialect of OpenAI's API, as OpenAI's clients read them: thoughts under one name, endings in known words, and
//! errors that came with a status of success as what they are.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full, Limited};
use serde_json::{Value, json};
use shekara_protocol::sse::{self, SseEvent};

use super::dialect::Dialect;
use super::error::verdict;
use crate::providers::translated_events::{self, ProviderEvents, Translation};
use crate::providers::{AttemptError, FailureKind, UpstreamBody};

const MAX_ANSWER_BYTES: usize = 64 << 20;

pub(super) async fn whole(body: UpstreamBody, dialect: Dialect) -> Result<UpstreamBody, AttemptError> {
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|_| FailureKind::BrokenResponse)?;
    let bytes = body.to_bytes();
    let mut answer: Value = serde_json::from_slice(&bytes).map_err(|_| FailureKind::BrokenResponse)?;
    if let Some(error) = hidden_error(&answer, &bytes) {
        return Err(error);
    }
    if !make_plain(&mut answer, "message", dialect) {
        return Err(FailureKind::Server.into());
    }
    Ok(Full::new(Bytes::from(answer.to_string())).map_err(|never| match never {}).boxed_unsync())
}

pub(super) async fn streamed(body: UpstreamBody, dialect: Dialect) -> Result<UpstreamBody, AttemptError> {
    let mut events = ProviderEvents::new(body);
    if let Some(event) = events.first().await.map_err(|_| FailureKind::BrokenResponse)?
        && let Ok(said) = serde_json::from_str::<Value>(&event.data)
        && let Some(error) = hidden_error(&said, event.data.as_bytes())
    {
        return Err(error);
    }
    Ok(events.translated(Chunks { dialect, is_over: false }))
}

/// An error where an answer should be; the status that it should have come with stands in its code.
fn hidden_error(answer: &Value, bytes: &[u8]) -> Option<AttemptError> {
    let error = answer.get("error").filter(|error| error.is_object())?;
    let code =
        error["code"].as_u64().and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
    let status = code.and_then(|code| StatusCode::from_u16(code).ok());
    Some(status.map_or_else(|| FailureKind::Server.into(), |status| verdict(status, bytes, None)))
}

/// False: the answer has ended badly.
fn make_plain(answer: &mut Value, member: &str, dialect: Dialect) -> bool {
    let mut is_answer = true;
    for choice in answer.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        let reason = choice["finish_reason"].as_str();
        is_answer &= !choice["error"].is_object() && (reason.is_none() || reason != dialect.broken);
        if reason.is_some_and(|reason| dialect.stops.contains(&reason)) {
            choice["finish_reason"] = json!("stop");
        }
        let Some(choice) = choice.as_object_mut() else { continue };
        // Some repeat the whole answer so far in every chunk.
        if member == "delta" && choice.contains_key("delta") {
            choice.shift_remove("message");
        }
        let Some(said) = choice.get_mut(member).and_then(Value::as_object_mut) else { continue };
        if let Some(thoughts) = said.shift_remove("reasoning")
            && !said.get("reasoning_content").is_some_and(Value::is_string)
        {
            said.insert("reasoning_content".to_owned(), thoughts);
        }
    }
    is_answer
}

struct Chunks {
    dialect: Dialect,
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
        let Ok(mut chunk) = serde_json::from_str::<Value>(&event.data) else {
            // What nobody understands is at least a sign of life.
            return vec![Bytes::from_static(sse::KEEP_ALIVE.as_bytes())];
        };
        let is_error = event.event == "error" || chunk.get("error").is_some_and(|error| !error.is_null());
        if is_error || !make_plain(&mut chunk, "delta", self.dialect) {
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
mod tests {
    use super::*;
    use crate::config::Preset;
    use crate::providers::openai::dialect::dialect;
    use crate::providers::translated_events::played;

    const RECORDED: &str = concat!(
        ": OPENROUTER PROCESSING\n\n",
        "data: {\"id\":\"gen-1\",\"provider\":\"X\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",",
        "\"reasoning\":\"Hm.\"},\"finish_reason\":null}]}\n\n",
        ": OPENROUTER PROCESSING\n\n",
        "data: {\"id\":\"gen-1\",\"provider\":\"X\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Сәлем\"},",
        "\"message\":{\"content\":\"Сәлем\"},\"finish_reason\":\"eos\"}]}\n\ndata: [DONE]\n\n",
    );

    fn chunks(preset: Preset) -> Chunks {
        Chunks { dialect: dialect(preset), is_over: false }
    }

    fn body(text: &'static str) -> UpstreamBody {
        Full::new(Bytes::from_static(text.as_bytes())).map_err(|never| match never {}).boxed_unsync()
    }

    #[tokio::test]
    async fn a_recorded_stream_in_any_pieces() {
        let expected = concat!(
            "data: {\"id\":\"gen-1\",\"provider\":\"X\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",",
            "\"reasoning_content\":\"Hm.\"},\"finish_reason\":null}]}\n\n",
            "data: {\"id\":\"gen-1\",\"provider\":\"X\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Сәлем\"},",
            "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        );
        for size in [1, 2, 3, 7, 64, usize::MAX] {
            assert_eq!(played(RECORDED, size, chunks(Preset::Together)).await, expected, "{size}");
        }
    }

    #[tokio::test]
    async fn an_error_is_told_whatever_its_status() {
        let told = |error: &AttemptError| match error {
            AttemptError::Failed(failure) => failure.kind.as_str().to_owned(),
            AttemptError::Refused(error) | AttemptError::Told(error) => error.status.as_u16().to_string(),
        };
        for (text, expected) in [
            (r#"{"error":{"code":429,"message":"m"}}"#, "rate_limit"),
            (r#"{"error":{"code":402,"message":"m"}}"#, "quota"),
            (r#"{"error":{"code":502,"message":"m"}}"#, "5xx"),
            (r#"{"error":{"code":400,"message":"m"}}"#, "400"),
            (r#"{"error":{"code":"server_error","message":"m"}}"#, "5xx"),
            (r#"{"choices":[{"finish_reason":"error","message":{"content":"x"}}]}"#, "5xx"),
            (r#"{"choices":[{"finish_reason":"stop","error":{"code":502},"message":{}}]}"#, "5xx"),
            ("<html>", "broken_response"),
        ] {
            let error = whole(body(text), dialect(Preset::Openrouter)).await.unwrap_err();
            assert_eq!(told(&error), expected, "{text}");
        }
        let first = "data: {\"error\":{\"code\":429,\"message\":\"m\"},\"choices\":[]}\n\n";
        let error = streamed(body(first), dialect(Preset::Openrouter)).await.map(|_| ()).unwrap_err();
        assert_eq!(told(&error), "rate_limit");
        let half = RECORDED.split_once("data: [DONE]").unwrap().0.replace("eos", "stop");
        for event in [
            "data: {\"error\":{\"code\":\"server_error\",\"message\":\"zq7\"},\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}\n\n",
            "event: error\ndata: {\"x\":\"zq7\"}\n\n",
        ] {
            let stream = played(&format!("{half}{event}data: [DONE]\n\n"), 64, chunks(Preset::Openrouter)).await;
            assert!(
                stream.contains("event: error") && !stream.contains("zq7") && !stream.contains("[DONE]"),
                "{stream}"
            );
        }
    }
}
