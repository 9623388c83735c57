//! The limiter of this gateway, whether it counts alone or together with others.

use std::time::Duration;

use super::lease::SharedReservation;
use super::shared::{NotReserved, SharedLimiter, Unavailable};
use crate::limits::{self, Claim, Crossing, LocalLimiter, Scope, ScopeState, Settled, Standing, Used};

#[derive(Debug)]
pub enum Limiter {
    /// One gateway: counts in memory. What was used before it began must be seeded.
    Local(LocalLimiter),
    /// Several: counts in Redis, which asks the ledger itself.
    Shared(SharedLimiter),
}

/// A claim that was let through.
#[derive(Debug)]
pub struct Reserved {
    pub reservation: Reservation,
    pub standing: Standing,
    pub crossings: Vec<Crossing>,
}

/// What a request holds while it is under way. One that is dropped before it is settled gives its places back and
/// counts as it was claimed.
#[derive(Debug)]
pub enum Reservation {
    Local(limits::Reservation),
    Shared(SharedReservation),
}

impl Limiter {
    /// Counts all that is claimed, at every level. Waits only for Redis, and no longer than its time-out.
    ///
    /// # Errors
    /// One level has no room (429), or nothing could be counted (503).
    pub async fn reserve(&self, claim: &Claim<'_>, now_ms: u64) -> Result<Reserved, NotReserved> {
        match self {
            Self::Local(limiter) => {
                let limits::Reserved { reservation, standing, crossings } = limiter.reserve(claim, now_ms)?;
                Ok(Reserved { reservation: Reservation::Local(reservation), standing, crossings })
            }
            Self::Shared(limiter) => {
                let (reservation, Settled { standing, crossings }) = limiter.reserve(claim, now_ms).await?;
                Ok(Reserved { reservation: Reservation::Shared(reservation), standing, crossings })
            }
        }
    }

    /// What was used without a reservation, by a request of that moment; `known_ms` is when the ledger was told.
    pub fn note_used(&self, scope: &Scope, used: Used, used_ms: u64, known_ms: u64) {
        match self {
            Self::Local(limiter) => limiter.note_used(scope, used, used_ms),
            Self::Shared(limiter) => limiter.note_used(scope, used, used_ms, known_ms),
        }
    }

    /// What is counted for a scope now.
    ///
    /// # Errors
    /// Redis is away, and this gateway keeps no counts of its own.
    pub async fn state(&self, scope: &Scope, now_ms: u64) -> Result<ScopeState, Unavailable> {
        match self {
            Self::Local(limiter) => Ok(limiter.state(scope, now_ms).unwrap_or_default()),
            Self::Shared(limiter) => limiter.state(scope, now_ms).await,
        }
    }

    /// Whether counting takes nothing but memory.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Whether limits hold for all gateways together at this moment; one that counts alone is all of them.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Local(_) => true,
            Self::Shared(limiter) => limiter.is_shared(),
        }
    }

    /// Before the first request: waits for Redis, but no longer than this. Whether limits are whole.
    pub async fn connected(&self, within: Duration) -> bool {
        match self {
            Self::Local(_) => true,
            Self::Shared(limiter) => limiter.connected(within).await,
        }
    }

    /// After the last request: tells Redis what is owed.
    pub async fn close(&self) {
        if let Self::Shared(limiter) = self {
            limiter.close().await;
        }
    }
}

impl Reservation {
    /// Replaces what was claimed by what was used, and gives the places back. Again, it changes nothing.
    pub async fn settle(&mut self, used: Used, now_ms: u64) -> Settled {
        match self {
            Self::Local(reservation) => reservation.settle(used, now_ms),
            Self::Shared(reservation) => reservation.settle(used, now_ms).await,
        }
    }

    /// The same where nobody can wait. What several gateways count together is told to Redis in the background, and the
    /// thresholds that it reaches to who asked for them.
    pub fn settle_later(&mut self, used: Used, now_ms: u64) -> Settled {
        match self {
            Self::Local(reservation) => reservation.settle(used, now_ms),
            Self::Shared(reservation) => reservation.settle_later(used, now_ms),
        }
    }

    /// Nothing was sent: all is given back, the request as well.
    pub fn cancel(&mut self) {
        match self {
            Self::Local(reservation) => reservation.cancel(),
            Self::Shared(reservation) => reservation.cancel(),
        }
    }
}
