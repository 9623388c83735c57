//! The limiter of several gateways: counts in Redis, and what happens when it does not answer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::alone::Alone;
use super::call::Calls;
use super::keeper;
use super::lease::{Lease, Owing, SharedReservation};
use super::link::{Gone, Link};
use super::names::Names;
use super::owed::{Ending, Owed};
use super::reply::{ReserveReply, read_reserve, read_state};
use super::script::Scripts;
use super::seeding::Seeding;
use super::settings::{BadSettings, SharedSettings, WhenAway};
use crate::limits::{Amounts, Claim, Crossing, Ledger, Refusal, Scope, ScopeState, Settled, Used, UtcOffset};

/// Hears of thresholds that were reached behind everybody's back.
pub type OnCrossing = Box<dyn Fn(Crossing) + Send + Sync>;

/// Why nothing could be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("the shared counts are away")]
    Counts,
    #[error("the ledger has not yet said what was used before")]
    Ledger,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReserved {
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<Refusal> for NotReserved {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// Counts together with others. Dropped, it stops telling Redis what is owed; [`Self::close`] tells the last of it.
pub struct SharedLimiter {
    inner: Arc<Inner>,
    keeper: JoinHandle<()>,
}

pub(super) struct Inner {
    pub(super) link: Link,
    pub(super) scripts: Scripts,
    pub(super) calls: Calls,
    pub(super) owed: Owed,
    pub(super) seeding: Seeding,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) offset: UtcOffset,
    pub(super) gateway: String,
    pub(super) on_crossing: OnCrossing,
    /// Held while Redis is told what is owed.
    pub(super) paying: tokio::sync::Mutex<()>,
    alone: Option<Arc<Alone>>,
    next: AtomicU64,
}

impl fmt::Debug for SharedLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_away = self.inner.link.outage().is_some();
        f.debug_struct("SharedLimiter").field("is_away", &is_away).finish_non_exhaustive()
    }
}

impl Drop for SharedLimiter {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl SharedLimiter {
    /// Starts to count together with others. Redis may be away: it is looked for in the background, within a Tokio
    /// runtime.
    ///
    /// # Errors
    /// No way to Redis can be made of the settings.
    pub fn start(
        settings: &SharedSettings,
        ledger: Arc<dyn Ledger>,
        on_crossing: OnCrossing,
    ) -> Result<Self, BadSettings> {
        let lease_ms = u64::try_from(settings.lease.as_millis()).unwrap_or(u64::MAX).min(1 << 40);
        let offset = settings.offset;
        let alone = match settings.when_away {
            WhenAway::Deny => None,
            WhenAway::Local { gateways } => Some(Arc::new(Alone::new(gateways, offset))),
        };
        let inner = Arc::new(Inner {
            link: Link::new(settings.client()?, settings.timeout),
            scripts: Scripts::default(),
            calls: Calls { names: Names::new(&settings.prefix), offset_s: offset.seconds(), lease_ms },
            owed: Owed::default(),
            seeding: Seeding::default(),
            ledger,
            offset,
            gateway: settings.gateway.clone(),
            on_crossing,
            paying: tokio::sync::Mutex::default(),
            alone,
            next: AtomicU64::new(0),
        });
        let keeper = tokio::spawn(keeper::keep(Arc::clone(&inner), settings.lease / 3));
        Ok(Self { inner, keeper })
    }

    /// Whether requests are held against the shared counts at this moment.
    pub fn is_shared(&self) -> bool {
        self.inner.link.outage().is_none()
    }

    /// Waits for Redis at the start, but no longer than this. Whether it is there.
    pub async fn connected(&self, within: Duration) -> bool {
        timeout(within, self.inner.link.is_open()).await.is_ok()
    }

    /// Counts all that is claimed, at every level, in one round trip. The time is this gateway's; Redis has its own.
    ///
    /// # Errors
    /// One level has no room, or nothing could be counted.
    pub async fn reserve(&self, claim: &Claim<'_>, now_ms: u64) -> Result<(SharedReservation, Settled), NotReserved> {
        let inner = &self.inner;
        let number = inner.next.fetch_add(1, Ordering::Relaxed);
        let lease = Arc::new(Lease::new(format!("{}:{number}", inner.gateway), claim));
        match inner.reserve_shared(lease, inner.link.deadline()).await {
            Ok((lease, settled)) => {
                let own = inner.alone.as_ref().and_then(|alone| alone.count(claim, now_ms));
                Ok((SharedReservation::leased(inner, lease, own), settled))
            }
            Err(Trouble::Refused(refusal)) => Err(NotReserved::Refused(refusal)),
            Err(Trouble::Unseeded) => Err(Unavailable::Ledger.into()),
            Err(Trouble::Away(mut lease)) => {
                let alone = inner.alone.as_ref().ok_or(Unavailable::Counts)?;
                Arc::make_mut(&mut lease).reserved_ms = now_ms;
                let outage = inner.link.outage().unwrap_or_default();
                let reserved = inner.reserve_alone((alone, outage), (claim, &lease), now_ms)?;
                let settled = Settled { standing: reserved.standing, crossings: reserved.crossings };
                Ok((SharedReservation::alone(inner, lease, reserved.reservation), settled))
            }
        }
    }

