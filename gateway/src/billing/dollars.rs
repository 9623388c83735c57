//! What providers charge: US dollars, as a whole number of their millionth of a millionth.
//!
//! Price lists say dollars for a million tokens, with up to six digits behind the point. A single token's price is then a
//! whole number of these, and what a request cost is exact until it is converted.

use std::fmt;
use std::str::FromStr;

use super::decimal::{self, BadAmount, TooLarge};

/// Digits behind the point.
const DIGITS: usize = 12;

/// Below zero where a provider gives money back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i128);

impl Usd {
    pub const ZERO: Self = Self(0);

    /// Of 10⁻¹² dollars; also what a token costs, of millionths of a dollar for a million tokens.
    pub const fn from_pico(pico: i128) -> Self {
        Self(pico)
    }

    pub const fn pico(self) -> i128 {
        self.0
    }

    /// # Errors
    /// The sum does not fit.
    pub fn plus(self, other: Self) -> Result<Self, TooLarge> {
        self.0.checked_add(other.0).map(Self).ok_or(TooLarge)
    }

    /// # Errors
    /// The difference does not fit.
    pub fn minus(self, other: Self) -> Result<Self, TooLarge> {
        self.0.checked_sub(other.0).map(Self).ok_or(TooLarge)
    }

    /// # Errors
    /// The product does not fit.
    pub fn times(self, quantity: u64) -> Result<Self, TooLarge> {
        self.0.checked_mul(i128::from(quantity)).map(Self).ok_or(TooLarge)
    }
}

/// `0.0000025`, as price lists have it: a point, at least two digits behind it, no groups.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal::write(self.0, DIGITS))
    }
}

/// With a point alone: `1,234` would be a thousand dollars to one reader and one to another.
impl FromStr for Usd {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        decimal::read(text.trim(), DIGITS).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tokens_price_is_exact() {
        let million: Usd = "0.075".parse().unwrap();
        let token = Usd::from_pico(75_000);
        assert_eq!(token.times(1_000_000), Ok(million));
        assert_eq!(token.to_string(), "0.000000075");
        assert_eq!(token.times(7).unwrap().plus(Usd::from_pico(-25_000)).unwrap().to_string(), "0.0000005");
    }

    #[test]
    fn what_is_too_fine_ambiguous_or_too_large_is_refused() {
        assert_eq!("0.0000000000001".parse::<Usd>(), Err(BadAmount::TooFine { max_digits: 12 }));
        assert_eq!("1,234".parse::<Usd>(), Err(BadAmount::NotANumber));
        assert_eq!("$1".parse::<Usd>(), Err(BadAmount::NotANumber));
        assert_eq!("9".repeat(30).parse::<Usd>(), Err(BadAmount::TooLarge));
        assert_eq!(Usd::from_pico(i128::MAX).times(2), Err(TooLarge));
        assert_eq!(Usd::from_pico(i128::MAX).plus(Usd::from_pico(1)), Err(TooLarge));
        assert_eq!(Usd::from_pico(i128::MIN).minus(Usd::from_pico(1)), Err(TooLarge));
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_again(pico: i128) {
            let amount = Usd::from_pico(pico);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }
}
