//! Identity documents and the numbers that states give to people, read where a context word points: the word says what
//! it may be, the number of letters and digits decides.

use std::ops::Range;

use super::check::{is_kg_pin, is_pinfl, is_ru_inn, is_snils, is_ssn};
use super::date::{date_end, is_parted};
use super::gap::{Place, is_upper};
use super::marks::Mark;
use super::money::is_counted;
use crate::pii::Entity;
use crate::pii::detector::candidate::{Candidate, Strength};
use crate::pii::detector::context::topics::{
    DOCUMENT, DRIVER_LICENCE, ID_CARD, KG_PIN, PASSPORT, PINFL, RU_INN, SNILS, SSN, Topics,
};
use crate::pii::detector::numbers::digit_run::DigitRun;
use crate::pii::detector::numbers::digit_window::Window;
use crate::pii::detector::views::normalize::{View, is_continuation, is_letter};

/// The words that this file answers.
pub(super) const TOPICS: Topics =
    ID_CARD | PASSPORT | DRIVER_LICENCE | RU_INN | SNILS | PINFL | KG_PIN | SSN | DOCUMENT;

/// Letters and marks between the start of a place and its digits, in bytes.
const MAX_LEAD: usize = 16;
/// Digits behind a series and "№" are looked for this far.
const REACH: usize = 72;

/// Two small letters before digits that are words, not a series.
const NOT_SERIES: [&[u8]; 18] = [
    b"no", b"nr", b"is", b"id", b"of", b"on", b"to", b"by", b"in", b"at", b"as", b"my", b"or", b"it", b"we", b"be",
    b"so", b"do",
];

/// A document and whether its writing alone is telling.
pub(super) struct Document {
    pub(super) candidate: Candidate,
    pub(super) is_specific: bool,
}

/// Letters and digits as they stand.
struct Written<'r> {
    run: &'r DigitRun,
    prefix: Option<Prefix>,
    /// Digits of a second run, behind "№".
    second: Option<(usize, usize)>,
}

struct Prefix {
    start: usize,
    letters: usize,
}

/// The document at a place for which `mark` asks.
pub(super) fn read(view: &View<'_>, mark: &Mark, place: &Place, run: &mut DigitRun) -> Option<Document> {
    let bytes = view.bytes();
    let reach = bytes.get(..bytes.len().min(place.at + REACH))?;
    if mark.topics & PASSPORT != 0
        && let Some(range) = mixed_code(view, place.at)
    {
        let candidate = Candidate::new(Entity::Passport, range, Strength::Context, rule(Entity::Passport));
        return Some(Document { candidate: candidate.beside(Some(mark.word)), is_specific: true });
    }
    run.read(reach, place.at)?;
    if run.starts().1 > place.at + MAX_LEAD {
        return None;
    }
    let second = behind_number_sign(reach, run.range().end);
    let floor = mark.range.end;
    let prefix = prefix_before(view, run.starts().1, floor);
    let written = Written { run, prefix, second };
    let (entity, range, is_specific) = written.document(mark, place)?;
    let strength = if is_checked(entity, written.run) { Strength::Checked } else { Strength::Context };
    let digits = written.run.starts().1;
    // A series before it, or the word right before it, says that it is no day.
    let is_told = (is_specific || place.gap.words == 0) && !is_parted(bytes, &(digits..range.end));
    let is_date = |run| !is_told && date_end(bytes, digits, run).is_some_and(|end| end >= range.end);
    if is_counted(view, range.end) || !is_specific && place.gap.is_measure || is_date(run) {
        return None;
    }
    let range = with_series(bytes, range, floor);
    let candidate = Candidate::new(entity, range, strength, rule(entity)).beside(Some(mark.word));
    Some(Document { candidate, is_specific })
}

