//! The end of a request, whatever it is: one audit record in the journal before the answer's last byte.
//!
//! A settlement lives as long as the request and its answer's body. Whoever sees the end settles it; if nobody does, the
//! client went away, and dropping it records that.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use jiff::Timestamp;
use shekara_protocol::error::ApiError;

use super::draft::Draft;
use super::facts::{Ended, Facts};
use super::health::Health;
use super::kept_content::{KeptContent, NotKept};
use super::spending::tell;
use super::tariffs::{Metered, Tariffs};
use super::{Gateway, Sources, refusal};
use crate::alerts::{About, Alerts, Event};
use crate::audit::{AuditRecord, Outcome, Time, Try, TryResult};
use crate::auth::{Bearer, Bounds, DataClass};
use crate::billing::{Factor, Rates, Tenge, Usage, UsageSource};
use crate::cluster::{Limiter, Reservation};
use crate::limits::{Crossing, Level, Scope, Settled, Standing, Used};
use crate::pii::{Entity, ScanSummary, Uploads};
use crate::routing::{Deployment, Reason, Spent};
use crate::store::{AuditTrail, JournalError, Position};
use crate::telemetry::Metrics;

/// 499: the client closed the connection before the answer's end (nginx's number).
pub(super) const CLIENT_CLOSED_REQUEST: u16 = 499;
/// No sound is longer; who says so is not believed.
const MAX_AUDIO_SECONDS: f64 = 7.0 * 24.0 * 3_600.0;

pub struct Settlement {
    draft: Mutex<Draft>,
    state: Mutex<State>,
    received: Instant,
    trail: Arc<AuditTrail>,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    alerts: Arc<Alerts>,
    sources: Sources,
    tariffs: Arc<Tariffs>,
    rates: Arc<Rates>,
    at: Timestamp,
    /// What it has claimed of its limits.
    hold: Mutex<Option<Reservation>>,
    limiter: Arc<Limiter>,
    bounds: Bounds,
    /// Of tenants that must keep it.
    kept: Option<KeptContent>,
}

/// Why a request is not settled.
#[derive(Debug, thiserror::Error)]
pub enum Unsettled {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Content(#[from] NotKept),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Settled,
}

impl Settlement {
    pub(super) fn begin(gateway: &Gateway, key: &Bearer, request_id: &str, endpoint: String) -> Arc<Self> {
        let snapshot = gateway.snapshot();
        let (at, tariffs) = (gateway.sources.now(), Arc::clone(&snapshot.tariffs));
        let record = AuditRecord {
            request_id: request_id.to_owned(),
            time: Time::from(at).to_string(),
            day: Some(tariffs.day(at).to_string()),
            tenant: key.tenant.clone(),
            project: key.project.clone(),
            department: key.own_project.department.clone(),
            environment: key.environment.clone(),
            scenario: key.settings.scenario.clone(),
            key_id: key.id.clone(),
            actor: key.name.clone(),
            endpoint,
            object: None,
            route: None,
            reason: None,
            provider: None,
            model: None,
            zone: None,
            data_class: key.data_class,
            entities: BTreeMap::new(),
            answer_entities: BTreeMap::new(),
            pii_action: "none".to_owned(),
            policy_version: snapshot.policy_version.clone(),
            outcome: Outcome::Dispatched,
            status: 0,
            error_code: None,
            streamed: false,
            attempts: 0,
            tries: Vec::new(),
            prompt_tokens: None,
            completion_tokens: None,
            usage_source: None,
            audio_seconds: None,
            content: None,
            first_token_ms: None,
            total_ms: 0,
        };
        Arc::new(Self {
            draft: Mutex::new(Draft::new(record)),
            hold: Mutex::new(None),
            limiter: Arc::clone(&gateway.limiter),
            bounds: key.bounds.clone(),
            kept: KeptContent::begin(gateway, &snapshot.config, key, request_id),
            state: Mutex::new(State::Open),
            received: Instant::now(),
            trail: Arc::clone(&gateway.trail),
            health: Arc::clone(&gateway.health),
            metrics: Arc::clone(&gateway.metrics),
            alerts: Arc::clone(&gateway.alerts),
            sources: gateway.sources.clone(),
            rates: gateway.rates(),
            tariffs,
            at,
        })
    }

    /// What it may use, until it is settled.
    pub(super) fn hold(&self, reservation: Reservation, standing: Standing) {
        *self.hold.lock().unwrap_or_else(PoisonError::into_inner) = Some(reservation);
        self.note_standing(standing);
    }

    pub(super) fn note_standing(&self, standing: Standing) {
        self.lock().standing = standing;
    }

