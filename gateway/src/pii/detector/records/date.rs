//! Dates as people write them: "12.03.1985", "1985-08-14", "12 марта 1985 года", "1985 жылғы 12 наурыз",
//! "March 12, 1985". Only days on which somebody alive may have been born.

use std::ops::Range;

use super::month::month_at;
use crate::pii::detector::numbers::digit_run::DigitRun;
use crate::pii::detector::views::lookalike::digit_at;
use crate::pii::detector::views::normalize::is_letter;

/// The longest date in bytes.
pub(super) const MAX_LEN: usize = 64;

/// Words and numbers that one date is made of, digits standing alone included.
const MAX_WORDS: usize = 12;
const YEARS: Range<u32> = 1900..2050;

/// A date that begins at `at`, which holds a digit, a look-alike or a month's name; where it ends.
pub(super) fn date_end(view: &[u8], at: usize, run: &mut DigitRun) -> Option<usize> {
    in_words(view, at).or_else(|| in_digits(view, at, run))
}

/// The date that ends at `end`, marks aside: where it stands.
pub(super) fn date_before(view: &[u8], floor: usize, end: usize, run: &mut DigitRun) -> Option<Range<usize>> {
    let from = end.saturating_sub(MAX_LEN).max(floor);
    if !view.get(from..end)?.iter().any(u8::is_ascii_digit) {
        return None;
    }
    let is_inner = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| view.get(before)).copied();
        before.is_some_and(|byte| is_letter(byte) || byte.is_ascii_digit())
    };
    let mut starts = [end; MAX_WORDS];
    let words = (from..end)
        .rev()
        .filter(|&at| view.get(at).is_some_and(|&byte| is_letter(byte) || byte.is_ascii_digit()) && !is_inner(at));
    for (slot, at) in starts.iter_mut().zip(words) {
        *slot = at;
    }
    starts.into_iter().rev().filter(|&at| at < end).find_map(|at| {
        let date_end = date_end(view, at, run).filter(|&date_end| date_end <= end)?;
        let rest = view.get(date_end..end)?;
        let is_rest = rest.iter().all(|&byte| !is_letter(byte) && !byte.is_ascii_digit());
        is_rest.then_some(at..date_end)
    })
}

/// Four digits that are a year of birth, alone.
pub(super) fn year_end(view: &[u8], at: usize) -> Option<usize> {
    let (year, end) = number(view, at, 4)?;
    (end == at + 4 && YEARS.contains(&year)).then_some(end)
}

/// "12.03.1985", "1985-03-12", "12/03/85", "12031985", "1 2 . 0 3 . 1 9 8 5".
fn in_digits(view: &[u8], at: usize, run: &mut DigitRun) -> Option<usize> {
    let reach = view.get(..view.len().min(at + MAX_LEN))?;
    if !may_hold_date(reach, at) {
        return None;
    }
    run.read(reach, at)?;
    if run.starts().0 > at {
        return None;
    }
    [8, 7, 6].into_iter().find_map(|len| {
        let window = run.window(0, len)?;
        let digits = window.digits();
        let groups = window.groups();
        let is_date = match groups.lens() {
            [day, month, 4] if *day <= 2 && *month <= 2 => {
                let (day, rest) = digits.split_at_checked(usize::from(*day))?;
                let (month, year) = rest.split_at_checked(usize::from(*month))?;
                is_date(day, month, year) || is_date(month, day, year)
            }
            [4, month, day] if *day <= 2 && *month <= 2 => {
                let (year, rest) = digits.split_at_checked(4)?;
                let (month, day) = rest.split_at_checked(usize::from(*month))?;
                is_date(day, month, year)
            }
            [2, 2, 2] => {
                is_date(digits.get(..2)?, digits.get(2..4)?, digits.get(4..)?) && stands_alone(view, &window.range())
            }
            [8] | [1, 1, 1, 1, 1, 1, 1, 1] | [2, 2, 2, 2] | [4, 4] => {
                is_date(digits.get(..2)?, digits.get(2..4)?, digits.get(4..)?)
                    || is_date(digits.get(6..)?, digits.get(4..6)?, digits.get(..4)?)
            }
            _ => false,
        };
        is_date.then(|| window.range().end)
    })
}

