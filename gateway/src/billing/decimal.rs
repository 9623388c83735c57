//! Decimal texts as whole numbers of their last digit, and the one division that rounds.
//!
//! A text that is finer than its unit is refused: what it means to round is for whoever wrote it to say.

use std::num::NonZeroU64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAmount {
    #[error("it is no decimal number")]
    NotANumber,
    #[error("it has more than {max_digits} digits behind the separator")]
    TooFine { max_digits: usize },
    #[error("it is too large")]
    TooLarge,
    #[error("it must be more than zero")]
    NotPositive,
}

/// A result that its type cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount is too large")]
pub struct TooLarge;

/// `-1234.5` with two digits is `-123450`. Digits, a minus and a point are all that may stand there.
pub(crate) fn read(text: &str, max_digits: usize) -> Result<i128, BadAmount> {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text),
    };
    let (whole, behind) = match unsigned.split_once('.') {
        Some((_, "")) => return Err(BadAmount::NotANumber),
        Some(parts) => parts,
        None => (unsigned, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(behind.bytes()).all(|byte| byte.is_ascii_digit()) {
        return Err(BadAmount::NotANumber);
    }
    let missing = max_digits.checked_sub(behind.len()).ok_or(BadAmount::TooFine { max_digits })?;
    // Below zero, where there is one number more than above.
    let mut negative = 0_i128;
    for digit in whole.bytes().chain(behind.bytes()).chain(std::iter::repeat_n(b'0', missing)) {
        let shifted = negative.checked_mul(10).and_then(|number| number.checked_sub(i128::from(digit - b'0')));
        negative = shifted.ok_or(BadAmount::TooLarge)?;
    }
    if is_negative { Ok(negative) } else { negative.checked_neg().ok_or(BadAmount::TooLarge) }
}

/// The other way round, with two digits behind the point and as many more as say something.
pub(super) fn write(number: i128, digits: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let text = format!("{:0width$}", number.unsigned_abs(), width = digits + 1);
    let (whole, behind) = text.split_at(text.len() - digits);
    let behind = &behind[..behind.trim_end_matches('0').len().max(2)];
    format!("{sign}{whole}.{behind}")
}

/// To the nearest whole number, and from the middle to the even one: over many lines neither side gains.
pub(crate) fn divide_half_even(dividend: i128, divisor: NonZeroU64) -> i128 {
    let divisor = i128::from(divisor.get());
    let (below, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    let is_up = match rest.cmp(&(divisor - rest)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => below % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    below + i128::from(is_up)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_read_as_they_stand_or_refused() {
        for (text, number) in [("0", 0), ("-0", 0), ("12", 1_200), ("007.5", 750), ("-0.01", -1), ("12.34", 1_234)] {
            assert_eq!(read(text, 2), Ok(number), "{text}");
        }
        for text in ["", "-", ".", ".5", "5.", "--5", "+5", "1e3", "1.2.3", "1,5", " 5", "5 ", "٥", "NaN", "0x10"] {
            assert_eq!(read(text, 2), Err(BadAmount::NotANumber), "{text}");
        }
        assert_eq!(read("1.230", 2), Err(BadAmount::TooFine { max_digits: 2 }));
        assert_eq!(read(&"9".repeat(40), 2), Err(BadAmount::TooLarge));
    }

    #[test]
    fn written_numbers_keep_two_digits_and_what_says_something() {
        for (number, text) in [(0, "0.00"), (5, "0.0005"), (50_000, "5.00"), (-123_450, "-12.345"), (-1, "-0.0001")] {
            assert_eq!(write(number, 4), text);
        }
    }

    #[test]
    fn the_middle_goes_to_the_even_number() {
        let two = NonZeroU64::new(2).unwrap();
        for (dividend, quotient) in [(-5, -2), (-3, -2), (-1, 0), (0, 0), (1, 0), (3, 2), (5, 2), (7, 4)] {
            assert_eq!(divide_half_even(dividend, two), quotient, "{dividend} / 2");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(number: i128, digits in 2_usize..=12) {
            prop_assert_eq!(read(&write(number, digits), digits), Ok(number));
        }

        #[test]
        fn a_quotient_is_the_nearest_and_the_same_on_both_sides_of_zero(dividend: i64, divisor in 1_u64..=1 << 40) {
            let (dividend, divisor) = (i128::from(dividend), NonZeroU64::new(divisor).unwrap());
            let quotient = divide_half_even(dividend, divisor);
            let off = (quotient * i128::from(divisor.get()) - dividend).unsigned_abs() * 2;
            let limit = u128::from(divisor.get());
            prop_assert!(off < limit || off == limit && quotient % 2 == 0);
            prop_assert_eq!(divide_half_even(-dividend, divisor), -quotient);
        }
    }
}
