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
    let mut tokens = Vec::with_capacity(bytes.len() / 8);
    // Folding leaves nothing in capitals but "İ", which has no small letter of its own.
    let has_capitals = memchr::memchr(0xC4, bytes).is_some();
    let written = view.written().filter(|_| !has_capitals);
    let mut start = None;
    for_each_edge(bytes, written.as_deref().unwrap_or(bytes), |at, changed_until| {
        let Some(from) = start.take() else {
            start = Some(at);
            return;
        };
        let is_lower = if written.is_some() {
            changed_until <= from
        } else {
            let written = view.source_bytes(from..at);
            Some(written) == bytes.get(from..at) && !(has_capitals && written.contains(&0xC4))
        };
        let case = if is_lower { Case::Lower } else { case_of(view.source_text(from..at)) };
        tokens.push(Token { range: from..at, case });
    });
    tokens
}

/// Calls `edge` with every place where a word of `bytes` begins or ends, in turn, and with the place behind the last byte
/// before it that is another one in `source`; eight bytes at a time.
fn for_each_edge(bytes: &[u8], source: &[u8], mut edge: impl FnMut(usize, usize)) {
    let mut edges = Edges { before: 0, changed_until: 0 };
    let ((blocks, rest), (written, written_rest)) = (bytes.as_chunks::<8>(), source.as_chunks::<8>());
    let mut start = 0;
    for (block, written) in blocks.iter().zip(written) {
        edges.of_block(start, [block, written], &mut edge);
        start += 8;
    }
    // Zeros are no letters and end the last word.
    edges.of_block(start, [&filled_up(rest), &filled_up(written_rest)], &mut edge);
}

/// What the blocks so far say about the next one.
struct Edges {
    /// The high bit of the byte before, as the lowest of a byte.
    before: u64,
    changed_until: usize,
}

impl Edges {
    #[inline]
    fn of_block(&mut self, start: usize, [block, written]: [&[u8; 8]; 2], edge: &mut impl FnMut(usize, usize)) {
        let (block, written) = (u64::from_le_bytes(*block), u64::from_le_bytes(*written));
        let letters = letter_bits(block);
        let changed = block ^ written;
        let mut edges = letters ^ (letters << 8 | self.before);
        self.before = letters >> 56;
        if changed == 0 {
            while edges != 0 {
                edge(start + edges.trailing_zeros() as usize / 8, self.changed_until);
                edges &= edges.wrapping_sub(1);
            }
            return;
        }
        while edges != 0 {
            let bit = edges.trailing_zeros();
            self.see(start, changed & !(u64::MAX << (bit & !7)));
            edge(start + bit as usize / 8, self.changed_until);
            edges &= edges.wrapping_sub(1);
        }
        self.see(start, changed);
    }

    /// Notes the last byte of a block that is not zero.
    fn see(&mut self, start: usize, changed: u64) {
        if changed != 0 {
            self.changed_until = start + 8 - changed.leading_zeros() as usize / 8;
        }
    }
}

fn filled_up(rest: &[u8]) -> [u8; 8] {
    let mut block = [0; 8];
    for (into, &byte) in block.iter_mut().zip(rest) {
        *into = byte;
    }
    block
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
        for len in 0..20 {
            let word = format!("{}я", "x".repeat(len));
            let view = View::new(&word);
            assert_eq!(tokens(&view).first().map(|token| token.range.clone()), Some(0..view.bytes().len()));
        }
    }

    #[test]
    fn capitals_are_seen_wherever_they_stand() {
        for pad in 0..20 {
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
