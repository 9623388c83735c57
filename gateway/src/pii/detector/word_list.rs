//! Fixed lists of words that are asked about every word of a text: one look-up, however long the list is.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// What known words mean.
pub(crate) type WordMap<K, V> = HashMap<K, V, BuildHasherDefault<WordHasher>>;

/// A list of words.
#[derive(Debug)]
pub(crate) struct WordList(HashSet<&'static str, BuildHasherDefault<WordHasher>>);

impl WordList {
    /// The words of `list`, which white space parts.
    pub(crate) fn new(list: &'static str) -> Self {
        Self(list.split_ascii_whitespace().collect())
    }

    /// As [`Self::holds`], for the bytes of a word.
    pub(crate) fn holds_bytes(&self, word: &[u8]) -> bool {
        std::str::from_utf8(word).is_ok_and(|word| self.holds(word))
    }

    pub(crate) fn holds(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

/// Eight bytes at a time. The lists are fixed, so nobody can make their words collide, and a look-up of any other word
/// costs no more than one of theirs.
#[derive(Debug, Default)]
pub(crate) struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        /// Odd, with bits everywhere.
        const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
        let (words, rest) = bytes.as_chunks::<8>();
        let mut mix = |word: u64| self.0 = (self.0.rotate_left(29) ^ word).wrapping_mul(FACTOR);
        for word in words {
            mix(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            mix(rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        }
    }

    fn finish(&self) -> u64 {
        // The table takes its buckets from the low bits, which a product leaves poor.
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_held_whole() {
        let list = WordList::new("один  два\n три-четыре");
        for word in ["один", "два", "три-четыре"] {
            assert!(list.holds(word), "{word}");
        }
        for word in ["", "од", "одина", "три", "четыре"] {
            assert!(!list.holds(word), "{word}");
        }
    }

    #[test]
    fn words_that_differ_in_one_letter_hash_apart() {
        let hash = |word: &str| {
            let mut hasher = WordHasher::default();
            hasher.write(word.as_bytes());
            hasher.finish() & 0xFFFF
        };
        let words: Vec<String> = (0..2_000).map(|number| format!("слово{number}")).collect();
        let different: HashSet<u64> = words.iter().map(|word| hash(word)).collect();
        assert!(different.len() > 1_900, "{}", different.len());
    }
}
