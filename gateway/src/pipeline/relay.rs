//! A stream on its way to the client: passed on event by event while a copy is read for usage and the end.
//!
//! After the first event there is no other target: whatever breaks becomes an `error` event and `[DONE]`. The audit record
//! is in the journal before `[DONE]` is handed out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use shekara_protocol::chat::Usage;
use shekara_protocol::error::ApiError;
use shekara_protocol::sse::{self, SseEvent};
use tokio_util::sync::CancellationToken;

use super::admission::Places;
use super::answer::AnswerStream;
use super::attempt::is_error;
use super::events::{BrokenStream, EventReader, Next};
use super::screening::ScreenedRequest;
use super::{Settlement, refusal};
use crate::audit::{Outcome, UsageSource};
use crate::config::Timeouts;

pub(super) fn relay(
    request: ScreenedRequest,
    events: EventReader,
    started: Instant,
    grace_over: CancellationToken,
) -> AnswerStream {
    let relay = Relay {
        events,
        settlement: request.context.settlement,
        timeouts: request.route.timeouts,
        started,
        grace_over,
        include_usage: request.wishes.include_usage,
        content_events: 0,
        saw_finish: false,
        usage_known: false,
        out: VecDeque::new(),
        ended: false,
        _places: request.places,
    };
    Box::pin(stream::unfold(relay, |mut relay| async move {
        let bytes = relay.next().await?;
        Some((Ok(bytes), relay))
    }))
}

struct Relay {
    events: EventReader,
    settlement: Arc<Settlement>,
    timeouts: Timeouts,
    started: Instant,
    grace_over: CancellationToken,
    include_usage: bool,
    /// Events with content, an estimate of tokens where the provider reports none.
    content_events: u64,
    saw_finish: bool,
    usage_known: bool,
    out: VecDeque<Bytes>,
    ended: bool,
    _places: Places,
}

/// What the gateway reads of a chunk.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<ChunkChoice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct ChunkChoice {
    #[serde(default)]
    delta: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    finish_reason: Option<String>,
}

impl Relay {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.out.pop_front() {
                return Some(bytes);
            }
            if self.ended {
                return None;
            }
            let left = self.timeouts.total.saturating_sub(self.started.elapsed());
            let limit = self.timeouts.between_tokens.min(left);
            let event = tokio::select! {
                biased;
                () = self.grace_over.cancelled() => {
                    self.fail(&refusal::stream_broken("The server is shutting down."));
                    continue;
                }
                event = tokio::time::timeout(limit, self.events.next()) => event,
            };
            match event {
                Ok(Ok(Next::Event(event))) => self.take(&event),
                Ok(Ok(Next::Comment)) => return Some(Bytes::from_static(sse::KEEP_ALIVE.as_bytes())),
                Ok(Ok(Next::End)) if self.saw_finish => self.complete(),
                Ok(Ok(Next::End) | Err(BrokenStream)) => {
                    self.fail(&refusal::stream_broken("The provider's stream ended before the answer was complete."));
                }
                Err(_) => {
                    let error = refusal::stream_broken("The provider stopped sending.");
                    self.fail(&error.with_code("provider_timeout"));
                }
            }
        }
    }

    fn take(&mut self, event: &SseEvent) {
        if event.data == "[DONE]" {
            self.complete();
        } else if is_error(event) {
            // The provider's own words stay: they are what its documentation explains.
            self.settlement.note_error(Some("provider_error"));
            self.end_with(Outcome::Failed, Bytes::from(sse::error(&event.data)));
        } else {
            let wanted = self.read(&event.data);
            if wanted {
                self.out.push_back(Bytes::from(sse::data(&event.data)));
            }
        }
    }

    /// Notes what the chunk says; false for a usage chunk that only the gateway asked for.
    fn read(&mut self, data: &str) -> bool {
        let Ok(chunk) = serde_json::from_str::<Chunk>(data) else { return true };
        if let Some(usage) = chunk.usage {
            self.usage_known = true;
            let prompt = Some(usage.prompt_tokens);
            self.settlement.note_usage(prompt, usage.completion_tokens, UsageSource::Provider);
        }
        let filled = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => !text.is_empty(),
            serde_json::Value::Array(list) => !list.is_empty(),
            other => other.is_object(),
        };
        if chunk.choices.iter().any(|choice| choice.delta.iter().any(|(name, value)| name != "role" && filled(value))) {
            self.settlement.note_first_token();
            self.content_events += 1;
            if !self.usage_known {
                self.settlement.note_usage(None, self.content_events, UsageSource::Estimated);
            }
        }
        self.saw_finish |= chunk.choices.iter().any(|choice| choice.finish_reason.is_some());
        !(chunk.choices.is_empty() && chunk.usage.is_some() && !self.include_usage)
    }

    fn complete(&mut self) {
        self.end_with(Outcome::Completed, Bytes::new());
    }

    fn fail(&mut self, error: &ApiError) {
        self.settlement.note_error(error.code.as_deref());
        self.end_with(Outcome::Failed, Bytes::from(sse::error(&error.to_json())));
    }

    /// Settles first: the last byte goes out only behind the record.
    fn end_with(&mut self, outcome: Outcome, last: Bytes) {
        self.ended = true;
        let last = match self.settlement.settle(outcome, 200) {
            Ok(()) => last,
            Err(_) => Bytes::from(sse::error(&refusal::audit_unavailable().to_json())),
        };
        if !last.is_empty() {
            self.out.push_back(last);
        }
        self.out.push_back(Bytes::from_static(sse::DONE.as_bytes()));
    }
}
