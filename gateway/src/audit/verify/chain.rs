//! One chain while it is verified: how far it got, what is vouched for, and what does not fit.
//!
//! After a gap the chain goes on behind it, so that one missing entry is one problem. An entry that comes too early is
//! told from a gap by what comes next. Where two entries have one number, both are followed.

use super::super::chains::Head;
use super::super::manifest::ChainRange;
use super::super::{Digest, Entry, HeadProof, Seal, WriterId};
use super::findings::{Moment, Notes};
use super::gaps::{Gaps, Tip};
use super::problem::{ProblemKind, SignedLine, Voucher};

/// Branches and open heads of one chain that are kept apart.
const MAX_KEPT: usize = 16;

#[derive(Debug)]
pub(super) struct ChainCheck {
    pub(super) writer: WriterId,
    /// What the manifest says of it.
    promised: Option<ChainRange>,
    /// What the chain begins behind.
    start: Head,
    tip: Tip,
    /// Set while the last entry left a gap: where the chain stood before it.
    before_gap: Option<Tip>,
    gaps: Gaps,
    /// Heads of other entries with numbers of the chain.
    branches: Vec<Head>,
    /// Heads of checkpoints whose entries have not come yet.
    open: Vec<Open>,
    confirmed: Confirmed,
    sealed: Option<(u64, Digest)>,
    num_entries: u64,
    num_heads: u64,
    num_seals: u64,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    checkpoint: u64,
    head: Head,
    seen: Moment,
}

/// The last head that a checkpoint named, whether it agreed or not.
#[derive(Debug, Clone, Copy)]
struct Confirmed {
    head: Head,
    checkpoint: u64,
}

impl ChainCheck {
    /// A chain from its beginning.
    pub(super) fn new(writer: WriterId) -> Self {
        Self::behind(writer, Head::START, None)
    }

    /// A chain of which a part is promised.
    pub(super) fn of_range(range: ChainRange) -> Self {
        let start = Head { sequence: range.first_sequence.saturating_sub(1), hash: range.previous_of_first };
        Self::behind(range.writer, start, Some(range))
    }

    fn behind(writer: WriterId, start: Head, promised: Option<ChainRange>) -> Self {
        Self {
            writer,
            promised,
            start,
            tip: start.into(),
            before_gap: None,
            gaps: Gaps::default(),
            branches: Vec::new(),
            open: Vec::new(),
            confirmed: Confirmed { head: start, checkpoint: 0 },
            sealed: None,
            num_entries: 0,
            num_heads: 0,
            num_seals: 0,
        }
    }

    pub(super) fn num_unconfirmed(&self) -> u64 {
        self.tip.sequence.saturating_sub(self.confirmed.head.sequence)
    }

    /// Takes in an entry; `computed` is the hash that it must have.
    pub(super) fn entry(&mut self, entry: &Entry, computed: Digest, notes: &mut Notes<'_>) {
        self.num_entries += 1;
        let sequence = entry.sequence;
        let is_changed = computed != entry.hash;
        let is_beyond = self.promised.as_ref().is_some_and(|range| sequence > range.last_sequence);
        if is_changed {
            notes.add(sequence, ProblemKind::Changed);
        } else if is_beyond {
            notes.add(sequence, ProblemKind::Inserted);
        }
        if is_beyond {
            return;
        }
        self.take_back_jump(sequence, notes);
        self.take_early(sequence - 1, notes);
        let next = self.tip.sequence + 1;
        if sequence == next {
            if !is_changed && !self.is_tied(entry) {
                notes.add(sequence, ProblemKind::BrokenLink);
            }
            self.advance(Tip::of(entry, computed), notes);
        } else if is_changed {
            // Its number may be what was changed: nothing is built on it.
        } else if sequence > next {
            self.gaps.keep(next, sequence - 1, notes.now(), notes);
            self.before_gap = Some(self.tip);
            self.advance(Tip::of(entry, computed), notes);
        } else {
            self.again(entry, notes);
        }
    }

