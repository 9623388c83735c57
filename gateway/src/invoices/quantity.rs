//! How much of something, and what one of it costs: exact decimals of six digits.

use std::num::NonZeroU64;
use std::str::FromStr;

use super::error::Problem;
use super::figures;
use crate::billing::{BadAmount, Tenge, decimal};

/// Digits behind the point, of both.
const DIGITS: usize = 6;
/// So many 10⁻⁶ × 10⁻⁶ tenge are a tiyn.
const PER_TIYN: NonZeroU64 = NonZeroU64::new(10_000_000_000).unwrap();
const MILLIONTHS_PER_TOKEN: i64 = 1_000;

/// Thousands of tokens, hours of a GPU, minutes, images. Below zero where a line takes something back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    millionths: i64,
}

impl Quantity {
    pub const ONE: Self = Self { millionths: 1_000_000 };

    pub const fn from_millionths(millionths: i64) -> Self {
        Self { millionths }
    }

    /// Tokens, counted in thousands.
    ///
    /// # Errors
    /// There are more than fit, nine quadrillion.
    pub fn thousands_of_tokens(tokens: i64) -> Result<Self, Problem> {
        tokens.checked_mul(MILLIONTHS_PER_TOKEN).map(Self::from_millionths).ok_or(Problem::TooLarge)
    }

    pub const fn millionths(self) -> i64 {
        self.millionths
    }

    /// Times a price, rounded half to even.
    ///
    /// # Errors
    /// The product does not fit.
    pub fn times(self, price: UnitPrice) -> Result<Tenge, Problem> {
        let product = i128::from(self.millionths) * i128::from(price.millionths);
        Ok(Tenge::from_wide(decimal::divide_half_even(product, PER_TIYN))?)
    }

    /// With a point, and no digit that says nothing.
    pub(super) fn plain(self, separator: char) -> String {
        figures::plain(self.millionths, DIGITS, 0, separator)
    }

    pub(super) fn telling_digits(self) -> usize {
        figures::telling_digits(self.millionths, DIGITS)
    }

    /// For people, with at least `min_shown` digits behind the comma.
    pub(super) fn printed(self, min_shown: usize) -> String {
        figures::grouped(self.millionths, DIGITS, min_shown)
    }
}

impl FromStr for Quantity {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        read(text).map(Self::from_millionths)
    }
}

/// Tenge for one; finer than a tiyn, since a token costs less. Never below zero: the sign is the quantity's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitPrice {
    millionths: i64,
}

impl UnitPrice {
    /// # Errors
    /// It is below zero.
    pub fn from_millionths(millionths: i64) -> Result<Self, Problem> {
        if millionths < 0 { Err(Problem::BelowZero) } else { Ok(Self { millionths }) }
    }

    /// What one cost on average, to the nearest millionth of a tenge; none where that does not fit or nothing was used.
    pub(super) fn average(sum: Tenge, quantity: Quantity) -> Option<Self> {
        let divisor = NonZeroU64::new(quantity.millionths.unsigned_abs())?;
        let dividend = i128::from(sum.tiyn().unsigned_abs()) * i128::from(PER_TIYN.get());
        let millionths = i64::try_from(decimal::divide_half_even(dividend, divisor)).ok()?;
        Some(Self { millionths })
    }

    pub(super) fn plain(self, separator: char) -> String {
        figures::plain(self.millionths, DIGITS, 2, separator)
    }

    pub(super) fn printed(self) -> String {
        figures::grouped(self.millionths, DIGITS, 2)
    }
}

impl FromStr for UnitPrice {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::from_millionths(read(text)?)
    }
}

/// A point alone separates, as in everything that machines wrote.
fn read(text: &str) -> Result<i64, Problem> {
    let millionths = decimal::read(text.trim(), DIGITS)?;
    i64::try_from(millionths).map_err(|_| BadAmount::TooLarge.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn product(quantity: &str, price: &str) -> Tenge {
        quantity.parse::<Quantity>().unwrap().times(price.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_product_is_rounded_once_and_half_to_even() {
        assert_eq!(product("12.345", "1.5"), Tenge::from_tiyn(1_852));
        assert_eq!(product("0.5", "0.01"), Tenge::ZERO);
        assert_eq!(product("1.5", "0.01"), Tenge::from_tiyn(2));
        assert_eq!(product("-1.5", "0.01"), Tenge::from_tiyn(-2));
        assert_eq!(product("1000000", "1000000"), Tenge::from_tiyn(100_000_000_000_000));
        let most = Quantity::from_millionths(i64::MAX);
        assert_eq!(most.times(UnitPrice { millionths: i64::MAX }), Err(Problem::TooLarge));
    }

    #[test]
    fn tokens_are_counted_in_thousands() {
        let quantity = Quantity::thousands_of_tokens(1_234_567).unwrap();
        assert_eq!(quantity.plain('.'), "1234.567");
        assert_eq!(quantity.printed(0), "1\u{a0}234,567");
        assert_eq!(Quantity::ONE.printed(3), "1,000");
        assert_eq!(Quantity::thousands_of_tokens(i64::MAX), Err(Problem::TooLarge));
    }

    #[test]
    fn what_is_too_fine_or_below_zero_is_refused() {
        let too_fine = Problem::Amount(BadAmount::TooFine { max_digits: 6 });
        assert_eq!("1.0000001".parse::<Quantity>(), Err(too_fine));
        assert_eq!("1,5".parse::<Quantity>(), Err(Problem::Amount(BadAmount::NotANumber)));
        assert_eq!("-0.01".parse::<UnitPrice>(), Err(Problem::BelowZero));
        assert_eq!("1".repeat(30).parse::<UnitPrice>(), Err(Problem::Amount(BadAmount::TooLarge)));
    }

    #[test]
    fn an_average_is_the_price_that_one_would_have_had() {
        let average = |tiyn, quantity: &str| UnitPrice::average(Tenge::from_tiyn(tiyn), quantity.parse().unwrap());
        assert_eq!(average(1_000, "3").unwrap().printed(), "3,333333");
        assert_eq!(average(-1_000, "-4").unwrap().printed(), "2,50");
        assert_eq!(average(0, "4").unwrap().plain('.'), "0.00");
        assert_eq!(average(i64::MAX, "0.000001"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(millionths: i64) {
            let quantity = Quantity::from_millionths(millionths);
            prop_assert_eq!(quantity.plain('.').parse(), Ok(quantity));
            if let Ok(price) = UnitPrice::from_millionths(millionths) {
                prop_assert_eq!(price.plain('.').parse(), Ok(price));
            }
        }

        #[test]
        fn what_is_taken_back_is_what_was_charged(millionths in -1_000_000_000_000_i64..1_000_000_000_000, price in 0_i64..1_000_000_000) {
            let price = UnitPrice { millionths: price };
            let there = Quantity::from_millionths(millionths).times(price).unwrap();
            let back = Quantity::from_millionths(-millionths).times(price).unwrap();
            prop_assert_eq!(Tenge::sum([there, back]), Ok(Tenge::ZERO));
        }
    }
}
