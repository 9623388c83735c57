//! Telephone numbers: Kazakhstan and Russia in all their spellings, other countries after a plus.
//! Toll-free 8-800 and short codes belong to nobody and are left alone.

use super::calling_codes::is_international;
use super::digit_window::Window;
use crate::pii::detector::candidate::Strength;
use crate::pii::detector::context::topics::{PHONE, Topics};

/// Shortest and longest window worth asking about, with the country code.
pub(crate) const MIN_LEN: usize = 7;
pub(crate) const MAX_LEN: usize = 15;

/// A number that is written as a telephone number.
pub(crate) fn by_structure(window: &Window<'_>) -> Option<Strength> {
    let is_phone = match window.digits() {
        [7 | 8, national @ ..] if national.len() == 10 => {
            let area = Area::of(national);
            if window.has_plus() {
                area != Area::None
            } else {
                match spelling(window) {
                    Spelling::Phone => area != Area::None,
                    Spelling::Plain => area == Area::Common,
                    Spelling::Other => false,
                }
            }
        }
        international if window.has_plus() => is_international(international),
        // A ten-digit number needs the spelling that nothing else has: 701 123 45 67.
        national if national.len() == 10 => {
            Area::of(national) == Area::Common && window.groups().lens() == [3, 3, 2, 2]
        }
        _ => false,
    };
    is_phone.then_some(Strength::Shape)
}

/// A number that a word says is a telephone number. `topics` is asked last.
pub(crate) fn by_context(window: &Window<'_>, topics: impl FnOnce() -> Topics) -> Option<Strength> {
    // 8517 13 000 0 is a code of goods.
    let is_of_goods = matches!(window.groups().lens(), [4, 2, 3, 1] | [4, 2, 4]);
    let is_other = is_of_goods || window.is_like_ip() || window.may_be_decimals();
    if !(window.is_contiguous() || window.starts_isolated()) || is_other {
        return None;
    }
    let is_phone = match window.digits() {
        [7 | 8, national @ ..] | national if national.len() == 10 => Area::of(national) != Area::None,
        [0, 0, international @ ..] => is_international(international),
        international => window.ends_isolated() && is_international(international),
    };
    (is_phone && topics() & PHONE != 0).then_some(Strength::Shape)
}

/// What the first three of ten national digits say.
#[derive(Debug, PartialEq, Eq)]
enum Area {
    /// Mobile numbers and all of Kazakhstan.
    Common,
    /// Towns of Russia.
    Rare,
    /// Nobody's.
    None,
}

impl Area {
    fn of(national: &[u8]) -> Self {
        match national {
            [6 | 7 | 9, ..] => Self::Common,
            // 80x is toll-free or paid by its caller.
            [8, 0, ..] => Self::None,
            [3 | 4 | 8, ..] => Self::Rare,
            _ => Self::None,
        }
    }
}

enum Spelling {
    /// Groups as people write telephone numbers.
    Phone,
    /// No groups, or groups that say nothing.
    Plain,
    /// Groups of something else: an amount of money, parts of other numbers.
    Other,
}

/// How eleven digits that begin with 7 or 8 are grouped.
fn spelling(window: &Window<'_>) -> Spelling {
    let groups = window.groups();
    match groups.lens() {
        [1, 3, 3, 2, 2]
        | [1, 3, 3, 4]
        | [1, 3, 2, 2, 3]
        | [1, 3, 3, 1, 3]
        | [1, 4, 2, 2, 2]
        | [1, 4, 3, 3]
        | [1, 5, 1, 2, 2]
        | [1, 5, 3, 2]
        | [4, 3, 2, 2]
        | [4, 3, 4] => Spelling::Phone,
        // 87 011 234 567 is an amount of money.
        [2, 3, 3, 3] => Spelling::Other,
        [_] | [1, 10] | [1, 3, 7] | [4, 7] => Spelling::Plain,
        _ if window.fills_run() || window.is_spelled() => Spelling::Plain,
        _ => Spelling::Other,
    }
}
