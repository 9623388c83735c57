//! The words of a text as parts of names: hyphenated ones as one, with what each may be and how it hangs together with
//! the word before it. Words of code, addresses and handles are barred.

use std::ops::Range;

use super::known::{Known, Words};
use super::reading::{self, Reading};
use super::sequence::Weights;
use super::spelling::Script;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::is_letter;
use crate::pii::detector::views::tokens::{Case, Token};

/// How a word hangs together with the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Not at all.
    Break,
    /// One space, or two.
    Space,
    /// A dot, with or without a space, behind an initial.
    Dot,
    /// One line break.
    Line,
}

/// One word as a part of a name.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Bytes of the view.
    pub(super) range: Range<usize>,
    pub(super) case: Case,
    pub(super) script: Script,
    pub(super) reading: Reading,
    pub(super) link: Link,
    /// One letter and a dot, or one capital letter.
    pub(super) is_initial: bool,
    /// A full stop stands right behind it.
    pub(super) is_dotted: bool,
    /// Ends in a Kazakh case that no Russian surname ends in: -тың, -ға, -пен.
    pub(super) has_kazakh_case: bool,
    /// Letters of its key.
    pub(super) len: usize,
    /// What it speaks for beside other parts.
    pub(super) weights: Weights,
    /// Whether it may be in a name at all, as it is written.
    pub(super) may_be_name: bool,
}

impl Part {
    pub(super) fn is(&self, roles: reading::Roles) -> bool {
        self.reading.is(roles)
    }

    pub(super) fn is_like_name(&self) -> bool {
        self.is_initial
            || self.is(reading::IN_NAMES)
            || self.is_capital() && !self.is(reading::WORD)
            || self.is(reading::IN_OV) && !self.is(reading::WORD)
    }

    /// Written as names are, with a capital letter at least.
    pub(super) fn is_capital(&self) -> bool {
        matches!(self.case, Case::Title | Case::Upper | Case::Mixed)
    }
}

/// How a word was added to the parts before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// As one with the last.
    Joined,
    /// As the next, however it hangs together with the last.
    Next(Link),
}

/// Adds a word behind `gap` to the parts before it.
pub(super) fn add(text: &Text<'_>, parts: &mut Vec<Part>, gap: &[u8], mut part: Part) -> Added {
    let last = parts.last_mut().filter(|last| last.range.end + gap.len() == part.range.start);
    part.link = match (last, gap) {
        (Some(_), b" ") => Link::Space,
        (Some(last), _) if joins(last, &part, gap) => {
            join(last, &part);
            return Added::Joined;
        }
        (Some(last), _) => link(text, last, &part, gap),
        (None, _) => Link::Break,
    };
    let link = part.link;
    parts.push(part);
    Added::Next(link)
}

/// Says of all parts whether they may be in names: only now is known what was joined to each.
pub(super) fn weigh(parts: &mut [Part]) {
    for part in parts {
        part.may_be_name = part.is_like_name();
        if part.may_be_name {
            part.weights = Weights::of(part);
        }
    }
}

/// Every word of `text` that may be a part of a name, by position.
#[cfg(test)]
pub(super) fn all_parts(text: &Text<'_>, words: &mut Words) -> Vec<Part> {
    let mut parts = Vec::new();
    // Where the last word ended, a part or not.
    let mut last_end = None;
    for token in text.tokens() {
        let gap = last_end.map_or(&b"\n"[..], |end| text.bytes().get(end..token.range.start).unwrap_or_default());
        last_end = Some(token.range.end);
        if let Some(part) = part(text.bytes(), token, words) {
            add(text, &mut parts, gap, part);
        }
    }
    weigh(&mut parts);
    parts
}

/// Whether what stands between two words may make one of them.
pub(super) fn may_join(gap: &[u8]) -> bool {
    matches!(gap, b"-" | b"'" | b";" | b"`")
}

/// A word of a view by itself; `None` where it cannot be in a name.
pub(super) fn part(view: &[u8], token: &Token, words: &mut Words) -> Option<Part> {
    let word = view.get(token.range.clone())?;
    if is_barred(view, &token.range, Script::of(word)?) && !(token.case == Case::Title && is_snake(view, &token.range))
    {
        return None;
    }
    let known = Known::of(word, words)?;
    let is_dotted = view.get(token.range.end) == Some(&b'.');
    let is_single = word.len() <= LONGEST_SINGLE && is_single(word, is_dotted);
    Some(Part {
        range: token.range.clone(),
        case: token.case,
        script: known.script,
        reading: if is_single { Reading::unknown(known.reading.initial) } else { known.reading },
        link: Link::Break,
        is_initial: is_single && (is_dotted || token.case == Case::Upper && !is_one_letter_word(word)),
        is_dotted,
        has_kazakh_case: known.has_kazakh_case,
        len: usize::from(known.len),
        weights: Weights::default(),
        may_be_name: false,
    })
}

/// Bytes of the longest word that counts as one letter: "дж".
const LONGEST_SINGLE: usize = 4;

/// One letter, or one that is spelled with two: "Sh.", "Дж".
pub(super) fn is_single(word: &[u8], is_dotted: bool) -> bool {
    let is_digraph =
        is_dotted && matches!(word, b"sh" | b"ch" | b"zh" | b"kh" | b"yu" | b"ya" | b"ts") || word == "дж".as_bytes();
    word.len() == 1 || word.len() == 2 && !word.is_ascii() || is_digraph
}

