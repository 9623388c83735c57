//! The last look before anything leaves: whether any value that was masked stands in the outgoing bytes after all, as
//! it is, in another case, with other separators, escaped or encoded.
//!
//! What always holds: the bytes are read as text, as that text with its escapes taken back (several times over), as its
//! readable blobs, and as the bytes of anything in it that could be base64 or hexadecimal. Letters and digits alone are
//! compared. Where a value is so short or so plain that other words would hold it, its borders must be its own. Work is
//! linear in the bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, packed};

use super::compact::{Compact, is_alphanumeric};
use super::encoded_bytes;
use crate::pii::detector::views::normalize::{View, is_letter};
use crate::pii::detector::views::{blobs, escapes};
use crate::pii::{Entity, placeholder};

/// A value stands in what was about to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a masked value of entity {entity} stands in the outgoing request")]
pub struct TripwireHit {
    pub entity: Entity,
}

/// Looks for the values of one conversation.
pub struct Tripwire {
    /// Of letters and digits alone, folded.
    texts: Search<Pattern>,
    /// Of the bytes as they were written, but for the case of Latin letters.
    bytes: Search<Entity>,
}

/// How often escapes and blobs are opened.
const MAX_DEPTH: usize = 3;
/// Values of fewer characters are compared as whole words.
const MIN_CHARACTERS: usize = 4;
/// Values of letters alone may go on (with an ending) from this length.
const MIN_STEM: usize = 6;
/// As many digits are the same number inside a longer one.
const MIN_FREE_DIGITS: usize = 9;
/// Digits of a telephone number behind the country's code or 8.
const NATIONAL_DIGITS: usize = 10;
/// Fewer bytes turn up in anything that is decoded blindly.
const MIN_BYTES: usize = 4;

/// Patterns and what each of them stands for.
struct Search<T> {
    patterns: Vec<Vec<u8>>,
    meanings: Vec<T>,
    /// Says fast that nothing stands in a text; `None` for more patterns than it takes.
    glance: Option<packed::Searcher>,
    /// Made when something was found; `None` if it could not be built: everything is a hit.
    automaton: OnceLock<Option<AhoCorasick>>,
}

struct Pattern {
    entity: Entity,
    borders: Borders,
    /// Bytes of the view from its first letter or digit to its last; none where values differ in that alone.
    extent: Option<usize>,
}

impl Pattern {
    /// Stands for both of two values that are one in letters and digits.
    fn widened(&mut self, other: &Self) {
        self.extent = self.extent.filter(|_| self.extent == other.extent);
        if self.borders != other.borders {
            self.borders = Borders::Word;
        }
    }
}

/// What must not stand directly beside a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Borders {
    /// Letters or digits on either side, nor other separators inside. A name begins with a capital («Ли», not «ли»).
    ShortWord {
        is_capitalised: bool,
    },
    /// Letters or digits on either side, nor other separators inside.
    Word,
    /// A letter before it.
    WordStart,
    /// A digit beside a digit of it.
    Digits,
    Free,
}

