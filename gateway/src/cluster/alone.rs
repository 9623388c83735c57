//! What one gateway lets through while Redis is away: its share of every limit, counted in its own memory.
//!
//! It counts its own requests while Redis is there too, so that a minute does not begin anew with an outage. Its sums
//! it takes from the ledger once in every outage, its share of them: what is left for all is then divided among all.
//! Nobody waits for that; until the ledger has answered, what this gateway itself has used counts.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use super::lease::Lease;
use super::reply::Unseeded;
use super::shared::Inner;
use crate::limits::{self, Claim, Limits, LocalLimiter, PerLevel, Refusal, Seed, Sum, UtcOffset};

pub(super) struct Alone {
    limiter: LocalLimiter,
    gateways: NonZeroU32,
    unbounded: PerLevel<Arc<Limits>>,
    seeded: Mutex<Seeded>,
}

/// Sums, each with the beginning of its period, that this outage has asked the ledger for.
#[derive(Default)]
struct Seeded {
    outage: u64,
    sums: HashSet<(Unseeded, u64)>,
}

impl Alone {
    pub(super) fn new(gateways: NonZeroU32, offset: UtcOffset) -> Self {
        let unbounded = std::array::from_fn(|_| Some(Arc::default()));
        Self { limiter: LocalLimiter::new(offset), gateways, unbounded, seeded: Mutex::default() }
    }

    /// Counts what Redis has let through.
    pub(super) fn count(&self, claim: &Claim<'_>, now_ms: u64) -> Option<limits::Reservation> {
        self.limiter.reserve(&claim.under(&self.unbounded), now_ms).ok().map(|reserved| reserved.reservation)
    }

    fn reserve(&self, claim: &Claim<'_>, now_ms: u64) -> Result<limits::Reserved, Refusal> {
        let shares = claim.bounds().map(|level| level.map(|(_, bound)| Arc::new(bound.limits.divided(self.gateways))));
        self.limiter.reserve(&claim.under(&shares), now_ms)
    }

    /// Whether it has to be asked for in this outage. From now on, it has been.
    fn is_due(&self, outage: u64, sum: &(Unseeded, u64)) -> bool {
        let mut seeded = self.seeded.lock().unwrap_or_else(PoisonError::into_inner);
        if seeded.outage != outage {
            *seeded = Seeded { outage, sums: HashSet::new() };
        }
        seeded.sums.insert(sum.clone())
    }

    fn was_not_told(&self, sum: &(Unseeded, u64)) {
        self.seeded.lock().unwrap_or_else(PoisonError::into_inner).sums.remove(sum);
    }
}

impl Inner {
    pub(super) fn reserve_alone(
        self: &Arc<Self>,
        (alone, outage): (&Arc<Alone>, u64),
        (claim, lease): (&Claim<'_>, &Lease),
        now_ms: u64,
    ) -> Result<limits::Reserved, Refusal> {
        for (scope, limits) in lease.levels.iter().flatten() {
            for sum in Sum::ALL.into_iter().filter(|sum| limits.ceiling(*sum).is_some()) {
                let span = self.offset.span(sum.period(), now_ms);
                let due = (Unseeded { scope: scope.clone(), sum }, span.begins_ms);
                if alone.is_due(outage, &due) {
                    let (inner, alone) = (Arc::clone(self), Arc::clone(alone));
                    tokio::spawn(async move {
                        let Some(seed) = inner.ask_ledger(&due.0.scope, sum, span).await else {
                            return alone.was_not_told(&due);
                        };
                        let used = seed.used.div_ceil(u64::from(alone.gateways.get()));
                        alone.limiter.seed(&due.0.scope, sum, Seed { used, ..seed }, now_ms);
                    });
                }
            }
        }
        alone.reserve(claim, now_ms)
    }

    /// What this gateway's own counts say of a scope.
    pub(super) fn state_alone(alone: &Alone, scope: &limits::Scope, now_ms: u64) -> limits::ScopeState {
        alone.limiter.state(scope, now_ms).unwrap_or_default()
    }
}
