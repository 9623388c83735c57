//! The view of a text that all recognisers read: folded bytes and the way back to the source.
//! Always valid UTF-8 in which every non-ASCII byte belongs to a letter, so that recognisers can
//! work on bytes.

use std::borrow::Cow;
use std::ops::Range;

use super::folding::Folding;
use super::offset_map::OffsetMap;
use super::scripts::{Mixture, unified};

/// A folded text. Positions of `bytes` are turned into positions of the source by `source_range`.
pub(crate) struct View<'s> {
    source: &'s str,
    bytes: Vec<u8>,
    map: OffsetMap,
    /// From `bytes` back to what was folded, where words that mix scripts were rewritten.
    unified: Option<OffsetMap>,
}

/// How far around a word that may be of either script another word tells which.
const NEIGHBOURS: usize = 40;

impl<'s> View<'s> {
    /// Folds `source` in one pass.
    pub(crate) fn new(source: &'s str) -> Self {
        let mut folding = Folding::of(source);
        folding.run();
        let Folding { mut bytes, len, map, may_mix, .. } = folding;
        bytes.truncate(len);
        let mut view = Self { source, bytes, map, unified: None };
        if may_mix {
            view.unify_scripts();
        }
        view
    }

    /// Brings every word that mixes look-alike letters of two scripts to one of them.
    fn unify_scripts(&mut self) {
        let mut rewritten = Vec::new();
        let mut map = OffsetMap::default();
        let mut copied = 0;
        let mut at = 0;
        while let Some(word) = next_mixed_word(&self.bytes, at) {
            at = word.end;
            let letters = self.letters(&word);
            let mut mixture = Mixture::default();
            for &(_, folded, source) in &letters {
                mixture.add(folded, source);
            }
            let around = || [self.code_around(&word), word.start.saturating_sub(NEIGHBOURS)..word.start];
            let target = if mixture.is_open() {
                around().into_iter().find_map(|part| self.mixture(&part).leaning()).or(mixture.target())
            } else {
                mixture.target()
            };
            let Some(target) = target else { continue };
            map.linear(rewritten.len(), copied);
            rewritten.extend_from_slice(self.bytes.get(copied..word.start).unwrap_or_default());
            for (from, folded, source) in letters {
                map.atomic(rewritten.len(), from..from + folded.len_utf8());
                push(&mut rewritten, unified(folded, source, target));
            }
            copied = word.end;
        }
        if copied > 0 {
            map.linear(rewritten.len(), copied);
            rewritten.extend_from_slice(self.bytes.get(copied..).unwrap_or_default());
            self.bytes = rewritten;
            self.unified = Some(map);
        }
    }

    /// The letters and digits that a word hangs together with: a key, the number of a document.
    fn code_around(&self, word: &Range<usize>) -> Range<usize> {
        let belongs = |byte: &u8| is_letter(*byte) || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        let (before, after) = self.bytes.split_at_checked(word.end).unwrap_or_default();
        let before = before.get(..word.start).unwrap_or_default();
        let start = before.iter().rev().take(NEIGHBOURS).take_while(|byte| belongs(byte)).count();
        let end = after.iter().take(NEIGHBOURS).take_while(|byte| belongs(byte)).count();
        word.start - start..word.end + end
    }

    /// What the letters of a part are drawn with.
    fn mixture(&self, part: &Range<usize>) -> Mixture {
        let bytes = self.bytes.get(part.clone()).unwrap_or_default();
        // It may begin and end inside of a character.
        let cut = bytes.iter().take_while(|&&byte| is_continuation(byte)).count();
        let chunk = bytes.get(cut..).unwrap_or_default().utf8_chunks().next();
        let mut mixture = Mixture::default();
        let start = part.start + cut;
        for (at, folded) in chunk.map_or("", |chunk| chunk.valid()).char_indices() {
            let written = self.source_text(start + at..start + at + folded.len_utf8()).chars().next();
            mixture.add(folded, written.unwrap_or(folded));
        }
        mixture
    }