fn rule(entity: Entity) -> &'static str {
    match entity {
        Entity::IdCard => "id_card/context",
        Entity::Passport => "passport/context",
        Entity::DriverLicence => "driver_licence/context",
        Entity::RuPassport => "ru_passport/context",
        Entity::RuInn => "ru_inn/context",
        Entity::Snils => "snils/context",
        Entity::UzPinfl => "uz_pinfl/context",
        Entity::KgPin => "kg_pin/context",
        _ => "us_ssn/context",
    }
}

fn is_checked(entity: Entity, run: &DigitRun) -> bool {
    let digits = |len: usize| run.values(0..len);
    match entity {
        Entity::RuInn => is_ru_inn(digits(12)) && run.len() >= 12,
        Entity::Snils => is_snils(digits(11)),
        Entity::UzPinfl => is_pinfl(digits(14)),
        Entity::KgPin => is_kg_pin(digits(14)),
        _ => false,
    }
}

impl Written<'_> {
    fn document(&self, mark: &Mark, place: &Place) -> Option<(Entity, Range<usize>, bool)> {
        let topics = mark.topics;
        let letters = self.prefix.as_ref().map_or(0, |prefix| prefix.letters);
        if topics & PASSPORT != 0
            && let Some(passport) = self.passport(letters, place)
        {
            return Some(passport);
        }
        if topics & DRIVER_LICENCE != 0
            && let Some(licence) = self.licence(letters, mark, place)
        {
            return Some(licence);
        }
        if topics & (ID_CARD | DOCUMENT) != 0 {
            let is_weak = topics & ID_CARD == 0;
            if letters == 1
                && let Some(range) = self.take(8).filter(|_| !is_weak || self.begins_with_n())
            {
                return Some((Entity::Passport, self.with_prefix(range), true));
            }
            if letters == 2
                && !is_weak
                && let Some(range) = self.take(7)
            {
                return Some((Entity::IdCard, self.with_prefix(range), true));
            }
            // A licence is also called just that: "куәлігім AB 123456".
            if letters == 2
                && !is_weak
                && let Some(range) = self.take(6)
            {
                return Some((Entity::DriverLicence, self.with_prefix(range), true));
            }
            let range = self.take(9).filter(|_| !is_weak || self.run.values(0..1) == [0]);
            if let Some(range) = range {
                // Identity cards of Kazakhstan begin with a zero.
                let is_specific = self.run.values(0..1) == [0];
                return Some((Entity::IdCard, range, is_specific));
            }
        }
        if topics & SSN != 0
            && let Some(range) = self.take(9).filter(|_| is_ssn(self.run.values(0..9)))
        {
            return Some((Entity::UsSsn, range, false));
        }
        if topics & SNILS != 0
            && let Some(range) = self.take(11)
        {
            return Some((Entity::Snils, range, false));
        }
        if topics & RU_INN != 0
            && let Some(range) = self.take(12).or_else(|| self.take(10))
        {
            return Some((Entity::RuInn, range, false));
        }
        if topics & (KG_PIN | PINFL) != 0
            && let Some(range) = self.take(14)
        {
            let digits = self.run.values(0..14);
            let is_uzbek = topics & KG_PIN == 0 || topics & PINFL != 0 && is_pinfl(digits) && !is_kg_pin(digits);
            return Some((if is_uzbek { Entity::UzPinfl } else { Entity::KgPin }, range, true));
        }
        None
    }

    fn passport(&self, letters: usize, place: &Place) -> Option<(Entity, Range<usize>, bool)> {
        let lens: &[usize] = match letters {
            1 => &[8, 7, 6, 9],
            2 => &[7, 6, 8],
            _ => &[],
        };
        if let Some(range) = lens.iter().find_map(|&len| self.take(len)) {
            return Some((Entity::Passport, self.with_prefix(range), true));
        }
        if let Some((len, end)) = self.second {
            // "серия 45 08 № 771290"
            if let Some(range) = self.whole(4).filter(|_| len == 6) {
                return Some((Entity::RuPassport, range.start..end, true));
            }
            if let Some(range) = self.whole(2).filter(|_| len == 7) {
                return Some((Entity::Passport, range.start..end, true));
            }
        }
        if let Some(range) = self.take(10) {
            return Some((Entity::RuPassport, range, false));
        }
        let plain: &[usize] = if place.gap.is_marked || place.gap.words == 0 { &[9, 8, 7] } else { &[9, 8] };
        plain.iter().find_map(|&len| self.take(len)).map(|range| (Entity::Passport, range, false))
    }

    fn licence(&self, letters: usize, mark: &Mark, place: &Place) -> Option<(Entity, Range<usize>, bool)> {
        if letters == 2
            && let Some(range) = self.take(6).or_else(|| self.take(7))
        {
            return Some((Entity::DriverLicence, self.with_prefix(range), true));
        }
        if let Some((6, end)) = self.second
            && let Some(range) = self.whole(4)
        {
            return Some((Entity::DriverLicence, range.start..end, true));
        }
        // "Права" and "жүргізуші" alone are said of much else.
        let is_vague = (mark.word.starts_with("прав")
            || matches!(mark.word, "жүргізуші" | "prava" | "ву" | "licence" | "license"))
            && !place.gap.is_marked
            && place.gap.words > 0;
        let lens: &[usize] = if is_vague { &[] } else { &[9, 10, 6] };
        let taken = lens.iter().find_map(|&len| self.take(len).filter(|_| len != 6 || place.gap.is_marked));
        taken.map(|range| (Entity::DriverLicence, range, false))
    }

    fn begins_with_n(&self) -> bool {
        self.prefix.is_some()
    }

    fn with_prefix(&self, range: Range<usize>) -> Range<usize> {
        self.prefix.as_ref().map_or(range.start, |prefix| prefix.start)..range.end
    }

    /// The first `len` digits, if they are a number of their own.
    fn take(&self, len: usize) -> Option<Range<usize>> {
        let window = self.run.window(0, len)?;
        let groups = window.groups();
        let is_even = groups.lens().split_first().is_some_and(|(first, rest)| {
            *first > 1 && rest.iter().all(|len| len == first || *len < *first && *len > 1)
        });
        let stands = window.is_contiguous() || window.fills_run() || window.ends_isolated() || window.is_spelled();
        (stands || is_even && self.run.len() >= len + 6).then(|| window.range())
    }

    /// The run, if it has `len` digits.
    fn whole(&self, len: usize) -> Option<Range<usize>> {
        self.run.window(0, len).filter(Window::fills_run).map(|window| window.range())
    }
}

