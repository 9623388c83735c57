//! Days and months of the operator's clock: a fixed offset from UTC, without summer time.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

use super::scope::Period;

/// Hours and minutes that the operator's clock is ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UtcOffset(Offset);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no clock is {seconds} seconds away from UTC")]
pub struct BadOffset {
    seconds: i32,
}

/// From its first millisecond to the first one after it, in unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    pub begins_ms: u64,
    pub ends_ms: u64,
}

impl Span {
    pub const EVER: Self = Self { begins_ms: 0, ends_ms: u64::MAX };

    pub fn contains(self, at_ms: u64) -> bool {
        (self.begins_ms..self.ends_ms).contains(&at_ms)
    }
}

impl UtcOffset {
    pub const UTC: Self = Self(Offset::UTC);

    /// # Errors
    /// It is more than a day.
    pub fn from_seconds(seconds: i32) -> Result<Self, BadOffset> {
        Offset::from_seconds(seconds).map(Self).map_err(|_| BadOffset { seconds })
    }

    pub fn seconds(self) -> i32 {
        self.0.seconds()
    }

    /// The period of this kind that this moment lies in. Beyond the end of the calendar (year 9999) it never ends.
    pub fn span(self, period: Period, now_ms: u64) -> Span {
        self.civil(period, now_ms).unwrap_or(Span::EVER)
    }

    fn civil(self, period: Period, now_ms: u64) -> Option<Span> {
        let now = Timestamp::from_millisecond(i64::try_from(now_ms).ok()?).ok()?;
        let today = self.0.to_datetime(now).date();
        let (first, next) = match period {
            Period::Day => (today, today.tomorrow().ok()?),
            Period::Month => (today.first_of_month(), today.first_of_month().checked_add(1.month()).ok()?),
            Period::Total => return None,
        };
        Some(Span { begins_ms: self.midnight_ms(first)?, ends_ms: self.midnight_ms(next)? })
    }

    fn midnight_ms(self, date: Date) -> Option<u64> {
        let at = self.0.to_timestamp(DateTime::from_parts(date, Time::midnight())).ok()?;
        Some(u64::try_from(at.as_millisecond()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> u64 {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    #[test]
    fn days_and_months_are_those_of_the_operators_clock() {
        let almaty = UtcOffset::from_seconds(5 * 3_600).unwrap();
        let now_ms = ms("2027-01-31T18:59:59.999Z");
        let day = almaty.span(Period::Day, now_ms);
        assert_eq!(day, Span { begins_ms: ms("2027-01-30T19:00:00Z"), ends_ms: now_ms + 1 });
        let month = almaty.span(Period::Month, now_ms);
        assert_eq!(month, Span { begins_ms: ms("2026-12-31T19:00:00Z"), ends_ms: now_ms + 1 });
        let month = almaty.span(Period::Month, now_ms + 1);
        assert_eq!(month, Span { begins_ms: now_ms + 1, ends_ms: ms("2027-02-28T19:00:00Z") });
        assert!(!day.contains(now_ms + 1) && day.contains(now_ms));
        assert_eq!(almaty.span(Period::Total, now_ms), Span::EVER);
    }

    #[test]
    fn no_moment_is_too_far() {
        let west = UtcOffset::from_seconds(-9 * 3_600).unwrap();
        for now_ms in
            [0, 1, ms("9999-12-30T20:00:00Z"), ms("9999-12-30T20:00:00Z") + 86_400_000, u64::MAX / 2, u64::MAX - 1]
        {
            for period in [Period::Day, Period::Month, Period::Total] {
                assert!(west.span(period, now_ms).contains(now_ms), "{now_ms} {period:?}");
            }
        }
        assert!(UtcOffset::from_seconds(i32::MAX).is_err());
    }
}