/// Words of one letter, which are no initials without a dot.
fn is_one_letter_word(word: &[u8]) -> bool {
    matches!(word, b"a" | b"i")
        || ["а", "в", "и", "к", "о", "с", "у", "я", "б"].iter().any(|letter| letter.as_bytes() == word)
}

/// Whether a word hangs together with other words by nothing but underscores: "Ivanov_Ivan".
fn is_snake(view: &[u8], range: &Range<usize>) -> bool {
    let before = view.get(..range.start).unwrap_or_default();
    let after = view.get(range.end..).unwrap_or_default();
    let (is_first, is_last) = (before.last() != Some(&b'_'), after.first() != Some(&b'_'));
    let is_edge = |byte: Option<&u8>| {
        byte.is_none_or(|byte| matches!(byte, b' ' | b'\n' | b'"' | b'/' | b'.' | b',' | b';' | b':'))
    };
    let goes_on = |byte: Option<&u8>| byte.copied().is_some_and(is_letter);
    let begins = if is_first { is_edge(before.last()) } else { goes_on(before.iter().rev().nth(1)) };
    let ends = if is_last { is_edge(after.first()) } else { goes_on(after.get(1)) };
    begins && ends && !(is_first && is_last)
}

/// Whether a word is part of something that is no speech: a path, an address, a handle, an identifier.
fn is_barred(view: &[u8], range: &Range<usize>, script: Script) -> bool {
    let before = range.start.checked_sub(1).and_then(|at| view.get(at)).copied().unwrap_or(b' ');
    let after = view.get(range.end).copied().unwrap_or(b' ');
    let beyond = view.get(range.end + 1).copied().unwrap_or(b' ');
    let is_word = |byte: u8| is_letter(byte) || byte.is_ascii_digit();
    if before.is_ascii_digit() || matches!(before, b'_' | b'@' | b'#' | b'$' | b'\\' | b'%') {
        return true;
    }
    if after.is_ascii_digit() || matches!(after, b'_' | b'@' | b'\\') {
        return true;
    }
    // "ivan.petrov", "docs/ivan", "Ivan(": speech in Latin letters does not do so, but for initials.
    let is_long = range.len() > 2;
    script == Script::Latin
        && (is_long && matches!(after, b'.' | b'/' | b'(') && is_word(beyond)
            || is_long && after == b'('
            || matches!(before, b'/' | b'&')
            || before == b'.' && is_long && range.start >= 4 && {
                // Three letters and more before the dot are no initial.
                view.get(range.start - 4..range.start - 1).unwrap_or_default().iter().all(|&byte| is_word(byte))
            })
}

fn may_be_part(part: &Part) -> bool {
    part.is(reading::IN_NAMES | reading::LIKE_SURNAME)
}

fn link(text: &Text<'_>, last: &Part, part: &Part, gap: &[u8]) -> Link {
    match gap {
        b"\n" => Link::Line,
        // A view has a line break for each of the two characters.
        b"\n\n" if text.view().source_text(last.range.end..part.range.start) == "\r\n" => Link::Line,
        // HL7 has carets between the parts of a name.
        b" " | b"  " | b"^" => Link::Space,
        // As names of files and of API clients are written.
        b"_" if may_be_part(last) && may_be_part(part) && !(last.is(reading::WORD) && part.is(reading::WORD)) => {
            Link::Space
        }
        b"." | b". " if last.is_initial => Link::Dot,
        b".\n" if last.is_initial => Link::Line,
        b".\n\n" if last.is_initial && text.view().source_text(last.range.end..part.range.start) == ".\r\n" => {
            Link::Line
        }
        b"" if last.is_initial && part.is_initial => Link::Dot,
        _ => Link::Break,
    }
}

/// "Римский-Корсаков", "Касым-Жомарт", "Yeon-ji", and endings set off: "Айгүл-ге", "Aigul'ga".
fn joins(last: &Part, part: &Part, gap: &[u8]) -> bool {
    if last.script == Script::Latin && last.len == 1 && matches!(last.reading.initial, b'o' | b'd') {
        // O'Neill, D'Angelo.
        return matches!(gap, b"'" | b";") && last.is_capital() && part.is_capital() && part.len >= 3;
    }
    if last.is_initial || part.is_initial {
        return false;
    }
    match gap {
        b"-" | b"'" | b";" | b"`" if is_ending(last, part) => true,
        b"-" => {
            last.is_capital() == part.is_capital()
                || last.is(reading::FIRST | reading::PLAIN_SURNAME) && part.len <= 3 && part.case == Case::Lower
        }
        _ => false,
    }
}

/// Whether `part` is a Kazakh case ending that was set off from the name before it.
fn is_ending(last: &Part, part: &Part) -> bool {
    part.case == Case::Lower
        && part.is(reading::ENDING)
        && last.is(reading::FIRST | reading::SURNAME | reading::PLAIN_SURNAME | reading::PATRONYMIC)
}

fn join(last: &mut Part, part: &Part) {
    last.range.end = part.range.end;
    if !is_ending(last, part) {
        last.is_initial = false;
        last.case = if last.len == 1 { part.case } else { last.case };
        let both = last.reading.roles & part.reading.roles;
        last.reading = last.reading.with(&part.reading);
        if both & reading::FIRST != 0 {
            last.reading.roles &= !reading::WORD;
        }
        let names = reading::FIRST | reading::SURNAME | reading::PLAIN_SURNAME | reading::PARTICLE;
        if last.is(reading::WORD) && both & reading::FIRST == 0 && !part.is(names) {
            last.reading.roles = reading::WORD;
        }
        last.len += part.len;
    }
}
