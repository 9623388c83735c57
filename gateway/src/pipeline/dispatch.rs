//! Walks the plan: the first target that answers wins, and what each failure means is decided here.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use shekara_protocol::error::ApiError;
use shekara_protocol::ids::IdSeed;

use super::answer::Answer;
use super::attempt::Begun;
use super::endpoint::Endpoint;
use super::labelling::Labeller;
use super::provider_words::without_quotations;
use super::relay::{Timing, relay};
use super::screening::ScreenedRequest;
use super::transcript::{self, Transcript};
use super::whole::WholeAnswer;
use super::{Gateway, cache, refusal};
use crate::audit::{Outcome, UsageSource};
use crate::providers::{AttemptError, Failure, FailureKind};
use crate::routing::{Plan, Reason, Target};

/// # Errors
/// Nothing may or can answer, or the provider says that the request itself is wrong.
pub async fn dispatch(gateway: &Arc<Gateway>, request: ScreenedRequest) -> Result<Answer, ApiError> {
    let slot = cache::slot(gateway, &request);
    if let Some(slot) = &slot
        && let Some(begun) = slot.look(gateway, &request).await
    {
        return finish(gateway, request, begun, Instant::now());
    }
    let served = request.snapshot.table.local();
    let dice = dice(&request.context.request_id);
    let plan = match request.endpoint {
        Endpoint::Embeddings => request.route.plan_bound(&request.screened, served),
        Endpoint::Transcriptions | Endpoint::Translations => request.route.plan_inside(&request.screened, served),
        Endpoint::Chat | Endpoint::Rerank => request.route.plan(&request.screened, served, dice),
    };
    let plan = plan.map_err(refusal::no_candidate)?;
    let started = Instant::now();
    let (mut reason, candidates) = in_order(gateway, plan);
    let mut verdict = refusal::all_failed(FailureKind::Connect.into());
    for (at, target) in candidates.iter().enumerate() {
        let others = candidates.len() - at - 1;
        match try_target(gateway, &request, (target, reason), Time { started, others: others as u32 }).await {
            Ok(begun) => {
                let begun = match slot {
                    Some(slot) => slot.keeping(gateway, &request, begun),
                    None => begun,
                };
                return finish(gateway, request, begun, started);
            }
            Err(Tried::Stop(error)) => return Err(error),
            Err(Tried::Incapable(refused)) => verdict = refusal::no_capable_local_model(&refused),
            Err(Tried::Next(failure)) => {
                verdict = refusal::all_failed(failure);
                if !matches!(reason, Reason::Confined(_)) {
                    reason = Reason::Fallback(failure.kind.as_str());
                }
            }
        }
    }
    Err(verdict)
}

/// Targets that rest come last, for they are better than none. Where the first was passed over, the reason says why.
fn in_order(gateway: &Gateway, plan: Plan) -> (Reason, Vec<Target>) {
    let now_ms = gateway.now_ms();
    let rest = |target: &Target| gateway.health.rest(target.deployment(), now_ms);
    let first = plan.candidates.first().and_then(rest);
    let (mut ready, resting): (Vec<_>, Vec<_>) = plan.candidates.into_iter().partition(|target| rest(target).is_none());
    let reason = first.filter(|_| !ready.is_empty() && !matches!(plan.reason, Reason::Confined(_)));
    ready.extend(resting);
    (reason.unwrap_or(plan.reason), ready)
}

/// Why a target did not answer, as the walk needs it.
enum Tried {
    Next(Failure),
    Incapable(ApiError),
    Stop(ApiError),
}

/// What is left of a request's time is shared with the targets behind this one.
#[derive(Clone, Copy)]
struct Time {
    started: Instant,
    others: u32,
}

