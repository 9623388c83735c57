//! What stands in a cell: a day, a whole number, an amount. Exactly, or not at all.

use std::num::NonZeroU64;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use crate::billing::Usd;
use crate::billing::decimal::divide_half_even;

/// Digits behind the point of an [`Amount`]: what a float's text may have.
const DIGITS: i32 = 24;
const PER_ONE: i128 = 10_i128.pow(24);
/// Of an amount's parts in the smallest part of a dollar.
const PER_PICO: NonZeroU64 = NonZeroU64::new(1_000_000_000_000).unwrap();
/// Texts that are longer are no numbers.
const MAX_DIGITS: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    #[error("a day is like 2026-10-05, 2026-10-05T00:00:00Z or a time in seconds of 1970")]
    Day,
    #[error("it is no whole number (no separators between thousands, no sign)")]
    Count,
    #[error("it is no decimal number with a point (no separators between thousands)")]
    Amount,
    #[error("it has more than {DIGITS} digits behind the point")]
    TooFine,
    #[error("it is too large")]
    TooLarge,
}

/// Exact, with 24 digits behind the point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Amount(i128);

impl Amount {
    pub(super) fn read(text: &str) -> Result<Self, BadValue> {
        let text = text.trim();
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let text = text.strip_prefix('$').unwrap_or(text);
        // As spreadsheets write what is small: `1.5E-05`.
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i8>().map_err(|_| BadValue::Amount)?),
            None => (text, 0),
        };
        let (whole, behind) = match number.split_once('.') {
            Some((_, "")) => return Err(BadValue::Amount),
            Some(parts) => parts,
            None => (number, ""),
        };
        let is_digits = whole.bytes().chain(behind.bytes()).all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits || number.len() > MAX_DIGITS {
            return Err(BadValue::Amount);
        }
        let digits = format!("{whole}{behind}");
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() {
            return Ok(Self(0));
        }
        // Zeros that were cut off count as places before the point.
        let cut = whole.len() + behind.len() - digits.len();
        let places = |count: usize| i32::try_from(count).map_err(|_| BadValue::Amount);
        let shift = DIGITS - places(behind.len())? + places(cut)? + i32::from(exponent);
        let shift = u32::try_from(shift).map_err(|_| BadValue::TooFine)?;
        let value: i128 = digits.parse().map_err(|_| BadValue::TooLarge)?;
        let parts = 10_i128.checked_pow(shift).and_then(|scale| value.checked_mul(scale)).ok_or(BadValue::TooLarge)?;
        Ok(Self(if is_negative { -parts } else { parts }))
    }

    pub(super) fn plus(self, other: Self) -> Result<Self, BadValue> {
        self.0.checked_add(other.0).map(Self).ok_or(BadValue::TooLarge)
    }

    /// Half to even at the twelfth digit: of a sum, once.
    pub(super) fn dollars(self) -> Usd {
        Usd::from_pico(divide_half_even(self.0, PER_PICO))
    }

    /// `times` it as a whole number that is not below zero; none if there is none.
    pub(super) fn whole(self, times: u64) -> Option<u64> {
        let product = self.0.checked_mul(i128::from(times))?;
        if product % PER_ONE == 0 { u64::try_from(product / PER_ONE).ok() } else { None }
    }
}

/// Nothing is zero.
pub(super) fn count(text: &str) -> Result<u64, BadValue> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(0);
    }
    let whole = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        Amount::read(text).ok().filter(|_| is_plain).and_then(|amount| amount.whole(1))
    };
    // Above what a column of the ledger holds is no number of tokens.
    whole.filter(|count| i64::try_from(*count).is_ok()).ok_or(BadValue::Count)
}

