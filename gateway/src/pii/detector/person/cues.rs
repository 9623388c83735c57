//! The context words right before and right behind a name, looked up one by one where a name stands: names need their
//! neighbours and not whatever is within reach, so the automaton need not run for them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

use super::hashing::{Hash, Table};
use crate::pii::detector::context::topics::Topics;
use crate::pii::detector::context::words::{Ending, Word};
use crate::pii::detector::context::words_person::BESIDE_NAMES;
use crate::pii::detector::memo::{Memo, remembered};
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::{is_continuation, is_letter};

/// The words of a cue: "тегі, аты, әкесінің аты".
const MAX_WORDS: usize = 4;
/// Bytes between two words of a cue.
const MAX_BETWEEN: usize = 3;
/// Letters of a case ending.
const MAX_ENDING: usize = 4;
/// What a key in camel case may end with.
const KEY_ENDS: [&str; 5] = ["name", "fio", "surname", "patient", "client"];

/// The context words by their spelling.
struct Cues {
    exact: Table<Cue>,
    /// Those that take case endings.
    inflected: Table<Cue>,
    /// The first words of those of several.
    leading: Table<()>,
}

/// What one or more words speak for, and the first of them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cue {
    pub(super) topics: Topics,
    pub(super) word: Option<&'static str>,
}

static CUES: LazyLock<Cues> = LazyLock::new(|| {
    let (mut exact, mut inflected) = (BTreeMap::<&str, Cue>::new(), BTreeMap::<&str, Cue>::new());
    for word in BESIDE_NAMES.iter().copied().flatten() {
        let cues = if matches!(word.ending, Ending::Case | Ending::Any) { &mut inflected } else { &mut exact };
        cues.entry(word.text).or_default().hear(Cue::of(word));
    }
    let leading = exact.keys().chain(inflected.keys()).filter_map(|text| {
        let len = text.bytes().position(|byte| !is_letter(byte))?;
        text.get(..len)
    });
    let leading: BTreeSet<&str> = leading.collect();
    let leading = Table::new(&leading.into_iter().map(|word| (word, ())).collect::<Vec<_>>());
    let table = |cues: BTreeMap<&str, Cue>| Table::new(&cues.into_iter().collect::<Vec<_>>());
    Cues { exact: table(exact), inflected: table(inflected), leading }
});

/// What one word says by itself.
#[derive(Debug, Clone, Copy)]
struct Single {
    cue: Cue,
    /// Whether cues of several words begin with it.
    leads: bool,
}

thread_local! {
    static SINGLES: RefCell<Memo<4, Single>> = const { RefCell::new(Memo::new(8)) };
}

impl Cue {
    fn of(word: &Word) -> Self {
        Self { topics: word.topics, word: Some(word.text) }
    }

    fn hear(&mut self, other: Self) {
        self.topics |= other.topics;
        self.word = self.word.or(other.word);
    }
}

/// The cue whose last word ends at `end`; where it begins when it is of one word.
pub(super) fn ending_at(text: &Text<'_>, end: usize) -> Option<(Cue, Range<usize>)> {
    let view = text.bytes();
    let tokens = text.tokens();
    let last = tokens.partition_point(|token| token.range.start < end).checked_sub(1)?;
    let word = tokens.get(last).filter(|token| token.range.end == end)?.range.clone();
    let mut cue = single(view.get(word.clone())?).cue;
    let mut start = word.start;
    for token in tokens.get(..last)?.iter().rev().take(MAX_WORDS - 1) {
        if start.saturating_sub(token.range.end) > MAX_BETWEEN {
            break;
        }
        start = token.range.start;
        let phrase = view.get(start..end)?;
        let leads = single(view.get(token.range.clone())?).leads;
        if leads {
            cue.hear(exact(phrase));
        }
        if leads || is_ending(view.get(token.range.end..end)?) {
            cue.hear(inflected(phrase));
        }
    }
    for key in KEY_ENDS {
        let at = end.checked_sub(key.len()).filter(|&at| at > word.start);
        if at.is_some_and(|at| view.get(at..end) == Some(key.as_bytes()) && text.view().is_camel_case_boundary(at)) {
            cue.hear(exact(key.as_bytes()));
        }
    }
    (cue.topics != 0).then_some((cue, word))
}

/// The cue whose first word begins at `start`.
pub(super) fn beginning_at(text: &Text<'_>, start: usize) -> Option<Cue> {
    let view = text.bytes();
    let tokens = text.tokens();
    let first = tokens.partition_point(|token| token.range.start < start);
    let word = tokens.get(first).filter(|token| token.range.start == start)?.range.clone();
    let Single { mut cue, leads } = single(view.get(word.clone())?);
    let mut end = word.end;
    for token in tokens.get(first + 1..)?.iter().take(MAX_WORDS - 1).take_while(|_| leads) {
        if token.range.start.saturating_sub(end) > MAX_BETWEEN {
            break;
        }
        end = token.range.end;
        cue.hear(exact(view.get(start..end)?));
    }
    (cue.topics != 0).then_some(cue)
}

fn single(word: &[u8]) -> Single {
    remembered(&SINGLES, word, || {
        let mut cue = inflected(word);
        cue.hear(exact(word));
        Single { cue, leads: CUES.leading.all(Hash::of(word)).next().is_some() }
    })
}

/// Whether so few letters could be the ending of what stands before them.
fn is_ending(letters: &[u8]) -> bool {
    letters.iter().filter(|&&byte| !is_continuation(byte)).count() <= MAX_ENDING
}

fn exact(phrase: &[u8]) -> Cue {
    CUES.exact.all(Hash::of(phrase)).next().unwrap_or_default()
}

/// The words that `phrase` is a form of.
fn inflected(phrase: &[u8]) -> Cue {
    let letters = phrase.iter().filter(|&&byte| !is_continuation(byte)).count();
    let mut cue = Cue::default();
    let (mut hash, mut num_read) = (Hash::EMPTY, 0);
    for (index, &byte) in phrase.iter().enumerate() {
        hash = hash.with(byte);
        num_read += usize::from(!is_continuation(byte));
        let is_whole = phrase.get(index + 1).is_none_or(|&next| !is_continuation(next));
        if is_whole && num_read + MAX_ENDING >= letters {
            cue.hear(CUES.inflected.all(hash).next().unwrap_or_default());
        }
    }
    cue
}
