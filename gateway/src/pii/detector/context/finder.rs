//! Words near a number that say what it is, in Russian, Kazakh and English, on both sides of it.
//! Where a word of the view begins, the automaton says which of these begin there.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError, MatchError, MatchKind, StartKind};
use memchr::memmem::Finder;

use super::beginnings::Beginnings;
use super::topics::Topics;
use super::words::{Ending, WORDS, Word};
use crate::pii::detector::memo::{Memo, remembered};
use crate::pii::detector::views::normalize::{View, is_continuation, is_letter};
use crate::pii::detector::views::tokens::{Case, Token, tokens};

/// How far a word reaches, in characters and in bytes of a view.
const REACH_CHARACTERS: usize = 40;
const REACH_BYTES: usize = REACH_CHARACTERS * 2 + 16;
/// As many digits between a word and a number are a value that the word was about.
const VALUE_DIGITS: usize = 10;

/// Finds the words of [`WORDS`] in views.
#[derive(Clone)]
pub(crate) struct ContextFinder {
    automaton: Arc<DFA>,
    words: Arc<[&'static Word]>,
    /// Those that may begin anywhere.
    tails: Arc<[(&'static Word, Finder<'static>)]>,
    beginnings: Arc<Beginnings>,
    /// The bytes that a word begins with that are no letters.
    marks: [bool; 256],
}

/// Bytes of a key that is remembered as such.
const KEY_BYTES: usize = 8 * 8;

thread_local! {
    /// What keys speak for: those of an API come with every request.
    static KEYS: RefCell<Memo<8, Topics>> = const { RefCell::new(Memo::new(7)) };
    /// The same of those that are longer, with what stands around a blob.
    static LONG_KEYS: RefCell<Memo<32, Topics>> = const { RefCell::new(Memo::new(5)) };
}

/// The first byte of "İ", the one capital letter that folding leaves as it is.
const DOTTED_CAPITAL: u8 = 0xC4;

/// The words of one view, by position.
#[derive(Debug, Default)]
pub(crate) struct ContextWords {
    hits: Vec<Hit>,
    /// What is known from outside the text: the key under which it stood.
    given: Topics,
}

#[derive(Debug)]
struct Hit {
    range: Range<usize>,
    word: &'static Word,
}

impl ContextFinder {
    /// # Errors
    /// When the automaton cannot be built from the word list.
    pub(crate) fn new() -> Result<Self, BuildError> {
        let spelled = WORDS.iter().copied().flatten().flat_map(|word| spellings(word).map(move |text| (word, text)));
        let (words, texts): (Vec<&'static Word>, Vec<Cow<'static, str>>) = spelled.unzip();
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Anchored)
            .build(texts.iter().map(|text| text.as_bytes()))?;
        let beginnings = Beginnings::of(texts.iter().map(|text| text.as_bytes()));
        let mut marks = [false; 256];
        for first in texts.iter().filter_map(|text| text.as_bytes().first()) {
            marks[usize::from(*first)] = !is_letter(*first);
        }
        let tails = words.iter().copied().filter(|word| word.ending == Ending::Tail);
        let tails = tails.map(|word| (word, Finder::new(word.text))).collect();
        Ok(Self { automaton: Arc::new(automaton), words: words.into(), tails, beginnings: Arc::new(beginnings), marks })
    }

    /// All words of `view`, of which `tokens` are the tokens; `given` holds for every position.
    pub(crate) fn words(&self, view: &View<'_>, tokens: &[Token], given: Topics) -> ContextWords {
        let bytes = view.bytes();
        let mut hits = Vec::new();
        for (word, finder) in self.tails.iter() {
            let ranges = finder.find_iter(bytes).map(|start| start..start + word.text.len());
            hits.extend(
                ranges.filter(|range| ends_word(view, range.end, word.ending)).map(|range| Hit { range, word }),
            );
        }
        let mut gap = 0;
        for token in tokens {
            self.words_with_marks(view, gap..token.range.start, &mut hits);
            if self.beginnings.may_hold(bytes, token.range.start) {
                self.words_at(view, token.range.start, &mut hits);
            }
            if token.case == Case::Mixed {
                self.words_inside(view, &token.range, &mut hits);
            }
            gap = token.range.end;
        }
        self.words_with_marks(view, gap..bytes.len(), &mut hits);
        hits.sort_by_key(|hit| (hit.range.end, hit.range.start));
        ContextWords { hits, given }
    }

    /// Those that begin with no letter, in a stretch that has none.
    fn words_with_marks(&self, view: &View<'_>, stretch: Range<usize>, hits: &mut Vec<Hit>) {
        let bytes = view.bytes().get(stretch.clone()).unwrap_or_default();
        for (at, _) in stretch.zip(bytes).filter(|(_, byte)| self.marks[usize::from(**byte)]) {
            self.words_at(view, at, hits);
        }
    }

