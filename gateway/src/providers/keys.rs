//! A provider's keys: one is drawn by weight for each request, and one that the provider did not take rests for a while.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::{AttemptError, Failure, FailureKind, Outgoing};
use crate::config::WeightedKey;
use crate::secrets::SecretSource;

/// So long a key is passed over whose quota is spent, where the provider does not say how long.
const QUOTA_REST_MS: u64 = 600_000;
/// One that is asked with too often.
const RATE_REST_MS: u64 = 5_000;
/// And one that was refused.
const REFUSED_REST_MS: u64 = 300_000;
/// And any, whatever the provider asks.
const MAX_REST_MS: u64 = 24 * 3_600_000;

#[derive(Debug, Default)]
pub(super) struct Keys {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    source: SecretSource,
    weight: u64,
    rests_until_ms: AtomicU64,
}

/// Those that were asked with for one request, as bits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used(u64);

impl Keys {
    pub(super) fn new(keys: &[WeightedKey]) -> Self {
        let key = |key: &WeightedKey| Key {
            source: key.source.clone(),
            weight: key.weight.into(),
            rests_until_ms: AtomicU64::new(0),
        };
        Self { keys: keys.iter().map(key).collect() }
    }

    /// `None`: this provider needs no key.
    pub(super) fn source(&self, at: usize) -> Option<&SecretSource> {
        self.keys.get(at).map(|key| &key.source)
    }

    /// Drawn from the request's id, so that it can be told again. One that rests only where all do.
    pub(super) fn first(&self, outgoing: Outgoing<'_>) -> usize {
        let now_ms = milliseconds(outgoing);
        self.drawn(outgoing, |_, key| !key.rests(now_ms)).or_else(|| self.drawn(outgoing, |_, _| true)).unwrap_or(0)
    }

    /// Another one that does not rest.
    pub(super) fn next(&self, outgoing: Outgoing<'_>, used: Used) -> Option<usize> {
        let now_ms = milliseconds(outgoing);
        self.drawn(outgoing, |at, key| used.0 & (1 << at) == 0 && !key.rests(now_ms))
    }

    /// Whether the request failed for its key, so that another one may do better.
    pub(super) fn note(&self, outgoing: Outgoing<'_>, error: &AttemptError, used: &mut Used) -> bool {
        used.0 |= 1 << outgoing.key;
        let Some(key) = self.keys.get(outgoing.key) else { return false };
        let rest_ms = match error {
            AttemptError::Failed(Failure { kind: FailureKind::Quota, retry_after_s, .. }) => {
                retry_after_s.map_or(QUOTA_REST_MS, |seconds| seconds.saturating_mul(1_000))
            }
            // Another account may have room.
            AttemptError::Failed(Failure { kind: FailureKind::RateLimit, retry_after_s, .. })
                if self.keys.len() > 1 =>
            {
                retry_after_s.map_or(RATE_REST_MS, |seconds| seconds.saturating_mul(1_000))
            }
            AttemptError::Told(error) if is_refused_key(error) => REFUSED_REST_MS,
            // Nothing was sent: it could not be read.
            AttemptError::Failed(Failure { kind: FailureKind::Unsent, .. }) => return true,
            _ => return false,
        };
        let until_ms = milliseconds(outgoing).saturating_add(rest_ms.min(MAX_REST_MS));
        key.rests_until_ms.fetch_max(until_ms, Ordering::Relaxed);
        true
    }

    fn drawn(&self, outgoing: Outgoing<'_>, is_fit: impl Fn(usize, &Key) -> bool) -> Option<usize> {
        let fit = || self.keys.iter().enumerate().filter(|(at, key)| key.weight > 0 && is_fit(*at, key));
        let total: u64 = fit().map(|(_, key)| key.weight).sum();
        let mut left = draw(outgoing.request_id).checked_rem(total)?;
        for (at, key) in fit() {
            match left.checked_sub(key.weight) {
                Some(rest) => left = rest,
                None => return Some(at),
            }
        }
        None
    }
}

impl Key {
    fn rests(&self, now_ms: u64) -> bool {
        now_ms < self.rests_until_ms.load(Ordering::Relaxed)
    }
}

pub(super) fn is_refused_key(error: &shekara_protocol::error::ApiError) -> bool {
    error.code.as_deref() == Some("provider_auth_failed")
}

fn milliseconds(outgoing: Outgoing<'_>) -> u64 {
    u64::try_from(outgoing.now.as_millisecond()).unwrap_or_default()
}

/// Another number than the one that decides between targets.
fn draw(request_id: &str) -> u64 {
    let digest = Sha256::new().chain_update(b"key\0").chain_update(request_id).finalize();
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(request_id: &str, second: i64) -> Outgoing<'_> {
        Outgoing {
            path: "/chat/completions",
            is_generated: true,
            counts_tokens: false,
            stream: false,
            is_translated: false,
            max_output_tokens: None,
            tenant: "bank",
            request_id,
            now: jiff::Timestamp::from_second(second).unwrap(),
            enclosed: crate::providers::Enclosed::default(),
            alerts: None,
            key: 0,
            batch: None,
        }
    }

    fn keys(weights: &[u32]) -> Keys {
        let key = |weight: &u32| WeightedKey { source: "env:A".parse().unwrap(), weight: *weight };
        Keys::new(&weights.iter().map(key).collect::<Vec<_>>())
    }

    #[test]
    fn keys_are_drawn_by_weight_and_always_alike() {
        let keys = keys(&[9, 1, 0]);
        let mut drawn = [0; 3];
        for number in 0..2_000 {
            let id = format!("req_{number}");
            let at = keys.first(outgoing(&id, 0));
            assert_eq!(at, keys.first(outgoing(&id, 5)));
            drawn[at] += 1;
        }
        assert!((140..270).contains(&drawn[1]) && drawn[2] == 0, "{drawn:?}");
    }

    #[test]
    fn a_key_that_failed_rests_and_comes_back() {
        let keys = keys(&[1, 1]);
        let quota = AttemptError::from(FailureKind::Quota);
        let mut used = Used::default();
        let first = keys.first(outgoing("req_1", 0));
        assert!(keys.note(Outgoing { key: first, ..outgoing("req_1", 0) }, &quota, &mut used));
        let other = keys.next(outgoing("req_1", 0), used).unwrap();
        assert_ne!(first, other);
        for number in 0..50 {
            assert_eq!(keys.first(outgoing(&format!("req_{number}"), 599)), other);
        }
        assert_eq!(keys.first(outgoing("req_1", 600)), first);
        // Where all rest, one is asked with all the same.
        assert!(keys.note(Outgoing { key: other, ..outgoing("req_1", 0) }, &quota, &mut used));
        assert_eq!(keys.next(outgoing("req_1", 0), used), None);
        assert_eq!(keys.first(outgoing("req_1", 1)), first);
        assert!(!keys.note(outgoing("req_1", 0), &FailureKind::Server.into(), &mut used));
    }
}