    /// The letters of a word: where each stands, what it was folded to, what it was written as.
    fn letters(&self, word: &Range<usize>) -> Vec<(usize, char, char)> {
        let text = self.bytes.get(word.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        text.char_indices()
            .map(|(at, folded)| {
                let from = word.start + at;
                let written = self.source_text(from..from + folded.len_utf8()).chars().next();
                (from, folded, written.unwrap_or(folded))
            })
            .collect()
    }

    /// The folded text.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The source range that a non-empty range of the view came from; on character boundaries when
    /// the range is.
    pub(crate) fn source_range(&self, range: Range<usize>) -> Range<usize> {
        match &self.unified {
            Some(unified) => self.map.source_range(unified.source_range(range)),
            None => self.map.source_range(range),
        }
    }

    /// The source of a non-empty range of the view.
    pub(crate) fn source_text(&self, range: Range<usize>) -> &str {
        self.source.get(self.source_range(range)).unwrap_or_default()
    }

    /// As [`Self::source_text`], as bytes.
    pub(crate) fn source_bytes(&self, range: Range<usize>) -> &[u8] {
        self.source.as_bytes().get(self.source_range(range)).unwrap_or_default()
    }

    /// The source, if every position is the same in it.
    pub(crate) fn straight_source(&self) -> Option<&[u8]> {
        (self.unified.is_none() && self.map.is_straight()).then_some(self.source.as_bytes())
    }

    /// For every byte of the view the one that it was folded from, or zero where a character stands for several or for
    /// another that is not as long; `None` where words were rewritten.
    pub(crate) fn written(&self) -> Option<Cow<'_, [u8]>> {
        match (self.straight_source(), &self.unified) {
            (Some(source), _) => Some(Cow::Borrowed(source)),
            (None, None) => Some(Cow::Owned(self.map.copied_bytes(self.source.as_bytes(), self.bytes.len()))),
            (None, Some(_)) => None,
        }
    }

    /// The folded text with its tabs, which otherwise are spaces.
    pub(crate) fn with_tabs(&self) -> Cow<'_, [u8]> {
        if memchr::memchr(b'\t', self.source.as_bytes()).is_none() {
            return Cow::Borrowed(&self.bytes);
        }
        let mut marked = self.bytes.clone();
        for at in memchr::memchr_iter(b' ', &self.bytes) {
            if self.source_text(at..at + 1) == "\t"
                && let Some(byte) = marked.get_mut(at)
            {
                *byte = b'\t';
            }
        }
        Cow::Owned(marked)
    }

    /// Whether a word ends and another begins before position `at`, seen in the source: a letter
    /// in lower case before a capital, as in `clientIin`.
    pub(crate) fn is_camel_case_boundary(&self, at: usize) -> bool {
        // Most letters stand in the source as they do here, so that they are no capitals.
        if let Some(source) = self.straight_source()
            && let (Some(&[first, second]), Some(&folded)) = (chunk_at(source, at), chunk_at(&self.bytes, at))
            && [first, second] == folded
            && (first < 0x80 || matches!(first, 0xD0..=0xD3))
        {
            return false;
        }
        self.rises_in_source(at)
    }

    fn rises_in_source(&self, at: usize) -> bool {
        let source_at = self.source_range(at..at + 1).start;
        let Some((before, after)) = self.source.split_at_checked(source_at) else { return false };
        after.chars().next().is_some_and(is_uppercase) && before.chars().next_back().is_some_and(char::is_lowercase)
    }
}

fn chunk_at(bytes: &[u8], at: usize) -> Option<&[u8; 2]> {
    bytes.get(at..)?.first_chunk()
}

/// As [`char::is_uppercase`]; small letters of Latin and Cyrillic, which are asked about most, need no Unicode tables.
fn is_uppercase(character: char) -> bool {
    !matches!(character, '\0'..='@' | 'a'..='z' | '\u{430}'..='\u{45F}') && character.is_uppercase()
}

/// The first digit of a view at or after `from`.
pub(crate) fn next_digit(view: &[u8], from: usize) -> Option<usize> {
    let rest = view.get(from..)?;
    // Where there are digits, the next is often near.
    if let Some(near) = rest.first_chunk::<8>() {
        let digits = digit_bits(*near);
        if digits != 0 {
            return Some(from + digits.trailing_zeros() as usize / 8);
        }
    }
    // Whole blocks at a time, since most text has none.
    let has_digit = |block: &[u8; 32]| block.iter().fold(false, |any, byte| any | byte.is_ascii_digit());
    let (blocks, _) = rest.as_chunks::<32>();
    let mut start = 32 * blocks.iter().take_while(|block| !has_digit(block)).count();
    let (blocks, _) = rest.get(start..)?.as_chunks::<8>();
    for block in blocks {
        let digits = digit_bits(*block);
        if digits != 0 {
            return Some(from + start + digits.trailing_zeros() as usize / 8);
        }
        start += 8;
    }
    rest.get(start..)?.iter().position(u8::is_ascii_digit).map(|at| from + start + at)
}

