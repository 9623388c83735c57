//! Conversations that once held personal data: they stay inside, whatever their next request says. Bounded in number and
//! time; only hashes are kept.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::HistoryHash;

/// Safe to use from many threads.
pub struct StickyConversations {
    max: usize,
    ttl_ms: u64,
    marks: Mutex<Marks>,
}

#[derive(Default)]
struct Marks {
    expires_at_ms: HashMap<HistoryHash, u64>,
    /// In the order in which they were made or renewed; a mark may stand here more than once.
    order: VecDeque<(HistoryHash, u64)>,
}

impl StickyConversations {
    /// At most `max` marks, each for `ttl_ms` after its last use.
    #[must_use]
    pub fn new(max: usize, ttl_ms: u64) -> Self {
        Self { max, ttl_ms, marks: Mutex::default() }
    }

    /// Whether one of `hashes` was marked.
    pub fn holds<'h>(&self, mut hashes: impl Iterator<Item = &'h HistoryHash>, now_ms: u64) -> bool {
        let marks = self.lock();
        hashes.any(|hash| marks.expires_at_ms.get(hash).is_some_and(|&expires| expires > now_ms))
    }

    /// Marks a conversation.
    pub fn mark<'h>(&self, hashes: impl Iterator<Item = &'h HistoryHash>, now_ms: u64) {
        let mut marks = self.lock();
        let expires = now_ms.saturating_add(self.ttl_ms);
        for hash in hashes {
            marks.expires_at_ms.insert(*hash, expires);
            marks.order.push_back((*hash, expires));
        }
        marks.forget(now_ms, self.max);
    }

    /// How many marks there are.
    pub fn len(&self) -> usize {
        self.lock().expires_at_ms.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    fn forget(&mut self, now_ms: u64, max: usize) {
        while let Some(&(hash, expires)) = self.order.front() {
            // A mark that was renewed stands further behind, too.
            let is_current = self.expires_at_ms.get(&hash) == Some(&expires);
            let is_over = expires <= now_ms || self.expires_at_ms.len() > max;
            if is_current && !is_over && self.order.len() <= 2 * max {
                return;
            }
            self.order.pop_front();
            if is_current {
                self.expires_at_ms.remove(&hash);
            }
        }
    }
}

impl fmt::Debug for StickyConversations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StickyConversations").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_renewed_run_out_and_are_bounded() {
        let sticky = StickyConversations::new(2, 100);
        let hash = |number: u8| [number; 32];
        sticky.mark([hash(1)].iter(), 0);
        sticky.mark([hash(1)].iter(), 50);
        assert!(sticky.holds([hash(9), hash(1)].iter(), 120) && !sticky.holds([hash(1)].iter(), 150));
        sticky.mark([hash(2)].iter(), 60);
        sticky.mark([hash(3)].iter(), 70);
        assert!(!sticky.holds([hash(1)].iter(), 71) && sticky.holds([hash(3)].iter(), 71));
        for round in 0..1_000 {
            sticky.mark([hash(3)].iter(), 80 + round);
        }
        assert!(sticky.len() <= 2 && sticky.lock().order.len() <= 5);
    }
}
