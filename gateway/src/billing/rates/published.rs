//! One currency on one day, as it was published: for one unit, whatever number of them it was quoted for.

use std::num::NonZeroU64;

use jiff::civil::Date;

use super::quote::Currency;
use crate::billing::decimal::{self, BadAmount};
use crate::billing::exchange_rate::ExchangeRate;

/// Tenge: no currency is worth so much, and nobody quotes one by more.
const MAX_RATE: i128 = 1_000_000;
const MAX_QUANTITY: u64 = 1_000_000;
/// Digits of a rate.
const DIGITS: usize = 4;
const PER_TENGE: i128 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    pub date: Date,
    pub currency: Currency,
    pub rate: ExchangeRate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRate {
    #[error("the rate is no number of tenge: {0}")]
    Rate(#[from] BadAmount),
    #[error("the rate is not within 0 and 1000000 tenge")]
    Absurd,
    #[error("it is quoted for no number of units, which is 1 to 1000000")]
    Quantity,
    #[error("for one unit the rate has more than four digits behind the point")]
    Inexact,
}

/// Tenge for one unit, exactly, or not at all.
pub(super) fn for_one(rate: &str, quantity: &str) -> Result<ExchangeRate, BadRate> {
    let ten_thousandths = decimal::read(rate.trim(), DIGITS)?;
    if ten_thousandths <= 0 || ten_thousandths > MAX_RATE * PER_TENGE {
        return Err(BadRate::Absurd);
    }
    let quantity: u64 = quantity.trim().parse().map_err(|_| BadRate::Quantity)?;
    if !(1..=MAX_QUANTITY).contains(&quantity) {
        return Err(BadRate::Quantity);
    }
    let quantity = i128::from(quantity);
    if ten_thousandths % quantity != 0 {
        return Err(BadRate::Inexact);
    }
    let one = u64::try_from(ten_thousandths / quantity).ok().and_then(NonZeroU64::new);
    one.map(ExchangeRate::from_ten_thousandths).ok_or(BadRate::Absurd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_for_one_unit() {
        for (rate, quantity, one) in [
            ("473.59", "1", "473.59"),
            ("13.05", "10", "1.305"),
            ("3.96", "100", "0.0396"),
            ("512.3456", "1", "512.3456"),
            ("1000000", "1", "1000000.00"),
        ] {
            assert_eq!(for_one(rate, quantity).unwrap().to_string(), one);
        }
    }

    #[test]
    fn what_is_absurd_or_inexact_is_refused() {
        for (rate, quantity, error) in [
            ("0", "1", BadRate::Absurd),
            ("0.0000", "1", BadRate::Absurd),
            ("-473.59", "1", BadRate::Absurd),
            ("1000000.01", "1", BadRate::Absurd),
            ("473,59", "1", BadRate::Rate(BadAmount::NotANumber)),
            ("", "1", BadRate::Rate(BadAmount::NotANumber)),
            ("NaN", "1", BadRate::Rate(BadAmount::NotANumber)),
            ("473.59001", "1", BadRate::Rate(BadAmount::TooFine { max_digits: 4 })),
            ("473.59", "0", BadRate::Quantity),
            ("473.59", "-1", BadRate::Quantity),
            ("473.59", "1.0", BadRate::Quantity),
            ("473.59", "", BadRate::Quantity),
            ("473.59", "1000001", BadRate::Quantity),
            ("473.59", "99999999999999999999", BadRate::Quantity),
            // The rial as the bank quotes it.
            ("11.24", "10000", BadRate::Inexact),
            ("1", "3", BadRate::Inexact),
        ] {
            assert_eq!(for_one(rate, quantity), Err(error), "{rate} / {quantity}");
        }
    }
}