    /// Those that begin inside of a word, with a capital: `clientIin`.
    fn words_inside(&self, view: &View<'_>, word: &Range<usize>, hits: &mut Vec<Hit>) {
        let num_before = hits.len();
        let bytes = view.bytes().get(word.clone()).unwrap_or_default();
        let written = view.straight_source().and_then(|source| source.get(word.clone()));
        let written = written.filter(|_| !bytes.contains(&DOTTED_CAPITAL));
        let mut start = word.start;
        for (offset, &byte) in bytes.iter().enumerate() {
            if !is_continuation(byte) {
                start = word.start + offset;
            }
            // Of a capital outside ASCII often only the second byte is another; once is enough.
            let is_capital = match written {
                Some(written) => written.get(offset) != Some(&byte),
                None => !is_continuation(byte),
            };
            let is_known = hits.len() > num_before && hits.last().is_some_and(|hit| hit.range.start == start);
            if is_capital && start > word.start && !is_known && self.beginnings.may_hold(view.bytes(), start) {
                self.words_at(view, start, hits);
            }
        }
        let mut index = 0;
        hits.retain(|hit| {
            index += 1;
            index <= num_before || view.is_camel_case_boundary(hit.range.start)
        });
    }

    /// Those that begin at `at`, which nothing is known about but that a word may begin there.
    fn words_at(&self, view: &View<'_>, at: usize, hits: &mut Vec<Hit>) {
        let automaton = self.automaton.as_ref();
        // It was built with an anchor, so that there is such a state.
        let Ok(mut state): Result<StateID, MatchError> = automaton.start_state(Anchored::Yes) else { return };
        for (end, &byte) in (at + 1..).zip(view.bytes().get(at..).unwrap_or_default()) {
            state = automaton.next_state(Anchored::Yes, state, byte);
            if automaton.is_special(state) {
                if automaton.is_dead(state) {
                    return;
                }
                if automaton.is_match(state) {
                    self.words_of(state, view, &(at..end), hits);
                }
            }
        }
    }

    /// The words of one state. Apart from the loop, which has no registers to spare for it.
    #[inline(never)]
    fn words_of(&self, state: StateID, view: &View<'_>, range: &Range<usize>, hits: &mut Vec<Hit>) {
        for index in 0..self.automaton.match_len(state) {
            let pattern = self.automaton.match_pattern(state, index);
            let word = self.words.get(pattern.as_usize()).filter(|word| word.ending != Ending::Tail);
            // A state knows the words that end with it as well.
            let Some(word) = word.filter(|_| self.automaton.pattern_len(pattern) == range.len()) else { continue };
            let in_code = word.ending == Ending::Alone && touches_underscore(view, range);
            if !in_code && ends_word(view, range.end, word.ending) {
                hits.push(Hit { range: range.clone(), word });
            }
        }
    }

    /// What the words of a short text, like keys, speak for together.
    pub(crate) fn topics(&self, text: &str) -> Topics {
        let find = || {
            let view = View::new(text);
            let words = self.words(&view, &tokens(&view), 0);
            words.hits.iter().fold(0, |all, hit| all | hit.word.topics)
        };
        if text.len() <= KEY_BYTES {
            remembered(&KEYS, text.as_bytes(), find)
        } else {
            remembered(&LONG_KEYS, text.as_bytes(), find)
        }
    }
}

/// A word as it is written, and phrases of ASCII as names in code: "identity card" is also "identity_card",
/// "identity-card" and "identityCard".
fn spellings(word: &'static Word) -> impl Iterator<Item = Cow<'static, str>> {
    let is_phrase = word.text.is_ascii() && word.text.contains(' ');
    let in_code = ["_", "-", ""].into_iter().filter(move |_| is_phrase);
    std::iter::once(Cow::Borrowed(word.text)).chain(in_code.map(|mark| Cow::Owned(word.text.replace(' ', mark))))
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

fn touches_underscore(view: &View<'_>, word: &Range<usize>) -> bool {
    let before = word.start.checked_sub(1);
    [before, Some(word.end)].into_iter().flatten().any(|at| view.bytes().get(at) == Some(&b'_'))
}

fn ends_word(view: &View<'_>, at: usize, ending: Ending) -> bool {
    let most = match ending {
        Ending::Any => return true,
        Ending::None | Ending::Alone | Ending::Tail => 0,
        Ending::Case => 4,
    };
    let rest = view.bytes().get(at..).unwrap_or_default();
    let letters =
        rest.iter().take_while(|&&byte| is_letter(byte)).filter(|&&byte| !is_continuation(byte)).take(most + 1).count();
    letters <= most || view.is_camel_case_boundary(at)
}
