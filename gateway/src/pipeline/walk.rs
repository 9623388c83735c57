//! Asks one target after the other until one answers: what each failure means is decided here.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use shekara_protocol::error::ApiError;

use super::attempt::Begun;
use super::health::{Busy, Full, Span};
use super::permitted::is_permitted;
use super::provider_words::without_quotations;
use super::screening::ScreenedRequest;
use super::{Gateway, refusal};
use crate::alerts::Event;
use crate::audit::TryResult;
use crate::config::Ceiling;
use crate::providers::{AttemptError, Failure, FailureKind};
use crate::routing::{Candidate, Deployment, Plan, Reason, Target};

/// The environment of keys for which a share of a provider's ceiling is reserved.
const PRODUCTION: &str = "prod";

/// An answer that has begun, and whose it is.
pub(super) struct Won {
    pub(super) begun: Begun,
    pub(super) candidate: Candidate,
    pub(super) busy: Busy,
}

/// Why a target did not answer, as the walk needs it.
enum Tried {
    Next(Failure),
    /// Its context is too short, says the provider.
    TooLong(ApiError),
    /// Its API has no words for the request: nothing was sent.
    Unsaid(ApiError),
    Incapable(ApiError),
    Stop(ApiError),
}

pub(super) struct Walk<'w> {
    pub(super) gateway: &'w Gateway,
    pub(super) request: &'w ScreenedRequest,
    /// When the first attempt began: all of them share the route's total time.
    pub(super) started: Instant,
}

