//! What stands between a context word and its value, and where the next value begins.

use std::ops::Range;

use super::marks::Marks;
use crate::pii::detector::views::normalize::{View, is_continuation, is_letter};

/// How far a word reaches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub(super) bytes: usize,
    pub(super) words: usize,
    /// How many sentences may end in between.
    pub(super) sentences: usize,
}

/// What was passed on the way to a value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gap {
    pub(super) words: usize,
    pub(super) commas: usize,
    pub(super) sentences: usize,
    /// "№", "номер", a colon or an equals sign came last.
    pub(super) is_marked: bool,
    /// The word right before the value is one that puts a measure or a time there ("на", "до").
    pub(super) is_measure: bool,
}

/// A token with a digit, and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) gap: Gap,
}

/// "№" in letters.
const NUMBER_WORDS: &[&str] = &[
    "номер",
    "номером",
    "номера",
    "номеру",
    "нөмірі",
    "нөмір",
    "нөмірлі",
    "нөмірім",
    "нөмері",
    "n",
    "no",
    "num",
    "nr",
    "number",
    "nomer",
    "nomeri",
    "nomiri",
    "nómiri",
    "nömiri",
    "nömırı",
    "ном",
    "н",
    "is",
    "это",
    "үшін",
];
/// After these comes a measure, a time or a sum.
const MEASURE_WORDS: [&str; 26] = [
    "на",
    "до",
    "за",
    "более",
    "свыше",
    "около",
    "примерно",
    "всего",
    "через",
    "спустя",
    "сроком",
    "в",
    "из",
    "менее",
    "от",
    "with",
    "for",
    "until",
    "about",
    "over",
    "within",
    "in",
    "дейін",
    "шамамен",
    "кейін",
    "after",
];

/// Walks from a word towards values.
pub(super) struct Walk<'t, 'v> {
    view: &'t View<'v>,
    marks: &'t Marks,
    at: usize,
    end: usize,
    reach: Reach,
    gap: Gap,
    last_word_len: usize,
}

impl<'t, 'v> Walk<'t, 'v> {
    pub(super) fn new(view: &'t View<'v>, marks: &'t Marks, from: usize, reach: Reach) -> Self {
        let end = (from + reach.bytes).min(view.bytes().len());
        let before = view.bytes().get(..from).unwrap_or_default().iter().rev().take(16);
        let last_word_len = before.take_while(|&&byte| is_letter(byte)).filter(|&&byte| !is_continuation(byte)).count();
        Self { view, marks, at: from, end, reach, gap: Gap::default(), last_word_len }
    }

    /// Goes on behind something that was passed and is none of the word's business.
    pub(super) fn skip_to(&mut self, at: usize) {
        self.at = at;
        self.end = (at + self.reach.bytes / 2).min(self.view.bytes().len()).max(self.end);
        self.gap.is_marked = false;
    }

    /// The next token that holds a digit; `None` where the word's reach ends.
    pub(super) fn next_place(&mut self) -> Option<Place> {
        let bytes = self.view.bytes();
        while self.at < self.end {
            let byte = *bytes.get(self.at)?;
            if byte.is_ascii_digit() {
                return self.place(self.at);
            }
            if !is_letter(byte) {
                self.punctuation(byte)?;
                self.at += 1;
                continue;
            }
            let rest = bytes.get(self.at..).unwrap_or_default();
            let len = rest.iter().take(96).take_while(|&&byte| is_letter(byte)).count();
            // "ДЗ-448190": what begins a code speaks for nothing.
            let is_glued = rest.get(len) == Some(&b'-') && rest.get(len + 1).is_some_and(u8::is_ascii_digit);
            if !is_glued && self.marks.next(self.at).is_some_and(|mark| mark.range.start < self.at + len) {
                return None;
            }
            if begins_code(rest, len) {
                return self.place(self.at);
            }
            self.word(len)?;
            self.at += len;
        }
        None
    }

    fn place(&self, at: usize) -> Option<Place> {
        let fits = self.gap.words <= self.reach.words && self.gap.sentences <= self.reach.sentences;
        fits.then_some(Place { at, gap: self.gap })
    }

