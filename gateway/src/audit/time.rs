//! A moment as the audit trail writes it: RFC 3339, UTC, whole milliseconds, e.g. `2026-01-18T09:30:00.000Z`.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The year 2400.
const MAX_QUICK: u64 = 13_569_465_600_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(Timestamp);

impl Time {
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl Time {
    pub(super) fn push_to(self, text: &mut String) {
        // Writing to a String never fails.
        let _ = write!(text, "{self}");
    }
}

impl From<Timestamp> for Time {
    /// What is finer than a millisecond is dropped.
    fn from(time: Timestamp) -> Self {
        Self(Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time))
    }
}

impl FromStr for Time {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse().map(|time: Timestamp| Self::from(time))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match written(self.0.as_millisecond()) {
            Some(text) => f.write_str(std::str::from_utf8(&text).unwrap_or_default()),
            None => write!(f, "{:.3}", self.0),
        }
    }
}

/// A moment between 1970 and 2400, digit by digit: two of them stand in each record and one in each row.
fn written(milliseconds: i64) -> Option<[u8; 24]> {
    const DAY: u64 = 86_400_000;
    let milliseconds = u64::try_from(milliseconds).ok().filter(|&milliseconds| milliseconds < MAX_QUICK)?;
    let (year, month, day) = civil(milliseconds / DAY);
    let of_day = milliseconds % DAY;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |place: usize, length: usize, mut number: u64| {
        for at in (place..place + length).rev() {
            text[at] = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, of_day / 3_600_000);
    put(14, 2, of_day / 60_000 % 60);
    put(17, 2, of_day / 1_000 % 60);
    put(20, 3, of_day % 1_000);
    Some(text)
}

/// Year, month and day of the Gregorian calendar, of days since 1970. Years begin in March, so that a leap day ends one
/// (Howard Hinnant, `chrono`-compatible low-level date algorithms).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + 400 * era + u64::from(month <= 2), month, day)
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_written_as_the_calendar_has_it(milliseconds in -200_000_000_000_000..250_000_000_000_000_i64) {
            let time = Timestamp::from_millisecond(milliseconds).unwrap();
            prop_assert_eq!(Time(time).to_string(), format!("{time:.3}"));
        }

        #[test]
        fn every_day_of_four_hundred_years_is(day in 0..157_054_i64, of_day in 0..86_400_000_i64) {
            let time = Timestamp::from_millisecond(day * 86_400_000 + of_day).unwrap();
            prop_assert_eq!(Time(time).to_string(), format!("{time:.3}"));
        }
    }

    #[test]
    fn what_can_be_written_digit_by_digit_ends_with_the_year_2399() {
        let last = Timestamp::from_millisecond(MAX_QUICK.cast_signed() - 1).unwrap();
        assert_eq!(Time(last).to_string(), "2399-12-31T23:59:59.999Z");
        assert_eq!(written(MAX_QUICK.cast_signed()), None);
    }

    #[test]
    fn a_moment_is_written_to_the_millisecond() {
        for (given, written) in [
            ("2026-01-18T09:30:00Z", "2026-01-18T09:30:00.000Z"),
            ("2026-01-18T14:30:00.123999+05:00", "2026-01-18T09:30:00.123Z"),
        ] {
            let time: Time = given.parse().unwrap();
            assert_eq!(time.to_string(), written);
            assert_eq!(written.parse::<Time>().unwrap(), time);
        }
    }
}