/// The high bit of every byte that is a digit.
const fn digit_bits(block: [u8; 8]) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const EACH: u64 = 0x0101_0101_0101_0101;
    let block = u64::from_le_bytes(block);
    let low = block & !HIGH;
    // No byte of a sum reaches the next one.
    let from_0 = low + (0x80 - b'0' as u64) * EACH;
    let behind_9 = low + (0x80 - (b'9' + 1) as u64) * EACH;
    from_0 & !behind_9 & !block & HIGH
}

/// The next word at or after `at` that has letters of ASCII and letters of Cyrillic or Greek.
fn next_mixed_word(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let (mut start, mut ascii, mut other) = (at, false, false);
    for (offset, &byte) in bytes.get(at..)?.iter().enumerate() {
        if is_letter(byte) {
            ascii |= byte < 0x80;
            // The lead bytes of Greek and Cyrillic.
            other |= matches!(byte, 0xCE..=0xD3);
            continue;
        }
        if ascii && other {
            return Some(start..at + offset);
        }
        (start, ascii, other) = (at + offset + 1, false, false);
    }
    (ascii && other).then_some(start..bytes.len())
}

fn push(bytes: &mut Vec<u8>, character: char) {
    let mut buffer = [0_u8; 4];
    bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
}

/// Whether a byte of a view belongs to a letter.
pub(crate) const fn is_letter(byte: u8) -> bool {
    byte >= 0x80 || byte.is_ascii_lowercase()
}

/// Whether a byte of a view is not the first of its character.
pub(crate) const fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(source: &str) -> String {
        String::from_utf8_lossy(View::new(source).bytes()).into_owned()
    }

    #[test]
    fn folds_case_digits_separators_and_drops_the_invisible() {
        assert_eq!(folded("ИИН\u{a0}９０\u{200b}1\t2\r\n—Ж\0"), "иин 901 2\n\n-ж");
    }

    #[test]
    fn ranges_lead_back_to_the_source() {
        let source = "№ ９\u{200b}0\u{a0}1";
        let view = View::new(source);
        let text = String::from_utf8_lossy(view.bytes()).into_owned();
        assert_eq!(text, "# 90 1");
        let range = view.source_range(2..6);
        assert_eq!(source.get(range), Some("９\u{200b}0\u{a0}1"));
        assert_eq!(source.get(view.source_range(2..3)), Some("９"));
        assert_eq!(source.get(view.source_range(3..4)), Some("0"));
    }

    #[test]
    fn the_next_digit_is_found_wherever_it_stands() {
        for at in 0..100 {
            let view = [vec![b'a'; at], b"7b8".to_vec()].concat();
            assert_eq!(next_digit(&view, 0), Some(at));
            assert_eq!(next_digit(&view, at + 1), Some(at + 2));
            assert_eq!(next_digit(&view, at + 3), None);
        }
    }

    #[test]
    fn digits_are_the_same_in_blocks_and_one_by_one() {
        for byte in 0..=u8::MAX {
            let block = [byte, b'a', b'7', byte, 0xFF, byte, 0, byte];
            assert_eq!(
                digit_bits(block).to_le_bytes(),
                block.map(|byte| u8::from(byte.is_ascii_digit()) << 7),
                "{byte}"
            );
        }
    }

    #[test]
    fn camel_case_is_seen_in_the_source() {
        let view = View::new("clientIin miinus");
        assert!(view.is_camel_case_boundary(6));
        assert!(!view.is_camel_case_boundary(11));
        for letter in ('\0'..='\u{2FFF}').chain('\u{1D400}'..='\u{1D4FF}') {
            let text = format!("a{letter}b");
            let view = View::new(&text);
            for at in 0..view.bytes().len() {
                assert_eq!(view.is_camel_case_boundary(at), view.rises_in_source(at), "{letter}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_character_of_a_view_maps_to_whole_characters(source in "\\PC{0,60}") {
            let view = View::new(&source);
            let text = String::from_utf8(view.bytes().to_vec());
            prop_assert!(text.is_ok());
            let mut from = 0;
            for character in text.unwrap_or_default().chars() {
                let range = view.source_range(from..from + character.len_utf8());
                prop_assert!(source.get(range).is_some_and(|part| !part.is_empty()));
                prop_assert!(!character.is_ascii_uppercase());
                from += character.len_utf8();
            }
        }
    }
}