impl Walk<'_> {
    /// # Errors
    /// Nobody answers, or the provider says that the request itself is wrong.
    pub(super) async fn first_answer(&self, plan: Plan) -> Result<Won, ApiError> {
        let Plan { candidates, mut reason } = plan;
        let (mut verdict, mut unsaid) = (None, None);
        let mut at = 0;
        while let Some(candidate) = candidates.get(at) {
            let rest = &candidates[at + 1..];
            let (tried, asked) = self.raced(candidate, rest, reason).await;
            let last = &candidates[at + asked - 1];
            at += asked;
            match tried {
                Ok(won) => return Ok(won),
                Err(Tried::Stop(error)) => return Err(error),
                Err(Tried::Unsaid(error)) => unsaid = unsaid.or(Some(error)),
                Err(Tried::Incapable(refused)) => verdict = Some(refusal::no_capable_local_model(&refused)),
                Err(Tried::TooLong(error)) => {
                    // Only one that is known to take more may do better.
                    match candidates[at..].iter().position(|next| next.is_longer_than(last)) {
                        Some(longer) => at += longer,
                        None => return Err(error),
                    }
                    verdict = Some(error);
                    reason = unless_confined(reason, Reason::Length);
                }
                Err(Tried::Next(failure)) => {
                    let failed = refusal::all_failed(failure);
                    if self.request.runs_tools_at_provider && !failure.left_undone() {
                        return Err(failed.final_answer());
                    }
                    verdict = Some(failed);
                    let why = match failure.kind {
                        FailureKind::Ceiling => Reason::Overflow,
                        kind => Reason::Fallback(kind.as_str()),
                    };
                    reason = unless_confined(reason, why);
                }
            }
            if self.started.elapsed() >= self.request.route.timeouts.total {
                break;
            }
        }
        // What one has no words for is told where nobody failed otherwise.
        Err(verdict.or(unsaid).unwrap_or_else(|| refusal::all_failed(FailureKind::Connect.into())))
    }

    /// Asks one target, and where the route hedges and it keeps silent, the next one beside it. Also says how many were
    /// asked.
    async fn raced(&self, first: &Candidate, rest: &[Candidate], reason: Reason) -> (Result<Won, Tried>, usize) {
        let others = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        let mut one = pin!(self.asked(first, reason, others));
        let hedge = self.request.route.hedge.filter(|_| !self.request.runs_tools_at_provider);
        // Who had better be left alone is not asked before it must be.
        let next = rest.first().filter(|next| self.gateway.is_ready(next));
        let (Some(after), Some(next)) = (hedge, next) else { return (one.await, 1) };
        if let Ok(tried) = tokio::time::timeout(after, &mut one).await {
            return (tried, 1);
        }
        let two = pin!(self.asked(next, unless_confined(reason, Reason::Hedge), others - 1));
        // Who is not first is dropped, which ends its call.
        let tried = match select(one, two).await {
            Either::Left((Ok(won), _)) => Ok(won),
            Either::Right((Ok(won), _)) => {
                let turn = self.gateway.health.note_overtaken(first.deployment(), self.gateway.now_ms());
                self.tell_turn(turn, first.deployment());
                Ok(won)
            }
            // The first one's word counts, for the other was only asked beside it.
            Either::Left((Err(said), two)) => two.await.map_err(|_| said),
            Either::Right((Err(_), one)) => one.await,
        };
        (tried, 2)
    }

    /// Asks one target, as often as its retries allow.
    async fn asked(&self, candidate: &Candidate, reason: Reason, others: u32) -> Result<Won, Tried> {
        let retries = candidate.settings.retries;
        let (mut connects, mut timeouts) = (retries.connect, retries.timeout);
        loop {
            let failure = match self.asked_once(candidate, reason, others).await {
                Err(Tried::Next(failure)) => failure,
                other => return other,
            };
            let left = match failure.kind {
                FailureKind::Connect => &mut connects,
                FailureKind::Timeout if !self.request.runs_tools_at_provider => &mut timeouts,
                _ => return Err(Tried::Next(failure)),
            };
            if *left == 0 || self.started.elapsed() >= self.request.route.timeouts.total {
                return Err(Tried::Next(failure));
            }
            *left -= 1;
        }
    }

    async fn asked_once(&self, candidate: &Candidate, reason: Reason, others: u32) -> Result<Won, Tried> {
        let (gateway, request, deployment) = (self.gateway, self.request, candidate.deployment());
        // Switched off since the plan was made.
        if !is_permitted(gateway, request, candidate) {
            return Err(Tried::Next(FailureKind::Unsent.into()));
        }
        let health = &gateway.health;
        let (began, began_ms) = (Instant::now(), gateway.now_ms());
        let full = |full: Full| {
            Tried::Next(Failure { retry_after_s: Some(full.retry_after_s), ..FailureKind::Ceiling.into() })
        };
        let busy = health.begin(deployment, self.ceiling(deployment, reason), began_ms).map_err(full)?;
        let mut call = Call::begin(self, candidate, reason);
        // What is asked of the engine in this process ends with it.
        if !deployment.is_engine() {
            let settlement = &request.context.settlement;
            let written = settlement.note_dispatch().map_err(|_| Tried::Stop(refusal::audit_unavailable()))?;
            if matches!(candidate.target, Target::External(_)) {
                gateway.await_intent(written).await.map_err(Tried::Stop)?;
            }
        }
        call.dropped = TryResult::Overtaken;
        let result = request.attempt(candidate, self.left(candidate), 1 + others, gateway).await;
        let span = Span { began_ms, now_ms: gateway.now_ms(), elapsed: began.elapsed().as_secs_f64() * 1e3 };
        match result {
            Ok(begun) => {
                self.tell_turn(health.note_answer(deployment, request.wishes.stream, span), deployment);
                call.answers();
                Ok(Won { begun, candidate: candidate.clone(), busy })
            }
            Err(AttemptError::Refused(error)) => {
                if error.code.as_deref() == Some("privacy_tripwire") {
                    self.tell(Event::Tripwire, deployment);
                }
                call.ended(TryResult::Refused);
                Err(unsaid(request, candidate, error))
            }
            Err(AttemptError::Told(error)) if error.code.as_deref() == Some("provider_auth_failed") => {
                self.tell(Event::ProviderAuthFailed, deployment);
                call.ended(TryResult::Auth);
                Err(Tried::Stop(error))
            }
            Err(AttemptError::Told(error)) => {
                self.tell_turn(health.note_refusal(deployment, span), deployment);
                call.ended(TryResult::Refused);
                Err(refused(request, candidate, error))
            }
            Err(AttemptError::Failed(failure)) => {
                self.tell_turn(health.note_failure(deployment, failure, span.now_ms), deployment);
                self.tell_failure(failure, deployment);
                call.ended(result_of(failure.kind));
                tracing::warn!(
                    request_id = request.context.request_id,
                    provider = &*deployment.provider,
                    kind = failure.kind.as_str(),
                    "an attempt failed"
                );
                Err(Tried::Next(failure))
            }
        }
    }

    /// What may be sent to the deployment's provider, and whether this request is production's.
    fn ceiling(&self, deployment: &Deployment, reason: Reason) -> Option<(&Ceiling, bool)> {
        let providers = &self.request.snapshot.config.providers;
        let provider = providers.iter().find(|provider| *provider.name == *deployment.provider)?;
        let context = &self.request.context;
        // What is reserved for production is for those who wait.
        let is_waited_for = !context.in_batch && reason != Reason::Shadow;
        let is_prod = context.key.environment == PRODUCTION && is_waited_for;
        provider.ceiling.as_ref().map(|ceiling| (ceiling, is_prod))
    }

    /// The total time is the request's, and a target may have less of it.
    fn left(&self, candidate: &Candidate) -> Duration {
        let left = self.request.route.timeouts.total.saturating_sub(self.started.elapsed());
        left.min(candidate.settings.timeouts.total)
    }
}

