//! What a request holds while it is under way.

use std::fmt;
use std::sync::Arc;

use super::calendar::UtcOffset;
use super::claim::{Amounts, Used};
use super::counts::Mark;
use super::limit::Limits;
use super::limiter::Cell;
use super::outcome::Settled;
use super::scope::PerLevel;

/// A claim that was let through, until it is settled. One that is dropped before gives its places back and counts as it
/// was claimed: nobody knows better.
pub struct Reservation {
    parts: PerLevel<Part>,
    reserved: Amounts,
    offset: UtcOffset,
    is_open: bool,
}

/// One level of it.
pub(super) struct Part {
    pub(super) cell: Arc<Cell>,
    pub(super) limits: Arc<Limits>,
    pub(super) mark: Mark,
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes: Vec<_> = self.parts.iter().flatten().map(|part| part.cell.scope.to_string()).collect();
        f.debug_struct("Reservation").field("scopes", &scopes).field("is_open", &self.is_open).finish_non_exhaustive()
    }
}

impl Reservation {
    pub(super) fn new(parts: PerLevel<Part>, reserved: Amounts, offset: UtcOffset) -> Self {
        Self { parts, reserved, offset, is_open: true }
    }

    /// Replaces what was claimed by what was used, where and when it was claimed, and gives the places back. Again, it
    /// changes nothing and says how things stand.
    pub fn settle(&mut self, used: Used, now_ms: u64) -> Settled {
        let ends = std::mem::take(&mut self.is_open);
        let used = used.or(self.reserved);
        let mut settled = Settled::default();
        for part in self.parts.iter().flatten() {
            let mut counts = part.cell.lock();
            counts.advance(self.offset, now_ms);
            if ends {
                counts.settle(part.mark, self.reserved, used);
                counts.note_crossings(&part.cell.scope, &part.limits, &mut settled.crossings);
            }
            settled.standing = settled.standing.tightest(counts.standing(&part.limits, now_ms));
        }
        settled
    }

    /// Nothing was sent: all is given back, the request as well.
    pub fn cancel(&mut self) {
        if std::mem::take(&mut self.is_open) {
            for part in self.parts.iter().flatten() {
                part.cell.lock().cancel(part.mark, self.reserved);
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if std::mem::take(&mut self.is_open) {
            for part in self.parts.iter().flatten() {
                part.cell.lock().settle(part.mark, self.reserved, self.reserved);
            }
        }
    }
}
