//! A stream on its way to the client: passed on event by event while a copy is read for usage and the end.
//!
//! After the first event there is no other target: whatever breaks becomes an `error` event and `[DONE]`. The audit record
//! is in the journal before `[DONE]` is handed out.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;
use shekara_protocol::sse::{self, SseEvent};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::admission::Places;
use super::answer::AnswerStream;
use super::answer_filter::AnswerFilter;
use super::chunk::{ChatEvent, Chunk};
use super::events::{BrokenStream, EventReader, Next};
use super::labelling::Labeller;
use super::patience::Patience;
use super::provider_words::is_known_code;
use super::pump::{Source, pump};
use super::screening::ScreenedRequest;
use super::shape::StreamShape;
use super::whole::MAX_ANSWER_BYTES;
use super::{Settlement, refusal};
use crate::audit::Outcome;
use crate::billing::{Usage, UsageSource};

pub(super) fn relay(
    request: ScreenedRequest,
    events: EventReader,
    timing: Timing,
    (labeller, shape): (Labeller, StreamShape),
) -> AnswerStream {
    let filter = request.answer_filter();
    let relay = Relay {
        patience: Patience::new(timing.limit()),
        grace_over: Box::pin(timing.grace_over.clone().cancelled_owned()),
        filter,
        labeller,
        shape,
        request_id: request.context.request_id,
        last: None,
        events,
        settlement: request.context.settlement,
        timing,
        include_usage: request.wishes.include_usage,
        prompt_tokens: request.needs.prompt_tokens,
        content_events: 0,
        saw_finish: false,
        usage_known: false,
        passed_bytes: 0,
        out: VecDeque::new(),
        ended: false,
        _places: request.places,
    };
    pump(relay)
}

/// When the request was sent, how long its answer may take, and what ends it early.
pub(super) struct Timing {
    pub(super) started: Instant,
    pub(super) total: Duration,
    pub(super) between_tokens: Duration,
    pub(super) grace_over: CancellationToken,
}

impl Timing {
    pub(super) fn left(&self) -> Duration {
        self.total.saturating_sub(self.started.elapsed())
    }

    /// How long the next event may take.
    fn limit(&self) -> Duration {
        self.between_tokens.min(self.left())
    }
}

struct Relay {
    filter: AnswerFilter,
    labeller: Labeller,
    shape: StreamShape,
    request_id: String,
    /// A chunk that may be the last one, which carries the label.
    last: Option<Value>,
    events: EventReader,
    settlement: Arc<Settlement>,
    timing: Timing,
    patience: Patience,
    /// One for all events: who waits for it stands in a list that all streams share.
    grace_over: Pin<Box<WaitForCancellationFutureOwned>>,
    include_usage: bool,
    /// An estimate.
    prompt_tokens: u64,
    /// Events with content, an estimate of tokens where the provider reports none.
    content_events: u64,
    saw_finish: bool,
    usage_known: bool,
    passed_bytes: usize,
    out: VecDeque<Bytes>,
    ended: bool,
    _places: Places,
}

impl Source for Relay {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.out.pop_front() {
                return Some(bytes);
            }
            if self.ended {
                return None;
            }
            self.patience.renew(self.timing.limit());
            let event = tokio::select! {
                biased;
                () = self.grace_over.as_mut() => {
                    self.fail(&refusal::stream_broken("The server is shutting down."));
                    continue;
                }
                event = self.events.next() => Some(event),
                () = self.patience.end() => None,
            };
            match event {
                Some(Ok(Next::Event(event))) => self.take(&event),
                Some(Ok(Next::Comment)) => return Some(self.shape.keep_alive()),
                Some(Ok(Next::End)) if self.saw_finish => self.complete(),
                Some(Ok(Next::End) | Err(BrokenStream)) => {
                    self.fail(&refusal::stream_broken("The provider's stream ended before the answer was complete."));
                }
                None => {
                    let error = refusal::stream_broken("The provider stopped sending.");
                    self.fail(&error.with_code("provider_timeout"));
                }
            }
        }
    }

    fn left(&self) -> Duration {
        self.timing.left()
    }

    fn settlement(&self) -> &Settlement {
        &self.settlement
    }
}

