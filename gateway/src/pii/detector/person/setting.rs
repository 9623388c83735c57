//! What stands around a name: words that announce a person or name a thing after one, quotation marks, the beginnings
//! of sentences.

use std::cell::Cell;
use std::ops::Range;

use super::cues::{self, Cue};
use crate::pii::detector::context::topics::{
    GREETING, NAME_FIELD, NAME_KEY, NAMED_AFTER, ORGANISATION, PERSON, PERSON_BEHIND, PUBLIC, Topics,
};
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::{is_continuation, is_letter};
use crate::pii::detector::views::tokens::Case;

/// What stands behind a name that is spoken of as a word.
const DISCUSSING: [&str; 9] = [
    " означа",
    " обознача",
    " means",
    " meaning",
    " деген сөз",
    " деген ат",
    " деген есім",
    " деген не",
    " - красивое имя",
];

/// What stands behind the names of rulers.
const EPITHETS: [&str; 9] = [" the ", " перв", " втор", " трет", " велик", " грозн", " невск", " ii", " iii"];

/// The topics that speak for a person.
const FOR_PERSON: Topics = NAME_FIELD | NAME_KEY | PERSON | PERSON_BEHIND | GREETING;
/// Bytes of punctuation between a context word and a name.
const MAX_GAP: usize = 8;
/// Letters of the longest word that a full stop abbreviates rather than ends a sentence with.
const MAX_ABBREVIATION: usize = 4;
/// How far back an opening quotation mark is looked for.
const MAX_QUOTE: usize = 60;

/// The surroundings of every place in a text.
pub(super) struct Setting<'t, 'v> {
    pub(super) text: &'t Text<'v>,
    /// The place that was asked about last, and the cue before it: a name is looked at several times.
    last_before: Cell<Option<(usize, Cue)>>,
}

impl<'t, 'v> Setting<'t, 'v> {
    pub(super) fn new(text: &'t Text<'v>) -> Self {
        Self { text, last_before: Cell::new(None) }
    }

    /// What the words right before `at` speak for; the keys above the text where it is the text's beginning.
    pub(super) fn before(&self, at: usize) -> Topics {
        self.cue_before(at).topics
    }

    fn cue_before(&self, at: usize) -> Cue {
        if let Some((_, cue)) = self.last_before.get().filter(|&(last, _)| last == at) {
            return cue;
        }
        let cue = self.found_before(at);
        self.last_before.set(Some((at, cue)));
        cue
    }

    fn found_before(&self, at: usize) -> Cue {
        let view = self.text.bytes();
        let before = view.get(..at).unwrap_or_default();
        let gap = before.iter().rev().take(MAX_GAP + 1).take_while(|&&byte| is_gap(byte)).count();
        let end = at - gap;
        if end == 0 {
            let given = self.text.given();
            return Cue { topics: given, word: (given != 0).then_some("key") };
        }
        let Some((cue, word)) = cues::ending_at(self.text, end).filter(|_| gap <= MAX_GAP) else {
            return Cue::default();
        };
        // "9 «Г» Айгуль": a letter in quotation marks is no abbreviation.
        if word.len() <= 2 && matches!(view.get(end), Some(b';' | b'"')) {
            return Cue::default();
        }
        let is_dotted = view.get(end) == Some(&b'.');
        let fits = (!is_dotted || cue.topics & GREETING == 0 && self.is_abbreviation(&word))
            && self.is_title_of_address(&word, cue);
        if fits { cue } else { Cue::default() }
    }

    /// Whether the words before `at` say that it is a customer, a patient, somebody's child: whoever has the same name, it
    /// is not them.
    pub(super) fn is_of_client(&self, at: usize) -> bool {
        const CLIENTS: &str = "клиент пациент заявител кандидат соискател получател отправител абонент сотрудни работни \
                               заемщи заемщиц застрахованн заказчик покупател должни потерпевш учени студент балам науқас \
                               қызметкер алушы client customer patient employee candidate applicant recipient borrower \
                               owner holder";
        let cue = self.cue_before(at);
        // A key of JSON or a column that names people.
        let is_of_key = cue.word == Some("key") && cue.topics & PERSON != 0;
        let is_of = |word: &str| CLIENTS.split_ascii_whitespace().any(|client| word.starts_with(client));
        cue.topics & NAME_FIELD != 0 || is_of_key || cue.word.is_some_and(is_of)
    }

