//! One try of one target, up to the point from which there is no way back: the first event, or the whole answer.

use std::time::Duration;

use super::Gateway;
use super::chunk::ChatEvent;
use super::dispatch::minute_of_day;
use super::endpoint::Endpoint;
use super::events::{BrokenStream, EventReader, Next};
use super::screening::ScreenedRequest;
use super::spoken::{self, Spoken};
use super::transcript::{self, Transcript};
use super::whole::{WholeAnswer, read_whole};
use crate::billing::Factor;
use crate::config::BatchTerms;
use crate::pii::Screened;
use crate::providers::{AttemptError, Batched, Enclosed, FailureKind, Outgoing, UpstreamResponse};
use crate::routing::{Candidate, Routed, Target};

/// Chunks that say nothing: a role, an id, a provider's heartbeat.
const MAX_EVENTS_BEFORE_CONTENT: usize = 1_000;
const MAX_BYTES_BEFORE_CONTENT: usize = 2 << 20;

/// An answer that has begun.
pub(super) enum Begun {
    Whole(Box<WholeAnswer>),
    Stream(EventReader),
    Transcript(Transcript),
    Spoken(Spoken),
    TranscriptEvents(EventReader),
}

impl ScreenedRequest {
    /// Sends the request to `target` and waits until it is certain that an answer comes.
    ///
    /// `left` is the time for all that is left to try. A whole answer may take its share of it, for `targets_left` targets,
    /// this one included. The engine
    /// in this process is known to be at work: its queue and a long prompt may take what time there is.
    pub(super) async fn attempt(
        &self,
        candidate: &Candidate,
        left: Duration,
        targets_left: u32,
        gateway: &Gateway,
    ) -> Result<Begun, AttemptError> {
        let settings = &candidate.settings;
        let limit = if candidate.deployment().is_engine() {
            settings.own_first_token.filter(|_| self.wishes.stream).unwrap_or(left).min(left)
        } else if self.wishes.stream {
            candidate.settings.timeouts.first_token.min(left)
        } else {
            left / targets_left.max(1)
        };
        match tokio::time::timeout(limit, self.begin(candidate, gateway)).await {
            Ok(result) => result,
            Err(_) => Err(FailureKind::Timeout.into()),
        }
    }

    async fn begin(&self, candidate: &Candidate, gateway: &Gateway) -> Result<Begun, AttemptError> {
        let response = self.send(candidate, gateway).await?;
        if self.endpoint == Endpoint::Speech {
            return spoken::begin(response).await;
        }
        if self.endpoint.hears() {
            return transcript::begin(response, self.wishes).await;
        }
        if !self.wishes.stream {
            let answer = read_whole(response.into_body(), self.endpoint).await?;
            return Ok(Begun::Whole(Box::new(answer)));
        }
        let mut events = EventReader::new(response.into_body());
        let mut seen = Vec::new();
        let mut seen_bytes = 0;
        // Held back until something is said: up to there another target can still answer instead.
        loop {
            let event = match events.next().await {
                Ok(Next::Comment) => continue,
                Ok(Next::Event(event)) => event,
                Ok(Next::End) | Err(BrokenStream) => return Err(FailureKind::BrokenResponse.into()),
            };
            let says_something = match ChatEvent::read(&event) {
                ChatEvent::Chunk(chunk) => chunk.has_content || chunk.has_finish,
                ChatEvent::Error(kind) => return Err(kind.into()),
                // A named event that is none of OpenAI's is a provider's heartbeat.
                ChatEvent::Unknown if !event.event.is_empty() => continue,
                ChatEvent::Done | ChatEvent::Unknown => return Err(FailureKind::BrokenResponse.into()),
            };
            seen_bytes += event.data.len();
            seen.push(event);
            if says_something {
                events.put_back(seen);
                return Ok(Begun::Stream(events));
            }
            if seen.len() > MAX_EVENTS_BEFORE_CONTENT || seen_bytes > MAX_BYTES_BEFORE_CONTENT {
                return Err(FailureKind::BrokenResponse.into());
            }
        }
    }

    /// What a batch's request asks this target for now.
    fn service_tier<'c>(&self, candidate: &'c Candidate, gateway: &Gateway) -> Option<&'c str> {
        let terms = self.terms(candidate, gateway)?;
        terms.service_tier.as_deref().filter(|_| self.endpoint.is_conversation())
    }

    /// What this target's prices are multiplied by now.
    pub(super) fn price_factor(&self, candidate: &Candidate, gateway: &Gateway) -> Factor {
        // Where its price is for a tier that is not asked for, the usual one holds.
        let is_asked_for = |terms: &&BatchTerms| terms.service_tier.is_none() || self.endpoint.is_conversation();
        let terms = self.terms(candidate, gateway).filter(|_| self.context.in_batch).filter(is_asked_for);
        terms.map_or(Factor::ONE, |terms| Factor::from_permille(terms.price_permille))
    }

    fn terms<'c>(&self, candidate: &'c Candidate, gateway: &Gateway) -> Option<&'c BatchTerms> {
        let terms = candidate.settings.batch.as_ref()?;
        terms.hold(minute_of_day(&self.snapshot, gateway.sources.now())).then_some(terms)
    }

    /// The one place where a request meets a provider; its arms are the only ones that compile.
    async fn send(&self, candidate: &Candidate, gateway: &Gateway) -> Result<UpstreamResponse, AttemptError> {
        let outgoing = Outgoing {
            path: self.endpoint.path(),
            is_generated: self.endpoint.is_conversation(),
            counts_tokens: self.endpoint == Endpoint::CountTokens,
            stream: self.wishes.stream,
            is_translated: !self.shape.is_own(),
            max_output_tokens: self.route.max_output_tokens,
            tenant: &self.context.key.tenant,
            request_id: &self.context.request_id,
            now: gateway.sources.now(),
            enclosed: Enclosed::default(),
            alerts: Some(&gateway.alerts),
            key: 0,
            batch: self.context.in_batch.then(|| Batched { service_tier: self.service_tier(candidate, gateway) }),
        };
        let (providers, connect) = (&self.snapshot.providers, candidate.settings.timeouts.connect);
        match (&candidate.target, &*self.screened) {
            (Target::InBorder(target), screened) => {
                providers.send_within(&Routed::within(screened, target.clone()), outgoing, connect).await
            }
            (Target::External(target), Screened::Cleared(cleared)) => {
                providers.send_external(&Routed::external(cleared, target.clone()), outgoing, connect).await
            }
            // A plan for a confined request has no such candidate.
            (Target::External(_), Screened::Confined(_)) => Err(FailureKind::Connect.into()),
        }
    }
}
