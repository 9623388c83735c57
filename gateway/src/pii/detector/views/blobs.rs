//! Base64 and hexadecimal blobs and dumps inside a text that decode to readable text. Binary content (images,
//! keys, hashes) does not look like text once decoded and is left alone.

use std::ops::Range;

use super::hex_dump;

/// Shortest blob: eight characters in base64.
const MIN_LEN: usize = 12;
/// Shortest hexadecimal blob without a mark before it: eight characters. Fewer digits are a number.
const MIN_HEX_LEN: usize = 16;
/// Of a hundred decoded characters, as many must be printable.
const MIN_PRINTABLE_PERCENT: usize = 90;
/// As much of a longer blob tells binary content apart without decoding all of it.
const HEAD_LEN: usize = 512;
/// Line lengths at which encoders wrap (PEM, MIME): the next line goes on with the same blob.
const WRAPS: [usize; 2] = [64, 76];

/// A readable text and the range of the source that it was encoded in.
pub(crate) struct Blob {
    pub(crate) text: String,
    pub(crate) range: Range<usize>,
}

/// Every readable blob of `source`, each byte of which is decoded at most a few times.
pub(crate) fn find(source: &str, mut found: impl FnMut(Blob)) {
    let raw = source.as_bytes();
    // A blob covers at least one of every MIN_LEN positions, so only those are looked at.
    let mut at = MIN_LEN - 1;
    let mut floor = 0;
    while at < raw.len() {
        if !raw.get(at).copied().is_some_and(is_base64_byte) {
            at += MIN_LEN;
            continue;
        }
        let before = raw.get(floor..at).unwrap_or_default();
        let start = at - count_base64(before.iter().rev());
        let end = at + count_base64(raw.get(at..).unwrap_or_default().iter());
        let end = unwrap_lines(raw, start, end);
        if end - start >= MIN_LEN {
            decode_blob(raw, start..end, &mut found);
        }
        floor = end;
        at = end + MIN_LEN;
    }
    short_padded(raw, &mut found);
    hex_dump::find(source, &mut found);
}

/// Shorter blobs that their padding gives away: `RzQwLjI=`.
fn short_padded(raw: &[u8], found: &mut impl FnMut(Blob)) {
    const SHORTEST: usize = 6;
    for sign in memchr::memchr_iter(b'=', raw) {
        let before = raw.get(..sign).unwrap_or_default();
        let len = count_base64(before.iter().rev().take(MIN_LEN));
        let rest = raw.get(sign..).unwrap_or_default();
        let padding = rest.iter().take(3).take_while(|&&byte| byte == b'=').count();
        let goes_on = rest.get(padding).is_some_and(u8::is_ascii_alphanumeric);
        if goes_on || padding > 2 || !(SHORTEST..MIN_LEN).contains(&len) || !(len + padding).is_multiple_of(4) {
            continue;
        }
        let range = sign - len..sign + padding;
        if let Some(text) = readable(decode_base64(before.get(sign - len..).unwrap_or_default())) {
            found(Blob { text, range });
        }
    }
}

fn count_base64<'b>(bytes: impl Iterator<Item = &'b u8>) -> usize {
    bytes.take_while(|&&byte| is_base64_byte(byte)).count()
}

fn is_base64_byte(byte: u8) -> bool {
    sextet(byte).is_some()
}

/// What a byte stands for in base64, in either of its alphabets: that of RFC 4648 and the one for URLs.
pub(crate) fn sextet(byte: u8) -> Option<u8> {
    let sextet = SEXTETS[usize::from(byte)];
    (sextet != NO_SEXTET).then_some(sextet)
}

const NO_SEXTET: u8 = u8::MAX;
const SEXTETS: [u8; 256] = {
    let mut table = [NO_SEXTET; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => NO_SEXTET,
        };
        byte += 1;
    }
    table
};

/// Where a blob that is wrapped into lines ends.
fn unwrap_lines(raw: &[u8], start: usize, end: usize) -> usize {
    let wrap = end - start;
    let mut end = end;
    if !WRAPS.contains(&wrap) {
        return end;
    }
    loop {
        let rest = raw.get(end..).unwrap_or_default();
        let line_break = match rest {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => return end,
        };
        let line = count_base64(rest.get(line_break..).unwrap_or_default().iter());
        if line == 0 || line > wrap {
            return end;
        }
        end += line_break + line;
        if line < wrap {
            return end;
        }
    }
}

