//! Tenge, as a whole number of tiyn.
//!
//! 64 bits, because that is what a column of the ledger holds: 92 quadrillion tenge, hundreds of times what the
//! country earns in a year. Sums and products pass through 128 bits and come back checked.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use super::decimal::{self, BadAmount, TooLarge};

/// Tiyn in a tenge.
const PER_TENGE: u64 = 100;
/// Digits behind the comma.
const DIGITS: usize = 2;
/// Between groups of three digits: no line breaks there.
const NO_BREAK_SPACE: char = '\u{a0}';
/// What others write there.
const GROUP_SPACES: [char; 3] = [NO_BREAK_SPACE, '\u{202f}', ' '];

/// Below zero in a credit note.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenge(i64);

impl Tenge {
    pub const ZERO: Self = Self(0);

    pub const fn from_tiyn(tiyn: i64) -> Self {
        Self(tiyn)
    }

    pub const fn tiyn(self) -> i64 {
        self.0
    }

    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Tenge and the tiyn beside them, 0 to 99, without the sign.
    pub const fn parts(self) -> (u64, u64) {
        let tiyn = self.0.unsigned_abs();
        (tiyn / PER_TENGE, tiyn % PER_TENGE)
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

    /// Exact: a price and how many times it was used.
    ///
    /// # Errors
    /// The product does not fit.
    pub fn times(self, quantity: i64) -> Result<Self, TooLarge> {
        self.0.checked_mul(quantity).map(Self).ok_or(TooLarge)
    }

    /// `numerator / denominator` of it, half to even: 16/100 is the tax on a sum, 16/116 the tax in one.
    ///
    /// # Errors
    /// The part does not fit.
    pub fn part(self, numerator: u64, denominator: NonZeroU64) -> Result<Self, TooLarge> {
        // 63 bits times 64.
        let product = i128::from(self.0) * i128::from(numerator);
        Self::from_wide(decimal::divide_half_even(product, denominator))
    }

    /// The same in any order: what fits in the end may have been larger on the way.
    ///
    /// # Errors
    /// The sum does not fit.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, TooLarge> {
        Self::from_wide(amounts.into_iter().map(|amount| i128::from(amount.0)).sum())
    }

    /// As programs read it: `1234.50`.
    pub fn plain(self) -> String {
        let (whole, tiyn) = self.parts();
        let sign = if self.is_negative() { "-" } else { "" };
        format!("{sign}{whole}.{tiyn:02}")
    }

    pub(crate) fn from_wide(tiyn: i128) -> Result<Self, TooLarge> {
        i64::try_from(tiyn).map(Self).map_err(|_| TooLarge)
    }
}

/// As invoices in Kazakhstan have it: `1 234 567,89`, always with tiyn, with no-break spaces (U+00A0).
impl fmt::Display for Tenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tenge, tiyn) = self.parts();
        let sign = if self.is_negative() { "-" } else { "" };
        f.pad(&format!("{sign}{},{tiyn:02}", grouped(tenge)))
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(NO_BREAK_SPACE);
        }
        text.push(digit);
    }
    text
}

/// A comma or a point before at most two digits; whole tenge alone or in groups of three with spaces between them. Commas
/// between groups are refused: `1,234` could be either.
impl FromStr for Tenge {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let text = text.trim();
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => ("-", unsigned),
            None => ("", text),
        };
        let plain = match unsigned.split_once([',', '.']) {
            Some((tenge, tiyn)) => format!("{sign}{}.{tiyn}", ungrouped(tenge)?),
            None => format!("{sign}{}", ungrouped(unsigned)?),
        };
        Self::from_wide(decimal::read(&plain, DIGITS)?).map_err(|TooLarge| BadAmount::TooLarge)
    }
}

fn ungrouped(text: &str) -> Result<String, BadAmount> {
    let groups: Vec<&str> = text.split(GROUP_SPACES).collect();
    match groups.as_slice() {
        [] | [_] => {}
        [first, others @ ..] if (1..=3).contains(&first.len()) && others.iter().all(|group| group.len() == 3) => {}
        _ => return Err(BadAmount::NotANumber),
    }
    Ok(groups.concat())
}

#[cfg(test)]
#[path = "money_tests.rs"]
mod tests;
