//! The base form of a person's name, where it is beyond doubt: «Ивановой Анне Петровне» is «Иванова Анна Петровна»,
//! «Нұрланның» is «Нұрлан».
//!
//! What always holds: two forms get one key only if they are forms of one name. A form that could belong to two names
//! («Иванова»: he in the genitive, she in the nominative) keeps a key of its own, or names the rival («Иванову»), so
//! that the caller who has seen the rival can keep them apart. Names in Latin letters are never changed.

use super::kazakh_case;
use super::russian_case::{self, Change, Pinned};

/// How a name is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// In lower case; the same for all forms of the name.
    pub(crate) key: String,
    /// The base form, written as the name was; the name itself where nothing is to change.
    pub(crate) base: String,
    /// The key of the other name that this may be a form of.
    pub(crate) rival: Option<String>,
}

/// Longer names are read as they stand.
const MAX_WORDS: usize = 5;

/// Reads a name in any case.
pub(crate) fn read(name: &str) -> Reading {
    let name = name.trim();
    let name = ["'s", "’s"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    let words: Vec<&str> = name.split_whitespace().collect();
    let is_cyrillic = name.chars().all(|character| !character.is_ascii_alphabetic());
    if !is_cyrillic || words.is_empty() || words.len() > MAX_WORDS {
        return as_it_stands(&words);
    }
    let folded: Vec<String> = words.iter().map(|word| fold(word)).collect();
    russian(&words, &folded).or_else(|| kazakh(&words, &folded)).unwrap_or_else(|| as_it_stands(&words))
}

fn russian(words: &[&str], folded: &[String]) -> Option<Reading> {
    let pinned = russian_case::pinned(folded)?;
    if pinned == Pinned::Nominative {
        return None;
    }
    let names = folded.iter().filter(|word| !is_initials(word)).count();
    let mut rival = None;
    let mut changes = Vec::with_capacity(words.len());
    for word in folded {
        let change = if is_initials(word) { Some(Change::NONE) } else { russian_case::base(word, pinned) };
        changes.push(change?);
    }
    if let Some(other) = pinned.rival() {
        // Which of two names it is, only the surname says: beside another word that declines, nothing is certain.
        if names != 1 {
            return None;
        }
        let others: Option<Vec<Change>> = folded
            .iter()
            .map(|word| if is_initials(word) { Some(Change::NONE) } else { russian_case::base(word, other) })
            .collect();
        rival = Some(key(folded, &others?));
    }
    Some(Reading { key: key(folded, &changes), base: base(words, &changes), rival })
}

fn kazakh(words: &[&str], folded: &[String]) -> Option<Reading> {
    let num_ending = kazakh_case::ending_of(folded.last()?)?;
    let mut changes = vec![Change::NONE; words.len()];
    if let Some(last) = changes.last_mut() {
        *last = Change { drop: num_ending, add: "" };
    }
    Some(Reading { key: key(folded, &changes), base: base(words, &changes), rival: None })
}

fn as_it_stands(words: &[&str]) -> Reading {
    let folded: Vec<String> = words.iter().map(|word| fold(word)).collect();
    let changes = vec![Change::NONE; words.len()];
    Reading { key: key(&folded, &changes), base: words.join(" "), rival: None }
}

/// One letter for one letter: lower case, ё as е.
fn fold(word: &str) -> String {
    let lower = |character: char| character.to_lowercase().next().unwrap_or(character);
    word.chars().map(|character| if matches!(character, 'ё' | 'Ё') { 'е' } else { lower(character) }).collect()
}

fn is_initials(word: &str) -> bool {
    word.contains('.') || word.chars().count() == 1
}

fn key(folded: &[String], changes: &[Change]) -> String {
    let words: Vec<String> = folded.iter().zip(changes).map(|(word, change)| change.apply(word)).collect();
    // «И. И. Иванов» and «И.И.Иванов».
    words.join(" ").replace(". ", ".")
}

fn base(words: &[&str], changes: &[Change]) -> String {
    let words: Vec<String> = words.iter().zip(changes).map(|(word, change)| change.apply(word)).collect();
    words.join(" ")
}

#[cfg(test)]
#[path = "person_name_tests.rs"]
mod tests;