    /// An entry of a number that is behind the tip.
    fn again(&mut self, entry: &Entry, notes: &mut Notes<'_>) {
        let (sequence, hash) = (entry.sequence, entry.hash);
        if self.gaps.fill(sequence, notes) {
            return notes.add(sequence, ProblemKind::Reordered);
        }
        let follows = |branch: &&mut Head| branch.sequence + 1 == sequence && branch.hash == entry.previous;
        if let Some(branch) = self.branches.iter_mut().find(follows) {
            *branch = Head { sequence, hash };
            return;
        }
        let is_twin = sequence == self.tip.sequence && entry.previous == self.tip.previous;
        if is_twin && self.num_entries > 1 && hash != self.tip.hash {
            if self.branches.len() < MAX_KEPT {
                self.branches.push(Head { sequence, hash });
            }
            return notes.add(sequence, ProblemKind::Fork { hashes: [self.tip.hash, hash] });
        }
        notes.add(sequence, ProblemKind::Inserted);
    }

    /// Whether an entry follows the tip, or another entry of the tip's number: then that is the tip from now on.
    fn is_tied(&mut self, entry: &Entry) -> bool {
        if self.tip.is_followed_by(entry.sequence, entry.previous) {
            return true;
        }
        let before = Head { sequence: entry.sequence - 1, hash: entry.previous };
        self.turn_to_branch(before)
    }

    fn turn_to_branch(&mut self, head: Head) -> bool {
        let Some(branch) = self.branches.iter_mut().find(|branch| **branch == head) else { return false };
        *branch = Head { sequence: self.tip.sequence, hash: self.tip.hash };
        self.tip = Tip { previous: self.tip.previous, ..head.into() };
        true
    }

    /// The entry before this one left a gap. If this one lies within it, that one came too early.
    fn take_back_jump(&mut self, sequence: u64, notes: &mut Notes<'_>) {
        let Some(before) = self.before_gap.take() else { return };
        if sequence <= before.sequence || sequence >= self.tip.sequence {
            return;
        }
        if self.gaps.turn_early(self.tip, notes) {
            self.tip = before;
        }
    }

    /// Entries that came too early take their place, up to a number.
    fn take_early(&mut self, last: u64, notes: &mut Notes<'_>) {
        while self.tip.sequence < last {
            let Some((tip, seen)) = self.gaps.take_early(&self.tip) else { return };
            notes.add_at(seen, tip.sequence, ProblemKind::Reordered);
            self.advance(tip, notes);
        }
    }

    fn advance(&mut self, tip: Tip, notes: &mut Notes<'_>) {
        self.tip = tip;
        while let Some(at) = self.open.iter().position(|open| open.head.sequence <= tip.sequence) {
            let Open { checkpoint, head, seen } = self.open.remove(at);
            if head.sequence < tip.sequence {
                // The entry is missing, which is said elsewhere.
                continue;
            }
            if self.meet(checkpoint, head, notes) {
                notes.add_head_at(seen, head.sequence, checkpoint, ProblemKind::Reordered);
            }
        }
    }

    /// Takes in a head that a checkpoint signed.
    pub(super) fn head(&mut self, proof: &HeadProof, notes: &mut Notes<'_>) {
        self.num_heads += 1;
        let (head, checkpoint) = (proof.head(), proof.checkpoint);
        if head == self.confirmed.head && checkpoint == self.confirmed.checkpoint {
            return notes.add_head(head.sequence, checkpoint, ProblemKind::Inserted);
        }
        self.take_early(head.sequence, notes);
        if head.sequence < self.start.sequence {
            return;
        }
        if head.sequence == self.tip.sequence {
            self.meet(checkpoint, head, notes);
        } else if head.sequence > self.tip.sequence {
            if self.open.len() == MAX_KEPT {
                self.open.pop();
            }
            self.open.push(Open { checkpoint, head, seen: notes.now() });
        } else if !self.gaps.has(head.sequence) {
            notes.add_head(head.sequence, checkpoint, ProblemKind::Reordered);
        }
    }