    pub(super) fn note_crossings(&self, crossings: &[Crossing]) {
        self.lock().note_crossings(crossings);
    }

    /// What is known so far, for as long as it takes to look.
    pub fn looked_at<T>(&self, look: impl FnOnce(&Draft) -> T) -> T {
        look(&self.lock())
    }

    /// A body as it came, for those who must keep it.
    pub fn keep_body(&self, body: &Bytes) {
        self.kept.iter().for_each(|kept| kept.note_request(body));
    }

    /// Files that came beside it.
    pub fn keep_uploads(&self, uploads: &Uploads) {
        self.kept.iter().for_each(|kept| kept.note_files(uploads));
    }

    /// The next bytes of an answer as its client gets it.
    pub fn keep_answer(&self, bytes: &[u8]) {
        self.kept.iter().for_each(|kept| kept.note_answer(bytes));
    }

    /// Its answer is to be kept, and nobody has told it.
    pub fn lacks_answer(&self) -> bool {
        self.kept.as_ref().is_some_and(KeptContent::lacks_answer)
    }

    pub(super) fn keeps_content(&self) -> bool {
        self.kept.is_some()
    }

    /// Before anything is sent: where the request must be kept, it is.
    ///
    /// # Errors
    /// 503: it cannot be kept.
    pub(super) async fn keep_request(&self) -> Result<(), ApiError> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let class = self.lock().record.data_class;
        let seals = kept.keep_request(class).await.map_err(|_| refusal::audit_content_unavailable())?;
        self.lock().record.content = seals;
        Ok(())
    }

    /// What an administrator's act is about.
    pub fn note_object(&self, object: String) {
        self.lock().record.object = Some(object);
    }

    pub(super) fn note_route(&self, alias: &str, is_named: bool, streamed: bool) {
        let mut draft = self.lock();
        draft.is_named = is_named;
        draft.record.route = Some(alias.to_owned());
        draft.record.streamed = streamed;
    }

    pub(super) fn note_scan(&self, summary: &ScanSummary, action: &'static str) {
        let mut draft = self.lock();
        draft.record.entities =
            summary.counts.iter().map(|(entity, count)| (entity.as_str().to_owned(), *count)).collect();
        draft.record.data_class = draft.record.data_class.max(summary.data_class);
        action.clone_into(&mut draft.record.pii_action);
    }

    /// What was found in the answer so far.
    pub(super) fn note_answer(&self, counts: &BTreeMap<Entity, u32>) {
        let named = counts.iter().map(|(entity, count)| (entity.as_str().to_owned(), *count));
        self.lock().record.answer_entities = named.collect();
    }

    pub(super) fn note_data_class(&self, class: DataClass) {
        let mut draft = self.lock();
        draft.record.data_class = draft.record.data_class.max(class);
    }

    /// How long the prompt is, if nobody says better.
    pub(super) fn note_prompt_estimate(&self, tokens: u64) {
        self.lock().prompt_estimate = Some(tokens);
    }

    /// A call of a provider begins, at its price times `factor`. Gives its number.
    pub(super) fn note_attempt(&self, deployment: &Deployment, reason: Reason, factor: Factor) -> usize {
        let began_ms = self.elapsed_ms();
        let mut draft = self.lock();
        draft.record.attempts += 1;
        draft.record.tries.push(Try {
            provider: deployment.provider.to_string(),
            model: deployment.model.to_string(),
            zone: deployment.zone.as_str().to_owned(),
            reason: reason.header_value(),
            result: TryResult::Open,
            began_ms,
            took_ms: None,
            usage: None,
            usage_source: None,
            charge: None,
            unpriced: None,
            factor: None,
        });
        draft.factors.push(factor);
        let at = draft.record.tries.len() - 1;
        draft.shows(at);
        at
    }

    /// A call gave no answer, or a better one was there before it.
    pub(super) fn note_result(&self, at: usize, result: TryResult) {
        let now_ms = self.elapsed_ms();
        let mut draft = self.lock();
        if let Some(attempt) = draft.record.tries.get_mut(at) {
            attempt.result = result;
            attempt.took_ms = Some(now_ms.saturating_sub(attempt.began_ms));
        }
    }

    /// A call gives the answer: it is what headers and record name. What becomes of the answer shows at its end.
    pub(super) fn note_answering(&self, at: usize) {
        self.note_result(at, TryResult::Open);
        let mut draft = self.lock();
        draft.shows(at);
        draft.answering = Some(at);
    }

