//! The words of a view: where each stands and how it was capitalised in the source.

use std::ops::Range;

use super::normalize::View;

/// How a word was written before folding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    /// A capital, then lower case.
    Title,
    /// Capitals only; one capital letter counts as this.
    Upper,
    Mixed,
}

/// A longest run of letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Bytes of the view.
    pub(crate) range: Range<usize>,
    pub(crate) case: Case,
}

/// All words of `view` by position.
pub(crate) fn tokens(view: &View<'_>) -> Vec<Token> {
    let bytes = view.bytes();
    let mut tokens = Vec::with_capacity(bytes.len() / 5);
    // Folding leaves nothing in capitals but "İ", which has no small letter of its own.
    let has_capitals = memchr::memchr(0xC4, bytes).is_some();
    let written = view.written().filter(|_| !has_capitals);
    for_each_word(bytes, written.as_deref().unwrap_or(bytes), |word, is_changed| {
        let is_lower = if written.is_some() {
            !is_changed
        } else {
            let written = view.source_bytes(word.clone());
            Some(written) == bytes.get(word.clone()) && !(has_capitals && written.contains(&0xC4))
        };
        let case = if is_lower { Case::Lower } else { case_of(view.source_text(word.clone())) };
        tokens.push(Token { range: word, case });
    });
    tokens
}

/// Calls `found` with every word of `bytes` in turn, and with whether any byte of it is another one in `source`; as many
/// bytes at a time as a word of the processor has bits.
fn for_each_word(bytes: &[u8], source: &[u8], mut found: impl FnMut(Range<usize>, bool)) {
    let mut words = Words { start: 0, open: None };
    let ((blocks, rest), (written, written_rest)) = (bytes.as_chunks::<BLOCK>(), source.as_chunks::<BLOCK>());
    for (block, written) in blocks.iter().zip(written) {
        words.of_block([block, written], &mut found);
    }
    // Zeros are no letters and end the last word.
    words.of_block([&filled_up(rest), &filled_up(written_rest)], &mut found);
}

const BLOCK: usize = u64::BITS as usize;

/// What the blocks so far say about the next one.
struct Words {
    /// Where it begins.
    start: usize,
    /// Where the word begins that goes on into it, and whether it was changed so far.
    open: Option<(usize, bool)>,
}

impl Words {
    #[inline]
    fn of_block(&mut self, [block, written]: [&[u8; BLOCK]; 2], found: &mut impl FnMut(Range<usize>, bool)) {
        let letters = bits_of(block, letter_bits);
        let changed = if block == written { 0 } else { changed_bits(block, written) };
        let before = letters << 1 | u64::from(self.open.is_some());
        let (mut starts, mut ends) = (letters & !before, before & !letters);
        while ends != 0 {
            let end = ends.trailing_zeros();
            ends &= ends.wrapping_sub(1);
            let up_to_end = changed & !(u64::MAX << end);
            let (from, is_changed) = if let Some((from, was_changed)) = self.open.take() {
                (from, was_changed || up_to_end != 0)
            } else {
                let first = starts.trailing_zeros();
                starts &= starts.wrapping_sub(1);
                (self.start + first as usize, up_to_end >> first != 0)
            };
            found(from..self.start + end as usize, is_changed);
        }
        if let Some((_, was_changed)) = &mut self.open {
            *was_changed |= changed != 0;
        } else if starts != 0 {
            let first = starts.trailing_zeros();
            self.open = Some((self.start + first as usize, changed >> first != 0));
        }
        self.start += BLOCK;
    }
}

fn filled_up(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    if let Some(into) = block.get_mut(..rest.len()) {
        into.copy_from_slice(rest);
    }
    block
}

/// A bit for every byte that differs.
fn changed_bits(block: &[u8; BLOCK], written: &[u8; BLOCK]) -> u64 {
    let both: [u8; BLOCK] = std::array::from_fn(|at| block[at] ^ written[at]);
    bits_of(&both, other_than_zero)
}

/// A bit for every byte of `block`: whether `high` sets the high bit of that byte, eight of them at a time.
fn bits_of(block: &[u8; BLOCK], high: impl Fn(u64) -> u64) -> u64 {
    /// Brings the lowest bits of all bytes together in the highest byte.
    const TOGETHER: u64 = 0x0102_0408_1020_4080;
    let (chunks, _) = block.as_chunks::<8>();
    let gathered = chunks.iter().map(|chunk| (high(u64::from_le_bytes(*chunk)) >> 7).wrapping_mul(TOGETHER) >> 56);
    gathered.rev().fold(0, |bits, eight| bits << 8 | eight)
}

/// The high bit of every byte that is not zero.
const fn other_than_zero(block: u64) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    (block | ((block & !HIGH) + !HIGH)) & HIGH
}

