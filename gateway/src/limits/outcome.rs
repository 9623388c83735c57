//! What comes of a claim: a refusal that says how long to wait, or the thresholds that it has reached.

use super::scope::{Measure, Period, Scope};
use super::standing::Standing;
use crate::billing::Tenge;

/// There is no room at one level, and nothing was counted at any.
///
/// Where there is none for several reasons, it is about the one that holds longest, so that the wait is true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of the {scope} is at its limit of {limit}", measure.as_str())]
pub struct Refusal {
    pub scope: Scope,
    pub measure: Measure,
    /// Requests, tokens or tiyn.
    pub limit: u64,
    /// Nothing where waiting does not help: more was asked for than the whole limit, or a total budget is spent. Where
    /// it depends on requests under way, which may end at any time, it is worth another look after a second.
    pub retry_after_ms: Option<u64>,
    pub standing: Standing,
}

/// A place is free as soon as any request ends, and nobody knows when that is.
pub(crate) const ANOTHER_LOOK_MS: u64 = 1_000;

/// So much of a budget was used for the first time in its period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    pub scope: Scope,
    pub period: Period,
    pub percent: u8,
    pub budget: Tenge,
    pub used: Tenge,
    /// By requests that are under way, at the most.
    pub reserved: Tenge,
}

/// What is known when a request is over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    pub standing: Standing,
    pub crossings: Vec<Crossing>,
}

/// Why one level has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shortage {
    pub(crate) measure: Measure,
    pub(crate) limit: u64,
    pub(crate) retry_after_ms: Option<u64>,
}

impl Shortage {
    /// No time at all is the longest.
    pub(crate) fn wait_ms(&self) -> u64 {
        self.retry_after_ms.unwrap_or(u64::MAX)
    }
}
