//! Words near a number that say what it is, in Russian, Kazakh and English, on both sides of it.
//! The automaton reads a word of a view, and what follows it as far as one of ours goes on there. Most words of speech are
//! none of ours wherever they stand, so that they are read once and then known (`quiet_words`).

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
use crate::pii::detector::quiet_words::QuietWords;
use crate::pii::detector::views::normalize::{View, is_continuation, is_letter};
use crate::pii::detector::views::tokens::{Case, Token, tokens};

/// Finds the words of [`WORDS`] in views.
#[derive(Clone)]
pub(crate) struct ContextFinder {
    automaton: Arc<DFA>,
    words: Arc<[&'static Word]>,
    marks: Arc<Marks>,
}

/// Bytes of no letter in the spellings of words.
#[derive(Default)]
struct Marks {
    /// With which some spelling begins.
    opening: Vec<u8>,
    /// All of them: what a word may go on with behind its first letters.
    all: Vec<u8>,
}

/// Most keys have no more bytes.
const KEY_BYTES: usize = 64;

thread_local! {
    /// What keys speak for: those of an API come with every request.
    static KEYS: RefCell<Memo<{ KEY_BYTES / 8 }, Topics>> = const { RefCell::new(Memo::new(7)) };
    /// The same of longer ones, with what stands around a blob.
    static LONG_KEYS: RefCell<Memo<32, Topics>> = const { RefCell::new(Memo::new(5)) };
    /// Words in which no spelling begins, whatever stands behind them.
    static QUIET: RefCell<QuietWords> = const { RefCell::new(QuietWords::new()) };
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
        let marks = Marks::of(&texts);
        Ok(Self { automaton: Arc::new(automaton), words: words.into(), marks: Arc::new(marks) })
    }

    /// All words of `view`, whose words are `tokens`; `given` holds for every position.
    pub(crate) fn words(&self, view: &View<'_>, tokens: &[Token], given: Topics) -> ContextWords {
        let mut hits = Vec::new();
        self.each_spelled(view.bytes(), tokens, |word, range| {
            let in_code = word.ending == Ending::Alone && touches_underscore(view, &range);
            let begins = word.ending == Ending::Tail || begins_word(view, range.start);
            if begins && ends_word(view, range.end, word.ending) && !in_code {
                hits.push(Hit { range, word });
            }
        });
        // By where they end, as a reading of the whole would meet them: those of one place begin in words further and
        // further behind.
        if !hits.is_sorted_by_key(|hit| hit.range.end) {
            hits.sort_by_key(|hit| (hit.range.end, hit.range.start));
        }
        ContextWords { hits, given }
    }

