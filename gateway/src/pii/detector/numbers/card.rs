//! Payment cards: 13–19 digits with a scheme's prefix and a Luhn sum, or beside a context word.

use super::checks::{is_ean13, is_luhn};
use super::digit_window::Window;
use crate::pii::detector::candidate::Strength;
use crate::pii::detector::context::topics::{CARD, GOODS, Topics};

pub(crate) const MIN_LEN: usize = 13;
pub(crate) const MAX_LEN: usize = 19;

/// Whether cards begin with this digit at all; asked first because it is cheap.
pub(crate) const fn may_begin_with(digit: u8) -> bool {
    matches!(digit, 2..=6 | 8 | 9)
}

/// A card by its number alone. Amounts and dates in a row pass Luhn one time in ten, so a number
/// with separators must be written like a card or stand alone.
pub(crate) fn by_structure(window: &Window<'_>) -> Option<Strength> {
    let digits = window.digits();
    let is_card = has_scheme_prefix(digits) && is_luhn(digits) && is_written_like_card(window);
    is_card.then_some(Strength::Luhn)
}

/// A card because a word says so; the check digit may be wrong. `topics` is asked last.
pub(crate) fn by_context(window: &Window<'_>, topics: impl FnOnce() -> Topics) -> Option<Strength> {
    let digits = window.digits();
    let begins_like_card = match digits.first() {
        Some(2 | 4 | 5 | 6) => true,
        Some(&first) => may_begin_with(first) && digits.len() >= 15,
        None => false,
    };
    let stands = window.is_contiguous()
        || is_written_like_card(window)
        || (window.starts_isolated() || window.ends_isolated()) && is_luhn(digits);
    let topics = if begins_like_card && stands { topics() } else { 0 };
    let is_goods = digits.len() == MIN_LEN && topics & GOODS != 0;
    (topics & CARD != 0 && !is_goods).then_some(Strength::Context)
}

/// Whether a number that passed as a card is rather a bar code: the words around speak of goods, or
/// it carries the prefix of a country that much of what is sold here comes from. Cards of thirteen
/// digits are no longer issued, and none ever began with 5 or 6.
pub(crate) fn is_bar_code(window: &Window<'_>, topics: impl FnOnce() -> Topics) -> bool {
    let digits = window.digits();
    if !is_ean13(digits) {
        return false;
    }
    let topics = topics();
    // In 4: Germany; Russia and Kyrgyzstan; Uzbekistan; Belarus, Ukraine, Kazakhstan.
    let is_sold_here = matches!(digits, [5 | 6, ..] | [4, 0..=3 | 6, ..] | [4, 7, 0 | 8, ..] | [4, 8, 1 | 2 | 7, ..]);
    topics & CARD == 0 && (topics & GOODS != 0 || is_sold_here)
}

fn has_scheme_prefix(digits: &[u8]) -> bool {
    let Some(prefix) = digits.get(..4) else {
        return false;
    };
    let prefix = prefix.iter().fold(0_u32, |number, &digit| number * 10 + u32::from(digit));
    let len = digits.len();
    match prefix {
        // Mir and JCB.
        2200..=2204 | 3528..=3589 => (16..=19).contains(&len),
        // Mastercard's second range, Uzcard, Humo. Other numbers in 20 and 21 begin years.
        2205..=2999 | 8600 | 9860 => len == 16,
        // American Express.
        3400..=3499 | 3700..=3799 => len == 15,
        // Diners Club.
        3000..=3059 | 3600..=3699 | 3800..=3999 => len == 14 || len == 16,
        4000..=6999 => (MIN_LEN..=MAX_LEN).contains(&len),
        _ => false,
    }
}

fn is_written_like_card(window: &Window<'_>) -> bool {
    let groups = window.groups();
    match groups.lens() {
        [_] => !window.is_fraction(),
        [4, 6, 4 | 5] | [8, 8] | [4, 12] | [6, 10 | 13] => true,
        // An amount of money.
        [1..=4, thousands @ ..] if thousands.len() > 2 && thousands.iter().all(|&len| len == 3) => false,
        [fours @ .., last] if *last <= 4 && fours.iter().all(|&len| len == 4) => true,
        // Any other grouping could be amounts in a row.
        [1..=3, _] if window.is_decimal() => false,
        _ if window.is_spelled() => true,
        _ => window.fills_run() && matches!(window.digits().len(), 15 | 16),
    }
}
