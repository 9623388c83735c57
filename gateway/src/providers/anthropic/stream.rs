//! Anthropic's events as the chunks of a chat stream.

use bytes::Bytes;
use serde_json::{Map, Value};
use shekara_protocol::sse::{self, SseEvent};

use super::response::{finish_reason, usage};
use crate::providers::UpstreamBody;
use crate::providers::chat_answer::ChunkWriter;
use crate::providers::translated_events::{ProviderEvents, Translation};

/// `created` in Unix seconds.
pub(super) fn as_chat(body: UpstreamBody, created: u64) -> UpstreamBody {
    ProviderEvents::new(body).translated(Chunks::new(created))
}

/// What was seen of one message.
struct Chunks {
    writer: ChunkWriter,
    usage: Map<String, Value>,
}

impl Chunks {
    fn new(created: u64) -> Self {
        Self { writer: ChunkWriter::new(Value::Null, Value::Null, created), usage: Map::new() }
    }

    fn of(&mut self, event: &SseEvent) -> Vec<Bytes> {
        let Ok(data) = serde_json::from_str::<Value>(&event.data) else { return Vec::new() };
        match data["type"].as_str() {
            Some("message_start") => {
                let message = &data["message"];
                (self.writer.id, self.writer.model) = (message["id"].clone(), message["model"].clone());
                self.note_usage(&message["usage"]);
                vec![self.writer.role()]
            }
            Some("content_block_start") => self.begun(&data["content_block"]),
            Some("content_block_delta") => self.piece(&data["delta"]).into_iter().collect(),
            Some("message_delta") => {
                self.note_usage(&data["usage"]);
                let reason = data["delta"]["stop_reason"].as_str();
                reason.map(|reason| self.writer.finish(finish_reason(Some(reason)))).into_iter().collect()
            }
            Some("message_stop") => self.writer.end(&usage(&Value::Object(self.usage.clone()))),
            Some("error") => vec![ChunkWriter::error(&data["error"]["type"])],
            Some("ping") => vec![Bytes::from_static(sse::KEEP_ALIVE.as_bytes())],
            _ => Vec::new(),
        }
    }

    fn begun(&mut self, block: &Value) -> Vec<Bytes> {
        let writer = &mut self.writer;
        match block["type"].as_str() {
            Some("tool_use") => vec![writer.call(&block["id"], &block["name"])],
            Some("text") => writer.text(&block["text"]).into_iter().collect(),
            Some("thinking") => [writer.thought(&block["thinking"]), writer.signature(&block["signature"])]
                .into_iter()
                .flatten()
                .collect(),
            Some("redacted_thinking") => writer.sealed_thought(&block["data"]).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn piece(&self, delta: &Value) -> Option<Bytes> {
        match delta["type"].as_str()? {
            "text_delta" => self.writer.text(&delta["text"]),
            "thinking_delta" => self.writer.thought(&delta["thinking"]),
            "signature_delta" => self.writer.signature(&delta["signature"]),
            "input_json_delta" => self.writer.arguments(&delta["partial_json"]),
            _ => None,
        }
    }

    /// Later counts take the place of earlier ones.
    fn note_usage(&mut self, usage: &Value) {
        let counts = usage.as_object().into_iter().flatten().filter(|(_, count)| count.is_u64());
        self.usage.extend(counts.map(|(name, count)| (name.clone(), count.clone())));
    }
}

impl Translation for Chunks {
    fn event(&mut self, event: &SseEvent) -> Vec<Bytes> {
        self.of(event)
    }

    /// `message_stop` has said it.
    fn end(&mut self) -> Vec<Bytes> {
        Vec::new()
    }
}
