//! Codes of ICD-10, the classification of diseases: "E11.9", "I10", with a Cyrillic letter that looks like the Latin one.

use std::ops::Range;

use super::gap::starts_upper;
use crate::pii::detector::views::lookalike::digit_at;
use crate::pii::detector::views::normalize::{View, is_letter};

/// The code with a dot that ends at a digit, wherever it stands: "E11.9".
pub(super) fn dotted_code(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let code = code_at(view, at)?;
    (starts_upper(view, at) && view.bytes().get(code.clone())?.contains(&b'.')).then_some(code)
}

/// A capital letter, two digits, and up to two more behind a dot.
pub(super) fn code_at(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let bytes = view.bytes();
    let width = letter_at(bytes, at)?;
    let is_capital = starts_upper(view, at);
    let gap = usize::from(
        matches!(bytes.get(at + width), Some(b' ' | b'-')) && bytes.get(at + width + 1).is_some_and(u8::is_ascii_digit),
    );
    let mut end = at + width + gap;
    for _ in 0..2 {
        end += digit_at(bytes, end)?.1;
    }
    if gap > 0 && bytes.get(end) != Some(&b'.') {
        return None;
    }
    if matches!(bytes.get(end), Some(b'.' | b',')) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 2;
        end += usize::from(bytes.get(end).is_some_and(u8::is_ascii_digit));
    }
    end += usize::from(matches!(bytes.get(end), Some(b'+' | b'*')));
    let next = bytes.get(end).copied();
    let is_inside = next.is_some_and(|byte| is_letter(byte) || byte.is_ascii_digit())
        || next == Some(b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    // "J00-J06" is a chapter of the book.
    let is_chapter =
        |at: usize| letter_at(bytes, at).is_some_and(|width| bytes.get(at + width).is_some_and(u8::is_ascii_digit));
    let is_inside = is_inside
        || next == Some(b'-') && is_chapter(end + 1)
        || at
            .checked_sub(3)
            .is_some_and(|before| matches!(bytes.get(before..at), Some([b'0'..=b'9', b'0'..=b'9', b'-'])));
    let has_digit = bytes.get(at + width..end)?.iter().any(u8::is_ascii_digit);
    // Small letters glued to digits are a code where the word of diagnosis stands, prepositions are not.
    let is_written = is_capital || gap == 0 && (width == 1 || bytes.get(end.saturating_sub(2)) == Some(&b'.'));
    (!is_inside && has_digit && is_written).then_some(at..end)
}

/// The width of a Latin letter, or of a Cyrillic one that looks like one.
fn letter_at(view: &[u8], at: usize) -> Option<usize> {
    let rest = view.get(at..)?;
    match rest {
        [b'a'..=b'z', ..] => Some(1),
        // а в е к м н о; р с т у х і
        [0xD0, 0xB0 | 0xB2 | 0xB5 | 0xBA | 0xBC | 0xBD | 0xBE, ..] | [0xD1, 0x80..=0x83 | 0x85 | 0x96, ..] => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<String> {
        let view = View::new(text);
        code_at(&view, 0).map(|range| view.source_text(range).to_owned())
    }

    #[test]
    fn codes_and_what_is_none() {
        for text in ["E11.9", "I10", "Е11.9", "J45.01", "a04.8", "f17", "J 45.0"] {
            assert_eq!(code(text).as_deref(), Some(text));
        }
        for text in ["E1", "E119", "E11.9.1", "J00-J06", "с 10", "к 50", "E11a1", "119", "M 10"] {
            assert_eq!(code(text), None, "{text}");
        }
        assert_eq!(dotted_code(&View::new("I10"), 0), None);
    }
}
