//! A stretch of a view as words, numbers and marks: what the parts of an address are read from.

use std::ops::Range;

use super::lexicon::{Role, role};
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::{is_continuation, is_letter};

/// What stands before an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    None,
    /// One dash and nothing else.
    Dash,
    Space,
    /// One line break, as it also stands inside of addresses.
    Break,
    /// An empty line.
    Line,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word {
        role: Option<Role>,
        /// Whether it begins with a capital in the source.
        is_capital: bool,
        letters: usize,
    },
    /// `12`, `12а`, `42/1`, `15-23`, `8-й`.
    Number {
        /// Of its first part.
        digits: usize,
        is_plain: bool,
    },
    /// A date, a time, a decimal, a number too long for a house.
    OtherNumber,
    Mark(u8),
}

#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
    pub(crate) gap: Gap,
}

/// Endings of ordinals behind a dash.
const ORDINALS: [&str; 20] = [
    "ой", "ый", "ий", "й", "ая", "я", "го", "му", "ом", "м", "ші", "шы", "інші", "ыншы", "th", "st", "nd", "rd", "shi",
    "shy",
];

pub(crate) fn items(text: &Text<'_>, zone: Range<usize>) -> Vec<Item> {
    let view = text.bytes();
    let mut items: Vec<Item> = Vec::with_capacity(zone.len() / 6);
    let mut at = zone.start;
    let mut gap = Gap::Space;
    while at < zone.end {
        let Some(&byte) = view.get(at) else { break };
        let end = match byte {
            b' ' => {
                gap = if matches!(gap, Gap::Line | Gap::Break) { gap } else { Gap::Space };
                at += 1;
                continue;
            }
            b'\n' => {
                // A view has two breaks for `\r\n`.
                let breaks = view.get(at..).unwrap_or_default().iter().take_while(|&&byte| byte == b'\n').count();
                gap = if breaks > 2 || matches!(gap, Gap::Line | Gap::Break) { Gap::Line } else { Gap::Break };
                at += breaks;
                continue;
            }
            b'-' if gap == Gap::None
                && view.get(at + 1).is_some_and(|&next| is_letter(next) || next.is_ascii_digit()) =>
            {
                gap = Gap::Dash;
                at += 1;
                continue;
            }
            _ if is_letter(byte) => word_end(view, at),
            _ if byte.is_ascii_digit() => number(view, at).0,
            _ => at + 1,
        };
        let range = at..end.max(at + 1);
        let kind = if is_letter(byte) {
            word(text, &range)
        } else if byte.is_ascii_digit() {
            number(view, at).1
        } else {
            Kind::Mark(byte)
        };
        at = range.end;
        items.push(Item { range, kind, gap });
        gap = Gap::None;
    }
    items
}

/// Letters, with single dashes, slashes and apostrophes between them.
fn word_end(view: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(&byte) = view.get(at) {
        let goes_on = is_letter(byte)
            || matches!(byte, b'-' | b'\'' | b'/')
                && at > start
                && view.get(at + 1).copied().is_some_and(is_letter)
                && at - start < 40;
        if !goes_on {
            break;
        }
        at += 1;
    }
    at
}

fn word(text: &Text<'_>, range: &Range<usize>) -> Kind {
    let bytes = text.bytes().get(range.clone()).unwrap_or_default();
    let first_len = bytes.first().map_or(1, |&first| char_len(first));
    let first = text.view().source_text(range.start..range.start + first_len);
    let letters = bytes.iter().filter(|&&byte| !is_continuation(byte)).count();
    let role = if letters <= 24 { role(bytes) } else { Some(Role::Stop) };
    Kind::Word { role, is_capital: first.chars().any(char::is_uppercase), letters }
}

