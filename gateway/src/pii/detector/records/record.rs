//! Numbers of contracts, customers' accounts and patients' records: five to twelve letters and digits that only a word
//! tells from any other number, so much is asked of what stands between.

use std::ops::Range;

use super::date::{date_end, is_parted};
use super::gap::{Place, is_upper};
use super::marks::Mark;
use super::money::is_counted;
use crate::pii::Entity;
use crate::pii::detector::candidate::{Candidate, Strength};
use crate::pii::detector::context::topics::{ACCOUNT, CONTRACT, MEDICAL_RECORD, Topics};
use crate::pii::detector::numbers::digit_run::DigitRun;
use crate::pii::detector::views::lookalike::{self, digit_at};
use crate::pii::detector::views::normalize::{View, is_continuation, is_letter};

/// The words that this file answers.
pub(super) const TOPICS: Topics = CONTRACT | ACCOUNT | MEDICAL_RECORD;

const CHARACTERS: std::ops::RangeInclusive<usize> = 5..=14;
const MIN_DIGITS: usize = 3;
/// The longest code in bytes.
const MAX_LEN: usize = 40;

/// The number at a place for which `mark` asks.
pub(super) fn read(view: &View<'_>, mark: &Mark, place: &Place, run: &mut DigitRun) -> Option<Candidate> {
    let code = Code::at(view, place.at, mark.range.end, run)?;
    let gap = &place.gap;
    let is_near = gap.words == 0 || gap.is_marked || code.has_letters && !gap.is_measure;
    let is_far = gap.commas > 1 || gap.commas > 0 && !gap.is_marked || gap.words > 4;
    if !is_near && (gap.is_measure || gap.words > 2) || is_far {
        return None;
    }
    if !gap.is_marked && !code.has_letters && (code.is_decimal(view) || code.is_phone(view)) {
        return None;
    }
    code.into_candidate(view, mark, run)
}

/// The number that ends right before a word.
pub(super) fn read_before(view: &View<'_>, mark: &Mark, end: usize, run: &mut DigitRun) -> Option<Candidate> {
    let start = start_before(view.bytes(), end)?;
    let code = Code::at(view, start, 0, run).filter(|code| code.range.end == end)?;
    if !code.has_letters && (code.is_decimal(view) || code.is_phone(view)) {
        return None;
    }
    code.into_candidate(view, mark, run)
}

/// The entity and rule that a word's topics ask for.
fn kind(topics: Topics) -> (Entity, &'static str) {
    if topics & MEDICAL_RECORD != 0 {
        (Entity::MedicalRecord, "medical_record/context")
    } else if topics & ACCOUNT != 0 {
        (Entity::Account, "account/context")
    } else {
        (Entity::Contract, "contract/context")
    }
}

/// Letters and digits joined by marks.
#[derive(Debug)]
struct Code {
    range: Range<usize>,
    has_letters: bool,
    digits: usize,
    characters: usize,
}

impl Code {
    fn at(view: &View<'_>, at: usize, floor: usize, run: &mut DigitRun) -> Option<Self> {
        let bytes = view.bytes();
        let mut code = Self::token(view, at)?;
        if !code.has_letters {
            if let Some(end) = chunks_end(bytes, at, run).filter(|&end| end > code.range.end) {
                code.range.end = end;
                code.count(bytes);
            }
            if let Some(start) = prefix_start(view, at, floor) {
                code.range.start = start;
                code.count(bytes);
            }
        }
        let fits = CHARACTERS.contains(&code.characters) && code.digits >= MIN_DIGITS;
        fits.then_some(code)
    }

