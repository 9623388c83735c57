//! What Redis has not been told yet: ends of leases, and what was used while it was away.
//!
//! Bounded: where there is no room for another end, what it used is noted, and where there is none for another note, it
//! is counted and said. A lease whose end is never told runs out by itself.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lease::Lease;
use crate::limits::{Amounts, Period, Scope, UtcOffset};

const MAX_ENDINGS: usize = 10_000;
const MAX_NOTES: usize = 10_000;

/// A lease that is over.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    pub(super) lease: Arc<Lease>,
    pub(super) used: Amounts,
    pub(super) is_cancelled: bool,
    /// Redis may have been told already.
    pub(super) was_sent: bool,
    pub(super) ended_ms: u64,
}

/// What was used without a lease, in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Note {
    /// A moment of the period.
    pub(super) used_ms: u64,
    /// When the last of it was known.
    pub(super) known_ms: u64,
    pub(super) tokens: u64,
    pub(super) tiyn: u64,
}

/// Notes on their way: told again under the same name until Redis has said yes.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    pub(super) id: String,
    pub(super) notes: Arc<[(Scope, Note)]>,
}

#[derive(Debug, Default)]
pub(super) struct Owed {
    now: Mutex<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    /// Leases of requests that are under way.
    held: HashSet<Arc<str>>,
    endings: VecDeque<Ending>,
    /// By scope and the day on which it was used.
    notes: HashMap<(Scope, u64), Note>,
    sheet: Option<Sheet>,
    sheets: u64,
}

impl Owed {
    /// Renewed from now on.
    pub(super) fn hold(&self, id: &Arc<str>) {
        self.lock().held.insert(Arc::clone(id));
    }

    pub(super) fn release(&self, id: &str) {
        self.lock().held.remove(id);
    }

    pub(super) fn held(&self) -> Vec<String> {
        self.lock().held.iter().map(ToString::to_string).collect()
    }

    /// To be told when there is time.
    pub(super) fn end(&self, ending: Ending, offset: UtcOffset) {
        let mut lists = self.lock();
        if lists.endings.len() < MAX_ENDINGS {
            lists.endings.push_back(ending);
        } else if !ending.is_cancelled {
            lists.note_lease(&ending.lease, ending.used, offset, ending.ended_ms);
        }
    }

    /// What a request used that Redis never knew.
    pub(super) fn note_lease(&self, lease: &Lease, used: Amounts, offset: UtcOffset, known_ms: u64) {
        self.lock().note_lease(lease, used, offset, known_ms);
    }

    /// The same of one scope: when it was used, and when that was known.
    pub(super) fn note(&self, scope: &Scope, used: Amounts, offset: UtcOffset, (used_ms, known_ms): (u64, u64)) {
        let day_ms = offset.span(Period::Day, used_ms).begins_ms;
        self.lock().note((scope.clone(), day_ms), used, (used_ms, known_ms));
    }

    /// The oldest ends, to be told or to be put back.
    pub(super) fn take_endings(&self, most: usize) -> Vec<Ending> {
        let mut lists = self.lock();
        let most = most.min(lists.endings.len());
        lists.endings.drain(..most).collect()
    }

    pub(super) fn put_back(&self, endings: Vec<Ending>) {
        let mut lists = self.lock();
        for ending in endings.into_iter().rev() {
            lists.endings.push_front(ending);
        }
    }

    /// Notes and ends.
    pub(super) fn lengths(&self) -> (usize, usize) {
        let lists = self.lock();
        let on_its_way = lists.sheet.as_ref().map_or(0, |sheet| sheet.notes.len());
        (lists.notes.len() + on_its_way, lists.endings.len())
    }

    /// The sheet that was not answered yet, or what was noted since.
    pub(super) fn sheet(&self, gateway: &str, most: usize) -> Option<Sheet> {
        let mut lists = self.lock();
        if lists.sheet.is_none() && !lists.notes.is_empty() {
            let first: Vec<_> = lists.notes.keys().take(most).cloned().collect();
            let notes = first.into_iter().filter_map(|key| lists.notes.remove_entry(&key));
            let notes = notes.map(|((scope, _), note)| (scope, note)).collect();
            lists.sheets += 1;
            lists.sheet = Some(Sheet { id: format!("{gateway}:{}", lists.sheets), notes });
        }
        lists.sheet.clone()
    }

