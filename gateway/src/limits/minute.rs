//! The last minute of one scope, in seconds: no span of 60 s ever sees more than was let through on purpose.
//!
//! What happens in a second is in its bucket. A bucket leaves when all of it is older than 60 s, so the present second
//! and the 60 before it count: 61 buckets. Time never runs backwards in here: a clock that is set back a little counts
//! in the newest second, one that is set back by more than the window goes on from there, and nothing is forgotten
//! either way.

/// The present second, and those that may hold something younger than 60 s.
const BUCKETS: usize = 61;
const BUCKETS_S: u64 = BUCKETS as u64;

#[derive(Debug, Default)]
pub(super) struct Minute {
    /// The newest second.
    head_s: u64,
    /// How far the clock was set back.
    ahead_s: u64,
    pub(super) requests: Ring,
    pub(super) tokens: Ring,
}

/// Counts by the second, each in the place of the one 61 s before it.
#[derive(Debug)]
pub(super) struct Ring {
    buckets: [u64; BUCKETS],
    all: u64,
}

impl Default for Ring {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS], all: 0 }
    }
}

impl Minute {
    /// Lets go what is older than the window.
    pub(super) fn advance(&mut self, now_ms: u64) {
        let now_s = now_ms / 1_000;
        if now_s.saturating_add(self.ahead_s).saturating_add(BUCKETS_S) < self.head_s {
            self.ahead_s = self.head_s - now_s;
        }
        let at_s = now_s.saturating_add(self.ahead_s).max(self.head_s);
        for gone in 1..=(at_s - self.head_s).min(BUCKETS_S) {
            let place = place(self.head_s + gone);
            self.requests.clear(place);
            self.tokens.clear(place);
        }
        self.head_s = at_s;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.all == 0 && self.tokens.all == 0
    }

    /// Counts one request with so many tokens in the newest second, which it gives back.
    pub(super) fn add(&mut self, tokens: u64) -> u64 {
        let place = place(self.head_s);
        self.requests.replace(place, 0, 1);
        self.tokens.replace(place, 0, tokens);
        self.head_s
    }

    /// So many tokens were taken in that second, and it should have been others. What has left the window stays out.
    pub(super) fn replace_tokens(&mut self, second: u64, before: u64, after: u64) {
        if self.holds(second) {
            self.tokens.replace(place(second), before, after);
        }
    }

    pub(super) fn remove_request(&mut self, second: u64) {
        if self.holds(second) {
            self.requests.replace(place(second), 1, 0);
        }
    }

    /// Until so much of the ring has left. It never does where it does not hold so much.
    pub(super) fn until_free_ms(&self, ring: &Ring, excess: u64, now_ms: u64) -> Option<u64> {
        let mut left = 0_u64;
        for back in (0..BUCKETS_S).rev() {
            let Some(second) = self.head_s.checked_sub(back) else { continue };
            left = left.saturating_add(ring.buckets[place(second)]);
            if left >= excess {
                return Some(self.until_gone_ms(second, now_ms));
            }
        }
        None
    }

    /// Until all of the ring has left.
    pub(super) fn until_empty_ms(&self, ring: &Ring, now_ms: u64) -> u64 {
        let seconds = (0..BUCKETS_S).filter_map(|back| self.head_s.checked_sub(back));
        let last = seconds.into_iter().find(|second| ring.buckets[place(*second)] > 0);
        last.map_or(0, |second| self.until_gone_ms(second, now_ms))
    }

    fn until_gone_ms(&self, second: u64, now_ms: u64) -> u64 {
        let clock_ms = now_ms.saturating_add(self.ahead_s.saturating_mul(1_000));
        second.saturating_add(BUCKETS_S).saturating_mul(1_000).saturating_sub(clock_ms)
    }

    fn holds(&self, second: u64) -> bool {
        second <= self.head_s && self.head_s - second < BUCKETS_S
    }
}

impl Ring {
    pub(super) fn all(&self) -> u64 {
        self.all
    }

    fn clear(&mut self, place: usize) {
        self.all = self.all.saturating_sub(std::mem::take(&mut self.buckets[place]));
    }

    fn replace(&mut self, place: usize, before: u64, after: u64) {
        let bucket = &mut self.buckets[place];
        let changed = bucket.saturating_sub(before).saturating_add(after);
        self.all = self.all.saturating_sub(*bucket).saturating_add(changed);
        *bucket = changed;
    }
}

fn place(second: u64) -> usize {
    (second % BUCKETS_S) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(now_ms: u64) -> Minute {
        let mut minute = Minute::default();
        minute.advance(now_ms);
        minute
    }

    #[test]
    fn a_second_leaves_when_all_of_it_is_older_than_a_minute() {
        let mut minute = minute(999);
        minute.add(7);
        minute.advance(60_999);
        assert_eq!((minute.requests.all(), minute.tokens.all()), (1, 7));
        assert_eq!(minute.until_empty_ms(&minute.requests, 60_999), 1);
        minute.advance(61_000);
        assert!(minute.is_empty() && minute.until_empty_ms(&minute.requests, 61_000) == 0);
    }

    #[test]
    fn waiting_is_until_enough_has_left() {
        let mut minute = minute(10_000);
        minute.add(5);
        minute.advance(12_500);
        minute.add(5);
        for (excess, wait_ms) in [(1, Some(58_500)), (5, Some(58_500)), (6, Some(60_500)), (11, None)] {
            assert_eq!(minute.until_free_ms(&minute.tokens, excess, 12_500), wait_ms, "{excess}");
        }
        assert_eq!(minute.until_empty_ms(&minute.tokens, 12_500), 60_500);
    }

    #[test]
    fn what_is_corrected_late_is_corrected_where_it_was_counted() {
        let mut minute = minute(5_000);
        let second = minute.add(100);
        minute.advance(9_000);
        minute.replace_tokens(second, 100, 30);
        assert_eq!(minute.tokens.all(), 30);
        minute.advance(66_000);
        assert_eq!(minute.tokens.all(), 0);
        minute.replace_tokens(second, 100, 300);
        assert_eq!(minute.tokens.all(), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_forgets_nothing_and_stops_nothing() {
        let mut minute = minute(1_000_000_000);
        minute.add(1);
        minute.advance(999_990_000);
        assert_eq!(minute.add(1), 1_000_000);
        // By more than the window: it goes on from there.
        minute.advance(5_000);
        assert_eq!((minute.requests.all(), minute.until_empty_ms(&minute.requests, 5_000)), (2, 61_000));
        minute.advance(6_000);
        assert_eq!(minute.add(1), 1_000_001);
        minute.advance(66_000);
        assert_eq!(minute.requests.all(), 1);
        minute.advance(67_000);
        assert!(minute.is_empty());
    }

    #[test]
    fn nothing_overflows() {
        let mut minute = minute(u64::MAX);
        minute.add(u64::MAX);
        minute.add(u64::MAX);
        assert_eq!(minute.tokens.all(), u64::MAX);
        minute.until_empty_ms(&minute.tokens, u64::MAX);
        minute.advance(0);
        minute.advance(u64::MAX);
        minute.advance(u64::MAX);
        assert_eq!(minute.until_free_ms(&minute.tokens, 1, u64::MAX), None);
    }
}
