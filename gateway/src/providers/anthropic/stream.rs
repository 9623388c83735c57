//! Anthropic's events as the chunks of a chat stream.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Map, Value, json};
use shekara_protocol::sse::{self, SseDecoder, SseEvent};

use super::response::{finish_reason, usage};
use crate::providers::{UpstreamBody, UpstreamBodyError};

/// One event holds a piece of an answer; the largest begins with the whole message.
const MAX_EVENT_BYTES: usize = 2 << 20;

/// `created` in Unix seconds.
pub(super) fn as_chat(body: UpstreamBody, created: u64) -> UpstreamBody {
    let reader = Reader {
        body,
        decoder: SseDecoder::new(MAX_EVENT_BYTES),
        chunks: Chunks::new(created),
        ready: VecDeque::new(),
    };
    let frames = stream::unfold(reader, |mut reader| async move {
        let next = reader.next().await?;
        Some((next.map(Frame::data), reader))
    });
    StreamBody::new(frames).boxed_unsync()
}

struct Reader {
    body: UpstreamBody,
    decoder: SseDecoder,
    chunks: Chunks,
    ready: VecDeque<Bytes>,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Bytes, UpstreamBodyError>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some(Ok(bytes));
            }
            let frame = match self.body.frame().await? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error)),
            };
            let Some(data) = frame.data_ref() else { continue };
            match self.decoder.push(data) {
                Ok(events) => self.ready.extend(events.iter().flat_map(|event| self.chunks.of(event))),
                Err(error) => return Some(Err(UpstreamBodyError { source: Box::new(error) })),
            }
        }
    }
}

/// What was seen of one message.
struct Chunks {
    id: Value,
    model: Value,
    created: u64,
    usage: Map<String, Value>,
    /// Calls of tools begun.
    calls: usize,
}

impl Chunks {
    fn new(created: u64) -> Self {
        Self { id: Value::Null, model: Value::Null, created, usage: Map::new(), calls: 0 }
    }

    fn of(&mut self, event: &SseEvent) -> Vec<Bytes> {
        let Ok(data) = serde_json::from_str::<Value>(&event.data) else { return Vec::new() };
        match data["type"].as_str() {
            Some("message_start") => {
                let message = &data["message"];
                (self.id, self.model) = (message["id"].clone(), message["model"].clone());
                self.note_usage(&message["usage"]);
                vec![self.chunk(&json!({ "role": "assistant", "content": "" }), None)]
            }
            Some("content_block_start") => self.begun(&data["content_block"]).into_iter().collect(),
            Some("content_block_delta") => self.piece(&data["delta"]).into_iter().collect(),
            Some("message_delta") => {
                self.note_usage(&data["usage"]);
                let reason = data["delta"]["stop_reason"].as_str();
                reason.map(|reason| self.chunk(&json!({}), Some(finish_reason(Some(reason))))).into_iter().collect()
            }
            Some("message_stop") => {
                let usage = usage(&Value::Object(self.usage.clone()));
                let last = json!({ "id": self.id, "object": "chat.completion.chunk", "created": self.created,
                    "model": self.model, "choices": [], "usage": usage });
                vec![Bytes::from(sse::data(&last.to_string())), Bytes::from_static(sse::DONE.as_bytes())]
            }
            Some("error") => {
                // Its words may quote the request; its kind says enough.
                let error = json!({ "error": { "message": "The provider reported an error.", "type": "server_error",
                    "code": data["error"]["type"] } });
                vec![Bytes::from(sse::error(&error.to_string()))]
            }
            Some("ping") => vec![Bytes::from_static(sse::KEEP_ALIVE.as_bytes())],
            _ => Vec::new(),
        }
    }

    fn begun(&mut self, block: &Value) -> Option<Bytes> {
        match block["type"].as_str()? {
            "tool_use" => {
                let call = json!({ "index": self.calls, "id": block["id"], "type": "function",
                    "function": { "name": block["name"], "arguments": "" } });
                self.calls += 1;
                Some(self.chunk(&json!({ "tool_calls": [call] }), None))
            }
            "text" => self.said("content", &block["text"]),
            "thinking" => self.said("reasoning_content", &block["thinking"]),
            _ => None,
        }
    }

    fn piece(&self, delta: &Value) -> Option<Bytes> {
        match delta["type"].as_str()? {
            "text_delta" => self.said("content", &delta["text"]),
            "thinking_delta" => self.said("reasoning_content", &delta["thinking"]),
            "input_json_delta" => {
                let index = self.calls.checked_sub(1)?;
                let call = json!({ "index": index, "function": { "arguments": delta["partial_json"] } });
                Some(self.chunk(&json!({ "tool_calls": [call] }), None))
            }
            _ => None,
        }
    }

    fn said(&self, field: &str, text: &Value) -> Option<Bytes> {
        let text = text.as_str().filter(|text| !text.is_empty())?;
        Some(self.chunk(&json!({ field: text }), None))
    }

    /// Later counts take the place of earlier ones.
    fn note_usage(&mut self, usage: &Value) {
        let counts = usage.as_object().into_iter().flatten().filter(|(_, count)| count.is_u64());
        self.usage.extend(counts.map(|(name, count)| (name.clone(), count.clone())));
    }

    fn chunk(&self, delta: &Value, finish: Option<&str>) -> Bytes {
        let choices = json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]);
        let chunk = json!({ "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": choices });
        Bytes::from(sse::data(&chunk.to_string()))
    }
}
