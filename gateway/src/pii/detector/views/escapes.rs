//! A text with its escapes taken back: percent-encoding, HTML entities, `\uXXXX`, `\xHH`, `\n` and
//! the like. The raw text is scanned as well, so a wrong guess here costs nothing but time.

use std::ops::Range;

use memchr::{memchr3, memchr3_iter};

use super::offset_map::OffsetMap;

/// A decoded text and the way back to what it was decoded from.
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) map: OffsetMap,
}

/// Decodes every escape of `source`; `None` when there is none.
pub(crate) fn decode(source: &str) -> Option<Decoded> {
    let raw = source.as_bytes();
    let first = memchr3_iter(b'%', b'&', b'\\', raw).find(|&at| escape_at(source, at).is_some())?;
    let mut decoded = Decoded { text: String::with_capacity(source.len()), map: OffsetMap::default() };
    let mut copied = 0;
    let mut at = first;
    loop {
        if let Some((character, width)) = escape_at(source, at) {
            decoded.copy(source, copied..at);
            decoded.map.atomic(decoded.text.len(), at..at + width);
            decoded.text.push(character);
            at += width;
            copied = at;
        } else {
            at += 1;
        }
        match memchr3(b'%', b'&', b'\\', raw.get(at..).unwrap_or_default()) {
            Some(next) => at += next,
            None => break,
        }
    }
    decoded.copy(source, copied..source.len());
    Some(decoded)
}

impl Decoded {
    pub(crate) fn copy(&mut self, source: &str, range: Range<usize>) {
        if let Some(part) = source.get(range.clone()).filter(|part| !part.is_empty()) {
            self.map.linear(self.text.len(), range.start);
            self.text.push_str(part);
        }
    }
}

/// The character that an escape at `at` stands for and the bytes it takes.
fn escape_at(source: &str, at: usize) -> Option<(char, usize)> {
    let rest = source.get(at..)?;
    match rest.as_bytes().first()? {
        b'%' => encoded_bytes(rest.as_bytes(), b"%"),
        b'&' => entity(rest),
        b'\\' => backslash(rest.as_bytes()),
        _ => None,
    }
}

/// One UTF-8 character as bytes in hex, each behind `mark`. Control characters other than white
/// space are left as they are.
fn encoded_bytes(rest: &[u8], mark: &[u8]) -> Option<(char, usize)> {
    let step = mark.len() + 2;
    let byte_at = |index: usize| {
        let part = rest.get(index * step..(index + 1) * step)?;
        let hex = part.strip_prefix(mark)?;
        u8::try_from(hex_value(hex)?).ok()
    };
    let first = byte_at(0)?;
    let len = match first {
        0x09 | 0x0A | 0x0D | 0x20..=0x7E => return Some((char::from(first), step)),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let mut buffer = [0_u8; 4];
    for (index, slot) in buffer.iter_mut().enumerate().take(len) {
        *slot = byte_at(index)?;
    }
    let text = std::str::from_utf8(buffer.get(..len)?).ok()?;
    text.chars().next().map(|character| (character, len * step))
}

/// `&#1080;`, `&#x438;` (the semicolon may be missing) and the named entities that can stand in or
/// beside a value.
fn entity(rest: &str) -> Option<(char, usize)> {
    const NAMED: [(&str, char); 19] = [
        ("&nbsp;", ' '),
        ("&ensp;", ' '),
        ("&emsp;", ' '),
        ("&thinsp;", ' '),
        ("&shy;", '\u{ad}'),
        ("&zwj;", '\u{200d}'),
        ("&zwnj;", '\u{200c}'),
        ("&ndash;", '-'),
        ("&mdash;", '-'),
        ("&minus;", '-'),
        ("&amp;", '&'),
        ("&commat;", '@'),
        ("&period;", '.'),
        ("&plus;", '+'),
        ("&lowbar;", '_'),
        ("&quot;", '"'),
        ("&lpar;", '('),
        ("&rpar;", ')'),
        ("&sol;", '/'),
    ];
    if let Some(number) = rest.strip_prefix("&#") {
        let (digits, radix, head) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, 3),
            None => (number, 10, 2),
        };
        let len = digits.bytes().take(8).take_while(|byte| char::from(*byte).is_digit(radix)).count();
        let code = u32::from_str_radix(digits.get(..len)?, radix).ok()?;
        let semicolon = usize::from(digits.as_bytes().get(len) == Some(&b';'));
        return char::from_u32(code).map(|character| (character, head + len + semicolon));
    }
    NAMED.iter().find(|(name, _)| rest.starts_with(name)).map(|&(name, character)| (character, name.len()))
}

fn backslash(rest: &[u8]) -> Option<(char, usize)> {
    match rest.get(1)? {
        b'n' | b'r' => Some(('\n', 2)),
        b't' => Some((' ', 2)),
        b'/' => Some(('/', 2)),
        b'"' => Some(('"', 2)),
        // A doubled backslash is halved, so that twice-escaped text is read in the next round.
        b'\\' => Some(('\\', 2)),
        b'x' => encoded_bytes(rest, b"\\x"),
        b'u' => unicode(rest),
        _ => None,
    }
}

/// `\uXXXX`, surrogate pairs, and `\u{…}`.
fn unicode(rest: &[u8]) -> Option<(char, usize)> {
    if rest.get(2) == Some(&b'{') {
        let len = rest.iter().skip(3).take(7).position(|&byte| byte == b'}')?;
        let code = hex_value(rest.get(3..3 + len)?)?;
        return char::from_u32(code).map(|character| (character, len + 4));
    }
    let unit_at = |at: usize| {
        let hex = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::try_from(hex_value(hex)?).ok()
    };
    let high = unit_at(0)?;
    if let Some(character) = char::from_u32(u32::from(high)) {
        return Some((character, 6));
    }
    let mut decoded = char::decode_utf16([high, unit_at(6)?]);
    decoded.next()?.ok().map(|character| (character, 12))
}

fn hex_value(hex: &[u8]) -> Option<u32> {
    if hex.is_empty() || hex.len() > 7 {
        return None;
    }
    hex.iter().try_fold(0, |value, &byte| Some(value * 16 + char::from(byte).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(source: &str) -> Option<String> {
        decode(source).map(|decoded| decoded.text)
    }

    #[test]
    fn every_kind_of_escape_is_taken_back() {
        for (source, expected) in [
            ("9011%2023%39", "9011 239"),
            ("%D0%98%D0%98%D0%9D", "ИИН"),
            ("90&nbsp;11&#50;&#x33;", "90 1123"),
            ("\\u0418\\u0418\\u041d", "ИИН"),
            ("\\ud835\\udfd8", "𝟘"),
            ("\\u{418}\\x39", "И9"),
            ("a\\nb\\\\n", "a\nb\\n"),
        ] {
            assert_eq!(decoded(source).as_deref(), Some(expected), "{source}");
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        for source in ["100% of & \\d", "%D0", "%85", "&copy", "\\ud835", "", "&#;", "\\u{}"] {
            assert_eq!(decoded(source), None, "{source}");
        }
    }

    #[test]
    fn offsets_lead_back() {
        let decoded = decode("ИИН%20901&nbsp;1").map(|d| (d.map.source_range(7..12), d.text));
        assert_eq!(decoded, Some((9..19, "ИИН 901 1".to_owned())));
    }
}