    /// The answer is one that was given before: nobody is asked for it, and nothing is used.
    pub(super) fn note_kept(&self, facts: &Facts, reason: &str) {
        let mut draft = self.lock();
        facts.note_in(&mut draft);
        draft.record.reason = Some(reason.to_owned());
        (draft.record.prompt_tokens, draft.record.completion_tokens) = (Some(0), Some(0));
        draft.is_kept = true;
    }

    /// As [`Self::note_kept`], where nothing is known of the answer.
    pub(super) fn note_reason(&self, reason: &str) {
        self.lock().record.reason = Some(reason.to_owned());
    }

    pub(super) fn note_cache(&self, word: &'static str) {
        self.lock().cache = Some(word);
    }

    /// How it ended, once it is settled.
    pub(super) fn ended(&self) -> Option<Ended> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let draft = self.lock();
        let record = &draft.record;
        (*state == State::Settled).then(|| Ended {
            outcome: record.outcome,
            status: record.status,
            facts: Facts::from(&*draft),
        })
    }

    pub(super) fn note_usage(&self, usage: Usage, source: UsageSource) {
        let mut draft = self.lock();
        if draft.is_kept {
            return;
        }
        draft.record.prompt_tokens = usage.prompt_tokens.or(draft.record.prompt_tokens);
        draft.record.completion_tokens = usage.completion_tokens.or(draft.record.completion_tokens).or(Some(0));
        draft.record.usage_source = Some(source);
        draft.uses(usage, source);
    }

    /// Nobody says what the answer used: its prompt was read, at least.
    pub(super) fn note_unreported_usage(&self) {
        let mut draft = self.lock();
        let prompt_tokens = draft.prompt_estimate;
        if !draft.is_kept && prompt_tokens.is_some() {
            draft.uses(Usage { prompt_tokens, ..Usage::default() }, UsageSource::Estimated);
        }
    }

    /// Seconds of sound, where they are known.
    pub(super) fn note_audio(&self, seconds: Option<f64>, source: UsageSource) {
        let Some(seconds) = seconds.filter(|seconds| (0.0..=MAX_AUDIO_SECONDS).contains(seconds)) else { return };
        let mut draft = self.lock();
        draft.record.audio_seconds = Some(seconds);
        draft.record.usage_source = Some(source);
        let audio_ms = Some((seconds * 1e3).round() as u64);
        draft.uses(Usage { audio_ms, ..Usage::default() }, source);
    }

    pub(super) fn note_first_token(&self) {
        let elapsed = self.elapsed_ms();
        let mut draft = self.lock();
        if !draft.is_kept {
            draft.record.first_token_ms.get_or_insert(elapsed);
        }
    }

    pub(super) fn note_late(&self) {
        self.lock().is_late = true;
    }

    pub fn note_error(&self, code: Option<&str>) {
        self.lock().record.error_code = code.map(str::to_owned);
    }

    /// Writes down that the request is about to be sent, and what that costs at least, so that even a killed process leaves
    /// a record and a row of the ledger. Gives its place in the journal.
    pub(super) fn note_dispatch(&self) -> Result<Position, JournalError> {
        let mut draft = self.lock().clone();
        draft.estimate();
        draft.forget_engine();
        self.charge(&mut draft);
        self.append(draft.record)
    }

    /// Ends the request; only the first call counts.
    ///
    /// # Errors
    /// The record, or content that must be kept, could not be. The answer must then not be completed.
    pub fn settle(&self, outcome: Outcome, status: u16) -> Result<(), Unsettled> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if *state == State::Settled {
            return Ok(());
        }
        let total_ms = self.elapsed_ms();
        let mut draft = self.lock();
        draft.record.outcome = outcome;
        draft.end(outcome);
        draft.record.status = status;
        draft.record.total_ms = total_ms;
        draft.estimate();
        if let Some(kept) = &self.kept {
            kept.close(&mut draft.record, outcome == Outcome::Completed)?;
        }
        self.charge(&mut draft);
        self.append(draft.record.clone())?;
        *state = State::Settled;
        self.tell_unpriced(&draft);
        self.spend(&draft.record);
        self.release(&mut draft);
        self.metrics.note(&draft.record, draft.is_named);
        Ok(())
    }

    /// Every call gets its charge, or the reason why it has none.
    fn charge(&self, draft: &mut Draft) {
        let total_ms = draft.record.total_ms;
        let answering = draft.answering;
        for (at, (attempt, factor)) in draft.record.tries.iter_mut().zip(&draft.factors).enumerate() {
            let Some(usage) = attempt.usage.clone() else { continue };
            // Of a call that goes on nobody knows how long it will take.
            let to_the_end =
                Some(total_ms.saturating_sub(attempt.began_ms)).filter(|_| attempt.result != TryResult::Open);
            let device_ms = if answering == Some(at) { to_the_end } else { attempt.took_ms.or(to_the_end) };
            let source = attempt.usage_source.unwrap_or(UsageSource::Estimated);
            let metered = Metered { usage: &usage, source, at: self.at, factor: *factor, device_ms };
            match self.tariffs.charge(attempt, metered, &self.rates) {
                Ok(charge) => attempt.charge = Some(charge),
                Err(error) => {
                    attempt.unpriced = Some(error.word().to_owned());
                    attempt.factor = Some(*factor).filter(|factor| *factor != Factor::ONE);
                }
            }
        }
    }

    fn tell_unpriced(&self, draft: &Draft) {
        if !self.tariffs.is_set {
            return;
        }
        for attempt in &draft.record.tries {
            let Some(reason) = &attempt.unpriced else { continue };
            tracing::warn!(request_id = draft.record.request_id, reason, "what was used has no charge");
            let provider = Some(attempt.provider.as_str());
            let model = Some(attempt.model.as_str()).filter(|_| draft.is_named);
            self.alerts.raise(Event::UsageUnpriced, About { provider, model, ..About::default() });
        }
    }

    /// What was used takes the place of what was claimed.
    fn release(&self, draft: &mut Draft) {
        let tries = &draft.record.tries;
        let tokens =
            |usage: &Usage| usage.prompt_tokens.unwrap_or(0).saturating_add(usage.completion_tokens.unwrap_or(0));
        let all_tokens: u64 = tries.iter().filter_map(|attempt| attempt.usage.as_ref()).map(tokens).sum();
        let is_priced = tries.iter().all(|attempt| attempt.usage.is_none() || attempt.charge.is_some());
        let charges = tries.iter().filter_map(|attempt| attempt.charge.as_ref()).map(|charge| charge.tenge);
        let cost = Tenge::sum(charges).ok().filter(|_| is_priced);
        let used = Used { tokens: Some(all_tokens), cost };
        let now_ms = u64::try_from(self.sources.now().as_millisecond()).unwrap_or_default();
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        match hold.as_mut() {
            // Nobody was asked, and nothing was kept that could have been given instead.
            Some(reservation) if tries.is_empty() && draft.record.outcome == Outcome::Failed => reservation.cancel(),
            Some(reservation) => {
                let Settled { standing, crossings } = reservation.settle_later(used, now_ms);
                if self.limiter.is_local() {
                    draft.standing = standing;
                    draft.note_crossings(&crossings);
                }
                tell(&self.alerts, &crossings);
            }
            None if !tries.is_empty() => self.note_unclaimed(used, now_ms),
            None => {}
        }
        *hold = None;
    }

    /// What was used without a claim, e.g. by a copy.
    fn note_unclaimed(&self, used: Used, now_ms: u64) {
        let Bounds { key, project, tenant } = &self.bounds;
        for (level, bound) in [(Level::Key, key), (Level::Project, project), (Level::Customer, tenant)] {
            let scope = Scope { level, name: Arc::clone(&bound.name) };
            self.limiter.note_used(&scope, used, now_ms, now_ms);
        }
    }

    /// Tokens count towards the day's of who answered.
    fn spend(&self, record: &AuditRecord) {
        let spent = Spent {
            prompt_tokens: record.prompt_tokens.unwrap_or(0),
            completion_tokens: record.completion_tokens.unwrap_or(0),
        };
        if let (Some(provider), Some(model)) = (&record.provider, &record.model)
            && spent != Spent::default()
        {
            let now_ms = u64::try_from(self.sources.now().as_millisecond()).unwrap_or_default();
            self.health.note_tokens(provider, model, spent, now_ms);
        }
    }

    fn append(&self, record: AuditRecord) -> Result<Position, JournalError> {
        let (request_id, tenant) = (record.request_id.clone(), record.tenant.clone());
        self.trail.write(record, self.sources.now()).inspect_err(|error| {
            tracing::error!(%error, "an audit record could not be kept");
            let (request_id, tenant) = (Some(request_id.as_str()), Some(tenant.as_str()));
            self.alerts.raise(Event::AuditNotWritten, About { request_id, tenant, ..About::default() });
        })
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.received.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Draft> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        // Its failure was logged; there is nobody left to tell.
        let _ = self.settle(Outcome::Aborted, CLIENT_CLOSED_REQUEST);
    }
}

impl fmt::Debug for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settlement").field("draft", &*self.lock()).finish_non_exhaustive()
    }
}