/// A request that had to stay has no other reason, whoever of those inside answers.
fn unless_confined(reason: Reason, other: Reason) -> Reason {
    if matches!(reason, Reason::Confined(_)) { reason } else { other }
}

/// One call of a provider in the record; one that is dropped before its end was overtaken, or left by the client.
struct Call<'c> {
    request: &'c ScreenedRequest,
    at: usize,
    is_open: bool,
    /// What became of it if it is dropped before its end.
    dropped: TryResult,
}

impl<'c> Call<'c> {
    fn begin(walk: &Walk<'c>, candidate: &Candidate, reason: Reason) -> Self {
        let request = walk.request;
        let factor = request.price_factor(candidate, walk.gateway);
        let at = request.context.settlement.note_attempt(candidate.deployment(), reason, factor);
        Self { request, at, is_open: true, dropped: TryResult::Unsent }
    }

    fn answers(mut self) {
        self.is_open = false;
        self.request.context.settlement.note_answering(self.at);
    }

    fn ended(mut self, result: TryResult) {
        self.is_open = false;
        self.request.context.settlement.note_result(self.at, result);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.request.context.settlement.note_result(self.at, self.dropped);
        }
    }
}

fn result_of(kind: FailureKind) -> TryResult {
    match kind {
        FailureKind::Connect => TryResult::Connect,
        FailureKind::Unsent => TryResult::Unsent,
        FailureKind::Timeout => TryResult::Timeout,
        // Never sent, and so never recorded.
        FailureKind::Ceiling | FailureKind::RateLimit => TryResult::RateLimit,
        FailureKind::Quota => TryResult::Quota,
        FailureKind::Server => TryResult::Server,
        FailureKind::BrokenResponse => TryResult::BrokenResponse,
    }
}

/// What nobody could be asked: where it is for want of words, another target may have them.
fn unsaid(request: &ScreenedRequest, candidate: &Candidate, error: ApiError) -> Tried {
    let is_for_want_of_words = matches!(error.code.as_deref(), Some("unsupported_value" | "unsupported_model"));
    let is_rerouted = request.was_rerouted_to(&candidate.target);
    let error = without_quotations(error, request);
    match (is_for_want_of_words, is_rerouted) {
        (true, true) => Tried::Incapable(error),
        (true, false) => Tried::Unsaid(error),
        (false, _) => Tried::Stop(error),
    }
}

fn refused(request: &ScreenedRequest, candidate: &Candidate, error: ApiError) -> Tried {
    let code = error.code.as_deref();
    let is_length = code == Some("context_length_exceeded");
    let about_ability = is_length
        || matches!(code, Some("unsupported_value" | "unsupported_model"))
        || error.status == http::StatusCode::NOT_FOUND;
    let error = without_quotations(error, request);
    if about_ability && request.was_rerouted_to(&candidate.target) {
        Tried::Incapable(error)
    } else if is_length {
        Tried::TooLong(error)
    } else {
        Tried::Stop(error)
    }
}
