//! Everything in a text that could be base64 or hexadecimal, decoded blindly at every alignment: what the detector's
//! blobs leave out because the rest of it is not readable.

use std::ops::Range;

use crate::pii::detector::views::blobs::sextet;

/// Shorter runs hold no value.
const MIN_BASE64: usize = 6;
const MIN_HEX: usize = 8;
/// Stands between decoded runs. It is no part of a text in UTF-8.
const BREAK: u8 = 0xFF;

/// The bytes of all runs that could hold `shortest` bytes, at all alignments, apart from each other; at most four times
/// as many as the text has.
pub(crate) fn decoded(text: &[u8], shortest: usize) -> Vec<u8> {
    let (min_base64, min_hex) = (MIN_BASE64.max((shortest * 4).div_ceil(3)), MIN_HEX.max(shortest * 2));
    let mut out = Vec::new();
    let mut sextets = Vec::new();
    let mut at = 0;
    while let Some(run) = next_run(text, at, min_base64) {
        at = run.end;
        let run = text.get(run).unwrap_or_default();
        sextets.clear();
        sextets.extend(run.iter().filter_map(|&byte| sextet(byte)));
        for skip in 0..4 {
            push_base64(sextets.get(skip..).unwrap_or_default(), &mut out);
            out.push(BREAK);
        }
        for hex in run.split(|byte| !byte.is_ascii_hexdigit()).filter(|hex| hex.len() >= min_hex) {
            for skip in 0..2 {
                push_hex(hex.get(skip..).unwrap_or_default(), &mut out);
                out.push(BREAK);
            }
        }
    }
    out
}

/// The next run of at least `shortest` characters of base64 from `at` on. Most words are shorter: looking at where a run
/// would have to reach passes by them.
fn next_run(text: &[u8], mut at: usize, shortest: usize) -> Option<Range<usize>> {
    loop {
        let window = text.get(at..at + shortest)?;
        match window.iter().rposition(|&byte| sextet(byte).is_none()) {
            Some(last) => at += last + 1,
            None => break,
        }
    }
    let behind = text.iter().skip(at + shortest).take_while(|&&byte| sextet(byte).is_some()).count();
    Some(at..at + shortest + behind)
}

fn push_base64(sextets: &[u8], out: &mut Vec<u8>) {
    let (whole, rest) = sextets.as_chunks::<4>();
    for &[a, b, c, d] in whole {
        out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
    }
    match *rest {
        [a, b] => out.push(a << 2 | b >> 4),
        [a, b, c] => out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2]),
        _ => {}
    }
}

fn push_hex(run: &[u8], out: &mut Vec<u8>) {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0);
    out.extend(run.as_chunks::<2>().0.iter().map(|&[high, low]| (digit(high) * 16 + digit(low)) as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, value: &str) -> bool {
        decoded(text.as_bytes(), value.len()).windows(value.len()).any(|window| window == value.as_bytes())
    }

    #[test]
    fn values_are_found_at_every_alignment_and_beside_anything() {
        // "Иванов", then with one and with two bytes before it.
        for base64 in ["0JjQstCw0L3QvtCy", "eNCY0LLQsNC90L7Qsg", "eHjQmNCy0LDQvdC-0LI", "abc0JjQstCw0L3QvtCyxyz"] {
            assert!(holds(base64, "Иванов"), "{base64}");
        }
        assert!(holds("xD098d0b2d0b0d0bdd0bed0b2a", "Иванов"));
        assert!(!holds("Иванов internationalization", "Иванов"));
    }
}