    /// The tip has the number of a head: whether it is that head.
    fn meet(&mut self, checkpoint: u64, head: Head, notes: &mut Notes<'_>) -> bool {
        let first = self.confirmed.head.sequence + 1;
        let agrees = self.tip.is(head) || self.turn_to_branch(head);
        self.confirmed = Confirmed { head, checkpoint };
        if !agrees {
            let with = Voucher::Checkpoint(checkpoint);
            let kind = ProblemKind::Disagrees { with, first: first.min(head.sequence), last: head.sequence };
            notes.add_head(head.sequence, checkpoint, kind);
        }
        agrees
    }

    /// A head of this chain came whose checkpoint cannot be believed.
    pub(super) fn count_head(&mut self) {
        self.num_heads += 1;
    }

    /// Takes in a genuine seal; `hash` is how the next one names it.
    pub(super) fn seal(&mut self, seal: &Seal, hash: Digest, notes: &mut Notes<'_>) {
        self.num_seals += 1;
        let Seal { first, last, num_entries, .. } = *seal;
        if self.num_entries > 0 || self.num_heads > 0 {
            return notes.add(last, ProblemKind::Reordered);
        }
        match self.sealed {
            Some((before, _)) if last <= before => return notes.add(last, ProblemKind::Reordered),
            Some((before, _)) if first > before + 1 => {
                notes.add(first, ProblemKind::Missing { first: before + 1, last: first - 1 });
            }
            Some((_, named)) if seal.previous != named => notes.add(last, ProblemKind::BrokenLink),
            _ => {}
        }
        self.sealed = Some((last, hash));
        if (last + 1).checked_sub(first) != Some(num_entries) {
            notes.add(last, ProblemKind::SealedGap { first, last, num_entries });
        }
        let head = Head { sequence: last, hash: seal.last_hash };
        if self.promised.is_none() {
            (self.start, self.tip) = (head, head.into());
            self.confirmed.head = head;
        } else if last > self.start.sequence || (last == self.start.sequence && head != self.start) {
            notes.add(last, ProblemKind::BrokenLink);
        }
    }

    /// Nothing more comes of this chain. `expected` is a head that the caller knows it must have reached.
    pub(super) fn finish(&mut self, expected: Option<Head>, notes: &mut Notes<'_>) {
        let promised = self.promised.take();
        let last = promised.as_ref().map(|range| range.last_sequence);
        self.take_early(last.unwrap_or(u64::MAX), notes);
        self.gaps.finish(notes);
        if let Some(range) = promised {
            let head = Head { sequence: range.last_sequence, hash: range.last_hash };
            self.must_end(head, Voucher::Manifest, notes);
            self.must_count(&range, notes);
        }
        if let Some(head) = expected {
            self.must_end(head, Voucher::Caller, notes);
        }
        let ahead = self.open.iter().max_by_key(|open| open.head.sequence).copied();
        if let Some(Open { checkpoint, head, .. }) = ahead.filter(|open| Some(open.head.sequence) > last) {
            self.must_end(head, Voucher::Checkpoint(checkpoint), notes);
        }
    }

    fn must_end(&mut self, head: Head, by: Voucher, notes: &mut Notes<'_>) {
        let ends_at = self.tip.sequence;
        if ends_at < head.sequence {
            notes.add(head.sequence, ProblemKind::Truncated { ends_at, promised: head.sequence, by });
        } else if ends_at == head.sequence && !self.tip.is(head) && !self.turn_to_branch(head) {
            let first = (self.confirmed.head.sequence + 1).min(ends_at);
            notes.add(ends_at, ProblemKind::Disagrees { with: by, first, last: ends_at });
        }
    }

    fn must_count(&self, range: &ChainRange, notes: &mut Notes<'_>) {
        let heads = (SignedLine::Head, range.num_heads, self.num_heads);
        let seals = (SignedLine::Seal, range.num_seals, self.num_seals);
        for (of, promised, found) in [heads, seals] {
            if promised != found {
                notes.add(range.last_sequence, ProblemKind::CountDiffers { of, promised, found });
            }
        }
    }
}
