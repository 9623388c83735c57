//! What the scripts answer: whole numbers in an order that is written above each of them.

use super::lease::Lease;
use crate::limits::{
    Crossing, Gauge, Limits, Measure, Refusal, SUMS, Scope, ScopeState, Settled, Shortage, Standing, Sum, SumState,
    UtcOffset, tenge,
};

/// An answer that is not what the script was written to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Redis gave an answer that no script of this gateway gives")]
pub(super) struct Unreadable;

/// A sum of a level that was never seeded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Unseeded {
    pub(super) scope: Scope,
    pub(super) sum: Sum,
}

#[derive(Debug)]
pub(super) enum ReserveReply {
    /// Nothing was counted: these come first.
    Needs {
        now_ms: u64,
        unseeded: Vec<Unseeded>,
    },
    Refused(Refusal),
    /// Counted. Sums that only tell may still be missing.
    Reserved {
        now_ms: u64,
        settled: Settled,
        unseeded: Vec<Unseeded>,
    },
}

struct Numbers {
    left: std::vec::IntoIter<i64>,
}

impl Numbers {
    fn signed(&mut self) -> Result<i64, Unreadable> {
        self.left.next().ok_or(Unreadable)
    }

    /// Nothing below zero.
    fn amount(&mut self) -> Result<u64, Unreadable> {
        Ok(u64::try_from(self.signed()?).unwrap_or(0))
    }

    /// Nothing for what is below zero.
    fn known(&mut self) -> Result<Option<u64>, Unreadable> {
        Ok(u64::try_from(self.signed()?).ok())
    }

    fn place(&mut self) -> Result<usize, Unreadable> {
        usize::try_from(self.signed()?).map_err(|_| Unreadable)
    }

    fn unseeded(&mut self, lease: &Lease) -> Result<Vec<Unseeded>, Unreadable> {
        let mut unseeded = Vec::new();
        for _ in 0..self.place()? {
            let (scope, _) = level(lease, self.place()?)?;
            let sum = *Sum::ALL.get(self.place()?).ok_or(Unreadable)?;
            unseeded.push(Unseeded { scope: scope.clone(), sum });
        }
        Ok(unseeded)
    }
}

/// The scripts count levels without those that are not bounded.
fn level(lease: &Lease, at: usize) -> Result<(&Scope, &Limits), Unreadable> {
    lease.levels.iter().flatten().nth(at).map(|(scope, limits)| (scope, &**limits)).ok_or(Unreadable)
}

pub(super) fn read_reserve(reply: Vec<i64>, lease: &Lease, offset: UtcOffset) -> Result<ReserveReply, Unreadable> {
    let mut numbers = Numbers { left: reply.into_iter() };
    let now_ms = numbers.amount()?;
    let needed = numbers.unseeded(lease)?;
    let later = numbers.unseeded(lease)?;
    let mut worst: Option<(&Scope, Shortage)> = None;
    for _ in 0..numbers.place()? {
        let (scope, limits) = level(lease, numbers.place()?)?;
        let measure = *Measure::ALL.get(numbers.place()?).ok_or(Unreadable)?;
        let retry_after_ms = wait_ms(numbers.signed()?, measure, offset, now_ms);
        let shortage = Shortage { measure, limit: limit_of(limits, measure), retry_after_ms };
        if worst.is_none_or(|(_, worst)| shortage.wait_ms() > worst.wait_ms()) {
            worst = Some((scope, shortage));
        }
    }
    if !needed.is_empty() {
        return Ok(ReserveReply::Needs { now_ms, unseeded: needed });
    }
    let settled = read_levels(&mut numbers, lease, offset, now_ms)?;
    match worst {
        Some((scope, Shortage { measure, limit, retry_after_ms })) => {
            let (scope, standing) = (scope.clone(), settled.standing);
            Ok(ReserveReply::Refused(Refusal { scope, measure, limit, retry_after_ms, standing }))
        }
        None => Ok(ReserveReply::Reserved { now_ms, settled, unseeded: later }),
    }
}

pub(super) fn read_settle(reply: Vec<i64>, lease: &Lease, offset: UtcOffset) -> Result<Settled, Unreadable> {
    let mut numbers = Numbers { left: reply.into_iter() };
    let now_ms = numbers.amount()?;
    read_levels(&mut numbers, lease, offset, now_ms)
}

