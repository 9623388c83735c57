//! Dollars to tenge, at a rate that is an exact decimal, as the National Bank publishes it.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use super::decimal::{self, BadAmount, TooLarge};
use super::dollars::Usd;
use super::money::Tenge;

/// Digits behind the point.
const DIGITS: usize = 4;
/// 10⁻¹² dollars times 10⁻⁴ tenge are 10⁻¹⁶ tenge: so many are a tiyn.
const PER_TIYN: NonZeroU64 = NonZeroU64::new(100_000_000_000_000).unwrap();

/// Tenge for a dollar, more than zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeRate {
    ten_thousandths: NonZeroU64,
}

impl ExchangeRate {
    pub const fn from_ten_thousandths(ten_thousandths: NonZeroU64) -> Self {
        Self { ten_thousandths }
    }

    pub const fn ten_thousandths(self) -> NonZeroU64 {
        self.ten_thousandths
    }

    /// Rounded half to even, and nowhere else: convert a line as a whole, not its tokens.
    ///
    /// # Errors
    /// The amount in tenge does not fit.
    pub fn tenge(self, dollars: Usd) -> Result<Tenge, TooLarge> {
        let product = dollars.pico().checked_mul(i128::from(self.ten_thousandths.get())).ok_or(TooLarge)?;
        Tenge::from_wide(decimal::divide_half_even(product, PER_TIYN))
    }
}

/// `512.34`: at least two digits behind the point.
impl fmt::Display for ExchangeRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal::write(i128::from(self.ten_thousandths.get()), DIGITS))
    }
}

impl FromStr for ExchangeRate {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let ten_thousandths = decimal::read(text.trim(), DIGITS)?;
        if ten_thousandths <= 0 {
            return Err(BadAmount::NotPositive);
        }
        let ten_thousandths = u64::try_from(ten_thousandths).map_err(|_| BadAmount::TooLarge)?;
        NonZeroU64::new(ten_thousandths).map(Self::from_ten_thousandths).ok_or(BadAmount::NotPositive)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn convert(dollars: &str, rate: &str) -> String {
        let rate: ExchangeRate = rate.parse().unwrap();
        rate.tenge(dollars.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn dollars_become_tiyn_half_to_even() {
        assert_eq!(convert("1", "512.34"), "512,34");
        assert_eq!(convert("0.0025", "512.3456"), "1,28");
        assert_eq!(convert("-2", "512.3456"), "-1\u{a0}024,69");
        // 0.5, 1.5 and 2.5 tiyn.
        assert_eq!(convert("0.00001", "500"), "0,00");
        assert_eq!(convert("0.00003", "500"), "0,02");
        assert_eq!(convert("0.00005", "500"), "0,02");
        // The least more than half a tiyn that there is.
        assert_eq!(convert("0.000010000001", "500"), "0,01");
    }

    #[test]
    fn a_rate_is_more_than_zero_and_has_four_digits() {
        for (text, error) in [
            ("0", BadAmount::NotPositive),
            ("-512.34", BadAmount::NotPositive),
            ("512.34567", BadAmount::TooFine { max_digits: 4 }),
            ("512,34", BadAmount::NotANumber),
            ("", BadAmount::NotANumber),
            ("99999999999999999999", BadAmount::TooLarge),
        ] {
            assert_eq!(text.parse::<ExchangeRate>(), Err(error), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let rate = ExchangeRate::from_ten_thousandths(NonZeroU64::MAX);
        assert_eq!(rate.tenge(Usd::from_pico(i128::MAX)), Err(TooLarge));
        assert_eq!(rate.tenge("1000000000000".parse().unwrap()), Err(TooLarge));
    }

    fn rates() -> impl Strategy<Value = ExchangeRate> {
        (1_u64..100_000_000).prop_map(|number| ExchangeRate::from_ten_thousandths(NonZeroU64::new(number).unwrap()))
    }

    fn dollars() -> impl Strategy<Value = Usd> {
        (-1_000_000_000_000_000_000_i128..1_000_000_000_000_000_000).prop_map(Usd::from_pico)
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_again(rate in rates()) {
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }

        #[test]
        fn more_dollars_are_never_fewer_tenge(rate in rates(), one in dollars(), other in dollars()) {
            let (less, more) = (one.min(other), one.max(other));
            prop_assert!(rate.tenge(less).unwrap() <= rate.tenge(more).unwrap());
        }

        #[test]
        fn a_dearer_dollar_is_never_fewer_tenge(one in rates(), other in rates(), dollars in dollars()) {
            let dollars = dollars.max(Usd::ZERO);
            prop_assert!(one.min(other).tenge(dollars).unwrap() <= one.max(other).tenge(dollars).unwrap());
        }

        #[test]
        fn what_is_given_back_is_what_was_charged(rate in rates(), dollars in dollars()) {
            let back = Usd::ZERO.minus(dollars).unwrap();
            prop_assert_eq!(Tenge::ZERO.minus(rate.tenge(dollars).unwrap()), Ok(rate.tenge(back).unwrap()));
        }
    }
}