    /// Without spaces.
    fn token(view: &View<'_>, at: usize) -> Option<Self> {
        let bytes = view.bytes();
        let rest = bytes.get(at..)?;
        let is_word = |index: usize| rest.get(index).is_some_and(|&byte| is_letter(byte) || byte.is_ascii_digit());
        let mut len = 0;
        while len < MAX_LEN {
            if is_word(len) {
                len += 1;
            } else if matches!(rest.get(len), Some(b'-' | b'/' | b'.' | b'_')) && is_word(len + 1) && len > 0 {
                if rest.get(len) != Some(&b'/') && !joins(view, at + len) {
                    break;
                }
                len += 1;
            } else {
                break;
            }
        }
        while rest.get(len).copied().is_some_and(is_continuation) {
            len -= 1;
        }
        let mut code = Self { range: at..at + len, has_letters: false, digits: 0, characters: 0 };
        code.cut_ending(view);
        code.count(bytes);
        Some(code)
    }

    /// "20457шарты", "20457-ші": an ending in small letters is no part of the number.
    fn cut_ending(&mut self, view: &View<'_>) {
        let bytes = view.bytes().get(self.range.clone()).unwrap_or_default();
        let Some(last_digit) = bytes.iter().rposition(u8::is_ascii_digit) else {
            return;
        };
        let tail = self.range.start + last_digit + 1..self.range.end;
        let is_long = tail.len() > 1;
        if is_long && !is_upper(view, tail.clone()) && bytes.first().is_some_and(u8::is_ascii_digit) {
            self.range.end = tail.start;
        }
    }

    fn count(&mut self, view: &[u8]) {
        let bytes = view.get(self.range.clone()).unwrap_or_default();
        self.has_letters = bytes.iter().any(|&byte| is_letter(byte));
        self.digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
        let letters = bytes.iter().filter(|&&byte| is_letter(byte) && !is_continuation(byte)).count();
        self.characters = letters + self.digits;
        // "2lЗoo7": letters that are drawn for digits.
        let drawn = (0..bytes.len()).filter(|&at| lookalike::is_plain(bytes, at)).count();
        if self.digits > 0 && drawn == letters {
            self.digits = self.characters;
        }
    }

    /// "1.2.345", "12345.67", and neither "7.1.5.8.3.6" nor "514.912.848".
    fn is_decimal(&self, view: &View<'_>) -> bool {
        const MAX_DOTS: usize = 4;
        const MAX_DIGITS: usize = 8;
        let bytes = view.bytes().get(self.range.clone()).unwrap_or_default();
        let dots = memchr::memchr_iter(b'.', bytes).count();
        (1..=MAX_DOTS).contains(&dots) && (dots == 1 || self.digits <= MAX_DIGITS)
    }

    fn is_phone(&self, view: &View<'_>) -> bool {
        let bytes = view.bytes().get(self.range.clone()).unwrap_or_default();
        let mut digits = bytes.iter().filter(|byte| byte.is_ascii_digit());
        let first = [digits.next(), digits.next()];
        matches!(
            (first, self.digits),
            ([Some(b'7' | b'8'), Some(b'7')], 11) | ([Some(b'7'), Some(b'0' | b'4' | b'7')], 10)
        )
    }

    fn into_candidate(self, view: &View<'_>, mark: &Mark, run: &mut DigitRun) -> Option<Candidate> {
        let bytes = view.bytes();
        let is_told = is_behind_sign(bytes, self.range.start) && !is_parted(bytes, &self.range);
        let is_other = is_counted(view, self.range.end)
            || !is_told && date_end(bytes, self.range.start, run).is_some_and(|end| end >= self.range.end)
            || is_years(bytes.get(self.range.clone())?)
            || bytes.get(self.range.end) == Some(&b':')
                && bytes.get(self.range.end + 1).is_some_and(u8::is_ascii_digit);
        let (entity, rule) = kind(mark.topics);
        (!is_other).then(|| Candidate::new(entity, self.range, Strength::Context, rule).beside(Some(mark.word)))
    }
}

/// Whether "№" or its like stands right before a place.
fn is_behind_sign(view: &[u8], at: usize) -> bool {
    const SIGNS: [&str; 5] = ["#", "no.", "номер", "number", "нөмірі"];
    let before = view.get(..at).unwrap_or_default().trim_ascii_end();
    SIGNS.iter().any(|sign| before.ends_with(sign.as_bytes()))
}

