//! Long words of ASCII letters and digits: keys, tokens, addresses of wallets. A text of speech has next to none, and
//! only every [`MIN_LEN`]th byte of it is looked at.

use std::ops::Range;

use super::fold::fold;
use super::normalize::View;

/// The shortest word that is reported.
pub(crate) const MIN_LEN: usize = 16;

/// Every word of at least [`MIN_LEN`] bytes: letters, digits, `_`, `-`, `+`, `/`, `=`.
pub(crate) fn long_words(view: &[u8], mut found: impl FnMut(Range<usize>)) {
    let mut at = MIN_LEN - 1;
    let mut floor = 0;
    while let Some(&byte) = view.get(at) {
        if !is_word_byte(byte) {
            at += MIN_LEN;
            continue;
        }
        let before = view.get(floor..at).unwrap_or_default();
        let start = at - before.iter().rev().take_while(|&&byte| is_word_byte(byte)).count();
        let rest = view.get(at..).unwrap_or_default();
        let end = at + rest.iter().take_while(|&&byte| is_word_byte(byte)).count();
        if end - start >= MIN_LEN {
            found(start..end);
        }
        floor = end;
        at = end + MIN_LEN;
    }
}

fn is_word_byte(byte: u8) -> bool {
    const WORD: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=');
            byte += 1;
        }
        table
    };
    WORD[usize::from(byte)]
}

/// A part of a view as it was capitalised in the source, without what is invisible.
pub(crate) fn cased(view: &View<'_>, range: Range<usize>) -> String {
    let source = view.source_text(range);
    if source.is_ascii() {
        return source.to_owned();
    }
    source
        .chars()
        .filter_map(|character| if character.is_ascii() { Some(character) } else { fold(character) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_wherever_they_stand() {
        for pad in 0..45 {
            let text = format!("{} {} x", "я".repeat(pad), "aB3".repeat(8));
            let view = View::new(&text);
            let mut found = Vec::new();
            long_words(view.bytes(), |range| found.push(cased(&view, range)));
            assert_eq!(found, ["aB3".repeat(8)], "{pad}");
        }
    }

    #[test]
    fn the_invisible_is_left_out_and_the_wide_is_narrow() {
        let view = View::new("a\u{200b}B９");
        assert_eq!(cased(&view, 0..view.bytes().len()), "aB9");
    }
}
