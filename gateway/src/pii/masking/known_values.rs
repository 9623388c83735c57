//! Values that a conversation has already masked, wherever they stand as words of their own: a name is a name also
//! where no word beside it says so.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::span::Span;
use crate::pii::detector::views::normalize::{View, is_letter};
use crate::pii::{Entity, placeholder};

/// Finds values by their folded letters.
pub(crate) struct KnownValues {
    automaton: Option<AhoCorasick>,
    values: Vec<Known>,
}

#[derive(Clone, Copy)]
struct Known {
    entity: Entity,
    /// Bytes that a case's ending may add.
    max_ending: usize,
    must_be_capitalised: bool,
}

/// Shorter words are only names where they begin with a capital.
const MIN_CHARACTERS: usize = 4;
/// Shorter names are not followed into their cases.
const MIN_STEM: usize = 6;
/// Three Cyrillic letters.
const MAX_ENDING_BYTES: usize = 6;

impl KnownValues {
    pub(crate) fn new<'v>(values: impl Iterator<Item = (Entity, &'v str)>) -> Self {
        let mut patterns = BTreeMap::new();
        for (entity, value, is_part) in values.flat_map(|(entity, value)| with_parts(entity, value)) {
            let folded = View::new(value.trim()).bytes().to_vec();
            let length = String::from_utf8_lossy(&folded).chars().count();
            if length >= 2 && folded.iter().any(|&byte| is_word_byte(byte)) {
                let takes_endings = entity == Entity::Person && length >= MIN_STEM;
                let max_ending = if takes_endings { MAX_ENDING_BYTES } else { 0 };
                let is_capital = value.trim().starts_with(char::is_uppercase);
                let must_be_capitalised = (length < MIN_CHARACTERS || is_part) && is_capital;
                let known = Known { entity, max_ending, must_be_capitalised };
                let entry = patterns.entry(folded).or_insert(known);
                entry.must_be_capitalised &= must_be_capitalised;
            }
        }
        // Without an automaton they are not masked here; the tripwire still sees them.
        // One request is read with it, so that it must be built fast rather than read fast.
        let builder = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(patterns.keys());
        let automaton = builder.ok().filter(|_| !patterns.is_empty());
        Self { automaton, values: patterns.into_values().collect() }
    }

    /// Where they stand in `text`; spans may overlap.
    pub(crate) fn spans(&self, text: &str) -> Vec<Span> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let text = placeholder::blank(text);
        let view = View::new(&text);
        let matches = automaton.find_overlapping_iter(view.bytes());
        matches
            .filter_map(|found| {
                let known = self.values.get(found.pattern().as_usize())?;
                let (start, end) = (found.start(), word_end(view.bytes(), found.end()));
                let is_inside_word = start > 0
                    && view.bytes().get(start - 1).copied().is_some_and(is_word_byte)
                    && view.bytes().get(start).copied().is_some_and(is_word_byte);
                let ends_in_word = view.bytes().get(found.end() - 1).copied().is_some_and(is_word_byte);
                let end = if ends_in_word { end } else { found.end() };
                let is_word = !is_inside_word && end - found.end() <= known.max_ending;
                let is_right = is_word
                    && (!known.must_be_capitalised || view.source_text(start..end).starts_with(char::is_uppercase));
                is_right.then(|| Span { entity: known.entity, range: view.source_range(start..end) })
            })
            .collect()
    }
}

/// A value, and of a name of several words each that is written like one: "Серик" stands for Нурланов Серик.
fn with_parts(entity: Entity, value: &str) -> impl Iterator<Item = (Entity, &str, bool)> {
    let is_name = entity == Entity::Person && value.trim().contains(' ');
    let is_part = |word: &&str| word.chars().count() >= MIN_CHARACTERS && word.starts_with(char::is_uppercase);
    let parts = value.split_whitespace().filter(is_part).filter(move |_| is_name).map(move |word| (entity, word, true));
    std::iter::once((entity, value, false)).chain(parts)
}

/// The end of the word that goes on at `at`, as far as it could be an ending.
fn word_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take(MAX_ENDING_BYTES + 1).take_while(|&&byte| is_word_byte(byte)).count()
}

fn is_word_byte(byte: u8) -> bool {
    is_letter(byte) || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(values: &[(Entity, &str)], text: &'t str) -> Vec<&'t str> {
        let spans = KnownValues::new(values.iter().copied()).spans(text);
        spans.into_iter().map(|span| text.get(span.range).unwrap()).collect()
    }

    #[test]
    fn values_are_found_as_words_in_any_case_and_names_with_endings() {
        let person = [(Entity::Person, "Иванов")];
        assert_eq!(found(&person, "иванов, ИВАНОВЫМ «Иванов» Ивановский"), ["иванов", "ИВАНОВЫМ", "Иванов"]);
        assert_eq!(found(&[(Entity::Person, "Анна")], "Анна, ванна, Анны, анна!"), ["Анна", "анна"]);
        assert_eq!(found(&[(Entity::Person, "Ли")], "Есть ли Ли? ЛИ"), ["Ли", "ЛИ"]);
        let whole = [(Entity::Person, "Нурланов Серик")];
        assert_eq!(found(&whole, "Нурланов просил, Серик ждёт, НУРЛАНОВ, серик"), ["Нурланов", "Серик", "НУРЛАНОВ"]);
        assert_eq!(found(&[(Entity::Contract, "12345")], "12345 и 123456, №12345-а"), ["12345", "12345"]);
        assert_eq!(found(&[(Entity::Handle, "@ivan")], "a@ivan @ivanov @IVAN."), ["@ivan", "@IVAN"]);
        assert_eq!(found(&[(Entity::Address, "ул. Абая, 5")], "на ул. Абая, 5, не ул. Абая, 57"), ["ул. Абая, 5"]);
        assert!(found(&[(Entity::Person, "—"), (Entity::Person, "И")], "— И и").is_empty());
    }

    #[test]
    fn nothing_is_found_in_tokens() {
        let core = (5..).find_map(placeholder::core_from).unwrap();
        let text = placeholder::written("PERSON", core);
        assert!(found(&[(Entity::Handle, "person"), (Entity::Handle, &text[8..16])], &text).is_empty());
    }
}