/// The high bit of every byte of `block` that [`is_letter`](super::normalize::is_letter).
const fn letter_bits(block: u64) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const EACH: u64 = 0x0101_0101_0101_0101;
    let low = block & !HIGH;
    // No byte of a sum reaches the next one.
    let from_a = low + (0x80 - b'a' as u64) * EACH;
    let behind_z = low + (0x80 - (b'z' + 1) as u64) * EACH;
    (block | from_a & !behind_z) & HIGH
}

fn case_of(word: &str) -> Case {
    let mut letters = word.chars().filter_map(is_capital);
    let Some(first) = letters.next() else { return Case::Lower };
    let (mut upper, mut lower) = (false, false);
    for is_capital in letters {
        upper |= is_capital;
        lower |= !is_capital;
    }
    match (first, upper, lower) {
        (false, false, _) => Case::Lower,
        (true, false, true) => Case::Title,
        (true, _, false) => Case::Upper,
        _ => Case::Mixed,
    }
}

/// Whether a letter is a capital; `None` for what is no letter. Latin and Cyrillic letters need no Unicode tables.
fn is_capital(character: char) -> Option<bool> {
    match character {
        'a'..='z' | '\u{430}'..='\u{45F}' => Some(false),
        'A'..='Z' | '\u{400}'..='\u{42F}' => Some(true),
        // Capitals and small ones in turn.
        '\u{48A}'..='\u{4BF}' | '\u{4D0}'..='\u{52F}' => Some(u32::from(character).is_multiple_of(2)),
        _ => character.is_alphabetic().then(|| character.is_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::detector::views::normalize::is_letter;

    #[test]
    fn cyrillic_letters_are_capital_as_unicode_says() {
        for letter in '\u{400}'..='\u{530}' {
            let expected = letter.is_alphabetic().then(|| letter.is_uppercase());
            assert_eq!(is_capital(letter), expected, "{letter}");
        }
    }

    #[test]
    fn letters_are_the_same_in_blocks_and_one_by_one() {
        for byte in 0..=u8::MAX {
            let bits = letter_bits(u64::from_le_bytes([byte, b'a', byte, b'1', b' ', byte, 0xD0, byte]));
            let expected = [byte, b'a', byte, b'1', b' ', byte, 0xD0, byte].map(|byte| u8::from(is_letter(byte)) << 7);
            assert_eq!(bits.to_le_bytes(), expected, "{byte}");
        }
        for byte in 0..=u8::MAX {
            let block = std::array::from_fn(|at| if at % 3 == 0 { byte } else { (at as u8).wrapping_mul(37) });
            let expected = |is: &dyn Fn(u8) -> bool| {
                block.iter().enumerate().fold(0, |bits, (at, &byte)| bits | u64::from(is(byte)) << at)
            };
            assert_eq!(bits_of(&block, letter_bits), expected(&is_letter), "{byte}");
            assert_eq!(bits_of(&block, other_than_zero), expected(&|byte| byte != 0), "{byte}");
        }
        for len in 0..140 {
            let word = format!("{}я", "x".repeat(len));
            let view = View::new(&word);
            assert_eq!(tokens(&view).first().map(|token| token.range.clone()), Some(0..view.bytes().len()));
        }
    }

    #[test]
    fn capitals_are_seen_wherever_they_stand() {
        for pad in 0..140 {
            // A character that folds to fewer bytes stands before, between and behind.
            let mark = if pad % 2 == 0 { "№" } else { " " };
            let text = format!("{mark}{}{} aB Ab{mark}ab жЖ Ж ж1Aб{mark}", "x".repeat(pad), "ы".repeat(pad));
            let cases: Vec<Case> = tokens(&View::new(&text)).iter().map(|token| token.case).collect();
            let all = [
                Case::Lower,
                Case::Mixed,
                Case::Title,
                Case::Lower,
                Case::Mixed,
                Case::Upper,
                Case::Lower,
                Case::Title,
            ];
            assert_eq!(cases, all.get(usize::from(pad == 0)..).unwrap(), "{text}");
        }
    }

    #[test]
    fn words_and_their_case() {
        let view = View::new("Иван ПЕТРОВ, о\u{301}н-iPhone 7x Қ");
        let found: Vec<_> = tokens(&view)
            .into_iter()
            .map(|token| (String::from_utf8_lossy(&view.bytes()[token.range]).into_owned(), token.case))
            .collect();
        let expected = [
            ("иван", Case::Title),
            ("петров", Case::Upper),
            ("он", Case::Lower),
            ("iphone", Case::Mixed),
            ("x", Case::Lower),
            ("қ", Case::Upper),
        ];
        assert_eq!(found, expected.map(|(word, case)| (word.to_owned(), case)));
    }
}
