//! Words that were asked about and say nothing: most words of speech, which come again and again.
//!
//! What always holds: a word is compared whole, so that no word is taken for another; a set does not grow, since a word takes
//! the place of one before it; and nothing shows what is in it, which are words of people's texts.

use std::ops::Range;

/// Words of up to 32 bytes of one thread. A word has no zeros, so that zeros stand for none and behind its end.
pub(crate) struct QuietWords {
    /// By length: up to 8 bytes, 16, 32. Empty until the first word.
    short: Vec<[u64; 1]>,
    middling: Vec<[u64; 2]>,
    long: Vec<[u64; 4]>,
}

const LEN_LOG2: u32 = 11;
const SHORT_LEN_LOG2: u32 = 12;

impl QuietWords {
    pub(crate) const fn new() -> Self {
        Self { short: Vec::new(), middling: Vec::new(), long: Vec::new() }
    }

    /// Whether the word at `range` of `text` was added and no other has taken its place since.
    #[inline]
    pub(crate) fn holds(&self, text: &[u8], range: &Range<usize>) -> bool {
        match range.len() {
            1..=8 => held(&self.short, [part(text, range.start, range.end)]),
            9..=16 => held(&self.middling, parts(text, range)),
            17..=32 => held(&self.long, parts(text, range)),
            _ => false,
        }
    }

    /// Adds the word at `range` of `text`, which must say nothing wherever it stands.
    pub(crate) fn add(&mut self, text: &[u8], range: &Range<usize>) {
        match range.len() {
            1..=8 => put(&mut self.short, SHORT_LEN_LOG2, parts(text, range)),
            9..=16 => put(&mut self.middling, LEN_LOG2, parts(text, range)),
            17..=32 => put(&mut self.long, LEN_LOG2, parts(text, range)),
            _ => {}
        }
    }
}

fn held<const PARTS: usize>(words: &[[u64; PARTS]], word: [u64; PARTS]) -> bool {
    words.get(place(&word, words.len())) == Some(&word)
}

fn put<const PARTS: usize>(words: &mut Vec<[u64; PARTS]>, len_log2: u32, word: [u64; PARTS]) {
    words.resize(1 << len_log2, [0; PARTS]);
    let place = place(&word, words.len());
    if let Some(other) = words.get_mut(place) {
        *other = word;
    }
}

/// Where a word stands among `len` of them, which is none or a power of two.
fn place<const PARTS: usize>(word: &[u64; PARTS], len: usize) -> usize {
    /// Odd, with bits everywhere.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let hash = word.iter().fold(0_u64, |hash, &part| (hash.rotate_left(29) ^ part).wrapping_mul(FACTOR));
    (hash >> 40) as usize & len.wrapping_sub(1)
}

fn parts<const PARTS: usize>(text: &[u8], range: &Range<usize>) -> [u64; PARTS] {
    std::array::from_fn(|index| part(text, range.start + 8 * index, range.end))
}

/// Up to eight bytes of `text` from `start` on, zeros from `end` on.
#[inline]
fn part(text: &[u8], start: usize, end: usize) -> u64 {
    let len = end.saturating_sub(start).min(8);
    if len == 0 {
        return 0;
    }
    match text.get(start..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(chunk) => u64::from_le_bytes(*chunk) & (u64::MAX >> (64 - 8 * len)),
        None => {
            text.get(start..end).unwrap_or_default().iter().rev().fold(0, |part, &byte| part << 8 | u64::from(byte))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_held_whole_wherever_it_stands() {
        for len in 1..=40 {
            let mut quiet = QuietWords::new();
            let word = "w".repeat(len);
            quiet.add(word.as_bytes(), &(0..len));
            for before in ["", "x", "xxxxxxxxx"] {
                for behind in ["", "y", "yyyyyyyyy"] {
                    let text = format!("{before}{word}{behind}");
                    let range = before.len()..before.len() + len;
                    assert_eq!(quiet.holds(text.as_bytes(), &range), len <= 32, "{text}");
                    assert!(!quiet.holds(text.as_bytes(), &(range.start..range.end - 1)));
                    assert!(range.end == text.len() || !quiet.holds(text.as_bytes(), &(range.start..range.end + 1)));
                }
            }
        }
    }

    #[test]
    fn a_set_does_not_grow_and_no_word_is_taken_for_another() {
        let mut quiet = QuietWords::new();
        let words: Vec<String> =
            (0..20_000).map(|number| format!("слово{}", "a".repeat(number % 9) + &number.to_string())).collect();
        for word in words.iter().step_by(2) {
            quiet.add(word.as_bytes(), &(0..word.len()));
            assert!(quiet.holds(word.as_bytes(), &(0..word.len())));
        }
        assert!(words.iter().skip(1).step_by(2).all(|word| !quiet.holds(word.as_bytes(), &(0..word.len()))));
        let lens = (quiet.short.len(), quiet.middling.len(), quiet.long.len());
        assert_eq!(lens, (0, 1 << LEN_LOG2, 1 << LEN_LOG2));
    }
}