async fn try_target(
    gateway: &Gateway,
    request: &ScreenedRequest,
    (target, reason): (&Target, Reason),
    time: Time,
) -> Result<Begun, Tried> {
    let (health, deployment) = (&gateway.health, target.deployment());
    let settlement = &request.context.settlement;
    let retries = request.route.retries;
    let (mut connects, mut timeouts) = (retries.connect, retries.timeout);
    loop {
        settlement.note_attempt(deployment, reason);
        health.note_attempt(deployment, gateway.now_ms());
        if matches!(target, Target::External(_)) {
            settlement.note_dispatch().map_err(|_| Tried::Stop(refusal::audit_unavailable()))?;
        }
        let failure = match request.attempt(target, time.started, 1 + time.others).await {
            Ok(begun) => {
                health.note_success(deployment);
                return Ok(begun);
            }
            Err(AttemptError::Refused(error)) => {
                health.note_success(deployment);
                return Err(refused(request, target, error));
            }
            Err(AttemptError::Failed(failure)) => failure,
        };
        health.note_failure(deployment, failure, gateway.now_ms());
        tracing::warn!(
            request_id = request.context.request_id,
            provider = &*deployment.provider,
            kind = failure.kind.as_str(),
            "an attempt failed"
        );
        let left = match failure.kind {
            FailureKind::Connect => &mut connects,
            FailureKind::Timeout => &mut timeouts,
            _ => return Err(Tried::Next(failure)),
        };
        if *left == 0 || time.started.elapsed() >= request.route.timeouts.total {
            return Err(Tried::Next(failure));
        }
        *left -= 1;
    }
}

fn refused(request: &ScreenedRequest, target: &Target, error: ApiError) -> Tried {
    let about_ability =
        matches!(error.code.as_deref(), Some("context_length_exceeded" | "unsupported_value" | "unsupported_model"))
            || error.status == http::StatusCode::NOT_FOUND;
    let error = without_quotations(error, request);
    if about_ability && request.was_rerouted_to(target) { Tried::Incapable(error) } else { Tried::Stop(error) }
}

fn finish(gateway: &Gateway, request: ScreenedRequest, begun: Begun, started: Instant) -> Result<Answer, ApiError> {
    match begun {
        Begun::Whole(WholeAnswer { body, usage }) => {
            let settlement = Arc::clone(&request.context.settlement);
            settlement.note_first_token();
            let body = if request.endpoint.is_conversation() { shown(gateway, &request, &body)? } else { body };
            if let Some(usage) = usage {
                settlement.note_usage(Some(usage.prompt_tokens), usage.completion_tokens, UsageSource::Provider);
            }
            settlement.settle(Outcome::Completed, 200).map_err(|_| refusal::audit_unavailable())?;
            Ok(Answer::Whole(body))
        }
        Begun::Transcript(Transcript { body, is_text, seconds }) => {
            let settlement = Arc::clone(&request.context.settlement);
            settlement.note_first_token();
            settlement.note_audio(seconds, UsageSource::Provider);
            settlement.settle(Outcome::Completed, 200).map_err(|_| refusal::audit_unavailable())?;
            Ok(if is_text { Answer::Text(body) } else { Answer::Whole(body) })
        }
        Begun::TranscriptEvents(events) => {
            let grace_over = gateway.drain.grace_over().clone();
            Ok(Answer::Stream(transcript::relay(request, events, Timing { started, grace_over })))
        }
        Begun::Stream(events) => {
            let grace_over = gateway.drain.grace_over().clone();
            let labeller = Labeller::new(gateway, &request);
            let created_at = u64::try_from(gateway.sources.now().as_second()).unwrap_or_default();
            let shape = request.shape.stream(fresh_ids(gateway), created_at);
            Ok(Answer::Stream(relay(request, events, Timing { started, grace_over }, (labeller, shape))))
        }
    }
}

/// A whole answer as the client gets it: looked at, restored, labelled.
fn shown(gateway: &Gateway, request: &ScreenedRequest, body: &Bytes) -> Result<Bytes, ApiError> {
    let settlement = &request.context.settlement;
    let mut answer: Value = serde_json::from_slice(body).map_err(|_| ApiError::internal())?;
    let mut filter = request.answer_filter();
    let filtered = filter.whole(&mut answer);
    settlement.note_answer(filter.counts());
    filtered.map_err(|error| refusal::answer_stopped(&error))?;
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("shekara".to_owned(), Labeller::new(gateway, request).label(filter.output()));
    }
    request.shape.whole(&answer, fresh_ids(gateway))
}

/// Ids that no other answer has.
fn fresh_ids(gateway: &Gateway) -> IdSeed {
    IdSeed::new(format!("{:032x}", u128::from_be_bytes(gateway.sources.random())))
}

/// A fair number from the request's id, so that the choice can be told again from the audit.
fn dice(request_id: &str) -> u64 {
    let digest = Sha256::digest(request_id.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