/// Whether so many digits follow, what looks like one included, before a letter that does not.
fn may_hold_date(reach: &[u8], mut at: usize) -> bool {
    const FEWEST: usize = 6;
    let mut num_digits = 0;
    while let Some(&byte) = reach.get(at) {
        match digit_at(reach, at) {
            Some((_, width)) => (num_digits, at) = (num_digits + 1, at + width),
            None if is_letter(byte) => break,
            None => at += 1,
        }
        if num_digits >= FEWEST {
            return true;
        }
    }
    false
}

/// Whether the digits of a range are parted as a date's are: "12.03.1985". "12031985" and "1203 1985" are dates only where
/// nothing says that they are numbers.
pub(super) fn is_parted(view: &[u8], range: &Range<usize>) -> bool {
    let digits = view.get(range.clone()).unwrap_or_default();
    let mut groups = digits.split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len).filter(|&len| len > 0);
    let parts = [groups.next(), groups.next(), groups.next(), groups.next()];
    matches!(parts, [Some(1..=2), Some(1..=2), Some(2 | 4), None] | [Some(4), Some(1..=2), Some(1..=2), None])
}

/// No further number is joined to a date with a short year.
fn stands_alone(view: &[u8], range: &Range<usize>) -> bool {
    let rest = view.get(range.end..).unwrap_or_default();
    !matches!(rest, [b'.' | b'-' | b'/', next, ..] if next.is_ascii_digit())
}

fn is_date(day: &[u8], month: &[u8], year: &[u8]) -> bool {
    let value = |digits: &[u8]| digits.iter().fold(0_u32, |value, &digit| value * 10 + u32::from(digit));
    let is_year = match year.len() {
        2 => true,
        _ => YEARS.contains(&value(year)),
    };
    is_year && (1..=31).contains(&value(day)) && (1..=12).contains(&value(month))
}

/// The three orders of a date with a month's name.
fn in_words(view: &[u8], at: usize) -> Option<usize> {
    day_month_year(view, at).or_else(|| year_day_month(view, at)).or_else(|| month_day_year(view, at))
}

/// "12 марта 1985 года", "12-го марта 85 г.", "12th of March, 1985", "12 наурыз 1985 жыл".
fn day_month_year(view: &[u8], at: usize) -> Option<usize> {
    let month = behind_day(view, at)?;
    let (_, month_end) = month_at(view, skip_word(view, month, &["of"]))?;
    let year = behind_marks(view, month_end);
    let (value, end) = number(view, year, 4)?;
    if YEARS.contains(&value) && end == year + 4 {
        return Some(behind_year_word(view, end));
    }
    // "12 марта 85 года"
    let with_word = behind_year_word(view, end);
    (end == year + 2 && with_word > end).then_some(with_word)
}

/// "1985 жылғы 12 наурыз", "1985 ж. 12 наурызда", "1985 jylǵy 12 naýryz", "1985 March 12".
fn year_day_month(view: &[u8], at: usize) -> Option<usize> {
    let end = year_end(view, at)?;
    let day = skip_word(
        view,
        behind_marks(view, end),
        &[
            "году",
            "года",
            "год",
            "г",
            "жылғы",
            "жылдың",
            "жылы",
            "ж",
            "жыл",
            "jylǵy",
            "jylgy",
            "jyldyń",
            "jyldyn",
            "zhylgy",
            "zhylghy",
            "zhyldyn",
            "jylğy",
            "года",
            "г",
        ],
    );
    let (value, day_end) = number(view, day, 2).unwrap_or((1, day));
    let month = if day_end > day { behind_day(view, day)? } else { day };
    let (_, month_end) = month_at(view, month)?;
    if day_end > day {
        return (1..=31).contains(&value).then_some(month_end);
    }
    // "1985 жылы наурыздың 12"
    let late_day = behind_marks(view, month_end);
    let (value, late_end) = number(view, late_day, 2)?;
    (1..=31).contains(&value).then_some(late_end)
}

/// "March 12, 1985", "mar 12th 1985".
fn month_day_year(view: &[u8], at: usize) -> Option<usize> {
    let (_, month_end) = month_at(view, at)?;
    let day = behind_marks(view, month_end);
    number(view, day, 2).filter(|(value, _)| (1..=31).contains(value))?;
    let year = behind_marks(view, behind_day(view, day)?);
    year_end(view, year)
}

