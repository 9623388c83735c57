//! Words near a number that say what it is, in Russian, Kazakh and English, on both sides of it.
//! The automaton runs once over a view, and only when some number of it needs an opinion.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError, MatchError, MatchKind, StartKind};

use super::context_words::{ContextWords, Hit};
use super::topics::Topics;
use super::words::{Ending, WORDS, Word};
use crate::pii::detector::memo::{Memo, remembered};
use crate::pii::detector::views::normalize::{View, is_continuation, is_letter};

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
