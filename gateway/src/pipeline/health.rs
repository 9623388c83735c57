//! Which deployments had better be left alone for a while: those that said how long, those whose quota is spent, and
//! those that failed twice in a row. They are passed over while another target can answer, and tried one request at
//! a time when their rest is over.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
const MAX_REST_MS: u64 = 24 * 3_600_000;
/// While one request tries whether a deployment is back, others pass it over for so long.
const PROBE_MS: u64 = 5_000;
/// Deployments that are remembered. More than a configuration has: a name in a request makes one too.
const MAX_DEPLOYMENTS: usize = 4_096;

/// The recent failures of deployments. What has none is not in it.
#[derive(Debug, Default)]
pub struct Health {
    troubled: Mutex<Troubled>,
}

/// By provider and model.
type Troubled = HashMap<(Box<str>, Box<str>), Trouble>;

#[derive(Debug, Clone, Copy)]
struct Trouble {
    last: FailureKind,
    failures: u32,
    failed_ms: u64,
    rests_until_ms: u64,
}

impl Health {
    /// Whether a deployment rests, and why. The engine in this process never does: its queue says itself when it is full.
    pub(super) fn rest(&self, deployment: &Deployment, now_ms: u64) -> Option<Reason> {
        let troubled = self.lock();
        let trouble = troubled.get(&key(deployment)).filter(|trouble| now_ms < trouble.rests_until_ms)?;
        Some(match trouble.last {
            FailureKind::RateLimit | FailureKind::Quota => Reason::Fallback(trouble.last.as_str()),
            _ => Reason::Breaker,
        })
    }

    /// A request is about to be sent: if it is the one that tries whether the deployment is back, others wait for it.
    pub(super) fn note_attempt(&self, deployment: &Deployment, now_ms: u64) {
        if let Some(trouble) = self.lock().get_mut(&key(deployment)).filter(|trouble| trouble.has_rested()) {
            trouble.rests_until_ms = trouble.rests_until_ms.max(now_ms.saturating_add(PROBE_MS));
        }
    }

    pub(super) fn note_success(&self, deployment: &Deployment) {
        self.lock().remove(&key(deployment));
    }

    pub(super) fn note_failure(&self, deployment: &Deployment, failure: Failure, now_ms: u64) {
        // What failed here says nothing of the other side.
        if deployment.is_engine() || failure.kind == FailureKind::Unsent {
            return;
        }
        let mut troubled = self.lock();
        let before = troubled.get(&key(deployment)).filter(|before| now_ms < before.failed_ms + WINDOW_MS);
        let failures = before.map_or(0, |before| before.failures).saturating_add(1);
        let asked_ms = failure.retry_after_s.map(|seconds| seconds.saturating_mul(1_000));
        let rest_ms = match failure.kind {
            FailureKind::RateLimit => asked_ms.unwrap_or(RATE_LIMIT_MS),
            FailureKind::Quota => asked_ms.unwrap_or(QUOTA_MS),
            _ if failures >= FAILURES => asked_ms.unwrap_or(0).max(OPEN_MS),
            _ => asked_ms.unwrap_or(0),
        };
        if failure.kind == FailureKind::Quota {
            tracing::error!(provider = &*deployment.provider, "the quota of a provider's key is spent");
        }
        let rests_until_ms = now_ms.saturating_add(rest_ms.min(MAX_REST_MS));
        let trouble = Trouble { last: failure.kind, failures, failed_ms: now_ms, rests_until_ms };
        if troubled.len() >= MAX_DEPLOYMENTS {
            troubled.retain(|_, trouble| now_ms < trouble.rests_until_ms);
        }
        if troubled.len() < MAX_DEPLOYMENTS || troubled.contains_key(&key(deployment)) {
            troubled.insert(key(deployment), trouble);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Troubled> {
        self.troubled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trouble {
    /// Whether it was left alone after what happened last.
    fn has_rested(&self) -> bool {
        self.failures >= FAILURES || matches!(self.last, FailureKind::RateLimit | FailureKind::Quota)
    }
}

fn key(deployment: &Deployment) -> (Box<str>, Box<str>) {
    (Box::from(&*deployment.provider), Box::from(&*deployment.model))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Zone;

    fn deployment(provider: &str) -> Deployment {
        Deployment { provider: provider.into(), model: "m".into(), zone: Zone::External }
    }

    fn failed(kind: FailureKind, retry_after_s: Option<u64>) -> Failure {
        Failure { kind, retry_after_s }
    }

    #[test]
    fn two_failures_in_a_row_open_the_breaker_and_one_request_tries_again() {
        let (health, cloud) = (Health::default(), deployment("cloud"));
        health.note_failure(&cloud, failed(FailureKind::Server, None), 0);
        assert_eq!(health.rest(&cloud, 1), None);
        health.note_failure(&cloud, failed(FailureKind::Connect, None), 1_000);
        assert_eq!(health.rest(&cloud, 1_001), Some(Reason::Breaker));
        assert_eq!(health.rest(&deployment("other"), 1_001), None);
        let over = 1_000 + OPEN_MS;
        assert_eq!(health.rest(&cloud, over), None);
        health.note_attempt(&cloud, over);
        assert_eq!(health.rest(&cloud, over + 1), Some(Reason::Breaker));
        health.note_success(&cloud);
        assert_eq!(health.rest(&cloud, over + 2), None);
    }

    #[test]
    fn failures_far_apart_do_not_open_it() {
        let (health, cloud) = (Health::default(), deployment("cloud"));
        for turn in 0..5 {
            health.note_failure(&cloud, failed(FailureKind::Timeout, None), turn * (WINDOW_MS + 1));
            assert_eq!(health.rest(&cloud, turn * (WINDOW_MS + 1) + 1), None);
        }
    }

    #[test]
    fn who_says_how_long_is_left_alone_for_so_long() {
        let (health, cloud) = (Health::default(), deployment("cloud"));
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
        let health = Health::default();
        for name in 0..2 * MAX_DEPLOYMENTS {
            health.note_failure(&deployment(&name.to_string()), failed(FailureKind::RateLimit, Some(60)), 0);
        }
        assert_eq!(health.lock().len(), MAX_DEPLOYMENTS);
    }
}
