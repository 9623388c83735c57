//! Records that were just written to the journal, kept in memory until the database takes them, so that it need not read them
//! back.
//!
//! Bounded: what finds no room is read from the journal, as everything is after a start. Whoever takes records says from
//! where, and gets those that follow that place without a gap or none, so that nothing can be passed over.

use std::collections::VecDeque;

use super::{Position, Projected};

/// What lines may have together: about 2,000 records, which take three times as much in memory.
const MAX_BYTES: u64 = 2 << 20;

#[derive(Debug, Default)]
pub(super) struct Recent {
    records: VecDeque<Written>,
    bytes: u64,
    /// Whether it was said that there is much, since something was taken.
    told: bool,
}

/// A record, and the place that it has in the journal.
#[derive(Debug)]
struct Written {
    begin: Position,
    end: Position,
    projected: Projected,
}

impl Recent {
    /// A record that was just written, of so many bytes with its frame, behind all that were told before. Gives whether it is
    /// time to take what there is; once, until something is taken.
    pub(super) fn push(&mut self, end: Position, bytes: u64, record: impl FnOnce() -> Projected) -> bool {
        if self.bytes + bytes <= MAX_BYTES {
            let begin = Position { offset: end.offset.saturating_sub(bytes), ..end };
            self.bytes += bytes;
            self.records.push_back(Written { begin, end, projected: record() });
            if self.bytes <= MAX_BYTES / 2 {
                return false;
            }
        }
        !std::mem::replace(&mut self.told, true)
    }

    /// What follows a place, up to so many records, and the place behind them; nothing if the record that begins there is not
    /// here. What lies before it is forgotten.
    pub(super) fn take(&mut self, from: Position, most: usize) -> Option<(Vec<Projected>, Position)> {
        while self.records.front().is_some_and(|first| first.begin < from) {
            self.pop();
        }
        let (mut taken, mut upto) = (Vec::new(), from);
        while taken.len() < most && self.records.front().is_some_and(|next| next.begin == upto) {
            let Some(Written { end, projected, .. }) = self.pop() else { break };
            upto = end;
            taken.push(projected);
        }
        self.told &= taken.is_empty();
        (!taken.is_empty()).then_some((taken, upto))
    }

    /// Where the first of them begins.
    pub(super) fn begin(&self) -> Option<Position> {
        self.records.front().map(|first| first.begin)
    }

    fn pop(&mut self) -> Option<Written> {
        let first = self.records.pop_front()?;
        self.bytes = self.bytes.saturating_sub(first.end.offset - first.begin.offset);
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(segment: u64, offset: u64) -> Position {
        Position { segment, offset }
    }

    fn record() -> Projected {
        Projected { record: None, entry: None }
    }

    #[test]
    fn what_follows_a_place_is_given_and_nothing_over_a_gap() {
        let mut recent = Recent::default();
        for (end, bytes) in [(at(1, 10), 10), (at(1, 30), 20), (at(1, 60), 20), (at(2, 10), 10), (at(2, 20), 10)] {
            assert!(!recent.push(end, bytes, record));
        }
        assert!(recent.take(at(1, 5), 9).is_none(), "no record begins there");
        assert_eq!(recent.begin(), Some(at(1, 10)));
        let (records, upto) = recent.take(at(1, 10), 9).unwrap();
        assert_eq!((records.len(), upto), (1, at(1, 30)), "the one that begins at 30 is not here");
        assert!(recent.take(at(1, 30), 9).is_none());
        assert!(recent.take(at(1, 60), 9).is_none(), "whether something stands before the next segment is not known");
        let (records, upto) = recent.take(at(2, 0), 1).unwrap();
        assert_eq!((records.len(), upto), (1, at(2, 10)));
        assert_eq!(recent.take(at(2, 10), 9).map(|(records, upto)| (records.len(), upto)), Some((1, at(2, 20))));
        assert_eq!((recent.bytes, recent.begin()), (0, None));
    }

    #[test]
    fn it_is_full_at_a_bound_and_says_so_before() {
        let mut recent = Recent::default();
        let bytes = MAX_BYTES / 4;
        let wants_taking: Vec<bool> = (1..=5).map(|number| recent.push(at(1, number * bytes), bytes, record)).collect();
        assert_eq!(wants_taking, [false, false, true, false, false]);
        assert_eq!(recent.records.len(), 4);
        assert_eq!(recent.take(at(1, 0), 9).map(|(records, _)| records.len()), Some(4));
        let wants_taking: Vec<bool> = (6..=9).map(|number| recent.push(at(1, number * bytes), bytes, record)).collect();
        assert_eq!(wants_taking, [false, false, true, false]);
    }

    proptest! {
        /// A reader that takes what it can and reads the rest elsewhere sees each record once and in order.
        #[test]
        fn nothing_is_passed_over_or_given_twice(steps in prop::collection::vec((0..3_usize, 1..400_000_u64, 1..5_usize), 1..60)) {
            let mut recent = Recent::default();
            let (mut written, mut end, mut upto, mut seen) = (Vec::new(), at(1, 0), at(1, 0), 0);
            for (step, bytes, most) in steps {
                if step == 0 {
                    if let Some((records, behind)) = recent.take(upto, most) {
                        seen += records.len();
                        prop_assert_eq!(written.get(seen - 1).copied(), Some(behind));
                        upto = behind;
                    } else if let Some(next) = written.get(seen).copied() {
                        // As from the journal.
                        (seen, upto) = (seen + 1, next);
                    }
                } else {
                    end = if step == 1 { at(end.segment, end.offset + bytes) } else { at(end.segment + 1, bytes) };
                    written.push(end);
                    recent.push(end, bytes, record);
                }
                prop_assert!(recent.bytes <= MAX_BYTES);
            }
        }
    }
}
