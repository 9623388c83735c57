//! Registration plates: "123 ABC 02" by its shape and region, older and foreign ones beside a word. Cyrillic letters
//! that look like Latin ones are the same letters.

use std::ops::Range;

use super::gap::is_upper;
use super::marks::{Mark, Marks};
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::PLATE;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::lookalike::digit_at;
use crate::pii::detector::views::normalize::{View, is_letter, next_digit};

const MAX_SYMBOLS: usize = 10;
const MAX_GAP: usize = 3;

/// What a plate is made of: 0 for a digit, A for a letter; those with a region first.
const MODERN: &str = "000AAA00";
const BESIDE_A_WORD: [&str; 12] = [
    "00AA000AAA",
    "A000AA000",
    "00A000AA",
    "000AAA00",
    "A000AA00",
    "0000AA00",
    "A000AAA",
    "000AA00",
    "00AAA00",
    "00AA00",
    "A000AA",
    "AA00000",
];

/// Letters behind three digits that are more often something else.
const NOT_PLATES: [&str; 36] = [
    "usd", "eur", "kzt", "rub", "gbp", "cny", "try", "uzs", "kgs", "byn", "chf", "jpy", "aed", "sms", "api", "sql",
    "xml", "pdf", "gsm", "ram", "ssd", "hdd", "usb", "rpm", "kwh", "kbp", "cob", "pcs", "and", "the", "for", "ctp",
    "cyp", "com", "tom", "kop",
];

