//! Bank identifier codes: four letters of a bank, a country, two characters of a place, three of a branch. Capitals
//! like "DOCUMENT" have the same shape, so without a word the bank must be known or the code hold a digit.

use std::ops::Range;
use std::sync::LazyLock;

use super::country::is_country;
use super::gap::is_upper;
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::SWIFT;
use crate::pii::detector::text::Text;
use crate::pii::detector::word_list::WordList;

const LENS: [usize; 2] = [8, 11];

/// Banks that people here send money through.
static BANKS: LazyLock<WordList> = LazyLock::new(|| {
    WordList::new(
        "\
    hsbk kcjb casp tses euri alfa brke irty nbrk sabr vtbr tsed htrb kinc kzib kskb laby shbk ickb bkch citi \
    altb atfb almn kznb bafy inlm kpst nbpa zirk eabr aufe nurs caek jsrb deut coba chas bofa wfbi ubsw cres \
    bnpa soge agri barc hbuk midl nwbk loyd revo trwi ingb abna rabo unic bcit rzba giba otpv tgba akbk isbk \
    kwik yapi tcmb icbk pcbc aboc gazp tics",
    )
});

/// Every code of a text. A code has eight characters or more, so every eighth byte is looked at first.
pub(super) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let bytes = text.bytes();
    let shortest = LENS[0];
    let mut at = 0;
    while let Some(&probe) = bytes.get(at + shortest - 1) {
        if !is_part(probe) {
            at += shortest;
            continue;
        }
        let head = bytes.get(at..at + shortest).unwrap_or_default();
        let start = at + head.iter().rposition(|&byte| !is_part(byte)).map_or(0, |other| other + 1);
        let rest = bytes.get(start..).unwrap_or_default();
        let len = rest.iter().take_while(|&&byte| is_part(byte)).count();
        let range = start..start + len;
        if LENS.contains(&len) && stands_alone(bytes, &range) && has_shape(rest) && budget.spend(len) {
            code_at(text, range.clone(), found);
        }
        at = range.end + 1;
    }
}

const fn is_part(byte: u8) -> bool {
    PARTS[byte as usize]
}

const PARTS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

/// An underscore, or a letter outside ASCII, makes another word of it.
fn stands_alone(view: &[u8], range: &Range<usize>) -> bool {
    let before = range.start.checked_sub(1).and_then(|at| view.get(at));
    let neighbours = [before, view.get(range.end)];
    neighbours.into_iter().flatten().all(|&byte| byte != b'_' && byte < 0x80)
}

fn has_shape(code: &[u8]) -> bool {
    let Some((bank, rest)) = code.split_at_checked(4) else {
        return false;
    };
    let Some((country, place)) = rest.split_at_checked(2) else {
        return false;
    };
    bank.iter().all(u8::is_ascii_lowercase)
        && is_country(country)
        && place.iter().take(2).all(u8::is_ascii_alphanumeric)
}

fn code_at(text: &Text<'_>, range: Range<usize>, found: &mut Found) {
    let code = text.bytes().get(range.clone()).unwrap_or_default();
    let is_capital = is_upper(text.view(), range.clone());
    let bank = code.get(..4).unwrap_or_default();
    let country = code.get(4..6).unwrap_or_default();
    let is_known = BANKS.holds_bytes(bank);
    if !is_capital && !is_known {
        return;
    }
    let is_plain_branch = code.len() == 8 || code.ends_with(b"xxx");
    let has_digit = code.iter().any(u8::is_ascii_digit);
    let is_telling =
        is_known || is_capital && (country == b"kz" && is_plain_branch || has_digit || code.ends_with(b"xxx"));
    let word = text.word_near(&range, SWIFT);
    let speaks = word.is_some() && (is_capital || is_telling);
    if speaks || is_telling && is_capital {
        let (strength, rule) =
            if speaks { (Strength::Context, "swift/context") } else { (Strength::Shape, "swift/shape") };
        found.push(Candidate::new(Entity::Swift, range, strength, rule).beside(word));
    } else if is_capital || is_known {
        found.reject(Entity::Swift, range, "swift/shape", "an unknown bank and no context word");
    }
}