pub(super) fn read_state(reply: Vec<i64>, offset: UtcOffset) -> Result<ScopeState, Unreadable> {
    let mut numbers = Numbers { left: reply.into_iter() };
    let now_ms = numbers.amount()?;
    let mut state = ScopeState {
        requests_in_minute: numbers.amount()?,
        tokens_in_minute: numbers.amount()?,
        in_flight: numbers.amount()?,
        ..ScopeState::default()
    };
    let mut sums = [None; SUMS];
    for sum in Sum::ALL {
        let (used, reserved) = (numbers.known()?, numbers.amount()?);
        let ends_ms = ends_ms(sum, offset, now_ms);
        sums[sum as usize] = used.map(|used| SumState { used, reserved, ends_ms });
    }
    [state.tokens_of_day, state.tiyn_of_day, state.tiyn_of_month, state.tiyn_ever] = sums;
    Ok(state)
}

/// -1: for good; -2: until the end of its period.
fn wait_ms(wait: i64, measure: Measure, offset: UtcOffset, now_ms: u64) -> Option<u64> {
    match (wait, measure) {
        (-2, Measure::Sum(sum)) => ends_ms(sum, offset, now_ms).map(|ends_ms| ends_ms.saturating_sub(now_ms)),
        _ => u64::try_from(wait).ok(),
    }
}

fn ends_ms(sum: Sum, offset: UtcOffset, now_ms: u64) -> Option<u64> {
    let ends_ms = offset.span(sum.period(), now_ms).ends_ms;
    (ends_ms != u64::MAX).then_some(ends_ms)
}

fn limit_of(limits: &Limits, measure: Measure) -> u64 {
    let limit = match measure {
        Measure::RequestsPerMinute => limits.requests_per_minute.map(|most| u64::from(most.get())),
        Measure::TokensPerMinute => limits.tokens_per_minute.map(std::num::NonZero::get),
        Measure::ConcurrentRequests => limits.concurrent_requests.map(|most| u64::from(most.get())),
        Measure::Sum(sum) => limits.ceiling(sum).map(|ceiling| ceiling.most),
    };
    limit.unwrap_or(0)
}

fn read_levels(numbers: &mut Numbers, lease: &Lease, offset: UtcOffset, now_ms: u64) -> Result<Settled, Unreadable> {
    let mut settled = Settled::default();
    for (scope, limits) in lease.levels.iter().flatten() {
        let (requests, requests_reset_ms) = (numbers.amount()?, numbers.amount()?);
        let (tokens, tokens_reset_ms) = (numbers.amount()?, numbers.amount()?);
        let today = numbers.amount()?;
        let requests =
            limits.requests_per_minute.map(|most| Gauge::new(u64::from(most.get()), requests, requests_reset_ms));
        let by_minute = limits.tokens_per_minute.map(|most| Gauge::new(most.get(), tokens, tokens_reset_ms));
        let tokens = by_minute.or_else(|| {
            let until_end_ms = ends_ms(Sum::TokensOfDay, offset, now_ms).map_or(u64::MAX, |end_ms| end_ms - now_ms);
            let reset_ms = if today == 0 { 0 } else { until_end_ms };
            limits.tokens_per_day.map(|most| Gauge::new(most.get(), today, reset_ms))
        });
        settled.standing = settled.standing.tightest(Standing { requests, tokens });
        for sum in [Sum::TiynOfDay, Sum::TiynOfMonth, Sum::TiynEver] {
            let (used, reserved) = (numbers.amount()?, numbers.amount()?);
            let told = numbers.amount()?..numbers.amount()?;
            let Some(budget) = limits.budgets.of(sum) else { continue };
            let is_new = |percent: &&u8| told.start < u64::from(**percent) && u64::from(**percent) <= told.end;
            settled.crossings.extend(budget.alert_at_percent.iter().filter(is_new).map(|percent| Crossing {
                scope: scope.clone(),
                period: budget.period,
                percent: *percent,
                budget: budget.tenge,
                used: tenge(used),
                reserved: tenge(reserved),
            }));
        }
    }
    Ok(settled)
}