    /// What was used without a reservation, by a request of that moment: before this process began, or by another one.
    /// Told to Redis in the background. `known_ms` is when the ledger was told.
    pub fn note_used(&self, scope: &Scope, used: Used, used_ms: u64, known_ms: u64) {
        let used = used.or(Amounts::NOTHING);
        self.inner.owed.note(scope, used, self.inner.offset, (used_ms, known_ms));
        self.inner.link.wake.notify_one();
    }

    /// # Errors
    /// Redis is away, and this gateway keeps no counts of its own.
    pub async fn state(&self, scope: &Scope, now_ms: u64) -> Result<ScopeState, Unavailable> {
        let inner = &self.inner;
        let call = inner.calls.state(scope);
        if let Ok(reply) = inner.link.run(&inner.scripts.state, &call, inner.link.deadline()).await {
            return read_state(reply, inner.offset).map_err(|_| Unavailable::Counts);
        }
        let alone = inner.alone.as_ref().ok_or(Unavailable::Counts)?;
        Ok(Inner::state_alone(alone, scope, now_ms))
    }

    /// As if this process had been killed: nothing is renewed and nothing told any more.
    #[cfg(test)]
    pub(super) fn crash(&self) {
        self.keeper.abort();
    }

    /// Tells Redis what is owed, for nothing more will come. Waits no longer than one time-out.
    pub async fn close(&self) {
        let _ = timeout_at(self.inner.link.deadline(), keeper::pay_last(&self.inner)).await;
    }
}

/// Why Redis did not let a claim through.
enum Trouble {
    Refused(Box<Refusal>),
    Unseeded,
    /// What would have been a lease is none.
    Away(Arc<Lease>),
}

impl Inner {
    /// Sums that are missing are asked of the ledger, and then it is tried once more.
    async fn reserve_shared(
        self: &Arc<Self>,
        mut lease: Arc<Lease>,
        deadline: Instant,
    ) -> Result<(Arc<Lease>, Settled), Trouble> {
        for _ in 0..2 {
            match self.reserve_once(&lease, deadline).await {
                Err(_) => return Err(Trouble::Away(lease)),
                Ok(ReserveReply::Refused(refusal)) => return Err(Trouble::Refused(Box::new(refusal))),
                Ok(ReserveReply::Reserved { now_ms, settled, unseeded }) => {
                    for sum in unseeded {
                        // It only tells: nobody waits for it.
                        drop(self.seed(&sum, now_ms));
                    }
                    Arc::make_mut(&mut lease).reserved_ms = now_ms;
                    return Ok((lease, settled));
                }
                Ok(ReserveReply::Needs { now_ms, unseeded }) => {
                    let seeds = join_all(unseeded.iter().map(|sum| self.seed(sum, now_ms)));
                    match timeout_at(deadline, seeds).await {
                        Ok(seeds) if seeds.iter().all(|is_there| *is_there) => {}
                        _ => return Err(Trouble::Unseeded),
                    }
                }
            }
        }
        Err(Trouble::Unseeded)
    }

    /// One round trip. Where it is not known what came of it, it is taken back in the background.
    async fn reserve_once(self: &Arc<Self>, lease: &Arc<Lease>, deadline: Instant) -> Result<ReserveReply, Gone> {
        let call = self.calls.reserve(lease);
        let (lease, used, is_cancelled) = (Arc::clone(lease), Amounts::NOTHING, true);
        let ending = Ending { lease, used, is_cancelled, was_sent: true, ended_ms: 0 };
        let mut owing = Owing { inner: Arc::clone(self), ending: Some(ending) };
        let reply = self.link.run(&self.scripts.reserve, &call, deadline).await;
        if matches!(reply, Err(Gone { was_sent: false })) {
            owing.ending = None;
        }
        let reply = reply?;
        let read = owing.ending.as_ref().map(|ending| read_reserve(reply, &ending.lease, self.offset));
        let reply = read.and_then(Result::ok).ok_or(Gone { was_sent: true })?;
        owing.ending = None;
        Ok(reply)
    }
}