    /// The word that speaks for a person beside a name, as the word list spells it; for reports.
    pub(super) fn word_beside(&self, range: &Range<usize>) -> Option<&'static str> {
        let for_person = |cue: Cue| cue.word.filter(|_| cue.topics & FOR_PERSON != 0);
        for_person(self.cue_before(range.start)).or_else(|| for_person(self.cue_behind(range.end)))
    }

    /// Whether only a space or two stand before `at` on its line, or a dash: no colon, comma or full stop.
    pub(super) fn follows_closely(&self, at: usize) -> bool {
        let before = self.text.bytes().get(..at).unwrap_or_default();
        let mut gap = before.iter().rev().take(MAX_GAP).take_while(|&&byte| is_gap(byte));
        gap.all(|byte| matches!(byte, b' ' | b'-' | b'(' | b'.'))
    }

    fn is_abbreviation(&self, word: &Range<usize>) -> bool {
        let word = self.text.bytes().get(word.clone()).unwrap_or_default();
        word.iter().filter(|&&byte| !is_continuation(byte)).count() <= MAX_ABBREVIATION
    }

    /// "Mr Smith" and no "563 ms": such a word has a capital and nothing but a full stop behind it.
    fn is_title_of_address(&self, word: &Range<usize>, cue: Cue) -> bool {
        let is_short = cue.word.is_some_and(|word| word.len() <= 2) && cue.topics & PERSON != 0;
        if !is_short {
            return true;
        }
        let behind = self.text.bytes().get(word.end..).unwrap_or_default();
        let is_capital = self.text.view().source_text(word.clone()).starts_with(char::is_uppercase);
        is_capital && (behind.first() == Some(&b' ') || behind.starts_with(b". "))
    }

    /// Whether a colon or an equals sign stands between the word before `at` and it.
    pub(super) fn follows_colon(&self, at: usize) -> bool {
        let before = self.text.bytes().get(..at).unwrap_or_default();
        let mut gap = before.iter().rev().take(MAX_GAP).take_while(|&&byte| is_gap(byte));
        gap.any(|byte| matches!(byte, b':' | b'=' | b'>'))
    }

    /// "Пётр Первый", "Екатерина II".
    pub(super) fn has_epithet(&self, end: usize) -> bool {
        let rest = self.text.bytes().get(end..).unwrap_or_default();
        EPITHETS.iter().any(|words| rest.starts_with(words.as_bytes()))
    }

    /// "Имя Айгуль означает ...", "Айгүл деген сөз".
    pub(super) fn is_discussed(&self, end: usize) -> bool {
        let rest = self.text.bytes().get(end..).unwrap_or_default();
        DISCUSSING.iter().any(|words| rest.starts_with(words.as_bytes()))
    }

    /// "Johnson & Johnson", "Иванов и Ко".
    pub(super) fn names_partners(&self, end: usize) -> bool {
        let rest = self.text.bytes().get(end..).unwrap_or_default();
        [" & ", " и ко", " and co ", " and co.", " и компания", " and sons", " и партнеры", " & co"].iter().any(
            |words| {
                rest.starts_with(words.as_bytes())
                    && !rest.get(words.len()).is_some_and(|&byte| is_letter(byte) && words.ends_with("ко"))
            },
        )
    }

    /// "там у Нигматуллина": behind this preposition surnames are of people.
    pub(super) fn belongs(&self, at: usize) -> bool {
        let before = self.text.bytes().get(..at).unwrap_or_default();
        before.ends_with(" у ".as_bytes()) || before == "у ".as_bytes()
    }

    /// What the words right behind `at` speak for.
    pub(super) fn behind(&self, at: usize) -> Topics {
        self.cue_behind(at).topics
    }

    fn cue_behind(&self, at: usize) -> Cue {
        let rest = self.text.bytes().get(at..).unwrap_or_default();
        let gap = rest.iter().take(MAX_GAP + 1).take_while(|&&byte| is_gap(byte) && byte != b'\n').count();
        if gap == 0 || gap > MAX_GAP {
            return Cue::default();
        }
        cues::beginning_at(self.text, at + gap).unwrap_or_default()
    }

    /// Whether a sentence, a line or the text begins at `at`.
    pub(super) fn begins_sentence(&self, at: usize) -> bool {
        let before = self.text.bytes().get(..at).unwrap_or_default();
        let last = before.iter().rev().take(MAX_GAP).find(|&&byte| byte != b' ');
        last.is_none_or(|byte| matches!(byte, b'.' | b'!' | b'?' | b'\n' | b';' | b':' | b'-' | b'"' | b'*' | b'>'))
    }

    /// Whether what stands behind `at` goes on as a sentence does: a space and a word in lower case.
    pub(super) fn goes_on(&self, at: usize) -> bool {
        let view = self.text.bytes();
        let next = self.text.tokens().partition_point(|token| token.range.start < at);
        let Some(next) = self.text.tokens().get(next) else { return false };
        let gap = view.get(at..next.range.start).unwrap_or_default();
        matches!(gap, b" " | b"  ") && next.case == Case::Lower
    }

    /// The mark that stands right before and right behind a name, when it stands alone in quotation marks.
    pub(super) fn is_quoted(&self, range: &Range<usize>) -> bool {
        let view = self.text.bytes();
        let before = range.start.checked_sub(1).and_then(|at| view.get(at));
        let after = view.get(range.end);
        matches!((before, after), (Some(b';' | b'"'), Some(b';' | b'"')))
    }

    /// Whether a name stands in the quotation marks of an organisation's: ТОО «Торговый дом Айгуль», «Арман» ЖШС.
    pub(super) fn is_in_organisation(&self, range: &Range<usize>) -> bool {
        let view = self.text.bytes();
        let from = range.start.saturating_sub(MAX_QUOTE);
        let before = view.get(from..range.start).unwrap_or_default();
        let Some(mark) = memchr::memrchr3(b';', b'"', b'\n', before).map(|at| from + at) else { return false };
        let is_closing = self.text.view().source_text(mark..mark + 1).starts_with(['»', '”', '’']);
        if is_closing || view.get(mark) == Some(&b'\n') {
            return false;
        }
        if self.before(mark) & (ORGANISATION | NAMED_AFTER | PUBLIC) != 0 {
            return true;
        }
        let rest = view.get(range.end..).unwrap_or_default();
        let closing = memchr::memchr3(b';', b'"', b'\n', rest.get(..MAX_QUOTE).unwrap_or(rest));
        closing.is_some_and(|closing| self.behind(range.end + closing) & ORGANISATION != 0)
    }
}

const fn is_gap(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\n'
            | b':'
            | b'-'
            | b','
            | b';'
            | b'"'
            | b'\''
            | b'('
            | b')'
            | b'='
            | b'>'
            | b'*'
            | b'.'
            | b'['
            | b'`'
            | b'/'
    )
}
