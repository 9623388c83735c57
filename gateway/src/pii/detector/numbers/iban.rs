//! Bank account numbers (ISO 13616): country, two check digits, account; mod 97. Spaces, dashes and
//! look-alike letters are seen through. A number with a wrong check still counts beside a context
//! word when it is Kazakhstan's own form.

use std::ops::Range;

use super::checks::is_mod97;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::Strength;
use crate::pii::detector::views::normalize::is_letter;

/// Country and total length, ascending.
const LENGTHS: &[([u8; 2], usize)] = &[
    (*b"ad", 24),
    (*b"ae", 23),
    (*b"al", 28),
    (*b"at", 20),
    (*b"az", 28),
    (*b"ba", 20),
    (*b"be", 16),
    (*b"bg", 22),
    (*b"bh", 22),
    (*b"br", 29),
    (*b"by", 28),
    (*b"ch", 21),
    (*b"cr", 22),
    (*b"cy", 28),
    (*b"cz", 24),
    (*b"de", 22),
    (*b"dk", 18),
    (*b"do", 28),
    (*b"ee", 20),
    (*b"eg", 29),
    (*b"es", 24),
    (*b"fi", 18),
    (*b"fo", 18),
    (*b"fr", 27),
    (*b"gb", 22),
    (*b"ge", 22),
    (*b"gi", 23),
    (*b"gl", 18),
    (*b"gr", 27),
    (*b"gt", 28),
    (*b"hr", 21),
    (*b"hu", 28),
    (*b"ie", 22),
    (*b"il", 23),
    (*b"iq", 23),
    (*b"is", 26),
    (*b"it", 27),
    (*b"jo", 30),
    (*b"kw", 30),
    (*b"kz", 20),
    (*b"lb", 28),
    (*b"li", 21),
    (*b"lt", 20),
    (*b"lu", 20),
    (*b"lv", 21),
    (*b"mc", 27),
    (*b"md", 24),
    (*b"me", 22),
    (*b"mk", 19),
    (*b"mn", 20),
    (*b"mr", 27),
    (*b"mt", 31),
    (*b"mu", 30),
    (*b"nl", 18),
    (*b"no", 15),
    (*b"pk", 24),
    (*b"pl", 28),
    (*b"ps", 29),
    (*b"pt", 25),
    (*b"qa", 29),
    (*b"ro", 24),
    (*b"rs", 22),
    (*b"ru", 33),
    (*b"sa", 24),
    (*b"sc", 31),
    (*b"se", 24),
    (*b"si", 19),
    (*b"sk", 24),
    (*b"sm", 27),
    (*b"tn", 24),
    (*b"tr", 26),
    (*b"ua", 29),
    (*b"va", 22),
    (*b"vg", 24),
    (*b"xk", 20),
];

const MAX_LEN: usize = 34;
const MAX_GAP: usize = 3;

/// What reads like an account number, and whether its check holds.
pub(crate) struct Iban {
    pub(crate) range: Range<usize>,
    pub(crate) strength: Strength,
    /// False when only a context word can make it a finding.
    pub(crate) stands_alone: bool,
}

/// Reads an account number whose check digits begin at `digit_at`, the start of a digit run.
pub(crate) fn read(view: &[u8], digit_at: usize, budget: &mut Budget) -> Option<Iban> {
    let (country, start) = country_before(view, digit_at)?;
    let index = LENGTHS.binary_search_by_key(&country, |&(code, _)| code);
    let &(_, len) = LENGTHS.get(index.ok()?)?;
    if !budget.spend(MAX_LEN) {
        return None;
    }
    let mut account = Account::gather(view, start, len)?;
    let is_kazakh = country == *b"kz";
    if continues(view, account.range.end, is_kazakh) {
        return None;
    }
    let is_written = account.is_written_like_iban(is_kazakh);
    let is_checked = is_mod97(&account.characters) || {
        account.read_letters_as_digits(is_kazakh);
        is_mod97(&account.characters)
    };
    let has_bank_code = account.characters.get(2..7).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    (is_checked || is_kazakh && has_bank_code && is_written).then_some(Iban {
        range: account.range,
        strength: if is_checked { Strength::Checked } else { Strength::Context },
        stands_alone: is_checked && is_written,
    })
}

/// Where the check digits begin when the first of them are letters that look like digits: "KZlo563…".
pub(crate) fn digits_drawn_before(view: &[u8], digit_at: usize) -> Option<usize> {
    let is_drawn = |at: usize| matches!(view.get(at), Some(b'o' | b'l' | b'i' | b'z' | b's' | b'b'));
    let drawn = (1..=2).take_while(|&back| digit_at >= back && is_drawn(digit_at - back)).map(|back| digit_at - back);
    let begins = |&at: &usize| {
        let country = country_before(view, at).map(|(country, _)| country);
        country.is_some_and(|country| LENGTHS.binary_search_by_key(&country, |&(code, _)| code).is_ok())
    };
    drawn.filter(begins).last()
}

/// The two letters before the check digits and where they begin.
fn country_before(view: &[u8], digit_at: usize) -> Option<([u8; 2], usize)> {
    let (second, at) = letter_before(view, digit_at)?;
    let (first, start) = letter_before(view, at)?;
    let before = start.checked_sub(1).and_then(|index| view.get(index));
    (!before.is_some_and(u8::is_ascii_alphanumeric)).then_some(([first, second], start))
}