/// Every plate of the modern shape.
pub(super) fn scan(text: &Text<'_>, marks: &Marks, budget: &mut Budget, found: &mut Found) {
    let view = text.view();
    let bytes = view.bytes();
    let mut at = 0;
    while let Some(start) = next_digit(bytes, at) {
        let rest = bytes.get(start..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        at = start + len;
        let before = start.checked_sub(1).and_then(|before| bytes.get(before)).copied();
        if len != 3 || before.is_some_and(is_letter) {
            continue;
        }
        if !budget.spend(MAX_SYMBOLS) {
            return;
        }
        let Some(plate) = Symbols::read(bytes, start).and_then(|symbols| symbols.plate(bytes, MODERN)) else {
            continue;
        };
        at = plate.range.end;
        lone(text, marks, plate, found);
    }
}

/// A modern plate where no word points at it.
fn lone(text: &Text<'_>, marks: &Marks, plate: Plate, found: &mut Found) {
    let word = text.word_near(&plate.range, PLATE);
    let bytes = text.bytes();
    if word.is_none() {
        let reason = if !plate.is_even {
            "letters and digits are not grouped like a plate"
        } else if !is_upper(text.view(), plate.letters.clone()) {
            "letters are not capitals and no context word"
        } else if plate.latin.contains('?') {
            "letters that plates do not have"
        } else if NOT_PLATES.contains(&plate.latin.as_str()) {
            "the letters are a currency or a unit"
        } else if marks.is_claimed(bytes, &plate.range) {
            "the words around speak of something else"
        } else {
            ""
        };
        if !reason.is_empty() {
            found.reject(Entity::Plate, plate.range, "plate/shape", reason);
            return;
        }
    }
    let rule = if word.is_some() { "plate/context" } else { "plate/shape" };
    let strength = if word.is_some() { Strength::Context } else { Strength::Shape };
    found.push(Candidate::new(Entity::Plate, plate.range, strength, rule).beside(word));
}

/// The plate at a place for which a word asks, in any known shape.
pub(super) fn read(view: &View<'_>, mark: &Mark, at: usize) -> Option<Candidate> {
    let bytes = view.bytes();
    let symbols = Symbols::read(bytes, letter_before(bytes, at, mark.range.end).unwrap_or(at))?;
    let says_number =
        ["номер", "знак", "нөмір", "plate", "nomer", "грнз", "гн", "г/н"].iter().any(|word| mark.word.contains(word));
    let plate = BESIDE_A_WORD.iter().find_map(|shape| {
        let plate = symbols.plate(bytes, shape)?;
        let is_whole = *shape == "000AA00" && plate.range.len() == shape.len();
        let is_strict = *shape == MODERN || is_whole || says_number || is_upper(view, plate.letters.clone());
        let is_latin = *shape == MODERN || !plate.latin.contains('?');
        (is_strict && is_latin && !NOT_PLATES.contains(&plate.latin.as_str())).then_some(plate)
    })?;
    Some(Candidate::new(Entity::Plate, plate.range, Strength::Context, "plate/context").beside(Some(mark.word)))
}

/// The plate that ends before a word, at most two words between.
pub(super) fn read_before(view: &View<'_>, mark: &Mark) -> Option<Candidate> {
    let bytes = view.bytes();
    let mut end = mark.range.start;
    for _ in 0..=2 {
        let before = bytes.get(..end)?;
        let gap = before
            .iter()
            .rev()
            .take(4)
            .take_while(|byte| matches!(byte, b' ' | b'-' | b'(' | b';' | b'"' | b':' | b'\''));
        end -= gap.count();
        if let Some(plate) = ending_at(view, mark, end) {
            return Some(plate);
        }
        let before = bytes.get(..end)?;
        end -= before.iter().rev().take(32).take_while(|&&byte| is_letter(byte)).count();
    }
    None
}

fn ending_at(view: &View<'_>, mark: &Mark, end: usize) -> Option<Candidate> {
    const LONGEST: usize = 20;
    let bytes = view.bytes();
    (end.saturating_sub(LONGEST)..end)
        .filter(|&at| {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied();
            !before.is_some_and(|byte| is_letter(byte) || byte.is_ascii_digit())
        })
        .find_map(|at| read(view, &Mark { range: 0..at, ..mark.clone() }, at).filter(|plate| plate.range.end == end))
}

/// A single letter before the digits at `at`: "A 482 KPM".
fn letter_before(view: &[u8], at: usize, floor: usize) -> Option<usize> {
    let before = view.get(floor..at)?;
    let before = before.strip_suffix(b" ").unwrap_or(before);
    let len = before.iter().rev().take(3).take_while(|&&byte| is_letter(byte)).count();
    let start = floor + before.len() - len;
    latin_at(view, start).filter(|&(_, width)| len > 0 && width == len).map(|_| start)
}

struct Plate {
    range: Range<usize>,
    letters: Range<usize>,
    /// The letters in Latin.
    latin: String,
    /// The same separator between all groups and none inside.
    is_even: bool,
}

#[derive(Debug, Clone, Copy)]
struct Symbol {
    from: usize,
    till: usize,
    digit: Option<u8>,
    letter: Option<u8>,
}

/// Letters and digits in a row, with little between them.
struct Symbols {
    list: [Option<Symbol>; MAX_SYMBOLS],
}

impl Symbols {
    fn read(view: &[u8], start: usize) -> Option<Self> {
        let mut symbols = Self { list: [None; MAX_SYMBOLS] };
        let mut at = start;
        for slot in &mut symbols.list {
            let rest = view.get(at..).unwrap_or_default();
            let gap = rest.iter().take(MAX_GAP).take_while(|&&byte| is_separator(byte)).count();
            let from = at + if at == start { 0 } else { gap };
            let digit = digit_at(view, from).filter(|&(value, width)| {
                width == 1 && view.get(from).is_some_and(u8::is_ascii_digit) || matches!(value, 0 | 1 | 3)
            });
            let letter = latin_at(view, from);
            let Some(width) = letter.map(|(_, width)| width).or(digit.map(|(_, width)| width)) else {
                break;
            };
            *slot = Some(Symbol {
                from,
                till: from + width,
                digit: digit.map(|(value, _)| value),
                letter: letter.map(|(letter, _)| letter),
            });
            at = from + width;
        }
        symbols.list.first().is_some_and(Option::is_some).then_some(symbols)
    }

    /// The plate of one shape that these symbols begin with.
    fn plate(&self, view: &[u8], shape: &str) -> Option<Plate> {
        let mut latin = String::new();
        let mut digits = 0_u32;
        let mut letters: Option<Range<usize>> = None;
        for (kind, symbol) in shape.bytes().zip(&self.list) {
            let symbol = (*symbol)?;
            if kind == b'0' {
                digits = digits * 10 + u32::from(symbol.digit?);
            } else {
                latin.push(char::from(symbol.letter?));
                letters = Some(letters.map_or(symbol.from, |range| range.start)..symbol.till);
            }
        }
        let symbols = || self.list.iter().take(shape.len()).flatten();
        let range = symbols().next()?.from..symbols().last()?.till;
        let next = view.get(range.end).copied();
        let is_inside = next.is_some_and(|byte| is_letter(byte) || byte.is_ascii_digit());
        let has_region = shape != MODERN && shape != "000AA00" || (1..=20).contains(&(digits % 100));
        let has_number = digits > 0;
        (!is_inside && has_region && has_number).then(|| Plate {
            is_even: self.is_even(view, shape),
            range,
            letters: letters.unwrap_or_default(),
            latin,
        })
    }

    fn is_even(&self, view: &[u8], shape: &str) -> bool {
        let mut between = None;
        let pairs = self.list.iter().flatten().zip(self.list.iter().skip(1).flatten());
        pairs.zip(shape.as_bytes().windows(2)).all(|((first, second), kinds)| {
            let gap = view.get(first.till..second.from).unwrap_or_default();
            if matches!(kinds, [first, second] if first == second) {
                return gap.is_empty();
            }
            *between.get_or_insert(gap) == gap
        })
    }
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'_' | b'/' | b'|' | b'\n')
}

/// A Latin letter, or the one that a Cyrillic letter looks like, and its width.
fn latin_at(view: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = view.get(at..)?;
    let first = *rest.first()?;
    if first.is_ascii_lowercase() {
        return Some((first, 1));
    }
    let latin = match rest.get(..2)? {
        [0xD0, 0xB0] => b'a',
        [0xD0, 0xB2] => b'b',
        [0xD0, 0xB5] => b'e',
        [0xD0, 0xBA] => b'k',
        [0xD0, 0xBC] => b'm',
        [0xD0, 0xBD] => b'h',
        [0xD0, 0xBE] => b'o',
        [0xD1, 0x80] => b'p',
        [0xD1, 0x81] => b'c',
        [0xD1, 0x82] => b't',
        [0xD1, 0x83] => b'y',
        [0xD1, 0x85] => b'x',
        [0xD1, 0x96] => b'i',
        // No letter of plates, but people spell them by ear.
        [0xD0, 0xB0..=0xBF] | [0xD1, 0x80..=0x8F] => b'?',
        _ => return None,
    };
    Some((latin, 2))
}