impl Relay {
    fn take(&mut self, event: &SseEvent) {
        match ChatEvent::read(event) {
            ChatEvent::Done => self.complete(),
            ChatEvent::Error(_) => {
                // Its words may quote the request; a code that every client knows is enough.
                let code = serde_json::from_str::<Value>(&event.data).ok();
                let code = code.and_then(|json| json["error"]["code"].as_str().map(str::to_owned));
                let code = code.filter(|code| is_known_code(code)).unwrap_or_else(|| "provider_error".to_owned());
                self.fail(&refusal::stream_broken("The provider reported an error.").with_code(code));
            }
            ChatEvent::Chunk(chunk) => {
                self.note(&chunk);
                // A usage chunk that only the gateway asked for stays here.
                if chunk.has_choices || chunk.usage.is_none() || self.include_usage {
                    self.pass_on(event, chunk);
                }
            }
            ChatEvent::Unknown if self.filter.is_passive() && self.shape.is_own() => {
                self.out.push_back(Bytes::from(sse::data(&event.data)));
            }
            // What is no chunk cannot be looked at.
            ChatEvent::Unknown => {}
        }
    }

    fn pass_on(&mut self, event: &SseEvent, chunk: Chunk) {
        let Chunk { mut json, has_finish, has_choices, .. } = chunk;
        self.passed_bytes = self.passed_bytes.saturating_add(event.data.len());
        if self.passed_bytes > MAX_ANSWER_BYTES && !self.shape.is_own() {
            return self.fail(&refusal::stream_broken("The answer is too long."));
        }
        let filtered = self.filter.chunk(&mut json);
        if !self.filter.counts().is_empty() {
            self.settlement.note_answer(self.filter.counts());
        }
        if let Err(error) = filtered {
            self.last = None;
            return self.fail(&refusal::answer_stopped(&error));
        }
        self.send_last(None);
        if has_finish || !has_choices {
            self.last = Some(json);
        } else if self.filter.is_passive() && self.shape.is_own() {
            // As it was written.
            self.out.push_back(Bytes::from(sse::data(&event.data)));
        } else {
            self.tell(&json);
        }
    }

    fn send_last(&mut self, label: Option<Value>) {
        let Some(mut last) = self.last.take() else { return };
        if let (Some(label), Some(fields)) = (label, last.as_object_mut()) {
            fields.insert("shekara".to_owned(), label);
        }
        self.tell(&last);
    }

    fn tell(&mut self, chunk: &Value) {
        let told = self.shape.chunk(chunk);
        self.out.extend(told);
    }

    fn note(&mut self, chunk: &Chunk) {
        if let Some(usage) = chunk.usage.clone() {
            self.usage_known = true;
            self.settlement.note_usage(*usage, UsageSource::Provider);
        }
        if chunk.has_content {
            if self.content_events == 0 {
                self.settlement.note_first_token();
            }
            self.content_events += 1;
            if !self.usage_known {
                let (prompt_tokens, completion_tokens) = (Some(self.prompt_tokens), Some(self.content_events));
                let usage = Usage { prompt_tokens, completion_tokens, ..Usage::default() };
                self.settlement.note_usage(usage, UsageSource::Estimated);
            }
        }
        self.saw_finish |= chunk.has_finish;
    }

    fn complete(&mut self) {
        match self.filter.rest() {
            Ok(Some(rest)) => self.tell(&rest),
            Ok(None) => {}
            Err(error) => {
                self.last = None;
                return self.fail(&refusal::answer_stopped(&error));
            }
        }
        if !self.saw_finish && !self.shape.is_own() {
            // It has ended, whether it says so or not.
            self.tell(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }));
        }
        self.settlement.note_answer(self.filter.counts());
        let label = self.labeller.label(self.filter.output());
        self.last.get_or_insert_with(|| json!({ "object": "chat.completion.chunk", "choices": [] }));
        self.send_last(Some(label));
        self.end_with(Outcome::Completed, None);
    }

    fn fail(&mut self, error: &ApiError) {
        self.send_last(None);
        self.settlement.note_error(error.code.as_deref());
        self.end_with(Outcome::Failed, Some(error));
    }

    /// Settles first: the last byte goes out only behind the record.
    fn end_with(&mut self, outcome: Outcome, error: Option<&ApiError>) {
        self.ended = true;
        // What is kept of an answer is whole before its record is made.
        let told = self.settlement.keeps_content().then(|| {
            let last = self.shape.end(error.map(|error| (error, self.request_id.as_str())));
            self.out.iter().chain(&last).for_each(|bytes| self.settlement.keep_answer(bytes));
            last
        });
        let unkept = self.settlement.settle(outcome, 200).err().map(|_| refusal::audit_unavailable());
        let last = match (told, &unkept) {
            (Some(told), None) => told,
            _ => self.shape.end(unkept.as_ref().or(error).map(|error| (error, self.request_id.as_str()))),
        };
        self.out.extend(last);
    }
}
