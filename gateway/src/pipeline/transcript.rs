//! What a model heard: whole, as JSON or as text, or in events that are passed on one by one.
//!
//! Seconds of sound are what is counted. The audit record is in the journal before the answer's last byte.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use shekara_protocol::error::ApiError;
use shekara_protocol::headers::INTERNAL_AUDIO_SECONDS;
use shekara_protocol::sse::{self, SseEvent};

use super::admission::{Places, Wishes};
use super::answer::AnswerStream;
use super::attempt::Begun;
use super::events::{BrokenStream, EventReader, Next};
use super::pump::{Source, pump};
use super::relay::Timing;
use super::screening::ScreenedRequest;
use super::{Settlement, refusal};
use crate::audit::Outcome;
use crate::billing::UsageSource;
use crate::providers::{AttemptError, FailureKind, UpstreamResponse};

/// Far more than is said in the longest sound.
const MAX_TRANSCRIPT_BYTES: usize = 64 << 20;
const DONE: &str = "transcript.text.done";

/// A whole answer.
#[derive(Debug)]
pub(super) struct Transcript {
    pub(super) body: Bytes,
    pub(super) is_text: bool,
    pub(super) seconds: Option<f64>,
}

/// Reads a whole answer, or a stream up to its first event: until then another target can still answer.
///
/// # Errors
/// The answer breaks off, is too large or is not what was asked for.
pub(super) async fn begin(response: UpstreamResponse, wishes: Wishes) -> Result<Begun, AttemptError> {
    if wishes.stream {
        let mut events = EventReader::new(response.into_body());
        loop {
            match events.next().await {
                Ok(Next::Comment) => {}
                Ok(Next::Event(event)) if kind(&event).is_some() => {
                    events.put_back(vec![event]);
                    return Ok(Begun::TranscriptEvents(events));
                }
                Ok(Next::Event(event)) if is_error(&event) => return Err(FailureKind::Server.into()),
                Ok(Next::Event(_) | Next::End) | Err(BrokenStream) => return Err(FailureKind::BrokenResponse.into()),
            }
        }
    }
    let header = response.headers().get(INTERNAL_AUDIO_SECONDS).and_then(|value| value.to_str().ok()?.parse().ok());
    let collected = Limited::new(response.into_body(), MAX_TRANSCRIPT_BYTES).collect().await;
    let body = collected.map_err(|_| FailureKind::BrokenResponse)?.to_bytes();
    if wishes.is_text {
        std::str::from_utf8(&body).map_err(|_| FailureKind::BrokenResponse)?;
        return Ok(Begun::Transcript(Transcript { body, is_text: true, seconds: header }));
    }
    let answer: Value = serde_json::from_slice(&body).map_err(|_| FailureKind::BrokenResponse)?;
    if !answer["text"].is_string() {
        return Err(FailureKind::BrokenResponse.into());
    }
    let seconds = seconds(&answer).or(answer["duration"].as_f64()).or(header);
    Ok(Begun::Transcript(Transcript { body, is_text: false, seconds: seconds.filter(|seconds| *seconds >= 0.0) }))
}

fn seconds(answer: &Value) -> Option<f64> {
    answer["usage"]["seconds"].as_f64()
}

/// The `type` of an event of a transcript.
fn kind(event: &SseEvent) -> Option<String> {
    let event: Value = serde_json::from_str(&event.data).ok()?;
    event["type"].as_str().filter(|kind| kind.starts_with("transcript.")).map(str::to_owned)
}

fn is_error(event: &SseEvent) -> bool {
    event.event == "error" || serde_json::from_str::<Value>(&event.data).is_ok_and(|event| !event["error"].is_null())
}

pub(super) fn relay(request: ScreenedRequest, events: EventReader, timing: Timing) -> AnswerStream {
    let relay = Relay {
        events,
        settlement: request.context.settlement,
        timing,
        out: VecDeque::new(),
        has_ended: false,
        _places: request.places,
    };
    pump(relay)
}

struct Relay {
    events: EventReader,
    settlement: Arc<Settlement>,
    timing: Timing,
    out: VecDeque<Bytes>,
    has_ended: bool,
    _places: Places,
}

impl Source for Relay {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.out.pop_front() {
                return Some(bytes);
            }
            if self.has_ended {
                return None;
            }
            let limit = self.timing.between_tokens.min(self.timing.left());
            let event = tokio::select! {
                biased;
                () = self.timing.grace_over.cancelled() => {
                    self.fail(&refusal::stream_broken("The server is shutting down."));
                    continue;
                }
                event = tokio::time::timeout(limit, self.events.next()) => event,
            };
            match event {
                Ok(Ok(Next::Event(event))) => self.take(&event),
                Ok(Ok(Next::Comment)) => return Some(Bytes::from_static(sse::KEEP_ALIVE.as_bytes())),
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

    fn left(&self) -> Duration {
        self.timing.left()
    }

    fn settlement(&self) -> &Settlement {
        &self.settlement
    }
}

impl Relay {
    fn take(&mut self, event: &SseEvent) {
        let Some(kind) = kind(event) else {
            // What an error says may quote the request.
            return self.fail(&refusal::stream_broken("The provider reported an error.").with_code("provider_error"));
        };
        self.settlement.note_first_token();
        let data = Bytes::from(sse::data(&event.data));
        if kind != DONE {
            return self.out.push_back(data);
        }
        let seconds = serde_json::from_str::<Value>(&event.data).ok().as_ref().and_then(seconds);
        self.settlement.note_audio(seconds, UsageSource::Provider);
        self.end_with(Outcome::Completed, data);
    }

    fn fail(&mut self, error: &ApiError) {
        self.settlement.note_error(error.code.as_deref());
        self.end_with(Outcome::Failed, Bytes::from(sse::error(&error.to_json())));
    }

    /// Settles first: the last byte goes out only behind the record.
    fn end_with(&mut self, outcome: Outcome, last: Bytes) {
        self.has_ended = true;
        let done = Bytes::from_static(sse::DONE.as_bytes());
        self.out.iter().chain([&last, &done]).for_each(|bytes| self.settlement.keep_answer(bytes));
        let last = match self.settlement.settle(outcome, 200) {
            Ok(()) => last,
            Err(_) => Bytes::from(sse::error(&refusal::audit_unavailable().to_json())),
        };
        self.out.push_back(last);
        self.out.push_back(done);
    }
}
