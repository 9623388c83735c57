//! Dates of birth: a date beside a word of birth. An age is none, and neither is a year unless the word says that the
//! year is one ("1985 г.р.").

use std::ops::Range;

use super::date::{date_before, date_end, year_end};
use super::gap::{Reach, Walk, starts_upper};
use super::marks::{Mark, Marks};
use super::month::month_at;
use crate::pii::Entity;
use crate::pii::detector::candidate::{Candidate, Strength};
use crate::pii::detector::context::topics::BIRTH_YEAR;
use crate::pii::detector::numbers::digit_run::DigitRun;
use crate::pii::detector::views::normalize::{View, is_letter};

const REACH: Reach = Reach { bytes: 72, words: 5, sentences: 0 };
/// A year says less than a day.
const YEAR_SCORE: u8 = 60;
/// No word says what the date is.
const BEHIND_NAME_SCORE: u8 = 70;
/// Words of a cell that may begin a date.
const CELL_WORDS: usize = 8;
/// Words that stand behind their date.
const BEHIND: [&str; 22] = [
    "г.р",
    "г. р",
    "гр",
    "г/р",
    "года рожд",
    "году рожд",
    "г. рожд",
    "г.рожд",
    "жылы туған",
    "жылғы туған",
    "ж. туған",
    "ж.т",
    "жылы туылған",
    "туған",
    "туылған",
    "goda rozhd",
    "jyly týǵan",
    "jyly tugan",
    "zhyly tugan",
    "g.r",
    "дүниеге кел",
    "рождени",
];

/// The date of birth of which `mark` speaks.
pub(super) fn read(view: &View<'_>, marks: &Marks, mark: &Mark, run: &mut DigitRun) -> Option<Candidate> {
    // "Dr" before a name is a doctor: the word counts in tables and as a key only.
    if is_and_others(view.bytes(), mark) || mark.word == "dr" || is_of_organisation(view.bytes(), mark) {
        return None;
    }
    let stands_behind = BEHIND.contains(&mark.word);
    let floor = marks.previous(mark.range.start).map_or(0, |previous| previous.range.end);
    let adjacent = |run: &mut DigitRun| before(view, mark, floor..0, run);
    let found = if stands_behind {
        adjacent(run).or_else(|| after(view, marks, mark, run))
    } else {
        after(view, marks, mark, run)
    };
    let found = found.or_else(|| before(view, mark, floor..2, run)).or_else(|| year(view, mark));
    found.map(|range| {
        let is_year = range.len() <= 4;
        let candidate = candidate(range, mark.word);
        if is_year { candidate.scored(YEAR_SCORE) } else { candidate }
    })
}

/// The date in one cell or under one key.
pub(super) fn read_cell(view: &View<'_>, mark: &Mark, cell: Range<usize>, run: &mut DigitRun) -> Option<Candidate> {
    let bytes = view.bytes();
    let is_word = |at: usize| bytes.get(at).is_some_and(|&byte| is_letter(byte) || byte.is_ascii_digit());
    let starts = cell.filter(|&at| is_word(at) && !at.checked_sub(1).is_some_and(is_word)).take(CELL_WORDS);
    let range = starts.into_iter().find_map(|at| {
        let year = || (mark.topics & BIRTH_YEAR != 0).then(|| year_end(bytes, at)).flatten();
        date_end(bytes, at, run).or_else(year).map(|end| at..end)
    })?;
    Some(candidate(range, mark.word))
}

