//! Answers about short strings that come again and again: the words of a language, the keys of an API.
//!
//! What always holds: a string is compared whole, so that an answer is never another string's; a memo does not grow,
//! since a string takes the place of an older one; and nothing shows what is in it, which are words of people's texts.

use std::cell::RefCell;
use std::thread::LocalKey;

/// A memo of one thread. Strings of more than eight times `WORDS` bytes are not remembered.
pub(crate) struct Memo<const WORDS: usize, V> {
    /// As many as `len_log2` says; none until the first question.
    places: Vec<Place<WORDS, V>>,
    len_log2: u32,
}

/// The two strings last asked about of those that hash alike, the newer first.
type Place<const WORDS: usize, V> = [Option<(Key<WORDS>, V)>; 2];

impl<const WORDS: usize, V: Copy> Memo<WORDS, V> {
    /// A memo of `2 * 2^len_log2` answers.
    pub(crate) const fn new(len_log2: u32) -> Self {
        Self { places: Vec::new(), len_log2 }
    }

    /// The answer about `string`: `find` gives it where it is not remembered, and must give the same for the same string.
    pub(crate) fn answer(&mut self, string: &[u8], find: impl FnOnce() -> V) -> V {
        let Some(key) = Key::of(string) else { return find() };
        let Some(place) = self.place(&key) else { return find() };
        match place {
            [Some((known, answer)), _] | [_, Some((known, answer))] if *known == key => *answer,
            [newer, older] => {
                *older = *newer;
                newer.insert((key, find())).1
            }
        }
    }

    /// The answer about `string` that was kept, if it still is.
    pub(crate) fn kept(&mut self, string: &[u8]) -> Option<V> {
        let key = Key::of(string)?;
        self.place(&key)?.iter().flatten().find(|(known, _)| *known == key).map(|&(_, answer)| answer)
    }

    fn place(&mut self, key: &Key<WORDS>) -> Option<&mut Place<WORDS, V>> {
        if self.places.is_empty() {
            self.places.resize(1 << self.len_log2, [None; 2]);
        }
        self.places.get_mut((key.hash() >> (u64::BITS - self.len_log2)) as usize)
    }
}

/// As [`Memo::answer`], of the thread's own memo, which `find` must not ask itself.
pub(crate) fn remembered<const WORDS: usize, V: Copy>(
    memo: &'static LocalKey<RefCell<Memo<WORDS, V>>>,
    string: &[u8],
    find: impl FnOnce() -> V,
) -> V {
    memo.with_borrow_mut(|memo| memo.answer(string, find))
}

/// A string as it is compared: its bytes, zeros behind them, and how many there are.
#[derive(Clone, Copy)]
struct Key<const WORDS: usize> {
    words: [u64; WORDS],
    len: usize,
}

impl<const WORDS: usize> PartialEq for Key<WORDS> {
    /// Without a branch for each word, nor a call for all of them.
    fn eq(&self, other: &Self) -> bool {
        let differences = self.words.iter().zip(&other.words).fold(0, |all, (one, other)| all | (one ^ other));
        differences == 0 && self.len == other.len
    }
}

impl<const WORDS: usize> Key<WORDS> {
    fn of(string: &[u8]) -> Option<Self> {
        let (whole, rest) = string.as_chunks::<8>();
        if string.len() > 8 * WORDS {
            return None;
        }
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(whole) {
            *word = u64::from_le_bytes(*bytes);
        }
        if let Some(word) = words.get_mut(whole.len()).filter(|_| !rest.is_empty()) {
            *word = match string.last_chunk::<8>() {
                Some(last) => u64::from_le_bytes(*last) >> (8 * (8 - rest.len())),
                None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
            };
        }
        Some(Self { words, len: string.len() })
    }

    fn hash(&self) -> u64 {
        /// Odd, with bits everywhere.
        const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
        self.words.iter().fold(0_u64, |hash, &word| (hash.rotate_left(29) ^ word).wrapping_mul(FACTOR))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_never_another_strings() {
        let mut memo = Memo::<2, usize>::new(2);
        let strings: Vec<String> = (0..20).map(|len| "\0a".repeat(len)).chain((0..99).map(|n| n.to_string())).collect();
        for _ in 0..3 {
            for (number, string) in strings.iter().enumerate() {
                assert_eq!(memo.answer(string.as_bytes(), || number), number, "{string:?}");
            }
        }
        assert_eq!(memo.places.len(), 4);
    }

    #[test]
    fn what_is_remembered_is_not_looked_for_again() {
        let mut memo = Memo::<2, u8>::new(4);
        assert_eq!(memo.answer("слово".as_bytes(), || 1), 1);
        assert_eq!(memo.answer("слово".as_bytes(), || 2), 1);
        assert_eq!(memo.answer("слово, которое длиннее".as_bytes(), || 3), 3);
        assert_eq!(memo.answer("слово, которое длиннее".as_bytes(), || 4), 4);
    }
}
