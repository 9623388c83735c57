//! Speech on its way to the client: bytes that are no text, passed on as they come.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;

use super::Settlement;
use super::admission::Places;
use super::answer::AnswerStream;
use super::attempt::Begun;
use super::pump::{Source, pump};
use super::relay::Timing;
use super::screening::ScreenedRequest;
use crate::audit::Outcome;
use crate::providers::{AttemptError, FailureKind, UpstreamBody, UpstreamResponse};

/// A sound that has begun.
pub(super) struct Spoken {
    pub(super) kind: HeaderValue,
    first: Bytes,
    body: UpstreamBody,
}

/// Waits for the first bytes: until then another target can still answer.
///
/// # Errors
/// There are none, or what comes is no sound.
pub(super) async fn begin(response: UpstreamResponse) -> Result<Begun, AttemptError> {
    let (head, mut body) = response.into_parts();
    let kind = head.headers.get(CONTENT_TYPE).filter(|kind| is_sound(kind)).cloned();
    let kind = kind.ok_or(FailureKind::BrokenResponse)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| FailureKind::BrokenResponse)?;
        if let Some(first) = frame.into_data().ok().filter(|data| !data.is_empty()) {
            return Ok(Begun::Spoken(Spoken { kind, first, body }));
        }
    }
    Err(FailureKind::BrokenResponse.into())
}

fn is_sound(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default();
    ["audio/", "application/octet-stream", "text/event-stream"].iter().any(|known| kind.starts_with(known))
}

pub(super) fn relay(request: ScreenedRequest, spoken: Spoken, timing: Timing) -> AnswerStream {
    let Spoken { first, body, .. } = spoken;
    let settlement = request.context.settlement;
    settlement.note_first_token();
    pump(Relay { first: Some(first), body, settlement, timing, _places: request.places })
}

struct Relay {
    first: Option<Bytes>,
    body: UpstreamBody,
    settlement: Arc<Settlement>,
    timing: Timing,
    _places: Places,
}

impl Source for Relay {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let limit = self.timing.between_tokens.min(self.timing.left());
            let frame = tokio::select! {
                biased;
                () = self.timing.grace_over.cancelled() => return self.end(Outcome::Failed),
                frame = tokio::time::timeout(limit, self.body.frame()) => frame,
            };
            match frame {
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Some(data),
                    _ => {}
                },
                Ok(None) => return self.end(Outcome::Completed),
                Ok(Some(Err(_))) | Err(_) => return self.end(Outcome::Failed),
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
    /// A sound has no place for an error: one that broke off ends early.
    fn end(&mut self, outcome: Outcome) -> Option<Bytes> {
        if outcome == Outcome::Failed {
            self.settlement.note_error(Some("stream_interrupted"));
        }
        // Its failure was logged; the end is all that is left to say.
        let _ = self.settlement.settle(outcome, 200);
        None
    }
}