/// A date that closes an entry of a list of people: "1. Ахметова Томирис - 3 желтоқсан 1999", "Резюме: Айнур Калиева,
/// 07.07.1999". Only of years in which somebody who is listed so may be born.
pub(super) fn behind_listed_name(view: &View<'_>, at: usize, run: &mut DigitRun) -> Option<Candidate> {
    const YEARS: std::ops::RangeInclusive<usize> = 1925..=2015;
    let bytes = view.bytes();
    let before = bytes.get(..at)?;
    let names_end =
        [", ", " - ", " ("].into_iter().find_map(|mark| Some(before.strip_suffix(mark.as_bytes())?.len()))?;
    if !is_listed_name(view, names_end) {
        return None;
    }
    let end = date_end(bytes, at, run)?;
    let mut digits = bytes.get(at..end)?.split(|byte| !byte.is_ascii_digit()).filter(|digits| digits.len() == 4);
    let year = digits.find_map(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok())?;
    let candidate = Candidate::new(Entity::BirthDate, at..end, Strength::Shape, "birth_date/listed");
    YEARS.contains(&year).then(|| candidate.scored(BEHIND_NAME_SCORE))
}

/// Whether two or three words with capitals end here that begin a line, an entry of a list or what a colon announces.
fn is_listed_name(view: &View<'_>, end: usize) -> bool {
    const LONGEST: usize = 40;
    let bytes = view.bytes();
    let mut start = end;
    for words in 1..=3 {
        let before = bytes.get(..start).unwrap_or_default();
        let len = before.iter().rev().take(LONGEST).take_while(|&&byte| is_letter(byte) || byte == b'-').count();
        start -= len;
        if len < 3 || !starts_upper(view, start) {
            return false;
        }
        let before = bytes.get(..start).unwrap_or_default();
        let is_numbered = || {
            let rest = before.strip_suffix(b". ").or_else(|| before.strip_suffix(b") "));
            rest.is_some_and(|rest| rest.last().is_some_and(u8::is_ascii_digit))
        };
        let begins = matches!(before.last(), None | Some(b'\n')) || before.ends_with(b": ") || is_numbered();
        if begins {
            return words > 1;
        }
        let Some(rest) = before.strip_suffix(b" ") else { return false };
        start = rest.len();
    }
    false
}

/// A date behind a full name with its patronymic: "удостоверение 046203317, Рахимов Айдос Саматович, 27/06/2008".
pub(super) fn behind_name(view: &View<'_>, at: usize, run: &mut DigitRun) -> Option<Candidate> {
    const PATRONYMICS: [&str; 16] = [
        "вич", "вна", "чна", "ұлы", "улы", "қызы", "кызы", "uly", "ulı", "ūly", "qyzy", "kyzy", "vich", "vna", "угли",
        "кизи",
    ];
    const LONGEST: usize = 40;
    let bytes = view.bytes();
    let before = bytes.get(..at)?.strip_suffix(b", ")?;
    let len = before.iter().rev().take(LONGEST).take_while(|&&byte| is_letter(byte)).count();
    let word = before.get(before.len() - len..)?;
    let is_patronymic =
        PATRONYMICS.iter().any(|ending| word.ends_with(ending.as_bytes()) && word.len() > ending.len() + 3);
    if !is_patronymic {
        return None;
    }
    let end = date_end(bytes, at, run)?;
    let is_last = matches!(bytes.get(end), None | Some(b'.' | b';' | b',' | b')' | b'\n'));
    let candidate = Candidate::new(Entity::BirthDate, at..end, Strength::Shape, "birth_date/behind-name");
    (is_last && !word.is_empty()).then(|| candidate.scored(BEHIND_NAME_SCORE))
}

fn candidate(range: Range<usize>, word: &'static str) -> Candidate {
    Candidate::new(Entity::BirthDate, range, Strength::Context, "birth_date/context").beside(Some(word))
}

/// "день рождения компании", "туған жер"
fn is_of_organisation(view: &[u8], mark: &Mark) -> bool {
    const ORGANISATIONS: [&str; 16] = [
        "жер",
        "ел ",
        "өлке",
        "тіл",
        "ауыл",
        "қала",
        "компан",
        "город",
        "школ",
        "банк",
        "фирм",
        "завод",
        "университет",
        "команд",
        "республик",
        "проект",
    ];
    let rest = view.get(mark.range.end..).unwrap_or_default();
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    ORGANISATIONS.iter().any(|organisation| rest.starts_with(organisation.as_bytes()))
}

