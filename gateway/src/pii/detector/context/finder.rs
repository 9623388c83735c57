//! Words near a number that say what it is, in Russian, Kazakh and English, on both sides of it.
//! The automaton runs once over a view, and only when some number of it needs an opinion.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError, MatchError, MatchKind, StartKind};

use super::topics::Topics;
use super::words::{Ending, WORDS, Word};
use crate::pii::detector::memo::{Memo, remembered};
use crate::pii::detector::views::normalize::{View, is_continuation, is_letter};

/// How far a word reaches, in characters and in bytes of a view.
const REACH_CHARACTERS: usize = 40;
const REACH_BYTES: usize = REACH_CHARACTERS * 2 + 16;
/// As many digits between a word and a number are a value that the word was about.
const VALUE_DIGITS: usize = 10;

/// Parts of a text that are read at a time.
const LANES: usize = 4;

/// Finds the words of [`WORDS`] in views.
#[derive(Clone)]
pub(crate) struct ContextFinder {
    automaton: Arc<DFA>,
    words: Arc<[&'static Word]>,
}

/// Most keys have no more bytes.
const KEY_BYTES: usize = 64;

thread_local! {
    /// What keys speak for: those of an API come with every request.
    static KEYS: RefCell<Memo<{ KEY_BYTES / 8 }, Topics>> = const { RefCell::new(Memo::new(7)) };
    /// The same of longer ones, with what stands around a blob.
    static LONG_KEYS: RefCell<Memo<32, Topics>> = const { RefCell::new(Memo::new(5)) };
}

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
            .start_kind(StartKind::Unanchored)
            .build(texts.iter().map(|text| text.as_bytes()))?;
        Ok(Self { automaton: Arc::new(automaton), words: words.into() })
    }

    /// All words of `view`; `given` holds for every position.
    pub(crate) fn words(&self, view: &View<'_>, given: Topics) -> ContextWords {
        let mut hits = Vec::new();
        self.each_spelled(view.bytes(), |word, range| {
            let in_code = word.ending == Ending::Alone && touches_underscore(view, &range);
            let begins = word.ending == Ending::Tail || begins_word(view, range.start);
            if begins && ends_word(view, range.end, word.ending) && !in_code {
                hits.push(Hit { range, word });
            }
        });
        ContextWords { hits, given }
    }

    /// Calls `found` with every spelling of a word, by where they end. This is where most of a scan's bytes are looked at
    /// one by one, and where each look waits for memory, since the table is larger than the nearest cache: so a text is
    /// read in several lanes at a time. They overlap by as much as a spelling may have.
    fn each_spelled(&self, bytes: &[u8], mut found: impl FnMut(&'static Word, Range<usize>)) {
        let automaton = self.automaton.as_ref();
        // It was built without an anchor, so that there is such a state.
        let Ok(start): Result<StateID, MatchError> = automaton.start_state(Anchored::No) else { return };
        let overlap = automaton.max_pattern_len();
        let lane = (bytes.len() + (LANES - 1) * overlap) / LANES;
        let mut rest = (0, start);
        if lane > 2 * overlap {
            let places: [usize; LANES] = std::array::from_fn(|index| index * (lane - overlap));
            let mut hits: [Vec<(StateID, usize)>; LANES] = Default::default();
            let mut states = [start; LANES];
            for at in 0..lane {
                for (index, state) in states.iter_mut().enumerate() {
                    let Some(&byte) = bytes.get(places[index] + at) else { continue };
                    *state = automaton.next_state(Anchored::No, *state, byte);
                    if automaton.is_special(*state) && automaton.is_match(*state) && (at >= overlap || index == 0) {
                        hits[index].push((*state, places[index] + at + 1));
                    }
                }
            }
            for (state, end) in hits.into_iter().flatten() {
                self.each_ending(state, end, &mut found);
            }
            rest = (places[LANES - 1] + lane, states[LANES - 1]);
        }
        let (from, mut state) = rest;
        for (end, &byte) in (from + 1..).zip(bytes.get(from..).unwrap_or_default()) {
            state = automaton.next_state(Anchored::No, state, byte);
            if automaton.is_special(state) && automaton.is_match(state) {
                self.each_ending(state, end, &mut found);
            }
        }
    }

    /// Calls `found` with the words of one state. Apart from the loop, which has no registers to spare for it.
    #[inline(never)]
    fn each_ending(&self, state: StateID, end: usize, found: &mut impl FnMut(&'static Word, Range<usize>)) {
        for index in 0..self.automaton.match_len(state) {
            let pattern = self.automaton.match_pattern(state, index);
            let start = end.checked_sub(self.automaton.pattern_len(pattern));
            if let (Some(start), Some(word)) = (start, self.words.get(pattern.as_usize())) {
                found(word, start..end);
            }
        }
    }

    /// What the words of a short text, like keys, speak for together.
    pub(crate) fn topics(&self, text: &str) -> Topics {
        let find = || {
            let words = self.words(&View::new(text), 0);
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

fn begins_word(view: &View<'_>, at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|index| view.bytes().get(index));
    !before.copied().is_some_and(is_letter) || view.is_camel_case_boundary(at)
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

#[cfg(test)]
mod tests {
    use aho_corasick::Input;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lanes_find_what_one_reading_finds(
            pieces in prop::collection::vec((any::<prop::sample::Index>(), "[ а-я.,0-9]{0,40}"), 0..120),
        ) {
            let finder = ContextFinder::new().unwrap();
            let mut text = String::new();
            for (index, between) in &pieces {
                text += finder.words[index.index(finder.words.len())].text;
                text += between;
            }
            let mut found = Vec::new();
            finder.each_spelled(text.as_bytes(), |word, range| found.push((word.text, range)));
            let expected: Vec<_> = finder
                .automaton
                .try_find_overlapping_iter(Input::new(&text))
                .unwrap()
                .map(|hit| (finder.words[hit.pattern().as_usize()].text, hit.range()))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