    fn word(&mut self, len: usize) -> Option<()> {
        let word = self.view.bytes().get(self.at..self.at + len)?;
        let is_one_of = |list: &[&str]| list.iter().any(|other| other.as_bytes() == word);
        self.gap.is_marked |= is_one_of(NUMBER_WORDS);
        self.gap.is_measure = is_one_of(&MEASURE_WORDS);
        if !is_one_of(NUMBER_WORDS) {
            self.gap.is_marked = false;
            self.gap.words += 1;
        }
        self.last_word_len = word.iter().filter(|&&byte| !is_continuation(byte)).count();
        (self.gap.words <= self.reach.words).then_some(())
    }

    fn punctuation(&mut self, byte: u8) -> Option<()> {
        match byte {
            b'#' | b':' | b'=' => {
                self.gap.is_marked = true;
                self.gap.is_measure = false;
            }
            b',' => self.gap.commas += 1,
            b'}' => return None,
            b'.' | b'!' | b'?' | b'\n' if self.ends_sentence(byte) => self.gap.sentences += 1,
            _ => {}
        }
        (self.gap.sentences <= self.reach.sentences).then_some(())
    }

    fn ends_sentence(&self, byte: u8) -> bool {
        ends_sentence(self.view, self.at, byte, self.last_word_len)
    }
}

/// Whether the mark at `at` ends a sentence; `word_len` is the length of the word before.
pub(super) fn ends_sentence(view: &View<'_>, at: usize, byte: u8, word_len: usize) -> bool {
    let bytes = view.bytes();
    match byte {
        b'!' | b'?' => true,
        // A blank line.
        b'\n' => bytes.get(at + 1) == Some(&b'\n'),
        _ => {
            let is_spaced = matches!(bytes.get(at + 1), Some(b' ' | b'\n'));
            let next = at + 2;
            let begins = || match bytes.get(next) {
                Some(b'#' | b'0'..=b'9') => true,
                Some(&byte) if is_letter(byte) => starts_upper(view, next),
                _ => false,
            };
            is_spaced && word_len > 4 && begins()
        }
    }
}

/// The sentence around a range, bounded.
pub(super) fn sentence_around(view: &View<'_>, range: &Range<usize>) -> Range<usize> {
    const REACH: usize = 120;
    let bytes = view.bytes();
    let ends = |at: usize| {
        let byte = bytes.get(at).copied().unwrap_or(b'.');
        matches!(byte, b'!' | b'?' | b'\n') || byte == b'.' && ends_sentence(view, at, byte, 9)
    };
    let first = range.start.saturating_sub(REACH);
    let last = bytes.len().min(range.end + REACH);
    let start = (first..range.start).rev().find(|&at| ends(at)).map_or(first, |at| at + 1);
    start..(range.end..last).find(|&at| ends(at)).unwrap_or(last)
}

/// Whether the character of the source that stands here is a capital letter.
pub(super) fn starts_upper(view: &View<'_>, at: usize) -> bool {
    let rest = view.bytes().get(at + 1..).unwrap_or_default();
    let width = 1 + rest.iter().take(3).take_while(|&&byte| is_continuation(byte)).count();
    view.source_text(at..at + width).chars().next().is_some_and(char::is_uppercase)
}

/// Whether the source of a range has capital letters and no small ones.
pub(super) fn is_upper(view: &View<'_>, range: Range<usize>) -> bool {
    let source = if range.is_empty() { "" } else { view.source_text(range) };
    !source.is_empty() && !source.chars().any(char::is_lowercase)
}

/// Letters to which digits are joined: "n12345678", "алм-20457".
fn begins_code(rest: &[u8], len: usize) -> bool {
    const MAX_CHARACTERS: usize = 6;
    let characters = rest.iter().take(len).filter(|&&byte| !is_continuation(byte)).count();
    let is_digit = |at: usize| rest.get(at).is_some_and(u8::is_ascii_digit);
    characters <= MAX_CHARACTERS
        && (is_digit(len) || matches!(rest.get(len), Some(b'-' | b'/' | b'_')) && is_digit(len + 1))
}
