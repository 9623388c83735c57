//! What a request holds in Redis while it is under way.
//!
//! However it ends (settled, cancelled, dropped, or dropped while it is being settled), Redis is told once: at once, or
//! by the keeper in the background.

use std::fmt;
use std::sync::Arc;

use super::owed::Ending;
use super::reply::read_settle;
use super::shared::Inner;
use crate::limits::{self, Amounts, Claim, Limits, PerLevel, Scope, Settled, Used};

/// A claim, and when it was let through.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub(super) id: Arc<str>,
    pub(super) levels: PerLevel<(Scope, Arc<Limits>)>,
    pub(super) claimed: Amounts,
    /// By the clock of Redis, or of the gateway that let it through alone.
    pub(super) reserved_ms: u64,
}

impl Lease {
    pub(super) fn new(id: String, claim: &Claim<'_>) -> Self {
        let levels = claim.bounds().map(|level| {
            level.map(|(level, bound)| (Scope { level, name: Arc::clone(bound.name) }, Arc::clone(bound.limits)))
        });
        Self { id: Arc::from(id), levels, claimed: claim.amounts(), reserved_ms: 0 }
    }
}

/// A claim that was let through, until it is settled. One that is dropped before gives its places back and counts as it
/// was claimed.
pub struct SharedReservation {
    inner: Arc<Inner>,
    /// Until it is over.
    lease: Option<Arc<Lease>>,
    /// Redis knows it. Otherwise Redis was away, and this gateway alone let it through.
    is_leased: bool,
    /// The same in this gateway's own counts, if it keeps any.
    own: Option<limits::Reservation>,
}

/// How a request ends.
enum End {
    Settled {
        used: Used,
        now_ms: u64,
    },
    Cancelled,
    /// Nobody said.
    Dropped,
}

impl fmt::Debug for SharedReservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReservation")
            .field("lease", &self.lease.as_ref().map(|lease| &lease.id))
            .field("is_leased", &self.is_leased)
            .finish_non_exhaustive()
    }
}

impl SharedReservation {
    pub(super) fn leased(inner: &Arc<Inner>, lease: Arc<Lease>, own: Option<limits::Reservation>) -> Self {
        inner.owed.hold(&lease.id);
        Self { inner: Arc::clone(inner), lease: Some(lease), is_leased: true, own }
    }

    pub(super) fn alone(inner: &Arc<Inner>, lease: Arc<Lease>, own: limits::Reservation) -> Self {
        Self { inner: Arc::clone(inner), lease: Some(lease), is_leased: false, own: Some(own) }
    }

    /// Whether this gateway alone let it through.
    pub fn is_alone(&self) -> bool {
        !self.is_leased
    }

    /// Replaces what was claimed by what was used. Where Redis is away, it is told later, and nothing is known of how
    /// things stand. Again, it changes nothing and says nothing.
    pub async fn settle(&mut self, used: Used, now_ms: u64) -> Settled {
        let Some((mut owing, own)) = self.end(End::Settled { used, now_ms }) else { return Settled::default() };
        let Some(ending) = &mut owing.ending else { return own };
        let script = &self.inner.scripts.settle;
        let call = self.inner.calls.settle(ending);
        // From here on nobody knows whether Redis was told, until it answers.
        let was_sent = std::mem::replace(&mut ending.was_sent, true);
        match self.inner.link.run(script, &call, self.inner.link.deadline()).await {
            Ok(reply) => {
                let ended = owing.ending.take();
                let read = ended.map(|ending| read_settle(reply, &ending.lease, self.inner.offset));
                read.and_then(Result::ok).unwrap_or_default()
            }
            Err(gone) => {
                ending.was_sent = was_sent || gone.was_sent;
                Settled::default()
            }
        }
    }

    /// The same without waiting: the keeper tells Redis, and who is interested of the thresholds that were reached.
    pub fn settle_later(&mut self, used: Used, now_ms: u64) -> Settled {
        self.end(End::Settled { used, now_ms }).map_or_else(Settled::default, |(_, own)| own)
    }

    /// Nothing was sent: all is given back, the request as well. The keeper tells Redis.
    pub fn cancel(&mut self) {
        drop(self.end(End::Cancelled));
    }

    /// The first time: what is owed now, and how things stand in this gateway's own counts if those alone let it
    /// through.
    fn end(&mut self, end: End) -> Option<(Owing, Settled)> {
        let lease = self.lease.take()?;
        let is_cancelled = matches!(end, End::Cancelled);
        let (mut settled, mut used) = (Settled::default(), lease.claimed);
        // When that is not known, it counts wherever there is doubt.
        let mut ended_ms = u64::MAX;
        match (end, self.own.take()) {
            (End::Settled { used: really, now_ms }, own) => {
                (used, ended_ms) = (really.or(lease.claimed), now_ms);
                settled = own.map(|mut own| own.settle(really, now_ms)).unwrap_or_default();
            }
            (End::Cancelled, mut own) => {
                used = Amounts::NOTHING;
                if let Some(own) = &mut own {
                    own.cancel();
                }
            }
            (End::Dropped, own) => drop(own),
        }
        let mut owing = Owing { inner: Arc::clone(&self.inner), ending: None };
        if self.is_leased {
            settled = Settled::default();
            owing.inner.owed.release(&lease.id);
            owing.ending = Some(Ending { lease, used, is_cancelled, was_sent: false, ended_ms });
        } else if !is_cancelled {
            owing.inner.owed.note_lease(&lease, used, owing.inner.offset, ended_ms);
            owing.inner.link.wake.notify_one();
        }
        Some((owing, settled))
    }
}

impl Drop for SharedReservation {
    fn drop(&mut self) {
        drop(self.end(End::Dropped));
    }
}

/// An end that Redis has to be told. Dropped with it, it is the keeper's to tell.
pub(super) struct Owing {
    pub(super) inner: Arc<Inner>,
    pub(super) ending: Option<Ending>,
}

impl Drop for Owing {
    fn drop(&mut self) {
        if let Some(ending) = self.ending.take() {
            self.inner.owed.end(ending, self.inner.offset);
            self.inner.link.wake.notify_one();
        }
    }
}
