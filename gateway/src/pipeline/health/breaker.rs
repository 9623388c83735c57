//! Which deployments had better be left alone for a while: those that said how long, those whose quota is spent, those
//! that failed twice in a row, and those that became far slower than they usually are. They are passed over while another
//! target can answer, and tried one request at a time when their rest is over. Where gateways tell each other of it, one of
//! them tries first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::telling::{Telling, What};
use super::{DeploymentKey, MAX_DEPLOYMENTS, Turn, key};
use crate::providers::{Failure, FailureKind};
use crate::routing::{Deployment, Reason};

/// As many failures in a row open the breaker, if no more than [`WINDOW_MS`] lie between two.
const FAILURES: u32 = 2;
const WINDOW_MS: u64 = 60_000;
const OPEN_MS: u64 = 10_000;
/// A limit whose end nobody told.
const RATE_LIMIT_MS: u64 = 5_000;
const QUOTA_MS: u64 = 600_000;
/// Nobody is left alone for longer, whatever it asks.
pub(super) const MAX_REST_MS: u64 = 24 * 3_600_000;
/// While one request tries whether a deployment is back, others pass it over for so long.
const PROBE_MS: u64 = 5_000;
/// As many answers in a row that are far slower than usual open it too.
const SLOW_ANSWERS: u32 = 3;
/// So long it is waited for whether this gateway or another one tries first.
const ASK_MS: u64 = 2_000;

/// The recent failures of deployments. What has none is not in it.
#[derive(Debug, Default)]
pub(super) struct Breakers {
    troubled: Mutex<Troubled>,
    pub(super) telling: Telling,
    /// Other gateways hear what is told, at the moment.
    pub(super) is_shared: AtomicBool,
}

type Troubled = HashMap<DeploymentKey, Trouble>;

#[derive(Debug, Clone, Copy)]
pub(super) struct Trouble {
    pub(super) last: FailureKind,
    pub(super) failures: u32,
    /// Answers in a row that were far slower than usual.
    pub(super) slow: u32,
    pub(super) failed_ms: u64,
    pub(super) rests_until_ms: u64,
    /// It was opened for failures or slowness, and nothing has closed it since.
    pub(super) is_open: bool,
    /// Other gateways were told of it, or told it.
    pub(super) is_known: bool,
    /// Others told it, and this gateway has met nothing since.
    pub(super) is_heard: bool,
    /// When the rest is over, this gateway tries first.
    pub(super) may_try: bool,
    /// Since when it has wanted to.
    pub(super) asked_ms: Option<u64>,
}

impl Breakers {
    /// Whether a deployment rests, and why. The engine in this process never does: its queue says itself when it is full.
    pub(super) fn rest(&self, deployment: &Deployment, now_ms: u64) -> Option<Reason> {
        let mut troubled = self.lock();
        let key = key(deployment);
        let trouble = troubled.get_mut(&key)?;
        if now_ms >= trouble.rests_until_ms && !self.lets_others_try(&key, trouble, now_ms) {
            return None;
        }
        Some(match trouble.last {
            FailureKind::RateLimit | FailureKind::Quota => Reason::Fallback(trouble.last.as_str()),
            _ => Reason::Breaker,
        })
    }

    /// Only one gateway tries whether a deployment is back. Who may is asked behind the request's back; where no answer
    /// comes, this one tries.
    fn lets_others_try(&self, key: &DeploymentKey, trouble: &mut Trouble, now_ms: u64) -> bool {
        let is_others_too = trouble.is_known && trouble.has_rested() && self.is_shared.load(Ordering::Relaxed);
        if !is_others_too || trouble.may_try || !self.telling.has_name(key) {
            return false;
        }
        let asked_ms = *trouble.asked_ms.get_or_insert(now_ms);
        self.telling.tell(key, What::Asks);
        now_ms < asked_ms.saturating_add(ASK_MS)
    }

    /// A request is about to be sent: if it is the one that tries whether the deployment is back, others wait for it.
    pub(super) fn note_attempt(&self, deployment: &Deployment, now_ms: u64) {
        let mut troubled = self.lock();
        let key = key(deployment);
        if let Some(trouble) = troubled.get_mut(&key).filter(|trouble| trouble.has_rested()) {
            trouble.rests_until_ms = trouble.rests_until_ms.max(now_ms.saturating_add(PROBE_MS));
            (trouble.is_known, trouble.may_try, trouble.asked_ms) = (true, true, None);
            self.telling.tell(&key, What::Rests);
        }
    }

    /// What a request says that was sent before the last failure is older news.
    pub(super) fn note_success(&self, deployment: &Deployment, began_ms: u64) -> Option<Turn> {
        let mut troubled = self.lock();
        let key = key(deployment);
        if troubled.get(&key).is_none_or(|trouble| began_ms < trouble.failed_ms) {
            return None;
        }
        let trouble = troubled.remove(&key)?;
        if trouble.is_known {
            self.telling.tell(&key, What::Well { began_ms });
        }
        trouble.is_open.then_some(Turn::Closed)
    }