/// A dot between a number and the next word ends the sentence rather than joins.
fn joins(view: &View<'_>, at: usize) -> bool {
    let bytes = view.bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    bytes.get(at) != Some(&b'.') || is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))
}

/// "2024-2025"
fn is_years(code: &[u8]) -> bool {
    let is_year = |digits: &[u8]| matches!(digits, [b'1', b'9', _, _] | [b'2', b'0', _, _]);
    matches!(code, [from @ .., b'-' | b'/', _, _, _, _] if is_year(from) && is_year(code.get(5..).unwrap_or_default()))
}

/// Where digits end that are written in chunks: "7018 3344", "2 0 4 5 7".
fn chunks_end(view: &[u8], at: usize, run: &mut DigitRun) -> Option<usize> {
    let reach = view.get(..view.len().min(at + MAX_LEN))?;
    run.read(reach, at)?;
    (5..=12).rev().find_map(|len| {
        let window = run.window(0, len)?;
        let groups = window.groups();
        let is_chunked = groups.lens().len() > 1 && groups.lens().iter().all(|&len| len <= 4);
        let stands = window.ends_isolated() || window.fills_run();
        (is_chunked && stands || window.is_spelled() || groups.lens().len() == 1 && window.ends_isolated())
            .then(|| window.range().end)
    })
}

/// Capitals before digits that belong to them: "АЛМ 20457", "KZ № 551209".
fn prefix_start(view: &View<'_>, at: usize, floor: usize) -> Option<usize> {
    const LETTERS: usize = 4;
    let before = view.bytes().get(floor..at)?;
    let before = before.strip_suffix(b" ").or_else(|| before.strip_suffix(b"-")).unwrap_or(before);
    let before = before.strip_suffix(b"-").or_else(|| before.strip_suffix(b" ")).unwrap_or(before);
    let before = before.strip_suffix(b" ").unwrap_or(before);
    let len = before.iter().rev().take(2 * LETTERS + 1).take_while(|&&byte| is_letter(byte)).count();
    let start = floor + before.len() - len;
    let range = start..start + len;
    let word = view.bytes().get(range.clone())?;
    let characters = word.iter().filter(|&&byte| !is_continuation(byte)).count();
    let is_number_word = matches!(word, b"n" | b"no" | b"nr" | b"id") || matches!(std::str::from_utf8(word), Ok("н"));
    let is_whole = word.first().is_some_and(|&byte| !is_continuation(byte));
    (is_whole && (1..=LETTERS).contains(&characters) && is_upper(view, range) && !is_number_word).then_some(start)
}

/// Where a code that ends at `end` begins.
fn start_before(view: &[u8], end: usize) -> Option<usize> {
    let from = end.saturating_sub(MAX_LEN);
    let reach = view.get(from..end)?;
    let is_part = |byte: u8| is_letter(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'/' | b'.' | b'_');
    let len = reach.iter().rev().take_while(|&&byte| is_part(byte)).count();
    let code = reach.get(reach.len() - len..)?;
    let skip = code.iter().take_while(|&&byte| matches!(byte, b'-' | b'/' | b'.' | b'_')).count();
    let mut start = end - len + skip;
    // Chunks of digits before: "7018 3344 дербес шот".
    while let Some(chunk) = chunk_before(view, start) {
        if end - chunk > 24 {
            break;
        }
        start = chunk;
    }
    let has_digit = view.get(start..end)?.iter().any(u8::is_ascii_digit);
    has_digit.then_some(start)
}

/// Up to four digits and a space before a position that holds a digit.
fn chunk_before(view: &[u8], start: usize) -> Option<usize> {
    digit_at(view, start)?;
    let before = view.get(..start)?.strip_suffix(b" ")?;
    let len = before.iter().rev().take(5).take_while(|byte| byte.is_ascii_digit()).count();
    let is_word = before.len().checked_sub(len + 1).and_then(|at| before.get(at)).copied().is_some_and(is_letter);
    ((1..=4).contains(&len) && !is_word).then(|| before.len() - len)
}
