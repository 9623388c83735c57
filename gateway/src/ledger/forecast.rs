//! What a quarter will have cost if it goes on like this, and days that cost far more than those before them.

use std::num::NonZeroU64;

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};
use serde_json::{Value, json};

use crate::billing::{Tenge, TooLarge};

/// Days whose mean the days to come are expected to cost.
const RECENT_DAYS: NonZeroU64 = NonZeroU64::new(28).unwrap();
/// Days that a day is held against.
const USUAL_DAYS: i64 = 14;
/// A jump is at least so many times the mean of the days before.
const JUMP: i64 = 2;
/// And at least so much more, for little money jumps every day.
const LEAST_JUMP: Tenge = Tenge::from_tiyn(1_000_000);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// The quarter's first day, and the one behind its last.
    pub from: Date,
    pub until: Date,
    /// Up to today, today included.
    pub spent: Tenge,
    /// A day of the last 28 that are over, those without any spending included.
    pub by_day: Tenge,
    /// At its end.
    pub expected: Tenge,
}

impl Forecast {
    /// As `/admin/v1` and the command line say it.
    pub fn json(&self) -> Value {
        json!({
            "object": "forecast",
            "from": self.from.to_string(),
            "until": self.until.to_string(),
            "spent_kzt": self.spent.plain(),
            "by_day_kzt": self.by_day.plain(),
            "expected_kzt": self.expected.plain(),
        })
    }
}

/// The first day of the day's quarter, and the one behind its last.
pub fn quarter_of(day: Date) -> Option<(Date, Date)> {
    let first_month = (day.month() - 1) / 3 * 3 + 1;
    let from = Date::new(day.year(), first_month, 1).ok()?;
    Some((from, from.checked_add(3.months()).ok()?))
}

/// `days` are what each day cost, in any order; days that are not there cost nothing. `None` beyond the calendar.
///
/// # Errors
/// A sum does not fit.
pub fn forecast(days: &[(Date, Tenge)], today: Date) -> Result<Option<Forecast>, TooLarge> {
    let Some((from, until)) = quarter_of(today) else { return Ok(None) };
    let Ok(recent) = today.checked_sub(RECENT_DAYS.get().cast_signed().days()) else { return Ok(None) };
    let spent = sum(days, from, today.tomorrow().unwrap_or(today))?;
    let by_day = sum(days, recent, today)?.part(1, RECENT_DAYS)?;
    let days_left = between(today, until) - 1;
    let expected = spent.plus(by_day.times(days_left.max(0))?)?;
    Ok(Some(Forecast { from, until, spent, by_day, expected }))
}

/// How many times as much `day` cost as one of the 14 before it, if that is a jump.
///
/// # Errors
/// A sum does not fit.
pub fn jump(days: &[(Date, Tenge)], day: Date) -> Result<Option<i64>, TooLarge> {
    let Ok(begin) = day.checked_sub(USUAL_DAYS.days()) else { return Ok(None) };
    let usual = sum(days, begin, day)?.tiyn() / USUAL_DAYS;
    let cost = sum(days, day, day.tomorrow().unwrap_or(day))?;
    let is_more = cost.minus(Tenge::from_tiyn(usual))? >= LEAST_JUMP;
    let times = cost.tiyn() / usual.max(1);
    Ok((is_more && times >= JUMP).then_some(times))
}

fn sum(days: &[(Date, Tenge)], from: Date, until: Date) -> Result<Tenge, TooLarge> {
    Tenge::sum(days.iter().filter(|(day, _)| (from..until).contains(day)).map(|(_, tenge)| *tenge))
}

fn between(from: Date, until: Date) -> i64 {
    let span: Span = until - from;
    i64::from(span.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn days(from: &str, num_days: i64, tiyn: i64) -> Vec<(Date, Tenge)> {
        (0..num_days).map(|at| (day(from).checked_add(at.days()).unwrap(), Tenge::from_tiyn(tiyn))).collect()
    }

    #[test]
    fn a_quarter_goes_on_like_its_last_weeks() {
        let spent = days("2026-10-01", 62, 100);
        let forecast = forecast(&spent, day("2026-12-01")).unwrap().unwrap();
        assert_eq!((forecast.from, forecast.until), (day("2026-10-01"), day("2027-01-01")));
        assert_eq!((forecast.spent.tiyn(), forecast.by_day.tiyn()), (6_200, 100));
        // 30 days are left after today.
        assert_eq!(forecast.expected.tiyn(), 9_200);
        let last = super::forecast(&spent, day("2026-12-31")).unwrap().unwrap();
        assert_eq!(last.expected, last.spent);
        let nothing = super::forecast(&[], day("2026-01-01")).unwrap().unwrap();
        assert_eq!((nothing.from, nothing.expected), (day("2026-01-01"), Tenge::ZERO));
    }

    #[test]
    fn a_day_jumps_that_costs_far_more_than_usual() {
        let mut spent = days("2026-11-01", 14, 1_000_000);
        spent.push((day("2026-11-15"), Tenge::from_tiyn(5_500_000)));
        assert_eq!(jump(&spent, day("2026-11-15")), Ok(Some(5)));
        assert_eq!(jump(&spent, day("2026-11-14")), Ok(None));
        let little = [(day("2026-11-15"), Tenge::from_tiyn(999_999))];
        assert_eq!(jump(&little, day("2026-11-15")), Ok(None));
        assert_eq!(jump(&[(day("2026-11-15"), LEAST_JUMP)], day("2026-11-15")), Ok(Some(1_000_000)));
    }
}
