//! All that is counted for one scope. Everything is, whether there is a limit for it or not, so that a limit which is
//! set later knows what was used before.

use super::calendar::UtcOffset;
use super::claim::Amounts;
use super::limit::Limits;
use super::minute::Minute;
use super::outcome::{ANOTHER_LOOK_MS, Crossing, Shortage};
use super::scope::{Measure, SUMS, Scope, Sum};
use super::standing::{Gauge, Standing};
use super::state::{ScopeState, SumState};
use super::tally::Tally;
use super::{Seed, claim};

#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Only while something is in it.
    minute: Option<Box<Minute>>,
    in_flight: u64,
    sums: [Tally; SUMS],
}

/// Where a request was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    second: u64,
    generations: [u32; SUMS],
}

impl Counts {
    pub(super) fn advance(&mut self, offset: UtcOffset, now_ms: u64) {
        if let Some(minute) = &mut self.minute {
            minute.advance(now_ms);
        }
        for (sum, tally) in Sum::ALL.into_iter().zip(&mut self.sums) {
            tally.advance(sum.period(), offset, now_ms);
        }
    }

    /// Why there is no room for so much, if there is none. Needs [`Self::advance`].
    pub(super) fn shortage(&self, limits: &Limits, asked: Amounts, now_ms: u64) -> Option<Shortage> {
        let shortages = [
            self.shortage_of_requests(limits, now_ms),
            self.shortage_of_tokens(limits, asked, now_ms),
            self.shortage_of_places(limits),
        ];
        let sums = Sum::ALL.into_iter().map(|sum| self.shortage_of(sum, limits, asked, now_ms));
        // The first of those that last longest.
        shortages.into_iter().chain(sums).flatten().reduce(|a, b| if b.wait_ms() > a.wait_ms() { b } else { a })
    }

    fn shortage_of_requests(&self, limits: &Limits, now_ms: u64) -> Option<Shortage> {
        let limit = u64::from(limits.requests_per_minute?.get());
        let minute = self.minute.as_ref()?;
        let excess = excess(minute.requests.all(), 1, limit)?;
        let retry_after_ms = minute.until_free_ms(&minute.requests, excess, now_ms);
        Some(Shortage { measure: Measure::RequestsPerMinute, limit, retry_after_ms })
    }

    fn shortage_of_tokens(&self, limits: &Limits, asked: Amounts, now_ms: u64) -> Option<Shortage> {
        let limit = limits.tokens_per_minute?.get();
        let used = self.minute.as_ref().map_or(0, |minute| minute.tokens.all());
        let excess = excess(used, asked.tokens, limit)?;
        let until_free_ms = |minute: &Minute| minute.until_free_ms(&minute.tokens, excess, now_ms);
        let retry_after_ms = self.minute.as_deref().filter(|_| asked.tokens <= limit).and_then(until_free_ms);
        Some(Shortage { measure: Measure::TokensPerMinute, limit, retry_after_ms })
    }

    fn shortage_of_places(&self, limits: &Limits) -> Option<Shortage> {
        let limit = u64::from(limits.concurrent_requests?.get());
        excess(self.in_flight, 1, limit)?;
        Some(Shortage { measure: Measure::ConcurrentRequests, limit, retry_after_ms: Some(ANOTHER_LOOK_MS) })
    }

    fn shortage_of(&self, sum: Sum, limits: &Limits, asked: Amounts, now_ms: u64) -> Option<Shortage> {
        let ceiling = limits.ceiling(sum).filter(|ceiling| ceiling.is_hard && asked.concerns(sum))?;
        let (tally, amount, limit) = (&self.sums[sum as usize], asked.of(sum), ceiling.most);
        excess(tally.all(), amount, limit)?;
        let retry_after_ms = if amount > limit {
            None
        } else if excess(tally.used, amount, limit).is_none() {
            // Only requests under way are in the way.
            Some(ANOTHER_LOOK_MS)
        } else {
            tally.until_end_ms(now_ms)
        };
        Some(Shortage { measure: Measure::Sum(sum), limit, retry_after_ms })
    }

    /// Counts one request that is under way.
    pub(super) fn reserve(&mut self, amounts: Amounts, now_ms: u64) -> Mark {
        let minute = self.minute.get_or_insert_with(|| {
            let mut minute = Box::<Minute>::default();
            minute.advance(now_ms);
            minute
        });
        self.in_flight = self.in_flight.saturating_add(1);
        let second = minute.add(amounts.tokens);
        let mut generations = [0; SUMS];
        for sum in Sum::ALL {
            generations[sum as usize] = self.sums[sum as usize].reserve(amounts.of(sum));
        }
        Mark { second, generations }
    }

