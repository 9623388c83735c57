//! A chat stream as this API's events, in order.

use serde_json::{Value, json};

use super::error::error_json;
use super::request::MessagesRequest;
use super::response::{Ended, Message, MessageBlock};
use crate::chat::{self, ChatChunk, FinishReason, SegmentEvent, SegmentKind, Segments};
use crate::error::ApiError;
use crate::ids::IdSeed;
use crate::sse::NamedEvent;

/// Feed it every chunk, then [`MessagesStream::finish`] it at `[DONE]` or [`MessagesStream::fail`] it.
#[derive(Debug)]
pub struct MessagesStream {
    /// Its content stays empty: the events carry it.
    message: Message,
    stop_sequences: Vec<String>,
    ids: IdSeed,
    segments: Segments,
    /// What the open block holds.
    open: SegmentKind,
    num_blocks: usize,
    has_calls: bool,
    finish_reason: Option<FinishReason>,
    stop_reason: Option<chat::StopReason>,
    has_begun: bool,
    has_ended: bool,
    events: Vec<NamedEvent>,
}

impl MessagesStream {
    /// `ids` must be fresh.
    pub fn new(request: &MessagesRequest, ids: IdSeed) -> Self {
        Self {
            message: Message::begin(&ids, request.model.clone()),
            stop_sequences: request.stop_sequences.clone().unwrap_or_default(),
            ids,
            segments: Segments::default(),
            open: SegmentKind::Text,
            num_blocks: 0,
            has_calls: false,
            finish_reason: None,
            stop_reason: None,
            has_begun: false,
            has_ended: false,
            events: Vec::new(),
        }
    }

    /// Keeps a silent connection open; may be sent at any time after the beginning.
    pub fn ping() -> NamedEvent {
        NamedEvent { name: "ping", data: json!({ "type": "ping" }) }
    }

    /// The events that need no chunk. The others bring these first if nobody asked.
    pub fn begin(&mut self) -> Vec<NamedEvent> {
        self.ensure_begun();
        std::mem::take(&mut self.events)
    }

    /// The events of one chunk. Choices other than the first are left out, for this API has one answer.
    pub fn push(&mut self, chunk: &ChatChunk) -> Vec<NamedEvent> {
        if self.has_ended {
            return Vec::new();
        }
        if !self.has_begun {
            self.message.model.clone_from(&chunk.model);
        }
        if let Some(usage) = chunk.usage {
            self.message.usage = usage.into();
        }
        self.ensure_begun();
        for choice in chunk.choices.iter().filter(|choice| choice.index == 0) {
            for event in self.segments.push(&choice.delta, None) {
                self.segment(event);
            }
            self.finish_reason = choice.finish_reason.or(self.finish_reason);
            self.stop_reason = choice.stop_reason.clone().or(self.stop_reason.take());
        }
        std::mem::take(&mut self.events)
    }

    /// The last events. An answer that never said why it ended has failed.
    pub fn finish(&mut self) -> Vec<NamedEvent> {
        if self.has_ended {
            return Vec::new();
        }
        let Some(reason) = self.finish_reason else { return self.fail(&ApiError::internal(), None) };
        for event in self.segments.finish() {
            self.segment(event);
        }
        self.has_ended = true;
        let ended = Ended { reason, by: self.stop_reason.as_ref(), has_calls: self.has_calls };
        self.message.stop(&self.stop_sequences, &ended);
        let delta = json!({ "stop_reason": self.message.stop_reason, "stop_sequence": self.message.stop_sequence });
        self.event("message_delta", json!({ "delta": delta, "usage": self.message.usage }));
        self.event("message_stop", json!({}));
        std::mem::take(&mut self.events)
    }

    /// The last event of an answer that broke.
    pub fn fail(&mut self, error: &ApiError, request_id: Option<&str>) -> Vec<NamedEvent> {
        if std::mem::replace(&mut self.has_ended, true) {
            return Vec::new();
        }
        vec![NamedEvent { name: "error", data: error_json(error, request_id) }]
    }

    fn ensure_begun(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.event("message_start", json!({ "message": self.message }));
            self.events.push(Self::ping());
        }
    }

    /// `body` is an object; the type comes first in what is sent.
    fn event(&mut self, name: &'static str, body: Value) {
        let mut data = json!({ "type": name });
        if let (Value::Object(data), Value::Object(body)) = (&mut data, body) {
            data.extend(body);
        }
        self.events.push(NamedEvent { name, data });
    }

    fn segment(&mut self, event: SegmentEvent) {
        match event {
            SegmentEvent::Begin(kind) => {
                let block = MessageBlock::begin(&kind, &mut self.ids);
                self.has_calls |= matches!(kind, SegmentKind::ToolCall { .. });
                self.event("content_block_start", json!({ "index": self.num_blocks, "content_block": block }));
                self.num_blocks += 1;
                self.open = kind;
            }
            SegmentEvent::Piece { text, .. } => {
                let delta = match self.open {
                    SegmentKind::Reasoning => json!({ "type": "thinking_delta", "thinking": text }),
                    SegmentKind::ToolCall { .. } => json!({ "type": "input_json_delta", "partial_json": text }),
                    _ => json!({ "type": "text_delta", "text": text }),
                };
                self.event("content_block_delta", json!({ "index": self.num_blocks - 1, "delta": delta }));
            }
            SegmentEvent::Signature(signature) => {
                let delta = json!({ "type": "signature_delta", "signature": signature });
                self.event("content_block_delta", json!({ "index": self.num_blocks - 1, "delta": delta }));
            }
            SegmentEvent::End => self.event("content_block_stop", json!({ "index": self.num_blocks - 1 })),
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