/// "C4VX19K7M": letters among the digits, as some states number their passports.
fn mixed_code(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    const LEN: usize = 9;
    const MIN_DIGITS: usize = 3;
    let rest = view.bytes().get(at..)?;
    let len = rest.iter().take(LEN + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let code = rest.get(..len).filter(|_| len == LEN && !rest.get(len).copied().is_some_and(is_letter))?;
    let digits = code.iter().filter(|byte| byte.is_ascii_digit()).count();
    let first_digit = code.iter().position(u8::is_ascii_digit)?;
    let has_inner_letter = code.get(first_digit..)?.iter().any(u8::is_ascii_alphabetic);
    let is_code = first_digit == 1 && has_inner_letter || first_digit == 3;
    (is_code && digits >= MIN_DIGITS && is_upper(view, at..at + LEN)).then_some(at..at + LEN)
}

/// One or two letters before the digits at `at`, glued to them or set off as a series.
fn prefix_before(view: &View<'_>, at: usize, floor: usize) -> Option<Prefix> {
    const GAP: usize = 4;
    const LETTERS: usize = 4;
    if let Some(start) = spelled_before(view, at, floor) {
        return Some(Prefix { start, letters: 2 });
    }
    let before = view.bytes().get(floor..at)?;
    let marks = before
        .iter()
        .rev()
        .take(GAP)
        .take_while(|&&byte| matches!(byte, b' ' | b'#' | b'-' | b'.' | b':' | b'_' | b'/'));
    let gap = marks.count();
    let before = before.get(..before.len() - gap)?;
    let len = before.iter().rev().take(LETTERS + 1).take_while(|&&byte| is_letter(byte)).count();
    let start = floor + before.len() - len;
    let range = start..start + len;
    let outer = start.checked_sub(1).and_then(|before| view.bytes().get(before));
    if len == 0 || len > LETTERS || outer.is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let word = view.bytes().get(range.clone())?;
    let letters = std::str::from_utf8(word).ok()?.chars().count();
    let is_series = word.is_ascii() && letters == 2 && gap == 1 && !NOT_SERIES.contains(&word);
    let is_number_word = gap > 0 && (matches!(word, b"no" | b"nr") || !is_upper(view, range) && !is_series);
    (letters <= 2 && !is_number_word).then_some(Prefix { start, letters })
}

/// Where two capitals begin that are spelled like the digits behind them: "A-E-4-3-0-5-6-2".
fn spelled_before(view: &View<'_>, at: usize, floor: usize) -> Option<usize> {
    let bytes = view.bytes();
    let is_mark = |at: usize| bytes.get(at).is_some_and(|byte| matches!(byte, b' ' | b'.' | b'-' | b'_' | b'/'));
    let letter_before = |at: usize| {
        let gap = (1..=2).take_while(|&back| at >= floor + back && is_mark(at - back)).count();
        let end = (at - gap).max(floor);
        let start = [1, 2]
            .into_iter()
            .filter_map(|width| end.checked_sub(width))
            .find(|&start| bytes.get(start).is_some_and(|&byte| is_letter(byte) && !is_continuation(byte)))?;
        (gap > 0 && start >= floor && is_upper(view, start..end)).then_some(start)
    };
    let start = letter_before(letter_before(at)?)?;
    let is_inside = start.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|&byte| is_letter(byte));
    (is_mark(at + 1) && !is_inside).then_some(start)
}