    pub(super) fn note_failure(&self, deployment: &Deployment, failure: Failure, now_ms: u64) -> Option<Turn> {
        // What failed here says nothing of the other side.
        if deployment.is_engine() || matches!(failure.kind, FailureKind::Unsent | FailureKind::Ceiling) {
            return None;
        }
        let mut troubled = self.lock();
        let key = key(deployment);
        let known = troubled.get(&key).copied();
        let before = known.filter(|before| now_ms < before.failed_ms + WINDOW_MS);
        let failures = before.map_or(0, |before| before.failures).saturating_add(1);
        let asked_ms = failure.retry_after_s.map(|seconds| seconds.saturating_mul(1_000));
        let rest_ms = match failure.kind {
            FailureKind::RateLimit => asked_ms.unwrap_or(RATE_LIMIT_MS),
            FailureKind::Quota => asked_ms.unwrap_or(QUOTA_MS),
            _ if failures >= FAILURES => asked_ms.unwrap_or(0).max(OPEN_MS),
            _ => asked_ms.unwrap_or(0),
        };
        let is_told = matches!(failure.kind, FailureKind::RateLimit | FailureKind::Quota);
        let was_open = known.is_some_and(|known| known.is_open);
        let is_open = was_open || failures >= FAILURES && !is_told;
        let mut rests_until_ms = now_ms.saturating_add(rest_ms.min(MAX_REST_MS));
        let mut last = failure.kind;
        // A longer rest that is under way, and why, outlasts what requests of before it meet.
        if let Some(longer) = known.filter(|known| known.rests_until_ms > rests_until_ms) {
            (rests_until_ms, last) = (longer.rests_until_ms, longer.last);
        }
        let trouble = Trouble { last, failures, is_open, ..Trouble::own(known, now_ms, rests_until_ms) };
        self.keep(&mut troubled, &key, trouble);
        (is_open && !was_open).then_some(Turn::Opened)
    }

    /// It answered, far slower than it usually does.
    pub(super) fn note_slow(&self, deployment: &Deployment, began_ms: u64, now_ms: u64) -> Option<Turn> {
        if deployment.is_engine() {
            return None;
        }
        let mut troubled = self.lock();
        let key = key(deployment);
        let before = troubled.get(&key).copied();
        // What began before the last failure is older news, and no rest ends by it.
        if before.is_some_and(|before| began_ms < before.failed_ms || now_ms < before.rests_until_ms) {
            return None;
        }
        let slow = before.map_or(0, |before| before.slow).saturating_add(1);
        let rest_ms = if slow >= SLOW_ANSWERS { OPEN_MS } else { 0 };
        let was_open = before.is_some_and(|before| before.is_open);
        let is_open = was_open || slow >= SLOW_ANSWERS;
        let trouble = Trouble { slow, is_open, ..Trouble::own(before, now_ms, now_ms.saturating_add(rest_ms)) };
        self.keep(&mut troubled, &key, trouble);
        (is_open && !was_open).then_some(Turn::Opened)
    }

    /// What this gateway has met; others are told of rests alone.
    fn keep(&self, troubled: &mut Troubled, key: &DeploymentKey, trouble: Trouble) {
        let now_ms = trouble.failed_ms;
        let rests = now_ms < trouble.rests_until_ms;
        Self::put(troubled, key, Trouble { is_known: trouble.is_known || rests, ..trouble }, now_ms);
        if rests {
            self.telling.tell(key, What::Rests);
        }
    }

