//! Everything in a text that could be base64 or hexadecimal, decoded blindly at every alignment: what the detector's
//! blobs leave out because the rest of it is not readable.

/// Shorter runs hold no value.
const MIN_BASE64: usize = 6;
const MIN_HEX: usize = 8;
/// Stands between decoded runs. It is no part of a text in UTF-8.
const BREAK: u8 = 0xFF;

/// The bytes of all runs at all alignments, apart from each other; at most four times as many as the text has.
pub(crate) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for run in text.split(|&byte| sextet(byte).is_none()).filter(|run| run.len() >= MIN_BASE64) {
        for skip in 0..4 {
            push_base64(run.get(skip..).unwrap_or_default(), &mut out);
            out.push(BREAK);
        }
        for hex in run.split(|byte| !byte.is_ascii_hexdigit()).filter(|hex| hex.len() >= MIN_HEX) {
            for skip in 0..2 {
                push_hex(hex.get(skip..).unwrap_or_default(), &mut out);
                out.push(BREAK);
            }
        }
    }
    out
}

fn push_base64(run: &[u8], out: &mut Vec<u8>) {
    let (mut bits, mut num_bits) = (0_u32, 0);
    for value in run.iter().filter_map(|&byte| sextet(byte)) {
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        num_bits += 6;
        if num_bits >= 8 {
            num_bits -= 8;
            out.push((bits >> num_bits & 0xFF) as u8);
        }
    }
}

fn push_hex(run: &[u8], out: &mut Vec<u8>) {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0);
    out.extend(run.chunks_exact(2).map(|pair| match pair {
        [high, low] => (digit(*high) * 16 + digit(*low)) as u8,
        _ => BREAK,
    }));
}

/// Both alphabets, that of RFC 4648 and the one for URLs.
fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, value: &str) -> bool {
        decoded(text.as_bytes()).windows(value.len()).any(|window| window == value.as_bytes())
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