/// The provider's, in UTC. `month_first` reads `10/05/2026` as Azure writes it.
pub(super) fn day(text: &str, month_first: bool) -> Result<Date, BadValue> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = text.parse().map_err(|_| BadValue::Day)?;
        let time = match text.len() {
            9..=10 => Timestamp::from_second(number),
            12..=13 => Timestamp::from_millisecond(number),
            _ => return Err(BadValue::Day),
        };
        return time.map(|time| Offset::UTC.to_datetime(time).date()).map_err(|_| BadValue::Day);
    }
    if month_first && text.contains('/') {
        let parts: Vec<&str> = text.split(['/', ' ']).collect();
        let [month, day, year, ..] = parts.as_slice() else { return Err(BadValue::Day) };
        let number = |text: &str| text.parse::<i8>().map_err(|_| BadValue::Day);
        let year = year.parse::<i16>().map_err(|_| BadValue::Day)?;
        return Date::new(year, number(month)?, number(day)?).map_err(|_| BadValue::Day);
    }
    if text.len() == 10 {
        return text.parse().map_err(|_| BadValue::Day);
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    // With an offset it is a moment, without one a time in UTC.
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Offset::UTC.to_datetime(time).date());
    }
    text.parse::<DateTime>().map(DateTime::date).map_err(|_| BadValue::Day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_to_the_last_digit() {
        for (text, dollars) in [
            ("0", "0.00"),
            ("0.0000000000000000", "0.00"),
            ("0.8958740000000000", "0.895874"),
            ("0.003835980000000000000000000000", "0.00383598"),
            ("1.5E-05", "0.000015"),
            ("-2.50", "-2.50"),
            ("$12", "12.00"),
            ("1200", "1200.00"),
            ("12e2", "1200.00"),
            // Half a part of the twelfth digit goes to the even one.
            ("0.0000000000005", "0.00"),
            ("0.0000000000015", "0.000000000002"),
        ] {
            assert_eq!(Amount::read(text).map(|amount| amount.dollars().to_string()), Ok(dollars.to_owned()), "{text}");
        }
        for text in ["", "-", "1,234.56", "1.234,56", "1 234", "(1.00)", "NaN", "1.", ".5", "1e", "1e999", "0x1", "٣"]
        {
            assert_eq!(Amount::read(text), Err(BadValue::Amount), "{text}");
        }
        assert_eq!(Amount::read("0.0000000000000000000000001"), Err(BadValue::TooFine));
        assert_eq!(Amount::read("999999999999999999"), Err(BadValue::TooLarge));
    }

    #[test]
    fn counts_are_whole() {
        assert_eq!((count(" 120 "), count("120.0"), count("")), (Ok(120), Ok(120), Ok(0)));
        for text in ["1,234", "1 234", "1.5", "-1", "12a", "1e3", "99999999999999999999", "$1"] {
            assert_eq!(count(text), Err(BadValue::Count), "{text}");
        }
        let thousands = Amount::read("1.234").unwrap();
        assert_eq!((thousands.whole(1_000), thousands.whole(100), thousands.whole(1)), (Some(1_234), None, None));
    }

    #[test]
    fn days_are_the_providers_own() {
        let first = "2026-10-05".parse().unwrap();
        for text in [
            "2026-10-05",
            "1791158400",
            "1791158400000",
            "2026-10-05T00:00:00+00:00",
            "2026-10-05T23:59:59Z",
            "2026-10-06T02:00:00+05:00",
            "2026-10-05T10:00:00",
            "2026-10-05 10:00:00",
            "2026-10-05 00:00:00.000",
            "2026-10-05 00:00:00 UTC",
        ] {
            assert_eq!(day(text, false), Ok(first), "{text}");
        }
        assert_eq!(day("10/05/2026", true), Ok(first));
        for text in ["", "05.10.2026", "10/05/2026", "2026-13-01", "yesterday", "17", "2026-10", "99999999999"] {
            assert_eq!(day(text, false), Err(BadValue::Day), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_dollars_are_written_as_is_read_again(pico in -1_000_000_000_000_000_000_i128..1_000_000_000_000_000_000) {
            let dollars = Usd::from_pico(pico);
            prop_assert_eq!(Amount::read(&dollars.to_string()).unwrap().dollars(), dollars);
        }

        #[test]
        fn no_text_is_a_panic(text: String) {
            let _ = (Amount::read(&text), count(&text), day(&text, true), day(&text, false));
        }
    }
}
