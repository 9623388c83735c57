//! A chat stream as this API's events, in order, each with its `sequence_number`.
//!
//! However the chat answer was cut, the last event holds what [`super::from_chat`] would make of the whole.

use serde_json::{Value, json};

use super::output::{self, OutputItem, OutputPart};
use super::request::ResponsesRequest;
use super::response::{Response, ResponseStatus, ResponseUsage};
use super::sealed;
use crate::chat::{ChatChunk, FinishReason, SegmentEvent, SegmentKind, Segments, TokenLogprob};
use crate::error::ApiError;
use crate::ids::IdSeed;
use crate::sse::NamedEvent;

/// Feed it every chunk, then [`ResponsesStream::finish`] it at `[DONE]` or [`ResponsesStream::fail`] it.
#[derive(Debug)]
pub struct ResponsesStream {
    response: Response,
    ids: IdSeed,
    segments: Segments,
    shows_sealed: bool,
    /// Of choice 0, once it has ended.
    finish_reason: Option<FinishReason>,
    /// `output_item.done` of the last item, held back until it is known whether the answer was cut there.
    undone_item: bool,
    has_begun: bool,
    has_ended: bool,
    events: Vec<NamedEvent>,
    sequence_number: u64,
}

impl ResponsesStream {
    /// `request` is echoed; `ids` must be fresh; `created_at` in Unix seconds.
    pub fn new(request: &ResponsesRequest, ids: IdSeed, created_at: u64) -> Self {
        Self {
            response: Response::begin(request, &ids, created_at),
            ids,
            segments: Segments::default(),
            shows_sealed: request.wants_sealed_thoughts(),
            finish_reason: None,
            undone_item: false,
            has_begun: false,
            has_ended: false,
            events: Vec::new(),
            sequence_number: 0,
        }
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
            self.response.model.clone_from(&chunk.model);
        }
        self.ensure_begun();
        if let Some(usage) = chunk.usage {
            self.response.usage = Some(ResponseUsage::from(usage));
        }
        for choice in chunk.choices.iter().filter(|choice| choice.index == 0) {
            for event in sealed::shown(self.segments.push(&choice.delta, choice.logprobs.as_ref()), self.shows_sealed) {
                self.segment(event);
            }
            self.finish_reason = choice.finish_reason.or(self.finish_reason);
        }
        std::mem::take(&mut self.events)
    }

    /// The last events. An answer that never said why it ended has failed.
    pub fn finish(&mut self) -> Vec<NamedEvent> {
        if self.has_ended {
            return Vec::new();
        }
        let Some(reason) = self.finish_reason else { return self.fail(&ApiError::internal()) };
        self.ensure_begun();
        for event in sealed::shown(self.segments.finish(), self.shows_sealed) {
            self.segment(event);
        }
        if self.response.output.is_empty() {
            self.segment(SegmentEvent::Begin(SegmentKind::Text));
            self.segment(SegmentEvent::End);
        }
        self.has_ended = true;
        self.response.end_item();
        self.response.end(reason);
        self.finish_item();
        let is_completed = self.response.status == ResponseStatus::Completed;
        self.lifecycle(if is_completed { "response.completed" } else { "response.incomplete" });
        std::mem::take(&mut self.events)
    }

    /// The last events of an answer that broke. What came before it stays in the answer, its last item cut.
    pub fn fail(&mut self, error: &ApiError) -> Vec<NamedEvent> {
        if self.has_ended {
            return Vec::new();
        }
        self.ensure_begun();
        self.has_ended = true;
        self.response.fail(error);
        self.response.cut_item();
        let body = json!({ "code": error.code, "message": error.message, "param": error.param });
        self.event("error", body);
        self.lifecycle("response.failed");
        std::mem::take(&mut self.events)
    }

    fn ensure_begun(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.lifecycle("response.created");
            self.lifecycle("response.in_progress");
        }
    }

    fn lifecycle(&mut self, name: &'static str) {
        let body = json!({ "response": self.response });
        self.event(name, body);
    }

    /// `body` is an object; type and number come first in what is sent.
    fn event(&mut self, name: &'static str, body: Value) {
        let mut data = json!({ "type": name, "sequence_number": self.sequence_number });
        self.sequence_number += 1;
        if let (Value::Object(data), Value::Object(body)) = (&mut data, body) {
            data.extend(body);
        }
        self.events.push(NamedEvent { name, data });
    }

    fn segment(&mut self, event: SegmentEvent) {
        match event {
            SegmentEvent::Begin(kind) => self.begin_item(&kind),
            SegmentEvent::Piece { text, logprobs } => self.grow_item(&text, &logprobs),
            SegmentEvent::Signature(signature) => {
                if let Some(item) = self.response.output.last_mut() {
                    item.sign(&signature);
                }
            }
            SegmentEvent::End => self.undone_item = true,
        }
    }

    fn begin_item(&mut self, kind: &SegmentKind) {
        if self.undone_item {
            self.response.end_item();
            self.finish_item();
        }
        let output_index = self.response.output.len();
        let item = OutputItem::begin(kind, &mut self.ids);
        self.event("response.output_item.added", json!({ "output_index": output_index, "item": item }));
        self.response.output.push(item);
        let Some(item) = self.response.output.last_mut() else { return };
        item.add_part(kind);
        if let Some(part) = item.part() {
            let part = json!(part);
            let body = self.in_part(json!({ "part": part }));
            self.event("response.content_part.added", body);
        }
    }

    fn grow_item(&mut self, text: &str, logprobs: &[TokenLogprob]) {
        let Some(item) = self.response.output.last_mut() else { return };
        item.grow(text, logprobs);
        let name = match (&*item, item.part()) {
            (OutputItem::FunctionCall { .. }, _) => {
                let body = self.in_item(json!({ "delta": text }));
                return self.event("response.function_call_arguments.delta", body);
            }
            (_, Some(OutputPart::OutputText { .. })) => {
                let logprobs: Vec<_> = logprobs.iter().map(output::logprob).collect();
                let body = self.in_part(json!({ "delta": text, "logprobs": logprobs }));
                return self.event("response.output_text.delta", body);
            }
            (_, Some(OutputPart::Refusal { .. })) => "response.refusal.delta",
            _ => "response.reasoning_text.delta",
        };
        let body = self.in_part(json!({ "delta": text }));
        self.event(name, body);
    }

    /// Its `done` events.
    fn finish_item(&mut self) {
        if !std::mem::take(&mut self.undone_item) {
            return;
        }
        let Some(item) = self.response.output.last() else { return };
        let whole = json!(item);
        if let OutputItem::FunctionCall { name, arguments, .. } = item {
            let body = self.in_item(json!({ "name": name, "arguments": arguments }));
            self.event("response.function_call_arguments.done", body);
        } else if let Some(part) = item.part() {
            let (name, body) = match part {
                OutputPart::OutputText { text, logprobs, .. } => {
                    ("response.output_text.done", json!({ "text": text, "logprobs": logprobs }))
                }
                OutputPart::Refusal { refusal } => ("response.refusal.done", json!({ "refusal": refusal })),
                OutputPart::ReasoningText { text } => ("response.reasoning_text.done", json!({ "text": text })),
            };
            let part = self.in_part(json!({ "part": part }));
            let body = self.in_part(body);
            self.event(name, body);
            self.event("response.content_part.done", part);
        }
        let output_index = self.response.output.len() - 1;
        self.event("response.output_item.done", json!({ "output_index": output_index, "item": whole }));
    }

    /// `body` with where in the output it belongs.
    fn in_item(&self, mut body: Value) -> Value {
        if let Some(item) = self.response.output.last() {
            body["item_id"] = json!(item.id());
            body["output_index"] = json!(self.response.output.len() - 1);
        }
        body
    }

    /// An item has one part.
    fn in_part(&self, body: Value) -> Value {
        let mut body = self.in_item(body);
        body["content_index"] = json!(0);
        body
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
