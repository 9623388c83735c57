//! The tokens of one conversation and what they stand for.
//!
//! What always holds: no two values share a core, no value has two tokens, and their number and size are bounded.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::token::Token;
use crate::pii::Entity;
use crate::pii::placeholder::Core;

/// A conversation of more values or of more bytes than this is not masked further.
const MAX_ENTRIES: usize = 5_000;
const MAX_BYTES: usize = 4 << 20;
/// What an entry takes beside its texts.
const ENTRY_BYTES: usize = 400;
/// Writings of one value that are remembered.
const MAX_WRITINGS: usize = 16;

/// A value that was masked.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) token: Token,
    pub(crate) entity: Entity,
    /// The same for all writings of the value.
    pub(crate) key: String,
    /// As the value stood in the conversation, and the same folded; the first comes first.
    pub(crate) writings: Vec<Writing>,
    /// The form that endings are joined to: people have one.
    pub(crate) base: Option<String>,
}

/// One writing of a value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Writing {
    pub(crate) original: String,
    pub(crate) folded: String,
}

/// All entries of a conversation.
#[derive(Clone, Default)]
pub struct Entries {
    list: Vec<Entry>,
    by_key: HashMap<(Entity, String), usize>,
    by_writing: HashMap<(Entity, String), usize>,
    by_core: HashMap<Core, usize>,
    bytes: usize,
}

/// Why an entry was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EntryError {
    #[error("the conversation holds too many values")]
    Full,
    #[error("two values have one token, or one value two")]
    Conflict,
}

impl Entry {
    /// What takes the token's place: the value as it first stood, or of a name in several forms its base form.
    pub(crate) fn shown(&self) -> &str {
        let first = self.writings.first().map_or("", |writing| writing.original.as_str());
        if self.writings.len() > 1 { self.base.as_deref().unwrap_or(first) } else { first }
    }

    fn bytes(&self) -> usize {
        let writings: usize = self.writings.iter().map(Writing::bytes).sum();
        ENTRY_BYTES + self.key.len() + writings + self.base.as_ref().map_or(0, String::len)
    }
}

impl Writing {
    /// The text itself, its folded form, and that again as a key.
    fn bytes(&self) -> usize {
        self.original.len() + 2 * self.folded.len()
    }
}

impl Entries {
    pub(crate) fn all(&self) -> std::slice::Iter<'_, Entry> {
        self.list.iter()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// About what they take in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Entry> {
        self.list.get(index)
    }

    pub(crate) fn by_key(&self, entity: Entity, key: &str) -> Option<usize> {
        self.by_key.get(&(entity, key.to_owned())).copied()
    }

    pub(crate) fn by_writing(&self, entity: Entity, folded: &str) -> Option<usize> {
        self.by_writing.get(&(entity, folded.to_owned())).copied()
    }

    pub(crate) fn has_core(&self, core: Core) -> bool {
        self.by_core.contains_key(&core)
    }

    /// Takes a new entry.
    pub(crate) fn insert(&mut self, entry: Entry) -> Result<usize, EntryError> {
        let bytes = entry.bytes();
        if self.list.len() >= MAX_ENTRIES || self.bytes + bytes > MAX_BYTES {
            return Err(EntryError::Full);
        }
        let key = (entry.entity, entry.key.clone());
        if self.by_core.contains_key(&entry.token.core()) || self.by_key.contains_key(&key) {
            return Err(EntryError::Conflict);
        }
        let index = self.list.len();
        self.by_key.insert(key, index);
        self.by_core.insert(entry.token.core(), index);
        for writing in &entry.writings {
            self.by_writing.entry((entry.entity, writing.folded.clone())).or_insert(index);
        }
        self.bytes += bytes;
        self.list.push(entry);
        Ok(index)
    }

    /// Remembers another writing of a value.
    pub(crate) fn add_writing(&mut self, index: usize, writing: Writing) -> Result<(), EntryError> {
        let Some(entry) = self.list.get_mut(index) else { return Ok(()) };
        let is_known = entry.writings.iter().any(|known| known.folded == writing.folded);
        if is_known || entry.writings.len() >= MAX_WRITINGS {
            return Ok(());
        }
        let bytes = writing.bytes();
        if self.bytes + bytes > MAX_BYTES {
            return Err(EntryError::Full);
        }
        self.bytes += bytes;
        self.by_writing.entry((entry.entity, writing.folded.clone())).or_insert(index);
        entry.writings.push(writing);
        Ok(())
    }

    /// Takes over what another request of the same conversation learned meanwhile.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), EntryError> {
        for entry in &other.list {
            match self.by_key(entry.entity, &entry.key) {
                Some(index) => {
                    let is_same = self.list.get(index).is_some_and(|own| own.token == entry.token);
                    is_same.then_some(()).ok_or(EntryError::Conflict)?;
                    for writing in &entry.writings {
                        self.add_writing(index, writing.clone())?;
                    }
                }
                None => {
                    self.insert(entry.clone())?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("token", &self.token).field("entity", &self.entity).finish_non_exhaustive()
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries").field("len", &self.list.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::placeholder::core_from;

    fn token(index: usize) -> Token {
        Token::new("PHONE".to_owned(), spread_cores().nth(index).unwrap())
    }

    fn entry(token: Token, key: &str) -> Entry {
        let writing = Writing { original: key.to_owned(), folded: key.to_owned() };
        Entry { token, entity: Entity::Phone, key: key.to_owned(), writings: vec![writing], base: None }
    }

    #[test]
    fn tokens_and_values_are_one_to_one() {
        let mut entries = Entries::default();
        entries.insert(entry(token(0), "1")).unwrap();
        assert_eq!(entries.insert(entry(token(0), "2")), Err(EntryError::Conflict));
        assert_eq!(entries.insert(entry(token(1), "1")), Err(EntryError::Conflict));
        let mut other = Entries::default();
        other.insert(entry(token(1), "2")).unwrap();
        other.insert(entry(token(0), "1")).unwrap();
        entries.merge(&other).unwrap();
        assert_eq!(entries.len(), 2);
        let mut conflicting = Entries::default();
        conflicting.insert(entry(token(2), "2")).unwrap();
        assert_eq!(entries.merge(&conflicting), Err(EntryError::Conflict));
    }

    /// Cores from all over their range: those of small numbers are nearly all digits, and so none.
    fn spread_cores() -> impl Iterator<Item = [u8; 8]> {
        (0_u64..).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 29).filter_map(core_from)
    }

    #[test]
    fn number_and_size_are_bounded() {
        let mut entries = Entries::default();
        let long = "7".repeat(100_000);
        let num_taken =
            (0..100).take_while(|&index| entries.insert(entry(token(index), &format!("{index}{long}"))).is_ok());
        assert!(num_taken.count() < 20);
        assert!(entries.bytes() <= MAX_BYTES);
        let mut many = Entries::default();
        let cores = spread_cores().take(MAX_ENTRIES + 1).enumerate();
        let taken = cores.take_while(|(index, core)| {
            many.insert(entry(Token::new("IP".to_owned(), *core), &index.to_string())).is_ok()
        });
        assert!(taken.count() <= MAX_ENTRIES);
        for index in 0..2 * MAX_WRITINGS {
            let text = format!("form {index}");
            many.add_writing(0, Writing { original: text.clone(), folded: text }).ok();
        }
        assert!(many.get(0).unwrap().writings.len() <= MAX_WRITINGS);
    }
}
