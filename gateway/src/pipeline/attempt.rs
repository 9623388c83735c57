//! One try of one target, up to the point from which there is no way back: the first event, or the whole answer.

use std::time::Instant;

use shekara_protocol::sse::SseEvent;

use super::events::{BrokenStream, EventReader, Next};
use super::screening::ScreenedRequest;
use super::whole::{WholeAnswer, read_whole};
use crate::pii::Screened;
use crate::providers::{AttemptError, FailureKind, Outgoing, UpstreamResponse};
use crate::routing::{Routed, Target};

/// An answer that has begun.
pub(super) enum Begun {
    Whole(WholeAnswer),
    Stream(EventReader),
}

impl ScreenedRequest {
    /// Sends the request to `target` and waits until it is certain that an answer comes.
    pub(super) async fn attempt(&self, target: &Target, started: Instant) -> Result<Begun, AttemptError> {
        let timeouts = self.route.timeouts;
        let left = timeouts.total.saturating_sub(started.elapsed());
        let limit = if self.wishes.stream { timeouts.first_token.min(left) } else { left };
        match tokio::time::timeout(limit, self.begin(target)).await {
            Ok(result) => result,
            Err(_) => Err(FailureKind::Timeout.into()),
        }
    }

    async fn begin(&self, target: &Target) -> Result<Begun, AttemptError> {
        let response = self.send(target).await?;
        if !self.wishes.stream {
            return Ok(Begun::Whole(read_whole(response.into_body()).await?));
        }
        let mut events = EventReader::new(response.into_body());
        loop {
            match events.next().await {
                Ok(Next::Comment) => {}
                Ok(Next::Event(first)) if is_error(&first) => return Err(FailureKind::Server.into()),
                Ok(Next::Event(first)) => {
                    events.put_back(first);
                    return Ok(Begun::Stream(events));
                }
                Ok(Next::End) | Err(BrokenStream) => return Err(FailureKind::BrokenResponse.into()),
            }
        }
    }

    /// The one place where a request meets a provider; its arms are the only ones that compile.
    async fn send(&self, target: &Target) -> Result<UpstreamResponse, AttemptError> {
        let outgoing = Outgoing {
            stream: self.wishes.stream,
            max_output_tokens: self.route.max_output_tokens,
            tenant: &self.context.key.tenant,
            request_id: &self.context.request_id,
        };
        let providers = &self.snapshot.providers;
        match (target, &self.screened) {
            (Target::InBorder(target), screened) => {
                providers.send_within(&Routed::within(screened, target.clone()), outgoing).await
            }
            (Target::External(target), Screened::Cleared(cleared)) => {
                providers.send_external(&Routed::external(cleared, target.clone()), outgoing).await
            }
            // A plan for a confined request has no such candidate.
            (Target::External(_), Screened::Confined(_)) => Err(FailureKind::Connect.into()),
        }
    }
}

/// `event: error`, or a data event with an `error` where choices should be.
pub(super) fn is_error(event: &SseEvent) -> bool {
    #[derive(serde::Deserialize)]
    struct Probe {
        error: Option<serde::de::IgnoredAny>,
    }
    event.event == "error"
        || (event.data != "[DONE]"
            && serde_json::from_str::<Probe>(&event.data).is_ok_and(|probe| probe.error.is_some()))
}
