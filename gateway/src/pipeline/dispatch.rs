//! From a screened request to its answer: the plan, the walk along it, and what the answer becomes.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use shekara_protocol::error::ApiError;

use super::answer::Answer;
use super::cache::Slot;
use super::endpoint::Endpoint;
use super::finish::{begun_as, finish, fresh_ids};
use super::late::{Waiting, late};
use super::permitted::permitted;
use super::screening::ScreenedRequest;
use super::walk::Walk;
use super::{Gateway, Snapshot, alarms, cache, refusal, shadow};
use crate::routing::{Asker, Candidate, Circumstances, Dice, NoCandidate, Plan, Reason};

/// # Errors
/// Nothing may or can answer, or the provider says that the request itself is wrong.
pub async fn dispatch(gateway: &Arc<Gateway>, request: ScreenedRequest) -> Result<Answer, ApiError> {
    request.context.settlement.keep_request().await?;
    let plan = plan(gateway, &request).map_err(|error| {
        alarms::tell_unanswered(gateway, &request, error);
        refusal::no_candidate(error)
    })?;
    let plan = permitted(gateway, &request, plan)?;
    let slot = cache::slot(gateway, &request, &plan);
    if let Some(slot) = &slot
        && let Some(begun) = slot.look(gateway, &request).await
    {
        let timeouts = request.route.timeouts;
        return begun_as(gateway, request, begun, (timeouts, Instant::now()));
    }
    let plan = rested(gateway, plan);
    shadow::cast(gateway, &request);
    let started = Instant::now();
    if !request.wishes.stream || request.endpoint.hears() {
        return answer(gateway, request, (plan, slot), started).await;
    }
    let (shape, context) = (Arc::clone(&request.shape), request.context.clone());
    let timeouts = request.route.timeouts;
    let own = Arc::clone(gateway);
    let mut answering = Box::pin(async move { answer(&own, request, (plan, slot), started).await });
    if let Ok(answer) = tokio::time::timeout(timeouts.headers, &mut answering).await {
        return answer;
    }
    Ok(Answer::Stream(late(Waiting {
        answering,
        shape: shape.stream(fresh_ids(gateway), gateway.now_ms() / 1_000),
        words: shape,
        grace_over: gateway.drain.grace_over().clone(),
        settlement: context.settlement,
        request_id: context.request_id,
        deadline: started + timeouts.total,
    })))
}

async fn answer(
    gateway: &Arc<Gateway>,
    request: ScreenedRequest,
    (plan, slot): (Plan, Option<Slot>),
    started: Instant,
) -> Result<Answer, ApiError> {
    let walk = Walk { gateway, request: &request, started };
    let mut won = walk.first_answer(plan).await?;
    if let Some(slot) = slot {
        won.begun = slot.keeping(gateway, &request, won.begun);
    }
    finish(gateway, request, won, started)
}

fn plan(gateway: &Gateway, request: &ScreenedRequest) -> Result<Plan, NoCandidate> {
    let (route, screened, key) = (&request.route, &request.screened, &request.context.key);
    let user = request.user.as_deref().unwrap_or(&key.id);
    let now = Circumstances {
        served: request.snapshot.table.local(),
        standings: &gateway.health.view(request.wishes.stream, gateway.now_ms()),
        needs: &request.needs,
        asker: request.asker(gateway),
        dice: Dice {
            request: dice(&[&request.context.request_id]),
            key: dice(&[&route.alias, &key.id]),
            user: dice(&[&route.alias, user]),
        },
        in_batch: request.context.in_batch,
    };
    match request.endpoint {
        Endpoint::Embeddings => route.plan_bound(screened, &now),
        Endpoint::Tokenize | Endpoint::Detokenize => route.plan_tokens(screened, &now),
        Endpoint::Transcriptions | Endpoint::Translations => route.plan_inside(screened, &now),
        Endpoint::Chat
        | Endpoint::CountTokens
        | Endpoint::Completions
        | Endpoint::Rerank
        | Endpoint::Moderations
        | Endpoint::Images
        | Endpoint::ImageEdits
        | Endpoint::ImageVariations
        | Endpoint::Speech => route.plan(screened, &now),
    }
}

impl ScreenedRequest {
    pub(super) fn asker(&self, gateway: &Gateway) -> Asker<'_> {
        Asker {
            key: &self.context.key,
            data_class: self.screened.summary().data_class.max(self.declared),
            minute: minute_of_day(&self.snapshot, gateway.sources.now()),
        }
    }
}

/// Where the operator lives.
pub fn minute_of_day(snapshot: &Snapshot, now: Timestamp) -> u16 {
    let time = snapshot.config.utc_offset.to_datetime(now);
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}

/// Targets that rest come last, for they are better than none. Where the first was passed over, the reason says why.
fn rested(gateway: &Gateway, plan: Plan) -> Plan {
    let now_ms = gateway.now_ms();
    let rest = |candidate: &Candidate| gateway.health.rest(candidate.deployment(), now_ms);
    let first = plan.candidates.first().and_then(rest);
    let (mut ready, resting): (Vec<_>, Vec<_>) =
        plan.candidates.into_iter().partition(|candidate| rest(candidate).is_none());
    let reason = first.filter(|_| !ready.is_empty() && !matches!(plan.reason, Reason::Confined(_)));
    ready.extend(resting);
    Plan { candidates: ready, reason: reason.unwrap_or(plan.reason) }
}

/// A fair number from words, so that the choice can be told again from the audit.
pub(super) fn dice(words: &[&str]) -> u64 {
    let mut hasher = Sha256::new();
    for word in words {
        hasher.update(word.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
