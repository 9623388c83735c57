//! One sum of one scope in the present period: what was used, and what requests under way may still use.

use super::calendar::{Span, UtcOffset};
use super::limit::Budget;
use super::scope::Period;

/// A clock set back by no more than this does not bring a period back.
const SET_BACK_MS: u64 = 60_000;

#[derive(Debug)]
pub(super) struct Tally {
    span: Span,
    /// Which of the periods of this tally it is: what is reserved in one is settled in that one or not at all.
    generation: u32,
    pub(super) used: u64,
    pub(super) reserved: u64,
    /// The highest threshold of which somebody was told in this period.
    told_percent: u8,
}

impl Default for Tally {
    fn default() -> Self {
        Self { span: Span { begins_ms: 0, ends_ms: 0 }, generation: 0, used: 0, reserved: 0, told_percent: 0 }
    }
}

impl Tally {
    /// Begins anew with every period. Where the clock was set back, what is counted is carried over: it is safer than
    /// to forget it.
    pub(super) fn advance(&mut self, period: Period, offset: UtcOffset, now_ms: u64) {
        if now_ms >= self.span.ends_ms {
            self.span = offset.span(period, now_ms);
            self.generation = self.generation.wrapping_add(1);
            (self.used, self.reserved, self.told_percent) = (0, 0, 0);
        } else if now_ms.saturating_add(SET_BACK_MS) < self.span.begins_ms {
            self.span = offset.span(period, now_ms);
        }
    }

    pub(super) fn all(&self) -> u64 {
        self.used.saturating_add(self.reserved)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.used == 0 && self.reserved == 0
    }

    /// Whether nothing is left of it at this moment.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        self.is_empty() || now_ms >= self.span.ends_ms
    }

    pub(super) fn until_end_ms(&self, now_ms: u64) -> Option<u64> {
        (self.span.ends_ms != Span::EVER.ends_ms).then(|| self.span.ends_ms.saturating_sub(now_ms))
    }

    pub(super) fn ends_ms(&self) -> Option<u64> {
        (self.span.ends_ms != Span::EVER.ends_ms).then_some(self.span.ends_ms)
    }

    /// The generation is what it is settled with.
    pub(super) fn reserve(&mut self, amount: u64) -> u32 {
        self.reserved = self.reserved.saturating_add(amount);
        self.generation
    }

    pub(super) fn settle(&mut self, generation: u32, reserved: u64, used: u64) {
        if generation == self.generation {
            self.reserved = self.reserved.saturating_sub(reserved);
            self.used = self.used.saturating_add(used);
        }
    }

    /// What was used at that moment, without having been reserved. What lies before this period is past.
    pub(super) fn note(&mut self, amount: u64, (period, offset): (Period, UtcOffset), at_ms: u64) {
        if at_ms >= self.span.ends_ms {
            self.advance(period, offset, at_ms);
        }
        if self.span.contains(at_ms) {
            self.used = self.used.saturating_add(amount);
        }
    }

    pub(super) fn seed(&mut self, used: u64, told_percent: u8) {
        self.used = used;
        self.told_percent = self.told_percent.max(told_percent);
    }

    /// The thresholds that what is counted now has reached, each once in a period. A budget of nothing has none.
    pub(super) fn newly_reached<'a>(&mut self, budget: &'a Budget) -> &'a [u8] {
        let Ok(most @ 1..) = u64::try_from(budget.tenge.tiyn()) else { return &[] };
        let all = self.all();
        let reached = |percent: &u8| u128::from(all) * 100 >= u128::from(most) * u128::from(*percent);
        let first = budget.alert_at_percent.partition_point(|percent| *percent <= self.told_percent);
        let untold = &budget.alert_at_percent[first..];
        let newly = &untold[..untold.partition_point(reached)];
        if let Some(highest) = newly.last() {
            self.told_percent = *highest;
        }
        newly
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::Tenge;

    const DAY_MS: u64 = 86_400_000;

    fn day(now_ms: u64) -> Tally {
        let mut tally = Tally::default();
        tally.advance(Period::Day, UtcOffset::UTC, now_ms);
        tally
    }

    #[test]
    fn what_is_reserved_in_one_period_is_settled_there_or_nowhere() {
        let mut tally = day(5);
        let generation = tally.reserve(10);
        tally.settle(generation, 10, 12);
        assert_eq!((tally.used, tally.reserved), (12, 0));
        let yesterday = tally.reserve(10);
        tally.advance(Period::Day, UtcOffset::UTC, DAY_MS);
        let today = tally.reserve(3);
        tally.settle(yesterday, 10, 12);
        assert_eq!((tally.used, tally.reserved), (0, 3));
        tally.settle(today, 3, 3);
        assert_eq!((tally.used, tally.until_end_ms(DAY_MS + 1)), (3, Some(DAY_MS - 1)));
    }

    #[test]
    fn a_clock_that_is_set_back_forgets_nothing() {
        let mut tally = day(10 * DAY_MS);
        let generation = tally.reserve(10);
        // Over midnight and back: still the new day.
        tally.advance(Period::Day, UtcOffset::UTC, 10 * DAY_MS - 5);
        assert_eq!(tally.ends_ms(), Some(11 * DAY_MS));
        tally.advance(Period::Day, UtcOffset::UTC, 2 * DAY_MS);
        tally.settle(generation, 10, 7);
        assert_eq!((tally.used, tally.ends_ms()), (7, Some(3 * DAY_MS)));
    }

    #[test]
    fn what_is_noted_late_counts_in_its_own_period() {
        let mut tally = Tally::default();
        let calendar = (Period::Day, UtcOffset::UTC);
        tally.note(5, calendar, 3 * DAY_MS);
        tally.note(7, calendar, 2 * DAY_MS);
        assert_eq!(tally.used, 5);
        tally.note(7, calendar, 4 * DAY_MS);
        assert_eq!(tally.used, 7);
    }

    #[test]
    fn each_threshold_is_told_once_in_a_period() {
        let mut tally = day(0);
        let alert_at_percent = vec![50, 80, 100];
        let budget = Budget { period: Period::Day, tenge: Tenge::from_tiyn(200), hard: false, alert_at_percent };
        for (amount, newly) in [(99, &[][..]), (1, &[50]), (59, &[]), (500, &[80, 100]), (1, &[])] {
            tally.reserve(amount);
            assert_eq!(tally.newly_reached(&budget), newly, "{amount}");
        }
        tally.advance(Period::Day, UtcOffset::UTC, DAY_MS);
        tally.seed(170, 80);
        assert!(tally.newly_reached(&budget).is_empty());
        tally.reserve(u64::MAX);
        assert_eq!(tally.newly_reached(&budget), [100]);
    }
}
