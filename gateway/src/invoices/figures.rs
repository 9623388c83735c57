//! Whole numbers of a last digit as decimals: for people with a comma and groups, for machines with neither surprise nor loss.

use crate::billing::Tenge;

/// Between groups of three digits: no line breaks there.
const NO_BREAK_SPACE: char = '\u{a0}';
/// Of tenge.
const TIYN_DIGITS: usize = 2;

/// How many of the digits behind the separator say something.
pub(super) fn telling_digits(number: i64, digits: usize) -> usize {
    let mut rest = number.unsigned_abs();
    let zeros = (0..digits).take_while(|_| {
        let is_zero = rest.is_multiple_of(10);
        rest /= 10;
        is_zero
    });
    digits - zeros.count()
}

/// `-1234567` with three digits, of which at least one is shown, is `-1234.567`.
pub(super) fn plain(number: i64, digits: usize, min_shown: usize, separator: char) -> String {
    let (sign, whole, behind) = parts(number, digits, min_shown);
    if behind.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}{separator}{behind}") }
}

/// The same as a printed page has it, `-1 234,567`.
pub(super) fn grouped(number: i64, digits: usize, min_shown: usize) -> String {
    let (sign, whole, behind) = parts(number, digits, min_shown);
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(NO_BREAK_SPACE);
        }
        text.push(digit);
    }
    if !behind.is_empty() {
        text.push(',');
        text.push_str(&behind);
    }
    text
}

/// `1234567.89`, always with tiyn.
pub(super) fn tenge(amount: Tenge, separator: char) -> String {
    plain(amount.tiyn(), TIYN_DIGITS, TIYN_DIGITS, separator)
}

fn parts(number: i64, digits: usize, min_shown: usize) -> (&'static str, String, String) {
    let sign = if number < 0 { "-" } else { "" };
    let text = format!("{:0width$}", number.unsigned_abs(), width = digits + 1);
    let (whole, behind) = text.split_at(text.len() - digits);
    let shown = telling_digits(number, digits).max(min_shown.min(digits));
    (sign, whole.to_owned(), behind[..shown].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_that_say_nothing_are_left_out() {
        for (number, min_shown, text) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (5, 0, "0.000005"),
            (1_500_000, 0, "1.5"),
            (1_500_000, 3, "1.500"),
            (-12_000_000, 0, "-12"),
            (i64::MIN, 0, "-9223372036854.775808"),
        ] {
            assert_eq!(plain(number, 6, min_shown, '.'), text);
        }
    }

    #[test]
    fn people_get_groups_and_a_comma() {
        assert_eq!(grouped(-1_234_567_500_000, 6, 0), "-1\u{a0}234\u{a0}567,5");
        assert_eq!(grouped(999_000_000, 6, 1), "999,0");
        assert_eq!(tenge(Tenge::from_tiyn(-100_005), '.'), "-1000.05");
        assert_eq!(tenge(Tenge::from_tiyn(i64::MIN), ','), "-92233720368547758,08");
    }
}
