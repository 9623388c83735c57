//! Where a chain stands, which numbers it has passed over, and which entries came before their turn.

use super::super::chains::Head;
use super::super::{Digest, Entry};
use super::findings::{Moment, Notes};
use super::problem::ProblemKind;

/// Gaps and early entries of one chain that are kept apart; what is more is reported at once.
const MAX_KEPT: usize = 16;

/// An entry that a chain has reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tip {
    pub(super) sequence: u64,
    /// As the entry states it.
    pub(super) hash: Digest,
    /// As it must be; the same unless the entry was changed.
    pub(super) computed: Digest,
    pub(super) previous: Digest,
}

#[derive(Debug, Default)]
pub(super) struct Gaps {
    gaps: Vec<Gap>,
    early: Vec<Early>,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    first: u64,
    last: u64,
    seen: Moment,
}

#[derive(Debug, Clone, Copy)]
struct Early {
    tip: Tip,
    seen: Moment,
}

impl Tip {
    pub(super) fn of(entry: &Entry, computed: Digest) -> Self {
        Self { sequence: entry.sequence, hash: entry.hash, computed, previous: entry.previous }
    }

    pub(super) fn is(&self, head: Head) -> bool {
        self.sequence == head.sequence && (self.hash == head.hash || self.computed == head.hash)
    }

    pub(super) fn is_followed_by(&self, sequence: u64, previous: Digest) -> bool {
        self.is(Head { sequence: sequence.saturating_sub(1), hash: previous })
    }
}

impl From<Head> for Tip {
    fn from(head: Head) -> Self {
        Self { sequence: head.sequence, hash: head.hash, computed: head.hash, previous: Digest::NONE }
    }
}

impl Gaps {
    pub(super) fn has(&self, sequence: u64) -> bool {
        self.gaps.iter().any(|gap| gap.has(sequence))
    }

    /// These numbers are passed over.
    pub(super) fn keep(&mut self, first: u64, last: u64, seen: Moment, notes: &mut Notes<'_>) {
        if self.gaps.len() == MAX_KEPT {
            self.gaps.remove(0).report(notes);
        }
        self.gaps.push(Gap { first, last, seen });
    }

    /// An entry that was passed over comes after all. False if it was not.
    pub(super) fn fill(&mut self, sequence: u64, notes: &mut Notes<'_>) -> bool {
        let Some(at) = self.gaps.iter().position(|gap| gap.has(sequence)) else { return false };
        let Gap { first, last, seen } = self.gaps.remove(at);
        if sequence > first {
            self.keep(first, sequence - 1, seen, notes);
        }
        if sequence < last {
            self.keep(sequence + 1, last, seen, notes);
        }
        true
    }

    /// It was the tip that came too early, and no gap. False if no gap is right before it.
    pub(super) fn turn_early(&mut self, tip: Tip, notes: &mut Notes<'_>) -> bool {
        let Some(gap) = self.gaps.pop_if(|gap| gap.last + 1 == tip.sequence) else { return false };
        if self.early.len() == MAX_KEPT {
            self.early.remove(0).report(notes);
        }
        self.early.push(Early { tip, seen: gap.seen });
        true
    }

    /// An entry that came too early and follows the tip.
    pub(super) fn take_early(&mut self, tip: &Tip) -> Option<(Tip, Moment)> {
        let fits = |early: &Early| tip.is_followed_by(early.tip.sequence, early.tip.previous);
        let at = self.early.iter().position(fits)?;
        let Early { tip, seen } = self.early.remove(at);
        Some((tip, seen))
    }

    /// What is missing is missing, and what came early did not belong.
    pub(super) fn finish(&mut self, notes: &mut Notes<'_>) {
        self.early.drain(..).for_each(|early| early.report(notes));
        self.gaps.drain(..).for_each(|gap| gap.report(notes));
    }
}

impl Gap {
    fn has(&self, sequence: u64) -> bool {
        (self.first..=self.last).contains(&sequence)
    }

    fn report(self, notes: &mut Notes<'_>) {
        let Self { first, last, seen } = self;
        notes.add_at(seen, first, ProblemKind::Missing { first, last });
    }
}

impl Early {
    fn report(self, notes: &mut Notes<'_>) {
        notes.add_at(self.seen, self.tip.sequence, ProblemKind::Inserted);
    }
}