    pub(super) fn put(troubled: &mut Troubled, key: &DeploymentKey, trouble: Trouble, now_ms: u64) {
        if troubled.len() >= MAX_DEPLOYMENTS {
            troubled.retain(|_, trouble| now_ms < trouble.rests_until_ms);
        }
        if troubled.len() < MAX_DEPLOYMENTS || troubled.contains_key(key) {
            troubled.insert(key.clone(), trouble);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Troubled> {
        self.troubled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trouble {
    /// Of what this gateway met just now, after `before`.
    fn own(before: Option<Self>, now_ms: u64, rests_until_ms: u64) -> Self {
        Self {
            last: FailureKind::Timeout,
            failures: 0,
            slow: 0,
            failed_ms: now_ms,
            rests_until_ms,
            is_open: false,
            is_known: before.is_some_and(|before| before.is_known),
            is_heard: false,
            may_try: true,
            asked_ms: None,
        }
    }

    /// Whether it was left alone after what happened last.
    fn has_rested(&self) -> bool {
        let said_so = matches!(self.last, FailureKind::RateLimit | FailureKind::Quota);
        said_so || self.failures >= FAILURES || self.slow >= SLOW_ANSWERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Zone;

    fn deployment(provider: &str) -> Deployment {
        Deployment { provider: provider.into(), model: "m".into(), zone: Zone::External }
    }

    fn failed(kind: FailureKind, retry_after_s: Option<u64>) -> Failure {
        Failure { kind, retry_after_s, at_the_door: true }
    }

    #[test]
    fn two_failures_in_a_row_open_the_breaker_and_one_request_tries_again() {
        let (health, cloud) = (Breakers::default(), deployment("cloud"));
        health.note_failure(&cloud, failed(FailureKind::Server, None), 0);
        assert_eq!(health.rest(&cloud, 1), None);
        health.note_failure(&cloud, failed(FailureKind::Connect, None), 1_000);
        assert_eq!(health.rest(&cloud, 1_001), Some(Reason::Breaker));
        assert_eq!(health.rest(&deployment("other"), 1_001), None);
        let over = 1_000 + OPEN_MS;
        assert_eq!(health.rest(&cloud, over), None);
        health.note_attempt(&cloud, over);
        assert_eq!(health.rest(&cloud, over + 1), Some(Reason::Breaker));
        health.note_success(&cloud, 999);
        assert_eq!(health.rest(&cloud, over + 2), Some(Reason::Breaker));
        health.note_success(&cloud, over);
        assert_eq!(health.rest(&cloud, over + 2), None);
    }

    #[test]
    fn it_is_told_when_it_opens_and_when_it_closes_and_not_between() {
        let (health, cloud) = (Breakers::default(), deployment("cloud"));
        let fails = |kind, now_ms| health.note_failure(&cloud, failed(kind, None), now_ms);
        assert_eq!(fails(FailureKind::Server, 0), None);
        assert_eq!(fails(FailureKind::Server, 1), Some(Turn::Opened));
        assert_eq!(fails(FailureKind::Timeout, OPEN_MS + 2), None);
        // Long after, and still nobody has seen it well.
        assert_eq!(fails(FailureKind::Server, 10 * WINDOW_MS), None);
        assert_eq!(health.note_slow(&cloud, 20 * WINDOW_MS, 20 * WINDOW_MS), None);
        assert_eq!(health.note_success(&cloud, 20 * WINDOW_MS), Some(Turn::Closed));
        assert_eq!(health.note_success(&cloud, 20 * WINDOW_MS), None);
        // One that says how long, or has no quota left, is another matter.
        for now_ms in 0..3 {
            assert_eq!(fails(FailureKind::RateLimit, 30 * WINDOW_MS + now_ms), None);
        }
        assert_eq!(health.note_success(&cloud, 31 * WINDOW_MS), None);
        let slow = |now_ms| health.note_slow(&cloud, now_ms, now_ms);
        assert_eq!(
            [slow(40 * WINDOW_MS), slow(40 * WINDOW_MS), slow(40 * WINDOW_MS)],
            [None, None, Some(Turn::Opened)]
        );
    }

    #[test]
    fn three_slow_answers_in_a_row_open_it_and_a_quick_one_closes_it() {
        let (health, cloud) = (Breakers::default(), deployment("cloud"));
        for now_ms in [0, 1] {
            health.note_slow(&cloud, now_ms, now_ms);
            assert_eq!(health.rest(&cloud, now_ms), None);
        }
        health.note_slow(&cloud, 2, 2);
        assert_eq!(health.rest(&cloud, 3), Some(Reason::Breaker));
        health.note_success(&cloud, 3);
        assert_eq!(health.rest(&cloud, 3), None);
    }

    #[test]
    fn failures_far_apart_do_not_open_it() {
        let (health, cloud) = (Breakers::default(), deployment("cloud"));
        for turn in 0..5 {
            health.note_failure(&cloud, failed(FailureKind::Timeout, None), turn * (WINDOW_MS + 1));
            assert_eq!(health.rest(&cloud, turn * (WINDOW_MS + 1) + 1), None);
        }
    }

    #[test]
    fn who_says_how_long_is_left_alone_for_so_long() {
        let (health, cloud) = (Breakers::default(), deployment("cloud"));
        health.note_failure(&cloud, failed(FailureKind::RateLimit, Some(7)), 0);
        assert_eq!(health.rest(&cloud, 6_999), Some(Reason::Fallback("rate_limit")));
        assert_eq!(health.rest(&cloud, 7_000), None);
        health.note_failure(&cloud, failed(FailureKind::Quota, None), 7_000);
        assert_eq!(health.rest(&cloud, 7_000 + QUOTA_MS - 1), Some(Reason::Fallback("quota")));
        health.note_failure(&cloud, failed(FailureKind::Quota, Some(u64::MAX)), 7_000);
        assert_eq!(health.rest(&cloud, 7_000 + MAX_REST_MS), None);
        let engine = Deployment { zone: Zone::Local, ..deployment(crate::config::LOCAL_PROVIDER) };
        health.note_failure(&engine, failed(FailureKind::RateLimit, Some(7)), 0);
        assert_eq!(health.rest(&engine, 1), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let health = Breakers::default();
        for name in 0..2 * MAX_DEPLOYMENTS {
            health.note_failure(&deployment(&name.to_string()), failed(FailureKind::RateLimit, Some(60)), 0);
        }
        assert_eq!(health.lock().len(), MAX_DEPLOYMENTS);
    }
}
