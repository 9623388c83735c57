//! Bytes in hexadecimal with a mark between any two ("d0 98 d0 98 d0 9d", "49:49:4E"), as dumps and debuggers write
//! them, where they are readable text. A telephone in pairs of digits is no text once decoded, so it is left alone.

use std::ops::Range;

use super::blobs::{Blob, readable};

/// Fewer bytes are no value.
const MIN_BYTES: usize = 5;

/// Every readable dump of `source`; each byte is looked at a few times at most.
pub(super) fn find(source: &str, found: &mut impl FnMut(Blob)) {
    let raw = source.as_bytes();
    let mut at = 0;
    while let Some((range, bytes)) = next_dump(raw, at) {
        at = range.end;
        if let Some(text) = readable(bytes) {
            found(Blob { text, range });
        }
    }
}

/// The next pairs of digits, all parted by the same mark, at or after `from`, and their values. Of every [`STRIDE`] places
/// one is looked at first, since most text has nothing like it.
fn next_dump(raw: &[u8], from: usize) -> Option<(Range<usize>, Vec<u8>)> {
    (from.next_multiple_of(STRIDE)..raw.len())
        .step_by(STRIDE)
        .filter(|&at| raw.get(at..at + STRIDE - 1).is_some_and(|part| part.iter().all(|&byte| is_of_dump(byte))))
        .find_map(|at| (from.max(at.saturating_sub(STRIDE - 1))..=at).find_map(|start| dump_at(raw, start)))
}

/// A dump of [`MIN_BYTES`] has as many bytes behind one of so many places, wherever it begins.
const STRIDE: usize = 8;

/// The dump that begins here, unless it is too short.
fn dump_at(raw: &[u8], start: usize) -> Option<(Range<usize>, Vec<u8>)> {
    let mark = start + 2;
    if !raw.get(mark).copied().is_some_and(is_mark) || !begins(raw, start) {
        return None;
    }
    // Where two messages meet there may be two spaces.
    let next = |end: usize| (1..=2).find(|&gap| is_gap(raw, mark, end, gap) && is_pair(raw, end + gap));
    let mut end = mark;
    for _ in 1..MIN_BYTES {
        end += next(end)? + 2;
    }
    let mut bytes: Vec<u8> = Vec::with_capacity(2 * MIN_BYTES);
    bytes.extend(byte_at(raw, start));
    end = mark;
    while let Some(gap) = next(end) {
        bytes.extend(byte_at(raw, end + gap));
        end += gap + 2;
    }
    Some((start..end, bytes))
}

const fn is_of_dump(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || is_mark(byte)
}

const fn is_mark(byte: u8) -> bool {
    matches!(byte, b' ' | b':' | b'-')
}

/// Whether the mark at `mark` stands `gap` times from `at` on.
fn is_gap(raw: &[u8], mark: usize, at: usize, gap: usize) -> bool {
    let is_space = raw.get(mark) == Some(&b' ');
    (gap == 1 || is_space) && (at..at + gap).all(|at| raw.get(at) == raw.get(mark))
}

fn is_pair(raw: &[u8], at: usize) -> bool {
    byte_at(raw, at).is_some() && !raw.get(at + 2).is_some_and(u8::is_ascii_alphanumeric)
}

fn begins(raw: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).and_then(|before| raw.get(before));
    byte_at(raw, start).is_some() && !before.is_some_and(u8::is_ascii_alphanumeric)
}

fn byte_at(raw: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*raw.get(at)?).to_digit(16);
    u8::try_from(digit(at)? * 16 + digit(at + 1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<(String, Range<usize>)> {
        let mut all = Vec::new();
        find(source, &mut |blob: Blob| all.push((blob.text, blob.range)));
        all
    }

    #[test]
    fn dumps_of_text_are_read() {
        assert_eq!(texts("x 39 30 31 31 32 33."), [("901123".to_owned(), 2..19)]);
        assert_eq!(texts("39 30  31 31 32 33"), [("901123".to_owned(), 0..18)]);
        assert_eq!(texts("d0:98:D0:98:d0:9d"), [("ИИН".to_owned(), 0..17)]);
        assert_eq!(texts("a 39 30 31 31 32 33 zz 39 30 31 31 32 33").len(), 2);
    }

    #[test]
    fn numbers_addresses_and_words_are_not() {
        for source in ["77 01 23 45 67 89", "00:1b:44:11:3a:b7", "39 30 31 31", "be ad 12 x 10 20", "aa bb-cc dd ee"] {
            assert_eq!(texts(source), [], "{source}");
        }
    }
}
