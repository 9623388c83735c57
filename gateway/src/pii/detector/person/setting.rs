//! What stands around a name: words that announce a person or name a thing after one, quotation marks, the beginnings
//! of sentences.

use std::cell::OnceCell;
use std::ops::Range;

use crate::pii::detector::context::topics::{
    GREETING, NAME_FIELD, NAME_KEY, NAMED_AFTER, NAMED_AFTER_BEHIND, ORGANISATION, PERSON, PERSON_BEHIND, PUBLIC,
    Topics,
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

/// Every topic about names.
const ALL: [Topics; 9] =
    [NAME_FIELD, NAME_KEY, PERSON, PERSON_BEHIND, GREETING, NAMED_AFTER, NAMED_AFTER_BEHIND, ORGANISATION, PUBLIC];
/// Bytes of punctuation between a context word and a name.
const MAX_GAP: usize = 8;
/// Letters of the longest word that a full stop abbreviates rather than ends a sentence with.
const MAX_ABBREVIATION: usize = 4;
/// How far back an opening quotation mark is looked for.
const MAX_QUOTE: usize = 60;

/// Words too short for the automaton, which would stop at each of them.
const SHORT: &[(&str, Topics)] = &[
    ("я", NAME_KEY),
    ("гр", PERSON | NAME_FIELD),
    ("ип", PERSON),
    ("жк", ORGANISATION),
    ("mr", PERSON | NAME_FIELD),
    ("ms", PERSON | NAME_FIELD),
    ("dr", PERSON | NAME_FIELD),
    ("hi", GREETING),
    ("ул", NAMED_AFTER),
    ("пр", NAMED_AFTER),
    ("пл", NAMED_AFTER),
    ("им", NAMED_AFTER),
    ("г", NAMED_AFTER),
    ("st", NAMED_AFTER_BEHIND),
    ("ао", ORGANISATION),
    ("ақ", ORGANISATION),
    ("кх", ORGANISATION),
    ("шқ", ORGANISATION),
    ("тг", 0),
];

/// The surroundings of every place in a text.
pub(super) struct Setting<'t, 'v> {
    pub(super) text: &'t Text<'v>,
    /// Context words by where they end, their case endings included.
    anchors: OnceCell<Vec<(Range<usize>, Topics)>>,
}

impl<'t, 'v> Setting<'t, 'v> {
    pub(super) fn new(text: &'t Text<'v>) -> Self {
        Self { text, anchors: OnceCell::new() }
    }

    fn anchors(&self) -> &[(Range<usize>, Topics)] {
        self.anchors.get_or_init(|| {
            let view = self.text.bytes();
            let context = self.text.context();
            let mut anchors = Vec::new();
            for topic in ALL {
                anchors.extend(context.all(topic).map(|range| {
                    let behind = view.get(range.end..).unwrap_or_default();
                    let ending = behind.iter().take_while(|&&byte| is_letter(byte)).count();
                    (range.start..range.end + ending, topic)
                }));
            }
            anchors.sort_unstable_by_key(|(range, _)| (range.end, range.start));
            anchors
        })
    }

    /// What the words right before `at` speak for; the keys above the text where it is the text's beginning.
    pub(super) fn before(&self, at: usize) -> Topics {
        let view = self.text.bytes();
        let before = view.get(..at).unwrap_or_default();
        let gap = before.iter().rev().take(MAX_GAP + 1).take_while(|&&byte| is_gap(byte)).count();
        let end = at - gap;
        let given = if end == 0 { self.text.context().given() } else { 0 };
        if gap > MAX_GAP {
            return given;
        }
        let anchors = self.anchors();
        let first = anchors.partition_point(|(range, _)| range.end < end);
        let is_dotted = view.get(end) == Some(&b'.');
        // "9 «Г» Айгуль": a letter in quotation marks is no abbreviation.
        let is_quoted = matches!(view.get(end), Some(b';' | b'"'));
        let short = if is_quoted { 0 } else { self.short_before(end) };
        let ending_here = anchors.get(first..).unwrap_or_default().iter().take_while(|(range, _)| range.end == end);
        let before = ending_here
            .filter(|(range, _)| !is_dotted || self.is_abbreviation(range))
            .fold(short, |all, (_, topic)| all | topic);
        given | before
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

    /// What a word too short for the automaton speaks for: "Mr" and no milliseconds.
    fn short_before(&self, end: usize) -> Topics {
        let word = word_ending(self.text.bytes(), end);
        let topics = short(word);
        let is_latin = word.first().is_some_and(u8::is_ascii);
        if topics & PERSON != 0 && is_latin {
            let is_capital = self.text.view().source_text(end - word.len()..end).starts_with(char::is_uppercase);
            let behind = self.text.bytes().get(end..).unwrap_or_default();
            let is_title = behind.first() == Some(&b' ') || behind.starts_with(b". ");
            return if is_capital && is_title { topics } else { 0 };
        }
        topics
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

    /// What the words right behind `at` speak for.
    pub(super) fn behind(&self, at: usize) -> Topics {
        let view = self.text.bytes();
        let rest = view.get(at..).unwrap_or_default();
        let gap = rest.iter().take(MAX_GAP + 1).take_while(|&&byte| is_gap(byte) && byte != b'\n').count();
        if gap == 0 || gap > MAX_GAP {
            return 0;
        }
        let start = at + gap;
        let anchors = self.anchors();
        let from = anchors.partition_point(|(range, _)| range.end <= start);
        let near = anchors.get(from..).unwrap_or_default().iter().take(8);
        let starting = near.filter(|(range, _)| range.start == start);
        starting.fold(short(word_starting(view, start)), |all, (_, topic)| all | topic)
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
        let is_mark = |byte: &u8| matches!(byte, b';' | b'"');
        let before = view.get(..range.start).unwrap_or_default();
        let back = before.iter().rev().take(MAX_QUOTE).position(|byte| is_mark(byte) || *byte == b'\n');
        let Some(back) = back else { return false };
        let mark = range.start - back - 1;
        let is_closing =
            view.get(mark) != Some(&b'\n') && matches!(self.text.view().source_text(mark..mark + 1), "»" | "”");
        if view.get(mark) == Some(&b'\n') || is_closing {
            return false;
        }
        if self.before(mark) & (ORGANISATION | NAMED_AFTER | PUBLIC) != 0 {
            return true;
        }
        let rest = view.get(range.end..).unwrap_or_default();
        let closing = rest.iter().take(MAX_QUOTE).position(|byte| is_mark(byte) || *byte == b'\n');
        closing.is_some_and(|closing| self.behind(range.end + closing) & ORGANISATION != 0)
    }
}

fn short(word: &[u8]) -> Topics {
    if word.len() > 4 {
        return 0;
    }
    SHORT.iter().find(|(short, _)| short.as_bytes() == word).map_or(0, |(_, topics)| *topics)
}

fn word_ending(view: &[u8], end: usize) -> &[u8] {
    let before = view.get(..end).unwrap_or_default();
    let len = before.iter().rev().take(6).take_while(|&&byte| is_letter(byte)).count();
    before.get(end - len..).unwrap_or_default()
}

fn word_starting(view: &[u8], start: usize) -> &[u8] {
    let rest = view.get(start..).unwrap_or_default();
    let len = rest.iter().take(6).take_while(|&&byte| is_letter(byte)).count();
    rest.get(..len).unwrap_or_default()
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