    /// It was told. Another one may be on its way already.
    pub(super) fn forget_sheet(&self, id: &str) {
        self.lock().sheet.take_if(|sheet| sheet.id == id);
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lists {
    fn note_lease(&mut self, lease: &Lease, used: Amounts, offset: UtcOffset, known_ms: u64) {
        let day_ms = offset.span(Period::Day, lease.reserved_ms).begins_ms;
        for (scope, limits) in lease.levels.iter().flatten() {
            // Only sums of the calendar outlive an outage.
            if limits.tokens_per_day.is_some() || !limits.budgets.is_empty() {
                self.note((scope.clone(), day_ms), used, (lease.reserved_ms, known_ms));
            }
        }
    }

    fn note(&mut self, key: (Scope, u64), used: Amounts, (used_ms, known_ms): (u64, u64)) {
        if self.notes.len() >= MAX_NOTES && !self.notes.contains_key(&key) {
            tracing::warn!(
                tokens = used.tokens,
                tiyn = used.tiyn,
                "no room to note what was used while Redis was away"
            );
            return;
        }
        let note = self.notes.entry(key).or_insert(Note { used_ms, known_ms, tokens: 0, tiyn: 0 });
        note.known_ms = note.known_ms.max(known_ms);
        note.tokens = note.tokens.saturating_add(used.tokens);
        note.tiyn = note.tiyn.saturating_add(used.tiyn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Bound, Claim, Limits};

    fn ending(number: usize) -> Ending {
        let limits: Arc<Limits> = Arc::new(serde_json::from_str("{\"tokens_per_day\":5}").unwrap());
        let key = Bound { name: &Arc::from(format!("key-{}", number % 3)), limits: &limits };
        let claim = Claim { key: Some(key), project: None, customer: None, tokens: 2, cost: None };
        let lease = Arc::new(Lease::new(number.to_string(), &claim));
        let used = Amounts { tokens: 7, ..Amounts::NOTHING };
        Ending { lease, used, is_cancelled: false, was_sent: true, ended_ms: 5 }
    }

    #[test]
    fn ends_that_find_no_room_are_noted_by_scope() {
        let owed = Owed::default();
        for number in 0..MAX_ENDINGS + 30 {
            owed.end(ending(number), UtcOffset::UTC);
        }
        assert_eq!(owed.lengths(), (3, MAX_ENDINGS));
        let sheet = owed.sheet("a", 2).unwrap();
        let tokens: Vec<_> = sheet.notes.iter().map(|(_, note)| note.tokens).collect();
        assert_eq!(tokens, [70, 70]);
        // Until it was told, it is told again, whatever else is noted.
        owed.end(ending(0), UtcOffset::UTC);
        assert_eq!(owed.sheet("a", 2).unwrap().id, sheet.id);
        owed.forget_sheet("another");
        assert_eq!(owed.sheet("a", 2).unwrap().id, sheet.id);
        owed.forget_sheet(&sheet.id);
        assert_ne!(owed.sheet("a", 9).unwrap().id, sheet.id);
    }

    #[test]
    fn ends_that_are_put_back_keep_their_order() {
        let owed = Owed::default();
        (0..5).for_each(|number| owed.end(ending(number), UtcOffset::UTC));
        let taken = owed.take_endings(3);
        owed.put_back(taken);
        let order: Vec<_> = owed.take_endings(9).iter().map(|ending| ending.lease.id.to_string()).collect();
        assert_eq!(order, ["0", "1", "2", "3", "4"]);
    }

    #[test]
    fn scopes_without_sums_are_not_noted_and_notes_are_bounded() {
        let owed = Owed::default();
        for number in 0..MAX_NOTES as u64 + 5 {
            let scope = Scope { level: crate::limits::Level::Key, name: Arc::from("k") };
            owed.note(&scope, Amounts::NOTHING, UtcOffset::UTC, (number * 86_400_000, u64::MAX));
        }
        assert_eq!(owed.lengths(), (MAX_NOTES, 0));
        let unbounded = Lease { levels: [None, None, None], ..Lease::clone(&ending(0).lease) };
        owed.note_lease(&unbounded, Amounts::NOTHING, UtcOffset::UTC, 0);
        assert_eq!(owed.lengths(), (MAX_NOTES, 0));
    }
}