impl Tripwire {
    /// Looks for all of these values.
    pub fn new<'o>(originals: impl IntoIterator<Item = (Entity, &'o str)>) -> Self {
        let mut texts = BTreeMap::new();
        let mut bytes = BTreeMap::new();
        for (entity, original) in originals {
            let view = View::new(original);
            let compact = Compact::new(&view);
            let extent = Some(compact.extent());
            let text = String::from_utf8_lossy(&compact.text).into_owned();
            let national = national_number(entity, &text);
            let text = national.unwrap_or(&text);
            let is_capitalised =
                original.chars().find(|character| character.is_alphanumeric()).is_some_and(char::is_uppercase);
            if let Some(borders) = Borders::of(text, is_capitalised) {
                let pattern = Pattern { entity, borders, extent };
                let known = texts.entry(text.as_bytes().to_vec());
                known.and_modify(|known: &mut Pattern| known.widened(&pattern)).or_insert(pattern);
            }
            let mut writings = vec![original.trim().to_owned(), original.trim().to_lowercase()];
            writings.push(original.trim().to_uppercase());
            writings.extend(text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.to_owned()));
            let long = writings.into_iter().filter(|it| it.len() >= MIN_BYTES);
            bytes.extend(long.map(|it| (it.to_ascii_lowercase().into_bytes(), entity)));
        }
        Self { texts: Search::new(texts), bytes: Search::new(bytes) }
    }

    /// # Errors
    /// One of the values stands in `outgoing`.
    pub fn check(&self, outgoing: &[u8]) -> Result<(), TripwireHit> {
        if self.texts.patterns.is_empty() && self.bytes.patterns.is_empty() {
            return Ok(());
        }
        match simdutf8::basic::from_utf8(outgoing) {
            Ok(text) => self.check_text(text, 0),
            Err(_) => self.check_text(&String::from_utf8_lossy(outgoing), 0),
        }
    }

    fn check_text(&self, text: &str, depth: usize) -> Result<(), TripwireHit> {
        let text = placeholder::blank(text);
        self.check_view(&View::new(&text))?;
        self.check_encoded(text.as_bytes())?;
        if depth == MAX_DEPTH {
            return Ok(());
        }
        if let Some(decoded) = escapes::decode(&text) {
            self.check_text(&decoded.text, depth + 1)?;
        }
        let mut found = Ok(());
        blobs::find(&text, |blob| {
            if found.is_ok() {
                found = self.check_text(&blob.text, depth + 1);
            }
        });
        found
    }

    fn check_encoded(&self, text: &[u8]) -> Result<(), TripwireHit> {
        let Some(shortest) = self.bytes.patterns.iter().map(Vec::len).min() else { return Ok(()) };
        let mut decoded = encoded_bytes::decoded(text, shortest);
        decoded.make_ascii_lowercase();
        self.bytes.find(&decoded, |_, entity| Some(*entity), |entity| *entity)
    }

    fn check_view(&self, view: &View<'_>) -> Result<(), TripwireHit> {
        let compact = Compact::new(view);
        let stands = |range: Range<usize>, pattern: &Pattern| {
            let first = compact.place(range.start)?;
            let behind = compact.place(range.end.checked_sub(1)?)? + 1;
            let is_whole = pattern.extent.is_none_or(|extent| behind - first == extent);
            let beside = (first.checked_sub(1).and_then(|at| view.bytes().get(at)), view.bytes().get(behind));
            let (before, after) = (beside.0.copied().unwrap_or(b' '), beside.1.copied().unwrap_or(b' '));
            let edges = (view.bytes().get(first).copied()?, view.bytes().get(behind - 1).copied()?);
            let is_word = is_whole && !is_alphanumeric(before) && !is_alphanumeric(after);
            let stands = match pattern.borders {
                Borders::Free => true,
                Borders::Word => is_word,
                Borders::ShortWord { is_capitalised } => {
                    let stands = view.source_text(first..behind);
                    is_word && (!is_capitalised || stands.starts_with(char::is_uppercase))
                }
                Borders::WordStart => !is_letter(before),
                Borders::Digits => {
                    let joins = |edge: u8, beside: u8| edge.is_ascii_digit() && beside.is_ascii_digit();
                    !joins(edges.0, before) && !joins(edges.1, after)
                }
            };
            stands.then_some(pattern.entity)
        };
        self.texts.find(&compact.text, stands, |pattern| pattern.entity)
    }
}

impl<T> Search<T> {
    fn new(patterns: BTreeMap<Vec<u8>, T>) -> Self {
        let (patterns, meanings): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let glance = packed::Config::new().builder().extend(&patterns).build();
        Self { patterns, meanings, glance, automaton: OnceLock::new() }
    }

    /// The first occurrence that `accepts` takes.
    fn find(
        &self,
        text: &[u8],
        mut accepts: impl FnMut(Range<usize>, &T) -> Option<Entity>,
        entity: impl Fn(&T) -> Entity,
    ) -> Result<(), TripwireHit> {
        let Some(first) = self.meanings.first().map(entity) else { return Ok(()) };
        if self.glance.as_ref().is_some_and(|glance| glance.find(text).is_none()) {
            return Ok(());
        }
        let Some(automaton) = self.automaton() else { return Err(TripwireHit { entity: first }) };
        let found = automaton.find_overlapping_iter(text).find_map(|found| {
            let meaning = self.meanings.get(found.pattern().as_usize())?;
            accepts(found.range(), meaning)
        });
        found.map_or(Ok(()), |entity| Err(TripwireHit { entity }))
    }

    fn automaton(&self) -> Option<&AhoCorasick> {
        // One request is read with it, so that it must be built fast rather than read fast.
        let build = || AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(&self.patterns).ok();
        self.automaton.get_or_init(build).as_ref()
    }
}

impl Borders {
    /// For a value of these letters and digits; `None` for one that cannot be told from anything.
    fn of(text: &str, is_capitalised: bool) -> Option<Self> {
        let length = text.chars().count();
        let num_digits = text.bytes().filter(u8::is_ascii_digit).count();
        match length {
            0 | 1 => None,
            _ if length < MIN_CHARACTERS => Some(Self::ShortWord { is_capitalised }),
            _ if num_digits == length && length >= MIN_FREE_DIGITS => Some(Self::Free),
            _ if num_digits > 0 => Some(Self::Digits),
            _ if length < MIN_STEM => Some(Self::Word),
            _ => Some(Self::WordStart),
        }
    }
}

/// The part of a telephone number that all its writings share.
fn national_number(entity: Entity, text: &str) -> Option<&str> {
    let is_number = entity == Entity::Phone && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.len().checked_sub(NATIONAL_DIGITS).and_then(|from| text.get(from..))).flatten()
}

impl fmt::Debug for Tripwire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tripwire").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tripwire_tests.rs"]
mod tests;
