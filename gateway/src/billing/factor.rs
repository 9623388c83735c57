//! What a price is multiplied by: half of it in a batch, twice of it in the hours when everybody asks.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use super::decimal::{self, BadAmount, TooLarge};

/// Digits behind the point.
const DIGITS: usize = 6;
const ONE: NonZeroU64 = NonZeroU64::new(1_000_000).unwrap();

/// In millionths, so that two factors of three digits each are one without a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Factor {
    millionths: u64,
}

impl Factor {
    pub const ONE: Self = Self { millionths: ONE.get() };

    /// As targets have theirs: `BatchTerms::price_permille`.
    pub const fn from_permille(permille: u32) -> Self {
        // 32 bits and ten.
        Self { millionths: permille as u64 * 1_000 }
    }

    pub const fn millionths(self) -> u64 {
        self.millionths
    }

    /// Half to even at the sixth digit, which factors of up to three digits do not reach.
    ///
    /// # Errors
    /// The product does not fit.
    pub fn times(self, other: Self) -> Result<Self, TooLarge> {
        // 64 bits times 64: the sign may be lost.
        let product = i128::from(self.millionths).checked_mul(i128::from(other.millionths)).ok_or(TooLarge)?;
        let millionths = decimal::divide_half_even(product, ONE);
        u64::try_from(millionths).map(|millionths| Self { millionths }).map_err(|_| TooLarge)
    }
}

impl Default for Factor {
    fn default() -> Self {
        Self::ONE
    }
}

/// `0.50`.
impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal::write(i128::from(self.millionths), DIGITS))
    }
}

impl FromStr for Factor {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let millionths = decimal::read(text.trim(), DIGITS)?;
        if millionths < 0 {
            return Err(BadAmount::NotPositive);
        }
        u64::try_from(millionths).map(|millionths| Self { millionths }).map_err(|_| BadAmount::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_twice_is_once() {
        let half = Factor::from_permille(500);
        let twice: Factor = "2".parse().unwrap();
        assert_eq!(half.times(twice), Ok(Factor::ONE));
        assert_eq!(half.to_string(), "0.50");
        assert_eq!(Factor::from_permille(333).times(Factor::from_permille(333)).unwrap().to_string(), "0.110889");
    }

    #[test]
    fn no_factor_is_below_zero_and_what_does_not_fit_is_an_error() {
        assert_eq!("-0.5".parse::<Factor>(), Err(BadAmount::NotPositive));
        assert_eq!("0.0000001".parse::<Factor>(), Err(BadAmount::TooFine { max_digits: 6 }));
        assert_eq!("0".parse::<Factor>().unwrap().times(Factor::ONE).unwrap().millionths(), 0);
        let most = Factor { millionths: u64::MAX };
        assert_eq!(most.times(most), Err(TooLarge));
    }
}