    /// Replaces what was reserved by what was used, and gives the place back.
    pub(super) fn settle(&mut self, mark: Mark, reserved: Amounts, used: Amounts) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(minute) = &mut self.minute {
            minute.replace_tokens(mark.second, reserved.tokens, used.tokens);
        }
        for sum in Sum::ALL {
            let at = sum as usize;
            self.sums[at].settle(mark.generations[at], reserved.of(sum), used.of(sum));
        }
    }

    /// Nothing was sent: it counts as no request either.
    pub(super) fn cancel(&mut self, mark: Mark, reserved: Amounts) {
        self.settle(mark, reserved, Amounts::NOTHING);
        if let Some(minute) = &mut self.minute {
            minute.remove_request(mark.second);
        }
    }

    pub(super) fn note(&mut self, used: Amounts, offset: UtcOffset, at_ms: u64) {
        for sum in Sum::ALL {
            self.sums[sum as usize].note(used.of(sum), (sum.period(), offset), at_ms);
        }
    }

    /// Needs [`Self::advance`].
    pub(super) fn seed(&mut self, sum: Sum, seed: Seed) {
        self.sums[sum as usize].seed(seed.used, seed.told_percent);
    }

    /// What is left. Needs [`Self::advance`].
    pub(super) fn standing(&self, limits: &Limits, now_ms: u64) -> Standing {
        let minute = self.minute.as_deref();
        let requests = limits.requests_per_minute.map(|limit| {
            let (used, reset_ms) = minute
                .map_or((0, 0), |minute| (minute.requests.all(), minute.until_empty_ms(&minute.requests, now_ms)));
            Gauge::new(u64::from(limit.get()), used, reset_ms)
        });
        let by_minute = limits.tokens_per_minute.map(|limit| {
            let (used, reset_ms) =
                minute.map_or((0, 0), |minute| (minute.tokens.all(), minute.until_empty_ms(&minute.tokens, now_ms)));
            Gauge::new(limit.get(), used, reset_ms)
        });
        let tokens = by_minute.or_else(|| {
            let today = &self.sums[Sum::TokensOfDay as usize];
            let reset_ms = if today.is_empty() { 0 } else { today.until_end_ms(now_ms).unwrap_or(u64::MAX) };
            limits.tokens_per_day.map(|limit| Gauge::new(limit.get(), today.all(), reset_ms))
        });
        Standing { requests, tokens }
    }

    /// Adds the thresholds that were reached by what was counted last.
    pub(super) fn note_crossings(&mut self, scope: &Scope, limits: &Limits, crossings: &mut Vec<Crossing>) {
        for budget in limits.budgets.as_slice() {
            let tally = &mut self.sums[Sum::of_budget(budget.period) as usize];
            for percent in tally.newly_reached(budget) {
                crossings.push(Crossing {
                    scope: scope.clone(),
                    period: budget.period,
                    percent: *percent,
                    budget: budget.tenge,
                    used: claim::tenge(tally.used),
                    reserved: claim::tenge(tally.reserved),
                });
            }
        }
    }

    /// Lets the minute go if nothing is in it, and says whether nothing is left at all.
    pub(super) fn rest(&mut self, now_ms: u64) -> bool {
        self.minute.take_if(|minute| {
            minute.advance(now_ms);
            minute.is_empty()
        });
        self.minute.is_none() && self.in_flight == 0 && self.sums.iter().all(|tally| tally.is_over(now_ms))
    }

    /// Needs [`Self::advance`].
    pub(super) fn state(&self) -> ScopeState {
        let sum = |sum: Sum| {
            let tally = &self.sums[sum as usize];
            Some(SumState { used: tally.used, reserved: tally.reserved, ends_ms: tally.ends_ms() })
        };
        ScopeState {
            requests_in_minute: self.minute.as_ref().map_or(0, |minute| minute.requests.all()),
            tokens_in_minute: self.minute.as_ref().map_or(0, |minute| minute.tokens.all()),
            in_flight: self.in_flight,
            tokens_of_day: sum(Sum::TokensOfDay),
            tiyn_of_day: sum(Sum::TiynOfDay),
            tiyn_of_month: sum(Sum::TiynOfMonth),
            tiyn_ever: sum(Sum::TiynEver),
        }
    }
}

/// How much of what was used would have to go before there is room for so much.
fn excess(used: u64, asked: u64, limit: u64) -> Option<u64> {
    let over = (u128::from(used) + u128::from(asked)).saturating_sub(u128::from(limit));
    (over > 0).then(|| u64::try_from(over).unwrap_or(u64::MAX))
}