fn letter_before(view: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut at = at;
    for _ in 0..MAX_GAP {
        match view.get(at.checked_sub(1)?) {
            Some(&byte) if is_separator(byte) => at -= 1,
            _ => break,
        }
    }
    [1, 2].into_iter().find_map(|width| {
        let from = at.checked_sub(width)?;
        let (letter, read) = latin_at(view, from)?;
        (read == width && letter.is_ascii_lowercase()).then_some((letter, from))
    })
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b'*' | b' ' | b'\n' | b'-' | b'.' | b'_' | b'/')
}

/// Whether the number goes on; a word may be glued to one of Kazakhstan's.
fn continues(view: &[u8], at: usize, is_kazakh: bool) -> bool {
    view.get(at).is_some_and(|byte| byte.is_ascii_digit() || !is_kazakh && byte.is_ascii_lowercase())
}

/// The Latin letter or digit at a position, through Cyrillic look-alikes, and its width.
fn latin_at(view: &[u8], at: usize) -> Option<(u8, usize)> {
    let &byte = view.get(at)?;
    if byte.is_ascii_alphanumeric() {
        return Some((byte, 1));
    }
    let latin = match view.get(at..at + 2)? {
        [0xD0, 0xB0] => b'a',
        [0xD0, 0xB2] => b'b',
        [0xD1, 0x81] => b'c',
        [0xD0, 0xB5] => b'e',
        [0xD0, 0xBD] => b'h',
        [0xD1, 0x96] => b'i',
        [0xD0, 0xBA] => b'k',
        [0xD0, 0xBC] => b'm',
        [0xD0, 0xBE] => b'o',
        [0xD1, 0x80] => b'p',
        [0xD1, 0x82] => b't',
        [0xD1, 0x85] => b'x',
        [0xD1, 0x83] => b'y',
        [0xD0, 0xB7] => b'3',
        _ => return None,
    };
    Some((latin, 2))
}

struct Account {
    characters: Vec<u8>,
    /// Length of each group and whether it holds a digit.
    groups: Vec<(usize, bool)>,
    range: Range<usize>,
}

impl Account {
    fn gather(view: &[u8], start: usize, len: usize) -> Option<Self> {
        let mut characters = Vec::with_capacity(MAX_LEN);
        let mut groups: Vec<(usize, bool)> = Vec::with_capacity(MAX_LEN);
        let mut at = start;
        let mut gap = 0;
        while characters.len() < len {
            if let Some((character, width)) = latin_at(view, at) {
                if gap > 0 || groups.is_empty() {
                    groups.push((0, false));
                }
                if let Some((size, holds_digit)) = groups.last_mut() {
                    *size += 1;
                    *holds_digit |= character.is_ascii_digit();
                }
                characters.push(character);
                gap = 0;
                at += width;
            } else if view.get(at).copied().is_some_and(is_separator) && gap < MAX_GAP {
                gap += 1;
                at += 1;
            } else {
                return None;
            }
        }
        Some(Self { characters, groups, range: start..at })
    }

    /// Prose can be gathered into an account number ("at 10 this have…"): its country code stands
    /// alone and its groups are words. Kazakhstan's code is no word.
    fn is_written_like_iban(&self, is_kazakh: bool) -> bool {
        let Some(&(first_len, first_has_digit)) = self.groups.first() else {
            return false;
        };
        let is_spelled = self.groups.iter().all(|&(len, _)| len == 1);
        let has_head = first_has_digit && first_len >= 4 || is_kazakh;
        let no_words = self.groups.iter().all(|&(len, holds_digit)| holds_digit || len <= 4);
        is_spelled || has_head && no_words
    }

    /// Puts 0 for O and 1 for I and L where a digit must or may stand.
    fn read_letters_as_digits(&mut self, is_kazakh: bool) {
        // Elsewhere up to four letters name the bank behind the check digits.
        let places = if is_kazakh { [2..7, 7..7] } else { [2..4, 8..self.characters.len().max(8)] };
        let digit_of = |letter: u8| match letter {
            b'o' => b'0',
            b'i' | b'l' => b'1',
            other => other,
        };
        let fold_in = |part: &mut [u8]| {
            for character in part {
                *character = digit_of(*character);
            }
        };
        for fixed in places {
            if let Some(fixed) = self.characters.get_mut(fixed) {
                fold_in(fixed);
            }
        }
        if !is_mod97(&self.characters)
            && let Some(all) = self.characters.get_mut(2..)
        {
            fold_in(all);
        }
    }
}

/// Whether a run that begins here could belong to an account number: a letter stands close before.
pub(crate) fn may_begin_at(view: &[u8], digit_at: usize) -> bool {
    let from = digit_at.saturating_sub(MAX_GAP + 1);
    let before = view.get(from..digit_at).unwrap_or_default();
    before.iter().any(|&byte| is_letter(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_sorted_and_lengths_plausible() {
        assert!(LENGTHS.is_sorted());
        assert!(LENGTHS.iter().all(|&(_, len)| (15..=MAX_LEN).contains(&len)));
    }
}