/// "и др.": and others.
fn is_and_others(view: &[u8], mark: &Mark) -> bool {
    let before = view.get(..mark.range.start).unwrap_or_default();
    mark.word == "др" && (before.ends_with("и ".as_bytes()) || before.ends_with("; ".as_bytes()))
}

fn after(view: &View<'_>, marks: &Marks, mark: &Mark, run: &mut DigitRun) -> Option<Range<usize>> {
    let bytes = view.bytes();
    let sentences = usize::from(is_asked(bytes, mark.range.end));
    let mut walk = Walk::new(view, marks, mark.range.end, Reach { sentences, ..REACH });
    let mut floor = mark.range.end;
    for _ in 0..3 {
        let place = walk.next_place()?;
        if let Some(month) = word_before(bytes, place.at, floor).filter(|&start| month_at(bytes, start).is_some())
            && let Some(end) = date_end(bytes, month, run)
        {
            return Some(month..end);
        }
        if let Some(end) = date_end(bytes, place.at, run) {
            return Some(place.at..end);
        }
        if mark.topics & BIRTH_YEAR != 0 && !BEHIND.contains(&mark.word) && place.gap.words == 0 {
            return year_end(bytes, place.at).map(|end| place.at..end);
        }
        // An age or a weight may come before: "родился (2-й ребёнок) 12.03.2019".
        let rest = bytes.get(place.at..)?;
        let len = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if len == 0 || len > 2 {
            return None;
        }
        floor = place.at + len;
        walk.skip_to(floor);
    }
    None
}

/// "Date of birth?" and the answer in the next line.
fn is_asked(view: &[u8], end: usize) -> bool {
    const NEAR: usize = 24;
    let rest = view.get(end..).unwrap_or_default();
    rest.iter().take(NEAR).position(|&byte| byte == b'?').is_some_and(|at| rest.get(at + 1) == Some(&b'\n'))
}

/// The date before the mark, not before `floor` and with at most `words` words between.
fn before(view: &View<'_>, mark: &Mark, bounds: Range<usize>, run: &mut DigitRun) -> Option<Range<usize>> {
    let Range { start: floor, end: words } = bounds;
    let bytes = view.bytes();
    let mut end = mark.range.start;
    for _ in 0..=words {
        if let Some(range) = date_before(bytes, floor, end, run) {
            let gap = bytes.get(range.end..end).unwrap_or_default();
            let stops = gap.iter().filter(|byte| matches!(byte, b',' | b'\n' | b'!' | b'?')).count();
            return (stops == 0 || stops == 1 && gap.len() <= 2 && words == 0).then_some(range);
        }
        let gap = bytes.get(..end)?.iter().rev().take(3).take_while(|byte| matches!(byte, b' ' | b'.' | b'(')).count();
        end = word_before(bytes, end - gap + 1, 0).filter(|&start| start < end)?;
    }
    None
}

/// "1985 г.р.", "1985 года рождения", "1985 жылы туған"
fn year(view: &View<'_>, mark: &Mark) -> Option<Range<usize>> {
    if mark.topics & BIRTH_YEAR == 0 {
        return None;
    }
    let bytes = view.bytes();
    let before = bytes.get(..mark.range.start)?;
    let gap = before.iter().rev().take(2).take_while(|byte| matches!(byte, b' ' | b'.')).count();
    let start = mark.range.start.checked_sub(gap + 4)?;
    let is_inside = start
        .checked_sub(1)
        .and_then(|at| bytes.get(at))
        .is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'/'));
    let end = year_end(bytes, start).filter(|&end| end + gap == mark.range.start)?;
    (!is_inside).then_some(start..end)
}

/// Where the word begins that ends before `at`, a space between.
fn word_before(view: &[u8], at: usize, floor: usize) -> Option<usize> {
    let before = view.get(floor..at.checked_sub(1)?)?;
    let len = before.iter().rev().take(32).take_while(|&&byte| is_letter(byte)).count();
    (len > 0).then(|| floor + before.len() - len)
}
