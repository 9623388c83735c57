//! Hours of the day in which a price is another one: DeepSeek charges twice as much while China works.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::billing::factor::Factor;

/// What the row's prices are multiplied by in some hours. Public holidays are not known: what they make cheaper is charged
/// as on other days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peak {
    pub(super) factor: Factor,
    /// Minutes of a day in UTC, from and until; none goes over midnight.
    pub(super) utc_minutes: Vec<(u16, u16)>,
    /// Not on Saturdays and Sundays, in UTC.
    pub(super) is_on_weekdays_only: bool,
}

impl Peak {
    pub(super) fn factor_at(&self, at: Timestamp) -> Factor {
        let at = at.to_zoned(TimeZone::UTC);
        let is_weekend = matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday);
        let minute = i32::from(at.hour()) * 60 + i32::from(at.minute());
        let is_within =
            self.utc_minutes.iter().any(|(from, until)| (i32::from(*from)..i32::from(*until)).contains(&minute));
        if is_within && !(is_weekend && self.is_on_weekdays_only) { self.factor } else { Factor::ONE }
    }
}

/// `01:00-04:00` in minutes of a day; `24:00` is its end.
pub(super) fn minutes_of(hours: &str) -> Option<(u16, u16)> {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let is_plain = [hour, minute].iter().all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()));
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (is_plain && minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
    };
    let (from, until) = hours.split_once('-')?;
    let (from, until) = (minute(from)?, minute(until)?);
    (from < until).then_some((from, until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_minutes_of_one_day() {
        assert_eq!(minutes_of("01:00-04:00"), Some((60, 240)));
        assert_eq!(minutes_of("22:30-24:00"), Some((1_350, 1_440)));
        for wrong in
            ["", "1-4", "04:00-01:00", "01:00-01:00", "01:60-02:00", "23:00-24:01", "aa:00-bb:00", "+1:00-02:00"]
        {
            assert_eq!(minutes_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_peak_ends_with_its_last_minute_and_on_fridays() {
        let peak = Peak {
            factor: Factor::from_permille(2_000),
            utc_minutes: vec![(60, 240), (360, 600)],
            is_on_weekdays_only: true,
        };
        let factor = |at: &str| peak.factor_at(at.parse().unwrap());
        let twice = Factor::from_permille(2_000);
        // The first of December 2026 is a Tuesday.
        for at in ["2026-12-01T01:00:00Z", "2026-12-01T03:59:59.999Z", "2026-12-01T06:00:00Z", "2026-12-04T09:59:00Z"] {
            assert_eq!(factor(at), twice, "{at}");
        }
        for at in ["2026-12-01T00:59:59Z", "2026-12-01T04:00:00Z", "2026-12-01T10:00:00Z", "2026-12-05T02:00:00Z"] {
            assert_eq!(factor(at), Factor::ONE, "{at}");
        }
    }
}
