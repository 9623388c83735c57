//! The words of one view that say what numbers are, and which of them speak for a place.

use std::ops::Range;

use super::topics::Topics;
use super::words::Word;
use crate::pii::detector::views::normalize::{is_continuation, is_letter};

/// How far a word reaches, in characters and in bytes of a view.
const REACH_CHARACTERS: usize = 40;
const REACH_BYTES: usize = REACH_CHARACTERS * 2 + 16;
/// As many digits between a word and a number are a value that the word was about.
const VALUE_DIGITS: usize = 10;

/// The words of one view, by position.
#[derive(Debug, Default)]
pub(crate) struct ContextWords {
    pub(super) hits: Vec<Hit>,
    /// What is known from outside the text: the key under which it stood.
    pub(super) given: Topics,
}

#[derive(Debug)]
pub(super) struct Hit {
    pub(super) range: Range<usize>,
    pub(super) word: &'static Word,
}

impl ContextWords {
    /// Everything that [`Self::near`] could answer for any range inside `run`.
    pub(crate) fn around(&self, run: &Range<usize>) -> Topics {
        let from = run.start.saturating_sub(REACH_BYTES);
        let first = self.hits.partition_point(|hit| hit.range.end < from);
        let hits = self.hits.get(first..).unwrap_or_default();
        hits.iter()
            .take_while(|hit| hit.range.start <= run.end + REACH_BYTES)
            .fold(self.given, |all, hit| all | hit.word.topics)
    }

    /// What the words within reach of `range` speak for.
    pub(crate) fn near(&self, view: &[u8], range: &Range<usize>) -> Topics {
        let from = range.start.saturating_sub(REACH_BYTES);
        let first = self.hits.partition_point(|hit| hit.range.end < from);
        let mut topics = self.given;
        for hit in self.hits.get(first..).unwrap_or_default() {
            if hit.range.start > range.end + REACH_BYTES {
                break;
            }
            if topics & hit.word.topics != hit.word.topics && speaks_for(view, &hit.range, range) {
                topics |= hit.word.topics;
            }
        }
        topics
    }

    /// The first word within reach of `range` that speaks for one of `topics`, as the word list spells it.
    pub(crate) fn word_near(&self, view: &[u8], range: &Range<usize>, topics: Topics) -> Option<&'static str> {
        let from = range.start.saturating_sub(REACH_BYTES);
        let first = self.hits.partition_point(|hit| hit.range.end < from);
        let hits = self.hits.get(first..).unwrap_or_default();
        hits.iter()
            .take_while(|hit| hit.range.start <= range.end + REACH_BYTES)
            .find(|hit| hit.word.topics & topics != 0 && speaks_for(view, &hit.range, range))
            .map(|hit| hit.word.text)
    }

    /// Whether a word that speaks for one of `topics` stands exactly here.
    pub(crate) fn is_at(&self, range: &Range<usize>, topics: Topics) -> bool {
        let first = self.hits.partition_point(|hit| hit.range.end < range.end);
        let hits = self.hits.get(first..).unwrap_or_default().iter();
        hits.take_while(|hit| hit.range.end == range.end)
            .any(|hit| hit.range.start == range.start && hit.word.topics & topics != 0)
    }

    /// Every word of the view that speaks for one of `topics`: where it stands.
    pub(crate) fn all(&self, topics: Topics) -> impl Iterator<Item = &Range<usize>> {
        self.hits.iter().filter(move |hit| hit.word.topics & topics != 0).map(|hit| &hit.range)
    }

    /// What the words inside of a range speak for.
    pub(crate) fn inside(&self, range: &Range<usize>) -> Topics {
        let first = self.hits.partition_point(|hit| hit.range.end <= range.start);
        let hits = self.hits.get(first..).unwrap_or_default();
        hits.iter()
            .take_while(|hit| hit.range.start < range.end)
            .filter(|hit| hit.range.start >= range.start && hit.range.end <= range.end)
            .fold(0, |all, hit| all | hit.word.topics)
    }

    /// Every word of the view that speaks for one of `topics`, with all that it speaks for and its spelling in the
    /// word list; by where the words end.
    pub(crate) fn spoken(&self, topics: Topics) -> impl Iterator<Item = (&Range<usize>, Topics, &'static str)> {
        let speaks = move |hit: &&Hit| hit.word.topics & topics != 0;
        self.hits.iter().filter(speaks).map(|hit| (&hit.range, hit.word.topics, hit.word.text))
    }

    /// What is known from outside the text.
    pub(crate) fn given(&self) -> Topics {
        self.given
    }
}

/// Whether a word within reach is about this number and not about another one between or behind.
fn speaks_for(view: &[u8], word: &Range<usize>, number: &Range<usize>) -> bool {
    if word.end <= number.start {
        let between = view.get(word.end..number.start).unwrap_or_default();
        is_within_reach(between) && !holds_value_and_words(between)
    } else if word.start >= number.end {
        let between = view.get(number.end..word.start).unwrap_or_default();
        let behind = view.get(word.end..).unwrap_or_default();
        is_within_reach(between) && !begins_with_value(behind)
    } else {
        false
    }
}

fn is_within_reach(between: &[u8]) -> bool {
    let characters = between.iter().filter(|&&byte| !is_continuation(byte));
    between.len() <= REACH_BYTES && characters.count() <= REACH_CHARACTERS
}

/// "ИИН 901123300258, заказ 123456789012": the word has had its number, then others follow.
fn holds_value_and_words(between: &[u8]) -> bool {
    let mut digits = 0;
    for &byte in between {
        if byte.is_ascii_digit() {
            digits += 1;
        } else if is_letter(byte) && digits >= VALUE_DIGITS {
            return true;
        }
    }
    false
}

/// "123456789012, ИИН 901123300258": the word's own number follows at once.
fn begins_with_value(behind: &[u8]) -> bool {
    let mut digits = 0;
    for &byte in behind.iter().take(REACH_BYTES) {
        if is_letter(byte) {
            break;
        }
        digits += usize::from(byte.is_ascii_digit());
    }
    digits >= VALUE_DIGITS
}