/// Where the number that begins here ends, and what it is.
fn number(view: &[u8], start: usize) -> (usize, Kind) {
    let digits = digits_at(view, start);
    let mut end = start + digits;
    let next = view.get(end).copied();
    let is_composite = matches!(next, Some(b'.' | b',' | b':')) && digits_at(view, end + 1) > 0 && next != Some(b',')
        || matches!(next, Some(b',')) && digits_at(view, end + 1) == 1 && view.get(end + 2) == Some(&b'%')
        || matches!(next, Some(b'%' | b'$' | b'+' | b'@'));
    if is_composite || digits > 6 {
        while view.get(end).is_some_and(|byte| {
            byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b'%' | b'$' | b'+' | b'@' | b'-' | b'/')
        }) {
            end += 1;
        }
        return (end, Kind::OtherNumber);
    }
    let mut is_plain = true;
    for _ in 0..3 {
        let tail = tail_len(view, end);
        is_plain &= tail == 0;
        end += tail;
        if tail == 0 {
            break;
        }
    }
    let glued =
        view.get(end..).unwrap_or_default().iter().take(12).take_while(|&&byte| byte.is_ascii_alphanumeric()).count();
    let is_code = view.get(end..end + glued).unwrap_or_default().iter().any(u8::is_ascii_digit);
    if is_code {
        return (end + glued, Kind::OtherNumber);
    }
    (end, Kind::Number { digits, is_plain })
}

/// What goes on a number: a letter, a fraction, an ordinal's ending, a second number behind a dash.
fn tail_len(view: &[u8], at: usize) -> usize {
    let rest = view.get(at..).unwrap_or_default();
    match rest.first() {
        Some(b'/') => {
            let digits = digits_at(view, at + 1);
            let letter = letter_len(view, at + 1 + digits);
            if (1..=4).contains(&digits) || digits == 0 && letter > 0 { 1 + digits + letter } else { 0 }
        }
        Some(b'-') => {
            let digits = digits_at(view, at + 1);
            if (1..=4).contains(&digits) {
                return 1 + digits;
            }
            let ending = rest.get(1..).and_then(|rest| ORDINALS.iter().find(|ending| is_word(rest, ending)));
            ending.map_or_else(
                || if letter_len(view, at + 1) > 0 { 1 + letter_len(view, at + 1) } else { 0 },
                |ending| 1 + ending.len(),
            )
        }
        Some(b' ' | b';' | b'"') => quoted_letter(view, at),
        Some(b't' | b's' | b'n' | b'r') => ["th", "st", "nd", "rd"]
            .iter()
            .find(|ending| is_word(rest, ending))
            .map_or_else(|| letter_len(view, at), |ending| ending.len()),
        Some(&byte) if is_letter(byte) => {
            // «10к2»: a corps glued to its house.
            let letter = char_len(byte);
            let digits = digits_at(view, at + letter);
            if (1..=2).contains(&digits) && rest.starts_with("к".as_bytes()) {
                letter + digits
            } else {
                letter_len(view, at)
            }
        }
        _ => 0,
    }
}

/// «15 «А»»: typographic quotes are folded to semicolons.
fn quoted_letter(view: &[u8], at: usize) -> usize {
    let space = usize::from(view.get(at) == Some(&b' '));
    let is_quote = |at: usize| matches!(view.get(at), Some(b';' | b'"'));
    let letter = letter_len(view, at + space + 1);
    let is_quoted = is_quote(at + space) && letter > 0 && is_quote(at + space + 1 + letter);
    if is_quoted { space + letter + 2 } else { 0 }
}

fn is_word(rest: &[u8], word: &str) -> bool {
    rest.starts_with(word.as_bytes()) && !rest.get(word.len()).copied().is_some_and(is_letter)
}

fn digits_at(view: &[u8], at: usize) -> usize {
    view.get(at..).unwrap_or_default().iter().take(32).take_while(|byte| byte.is_ascii_digit()).count()
}

/// The width of a letter that stands alone here.
fn letter_len(view: &[u8], at: usize) -> usize {
    let Some(&byte) = view.get(at).filter(|&&byte| is_letter(byte)) else { return 0 };
    let len = char_len(byte);
    let next = view.get(at + len).copied();
    if next.is_some_and(|byte| is_letter(byte) || byte.is_ascii_digit()) { 0 } else { len }
}

const fn char_len(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}