/// Behind a day, its ending and the marks after it.
fn behind_day(view: &[u8], at: usize) -> Option<usize> {
    const ENDINGS: [&str; 14] =
        ["-го", "-ого", "-е", "го", "-ое", "-ші", "-шы", "-і", "-ы", "st", "nd", "rd", "th", "-shi"];
    let (day, end) = number(view, at, 2)?;
    let rest = view.get(end..)?;
    let ending = ENDINGS
        .iter()
        .find(|ending| rest.starts_with(ending.as_bytes()) && !rest.get(ending.len()).copied().is_some_and(is_letter));
    let end = end + ending.map_or(0, |ending| ending.len());
    ((1..=31).contains(&day)).then(|| behind_marks(view, end))
}

/// Up to three marks or spaces on.
fn behind_marks(view: &[u8], at: usize) -> usize {
    let rest = view.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .take(3)
        .take_while(|byte| matches!(byte, b' ' | b',' | b'.' | b'-' | b'/' | b'\n' | b';' | b'"'))
        .count()
}

fn behind_year_word(view: &[u8], at: usize) -> usize {
    const WORDS: [&str; 12] =
        ["года", "год", "году", "жылы", "жыл", "жылғы", "goda", "god", "jyly", "jyl", "zhyly", "г"];
    let start = behind_marks(view, at);
    let end = skip_letters(view, start, &WORDS);
    // "1985 года рождения": there the word belongs to the birth.
    let after = view.get(end..).unwrap_or_default();
    let is_birth =
        [" рожд", ".рожд", ". рожд", ".р", ". р", " туған"].iter().any(|word| after.starts_with(word.as_bytes()));
    if end > start && !is_birth { end } else { at }
}

fn skip_word(view: &[u8], at: usize, words: &[&str]) -> usize {
    let end = skip_letters(view, at, words);
    if end > at { behind_marks(view, end) } else { at }
}

fn skip_letters(view: &[u8], at: usize, words: &[&str]) -> usize {
    let rest = view.get(at..).unwrap_or_default();
    let len = rest.iter().take(16).take_while(|&&byte| is_letter(byte)).count();
    let is_word = words.iter().any(|word| rest.get(..len) == Some(word.as_bytes()));
    if is_word { at + len } else { at }
}

/// A number of at most `most` digits and no more, and where it ends.
fn number(view: &[u8], at: usize, most: usize) -> Option<(u32, usize)> {
    let rest = view.get(at..)?;
    let len = rest.iter().take(most + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let digits = rest.get(..len).filter(|_| (1..=most).contains(&len))?;
    Some((digits.iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0')), at + len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::detector::views::normalize::View;

    fn date(text: &str) -> Option<String> {
        let view = View::new(text);
        let end = date_end(view.bytes(), 0, &mut DigitRun::default())?;
        Some(view.source_text(0..end).to_owned())
    }

    #[test]
    fn dates_of_all_kinds() {
        for text in [
            "12.03.1985",
            "1.3.1985",
            "12/03/1985",
            "12-03-1985",
            "12.03.85",
            "1985-03-12",
            "1985.03.12",
            "12031985",
            "12 03 1985",
            "1 2 . 0 3 . 1 9 8 5",
            "12.O3.1985",
            "12 марта 1985 года",
            "12 марта 1985",
            "12-го марта 85 года",
            "1985 жылғы 12 наурыз",
            "1985 ж. 12 наурызда",
            "1985 жылдың 12 наурызы",
            "12 наурыз 1985 жыл",
            "1985 jylǵy 12 naýryz",
            "March 12, 1985",
            "12th of March 1985",
            "12 Mar 1985",
            "12 marta 1985 goda",
            "12 мая 2001",
        ] {
            assert_eq!(date(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in
            ["32.03.1985", "12.13.1845", "12 марта", "1985", "192.168.10.2", "1.2.3", "2024.1", "март 1985", "12 лет"]
        {
            assert_eq!(date(text), None, "{text}");
        }
        assert_eq!(date("12 марта 1985 года рождения").as_deref(), Some("12 марта 1985"));
        assert_eq!(date("12.03.1985 г.р.").as_deref(), Some("12.03.1985"));
    }

    #[test]
    fn dates_before_a_place() {
        let view = View::new("Ким, 1979 жылғы 4 қыркүйек туған");
        let end = view.bytes().len() - "туған".len();
        let range = date_before(view.bytes(), 0, end, &mut DigitRun::default());
        assert_eq!(range.map(|range| view.source_text(range)), Some("1979 жылғы 4 қыркүйек"));
    }
}