/// Digits behind "№" or its like, after a first run that ends at `from`: how many, and where they end.
fn behind_number_sign(view: &[u8], from: usize) -> Option<(usize, usize)> {
    const SIGNS: [&str; 9] = ["#", "номер", "nomer", "number", "нөмірі", "n", "no", "ном", "no."];
    let rest = view.get(from..)?;
    let start = from + rest.iter().take(3).take_while(|byte| matches!(byte, b' ' | b',' | b'.' | b';')).count();
    let rest = view.get(start..)?;
    let sign = SIGNS.iter().filter(|sign| rest.starts_with(sign.as_bytes())).max_by_key(|sign| sign.len())?;
    let behind = start + sign.len();
    let gap = view.get(behind..)?.iter().take(3).take_while(|byte| matches!(byte, b' ' | b':' | b'.' | b'"')).count();
    if !view.get(behind + gap)?.is_ascii_digit() {
        return None;
    }
    let mut run = DigitRun::default();
    run.read(view, behind + gap)?;
    let window = [6, 7]
        .into_iter()
        .find_map(|len| run.window(0, len).filter(|window| window.fills_run() || window.is_contiguous()))?;
    Some((window.digits().len(), window.range().end))
}

/// With the word "серия" before, which is written as a part of the number.
fn with_series(view: &[u8], range: Range<usize>, floor: usize) -> Range<usize> {
    const WORDS: [&str; 8] = ["серия", "серии", "серией", "сериясы", "серія", "series", "seriya", "сер"];
    let before = view.get(floor..range.start).unwrap_or_default();
    let trimmed =
        before.len() - before.iter().rev().take(3).take_while(|byte| matches!(byte, b' ' | b':' | b'.' | b'#')).count();
    let before = before.get(..trimmed).unwrap_or_default();
    let word = WORDS.iter().find(|word| {
        let rest = before.strip_suffix(word.as_bytes());
        rest.is_some_and(|rest| !rest.last().copied().is_some_and(is_letter))
    });
    word.map_or(range.start, |word| floor + before.len() - word.len())..range.end
}