    /// Calls `found` with every spelling of a word that may count, by the words of `bytes` in which they begin.
    fn each_spelled(&self, bytes: &[u8], tokens: &[Token], mut found: impl FnMut(&'static Word, Range<usize>)) {
        // It was built without an anchor, so that there is such a state.
        let start: Result<StateID, MatchError> = self.automaton.start_state(Anchored::No);
        let Ok(start) = start else { return };
        QUIET.with_borrow_mut(|quiet| {
            let mut end = 0;
            for token in tokens {
                self.each_between(start, bytes, end..token.range.start, &mut found);
                end = token.range.end;
                // In code another word may begin at a capital inside.
                if !matches!(token.case, Case::Lower | Case::Title) {
                    self.each_begun(start, bytes, Part { range: &token.range, is_speech: false }, &mut found);
                } else if !quiet.holds(bytes, &token.range) {
                    let part = Part { range: &token.range, is_speech: true };
                    if self.each_begun(start, bytes, part, &mut found) {
                        quiet.add(bytes, &token.range);
                    }
                }
            }
            self.each_between(start, bytes, end..bytes.len(), &mut found);
        });
    }

    /// What begins between two words.
    fn each_between(
        &self,
        start: StateID,
        bytes: &[u8],
        gap: Range<usize>,
        found: &mut impl FnMut(&'static Word, Range<usize>),
    ) {
        if self.marks.opening.is_empty() {
            return;
        }
        for at in gap {
            if bytes.get(at).is_some_and(|byte| self.marks.opening.contains(byte)) {
                self.each_begun(start, bytes, Part { range: &(at..at + 1), is_speech: false }, found);
            }
        }
    }

    /// Calls `found` with every spelling that begins inside a part and may count, and says whether none could, whatever
    /// stood behind it.
    ///
    /// A state is what of the text so far some spelling begins with, at its longest. So nothing that begins before a place
    /// goes on once a reading that begins there stands in the same state.
    #[inline(never)]
    fn each_begun(
        &self,
        start: StateID,
        bytes: &[u8],
        part: Part<'_>,
        found: &mut impl FnMut(&'static Word, Range<usize>),
    ) -> bool {
        let automaton = self.automaton.as_ref();
        let next = |state, byte| automaton.next_state(Anchored::No, state, byte);
        let is_match = |state| automaton.is_special(state) && automaton.is_match(state);
        let (mut is_quiet, mut goes_on) = (true, true);
        // `behind` begins behind the places at which a spelling that counts does.
        let (mut state, mut behind) = (start, start);
        for (end, &byte) in (part.range.start + 1..).zip(bytes.get(part.range.clone()).unwrap_or_default()) {
            state = next(state, byte);
            if part.is_speech && goes_on && end > part.range.start + 1 {
                behind = next(behind, byte);
                goes_on = state != behind;
            }
            if is_match(state) {
                is_quiet &= !self.each_ending(state, end, part, found);
            }
        }
        is_quiet &= !goes_on || self.marks.all.iter().all(|&mark| next(state, mark) == next(behind, mark));
        if goes_on {
            for (end, &byte) in (part.range.end + 1..).zip(bytes.get(part.range.end..).unwrap_or_default()) {
                if state == behind {
                    break;
                }
                (state, behind) = (next(state, byte), next(behind, byte));
                if is_match(state) {
                    self.each_ending(state, end, part, found);
                }
            }
        }
        is_quiet
    }

    /// Calls `found` with the words of one state that begin in `part` and may count, the longest first; whether there is any.
    fn each_ending(
        &self,
        state: StateID,
        end: usize,
        part: Part<'_>,
        found: &mut impl FnMut(&'static Word, Range<usize>),
    ) -> bool {
        let mut is_any = false;
        for index in 0..self.automaton.match_len(state) {
            let pattern = self.automaton.match_pattern(state, index);
            let start = end.checked_sub(self.automaton.pattern_len(pattern));
            let (Some(start), Some(word)) = (start, self.words.get(pattern.as_usize())) else { continue };
            let counts = if part.is_speech {
                start == part.range.start || word.ending == Ending::Tail
            } else {
                start < part.range.end
            };
            if counts {
                is_any = true;
                found(word, start..end);
            }
        }
        is_any
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

/// Where spellings may begin.
#[derive(Debug, Clone, Copy)]
struct Part<'p> {
    range: &'p Range<usize>,
    /// A word without capitals inside: only where it begins does a spelling of ours, but for its last letters in code.
    is_speech: bool,
}

impl Marks {
    fn of(texts: &[Cow<'static, str>]) -> Self {
        let mut marks = Self::default();
        for text in texts {
            marks.opening.extend(text.bytes().next().filter(|&byte| !is_letter(byte)));
            marks.all.extend(text.bytes().filter(|&byte| !is_letter(byte)));
        }
        for bytes in [&mut marks.opening, &mut marks.all] {
            bytes.sort_unstable();
            bytes.dedup();
        }
        marks
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
    use std::sync::LazyLock;

    use aho_corasick::Input;
    use proptest::prelude::*;

    use super::*;

    static FINDER: LazyLock<ContextFinder> = LazyLock::new(|| ContextFinder::new().unwrap());

    /// What [`ContextFinder::words`] finds, by a reading of the whole text.
    fn plainly(finder: &ContextFinder, view: &View<'_>) -> Vec<(Range<usize>, &'static str)> {
        let hits = finder.automaton.try_find_overlapping_iter(Input::new(view.bytes())).unwrap();
        let words = hits.map(|hit| (hit.range(), finder.words[hit.pattern().as_usize()]));
        let counts = |(range, word): &(Range<usize>, &'static Word)| {
            let in_code = word.ending == Ending::Alone && touches_underscore(view, range);
            let begins = word.ending == Ending::Tail || begins_word(view, range.start);
            begins && ends_word(view, range.end, word.ending) && !in_code
        };
        words.filter(counts).map(|(range, word)| (range, word.text)).collect()
    }

    /// Words that may end a name in code are looked for inside of words, and not over their ends.
    #[test]
    fn tails_are_of_letters() {
        for word in WORDS.iter().copied().flatten().filter(|word| word.ending == Ending::Tail) {
            assert!(word.text.bytes().all(is_letter), "{}", word.text);
        }
    }

    proptest! {
        /// Nothing is missed that a reading of the whole text finds, wherever words meet and whatever was read before.
        #[test]
        fn words_find_what_one_reading_finds(
            pieces in prop::collection::vec(
                (any::<prop::sample::Index>(), 0..5_u8, 0..9_usize, "[ а-яА-Яa-zA-Z.,0-9#_\u{200b}ßǅªİ-]{0,12}"),
                0..60,
            ),
        ) {
            let finder = &*FINDER;
            let mut text = String::new();
            for (index, case, cut, between) in &pieces {
                let word = finder.words[index.index(finder.words.len())].text;
                // Whole, and as the beginning of what it is not.
                let word = word.get(..word.len().saturating_sub(*cut)).unwrap_or(word);
                let mut letters = word.chars();
                match case {
                    0..=1 => text += word,
                    2..=3 => text.extend(letters.next().into_iter().flat_map(char::to_uppercase).chain(letters)),
                    _ => text += &word.to_uppercase(),
                }
                text += between;
            }
            let view = View::new(&text);
            let tokens = tokens(&view);
            let expected = plainly(finder, &view);
            for _ in 0..2 {
                let found = finder.words(&view, &tokens, 0).hits.into_iter().map(|hit| (hit.range, hit.word.text));
                prop_assert_eq!(found.collect::<Vec<_>>(), &expected[..], "{:?}", text);
            }
        }
    }
}
