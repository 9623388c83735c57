//! The context words of a view as recognisers of records need them: by position, none inside another, each with the
//! ending that it was written with.

use std::ops::Range;

use crate::pii::detector::context::topics::{
    ACCOUNT, BIN, BIRTH, BIRTH_YEAR, CARD, CONTRACT, DIAGNOSIS, DISEASE, DOCUMENT, DRIVER_LICENCE, GOODS, IBAN,
    ID_CARD, IIN, INCOME, KG_PIN, MEANING, MEDICAL_RECORD, MEDICINE, PASSPORT, PHONE, PINFL, PLATE, RU_INN, SALARY,
    SNILS, SSN, STATISTICS, SWIFT, THING, Topics,
};
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::is_letter;

/// What asks for a value of this folder.
pub(super) const ASKING: Topics = ID_CARD
    | PASSPORT
    | DRIVER_LICENCE
    | PLATE
    | CONTRACT
    | ACCOUNT
    | MEDICAL_RECORD
    | BIRTH
    | BIRTH_YEAR
    | SALARY
    | INCOME
    | DIAGNOSIS
    | RU_INN
    | SNILS
    | PINFL
    | KG_PIN
    | SSN
    | SWIFT
    | DOCUMENT;
/// What has a value of another kind.
pub(super) const FOREIGN: Topics = IIN | BIN | CARD | IBAN | PHONE | GOODS | THING;
/// What only colours its surroundings.
const HINTS: Topics = MEDICINE | DISEASE | STATISTICS | MEANING;

/// How an ending is written at most, in bytes.
const MAX_ENDING: usize = 40;

/// A context word where it stands.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// With its ending.
    pub(super) range: Range<usize>,
    pub(super) topics: Topics,
    /// As the word list spells it.
    pub(super) word: &'static str,
}

/// The words of one view.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Words that have values; ascending, none overlap.
    list: Vec<Mark>,
    /// Words that colour, ascending.
    hints: Vec<Mark>,
    given: Topics,
}

impl Marks {
    pub(super) fn new(text: &Text<'_>) -> Self {
        let context = text.context();
        let mut list = Vec::new();
        let mut hints = Vec::new();
        for (range, topics, word) in context.spoken(ASKING | FOREIGN | HINTS) {
            if topics & HINTS != 0 {
                hints.push(Mark { range: range.clone(), topics, word });
            }
            if topics & (ASKING | FOREIGN) != 0 && !(topics & ASKING == 0 && is_vague(topics, word)) {
                list.push(Mark { range: range.clone(), topics, word });
            }
        }
        hints.sort_by_key(|mark| mark.range.start);
        Self { list: longest(list, text.bytes()), hints, given: context.given() }
    }

    pub(super) fn list(&self) -> &[Mark] {
        &self.list
    }

    /// What the keys above the text say.
    pub(super) fn given(&self) -> Topics {
        self.given
    }

    /// The first word that begins at or after `at`, and its index.
    pub(super) fn next(&self, at: usize) -> Option<&Mark> {
        let index = self.list.partition_point(|mark| mark.range.start < at);
        self.list.get(index)
    }

    /// Where the first word begins, at or after `at`, that has a value of a person.
    pub(super) fn next_personal(&self, at: usize) -> usize {
        const MOST: usize = 8;
        let index = self.list.partition_point(|mark| mark.range.start < at);
        let marks = self.list.get(index..).unwrap_or_default().iter().take(MOST);
        marks.clone().find(|mark| mark.topics & !(THING | GOODS) != 0).map_or(usize::MAX, |mark| mark.range.start)
    }

    /// The last word that ends at or before `at`.
    pub(super) fn previous(&self, at: usize) -> Option<&Mark> {
        let index = self.list.partition_point(|mark| mark.range.end <= at);
        self.list.get(index.checked_sub(1)?)
    }

    /// The hints for `topics` that begin inside `range`.
    pub(super) fn hints(&self, range: Range<usize>, topics: Topics) -> impl Iterator<Item = &Mark> {
        let first = self.hints.partition_point(|mark| mark.range.start < range.start);
        let hints = self.hints.get(first..).unwrap_or_default();
        hints.iter().take_while(move |mark| mark.range.start < range.end).filter(move |mark| mark.topics & topics != 0)
    }

    /// Whether the nearest word on either side is a thing or has a value of another kind, so that a number without
    /// a word of its own is taken for that thing's.
    pub(super) fn is_claimed(&self, view: &[u8], value: &Range<usize>) -> bool {
        const REACH: usize = 48;
        let is_foreign = |mark: &Mark| mark.topics & FOREIGN != 0 && mark.topics & ASKING == 0;
        let before =
            self.previous(value.start).filter(|mark| value.start - mark.range.end <= REACH && is_foreign(mark));
        let is_before = before.is_some_and(|mark| !holds_number(view, mark.range.end..value.start));
        let after = self.next(value.end).filter(|mark| mark.range.start - value.end <= REACH / 2 && is_foreign(mark));
        let is_after = after.is_some_and(|mark| {
            let gap = view.get(value.end..mark.range.start).unwrap_or_default();
            !gap.iter().any(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'\n'))
        });
        is_before || is_after || self.given & THING != 0
    }
}

/// Whether some digits of a value of its own stand in a range: four or more in a row of digits.
pub(super) fn holds_number(view: &[u8], range: Range<usize>) -> bool {
    let between = view.get(range).unwrap_or_default();
    between.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4
}

/// Words of the telephone and the bank that also stand in "номер договора", "услуги связи", "договор счета".
fn is_vague(topics: Topics, word: &str) -> bool {
    const TELEPHONES: [&str; 16] = [
        "тел", "моб", "сот", "ұялы", "уялы", "tel", "phone", "mob", "cell", "msisdn", "fax", "факс", "sms", "смс",
        "uialy", "what",
    ];
    word == "счета" || topics & FOREIGN == PHONE && !TELEPHONES.iter().any(|telephone| word.starts_with(telephone))
}

/// Of words that overlap, the one that begins first and is longest; its equals lend it their topics.
fn longest(mut marks: Vec<Mark>, view: &[u8]) -> Vec<Mark> {
    marks.sort_by_key(|mark| (mark.range.start, usize::MAX - mark.range.end));
    let mut list: Vec<Mark> = Vec::with_capacity(marks.len());
    for mut mark in marks {
        if let Some(last) = list.last_mut() {
            let is_same = last.range.start == mark.range.start && mark.range.start + mark.word.len() == last.word_end();
            if is_same {
                last.topics |= mark.topics;
                continue;
            }
            if mark.range.start < last.range.end {
                continue;
            }
        }
        let rest = view.get(mark.range.end..).unwrap_or_default();
        // "jurgizushi kualigi": the document's kind stands before.
        if let Some(last) = list.last()
            && last.topics & DRIVER_LICENCE != 0
            && mark.topics & ID_CARD != 0
            && view.get(last.range.end..mark.range.start) == Some(b" ")
        {
            mark.topics = DRIVER_LICENCE;
        }
        mark.range.end += rest.iter().take(MAX_ENDING).take_while(|&&byte| is_letter(byte)).count();
        list.push(mark);
    }
    list
}

impl Mark {
    fn word_end(&self) -> usize {
        self.range.start + self.word.len()
    }
}