fn decode_blob(raw: &[u8], range: Range<usize>, found: &mut impl FnMut(Blob)) {
    let blob = raw.get(range.clone()).unwrap_or_default();
    let digits = blob.strip_prefix(b"0x").or_else(|| blob.strip_prefix(b"0X")).unwrap_or(blob);
    let is_marked = digits.len() < blob.len();
    if (is_marked || digits.len() >= MIN_HEX_LEN)
        && let Some(text) = decode_hex(digits).and_then(readable)
    {
        found(Blob { text, range: range.clone() });
    }
    // Digits alone are a number, whatever they decode to.
    if blob.iter().all(u8::is_ascii_digit) {
        return;
    }
    // Something alphanumeric may be glued to the front (a path, a key): try the other alignments.
    for skip in 0..4 {
        let part = blob.get(skip..).unwrap_or_default();
        let head = part.get(..HEAD_LEN).unwrap_or_default();
        if !head.is_empty() && readable(decode_base64(head)).is_none() {
            continue;
        }
        if let Some(text) = readable(decode_base64(part)) {
            found(Blob { text, range });
            return;
        }
    }
}

fn decode_base64(blob: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(blob.len() / 4 * 3 + 3);
    let mut bits = 0_u32;
    let mut held = 0_u32;
    for &byte in blob {
        let Some(sextet) = sextet(byte) else { continue };
        bits = bits << 6 | u32::from(sextet);
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push((bits >> held) as u8);
        }
    }
    decoded
}

fn decode_hex(blob: &[u8]) -> Option<Vec<u8>> {
    if !blob.iter().all(u8::is_ascii_hexdigit) || !blob.len().is_multiple_of(2) {
        return None;
    }
    let value = |byte: u8| char::from(byte).to_digit(16);
    blob.chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(value(*high)? * 16 + value(*low)?).ok(),
            _ => None,
        })
        .collect()
}

/// The bytes as text, if they are text; a few broken characters (a wrong alignment at an end) are
/// forgiven.
pub(super) fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    let mut total = 0_usize;
    let mut printable = 0_usize;
    for character in text.chars() {
        total += 1;
        printable += usize::from(is_printable(character));
    }
    (total > 0 && printable * 100 >= total * MIN_PRINTABLE_PERCENT).then_some(text)
}

fn is_printable(character: char) -> bool {
    match character {
        '\n' | '\r' | '\t' | ' '..='~' => true,
        char::REPLACEMENT_CHARACTER => false,
        other => !other.is_control() && !other.is_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<(String, Range<usize>)> {
        let mut all = Vec::new();
        find(source, |blob| all.push((blob.text, blob.range)));
        all
    }

    #[test]
    fn base64_and_hex_are_read() {
        assert_eq!(texts("x: OTAxMTIzMzAwMjU4 ."), [("901123300258".to_owned(), 3..19)]);
        assert_eq!(texts("393031313233333030323538"), [("901123300258".to_owned(), 0..24)]);
        assert_eq!(texts("0x393031313233"), [("901123".to_owned(), 0..14)]);
        assert_eq!(texts("x RzQwLjI=, TGU="), [("G40.2".to_owned(), 2..10)]);
        assert_eq!(texts("ODk2MTU2ODc2NjA="), [("89615687660".to_owned(), 0..15)]);
        let wrapped = format!("{}\r\n{}", "YWFh".repeat(19), "YmJi".repeat(2));
        let all = texts(&wrapped);
        assert_eq!(all.len(), 1);
        assert!(all.first().is_some_and(|(text, _)| text.ends_with("aaabbbbbb")));
    }

    #[test]
    fn hashes_words_and_numbers_are_not() {
        for source in [
            "d41d8cd98f00b204e9800998ecf8427e",
            "internationalization misunderstandings",
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
            "90112330025890112330025",
        ] {
            assert_eq!(texts(source), [], "{source}");
        }
    }
}
