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
use crate::pii::detector::views::tokens::Token;
use crate::pii::detector::word_list::WordList;

const LENS: [usize; 2] = [8, 11];
/// Letters of a bank, and of a bank and its country.
const BANK: usize = 4;
const LETTERS: usize = 6;

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

/// Every code of a text.
pub(super) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    for code in codes(text.bytes(), text.tokens()) {
        if budget.spend(code.len()) {
            code_at(text, code, found);
        }
    }
}

/// Whatever has the shape of a code. Its first six characters are letters, so that a word of as many begins with it.
fn codes<'t>(bytes: &'t [u8], words: &'t [Token]) -> impl Iterator<Item = Range<usize>> + 't {
    let words = words.iter().map(|word| &word.range).filter(|word| (LETTERS..=LENS[1]).contains(&word.len()));
    words.filter_map(|word| {
        let rest = bytes.get(word.start..)?;
        // Few words have a country's letters in their midst.
        if !is_country(rest.get(BANK..LETTERS)?) {
            return None;
        }
        let len = rest.iter().take(LENS[1] + 1).take_while(|&&byte| is_part(byte)).count();
        let range = word.start..word.start + len;
        (LENS.contains(&len) && stands_alone(bytes, &range) && has_shape(rest)).then_some(range)
    })
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

/// An underscore, a letter outside ASCII or a digit before it makes another word of it.
fn stands_alone(view: &[u8], range: &Range<usize>) -> bool {
    let before = range.start.checked_sub(1).and_then(|at| view.get(at));
    let neighbours = [before, view.get(range.end)];
    neighbours.into_iter().flatten().all(|&byte| byte != b'_' && byte < 0x80 && !is_part(byte))
}

fn has_shape(code: &[u8]) -> bool {
    let Some((bank, rest)) = code.split_at_checked(BANK) else {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pii::detector::views::normalize::View;
    use crate::pii::detector::views::tokens::tokens;

    /// The longest runs of letters and digits, each looked at.
    fn plain_codes(bytes: &[u8]) -> Vec<Range<usize>> {
        let mut codes = Vec::new();
        let mut start = 0;
        for end in 0..=bytes.len() {
            if bytes.get(end).is_some_and(|&byte| is_part(byte)) {
                continue;
            }
            let run = start..end;
            if LENS.contains(&run.len()) && stands_alone(bytes, &run) && has_shape(&bytes[start..]) {
                codes.push(run);
            }
            start = end + 1;
        }
        codes
    }

    proptest! {
        #[test]
        fn codes_are_found_by_their_words(text in "([a-z]{3,5}(kz|de|us|ru)[a-z0-9]{0,6}[ .,_яİ0-9-]{0,2}){0,8}") {
            let view = View::new(&text);
            let found: Vec<_> = codes(view.bytes(), &tokens(&view)).collect();
            prop_assert_eq!(found, plain_codes(view.bytes()));
        }
    }
}
