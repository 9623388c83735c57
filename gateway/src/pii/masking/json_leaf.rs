//! Where the strings of a JSON text stand in it, byte for byte, in the order of the strict walk.
//!
//! Only for a text that the strict walk has accepted: its nesting is bounded and its strings are well-formed. On any
//! other text the walk here ends early.

use std::borrow::Cow;
use std::ops::Range;

use crate::pii::detector::views::offset_map::OffsetMap;

/// A key, string or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RawLeaf {
    /// Bytes between the quotes, as for a text.
    Key(Range<usize>),
    Text(Range<usize>),
    Number(Range<usize>),
}

/// What a JSON string says, and the way back to the bytes that say it.
pub(crate) struct JsonString<'t> {
    pub(crate) text: Cow<'t, str>,
    map: Option<OffsetMap>,
}

/// Calls `visit(pointer, leaf)` for every key, string and number, in document order; the pointer is the strict walk's.
pub(crate) fn for_each_leaf(json: &str, mut visit: impl FnMut(&str, RawLeaf)) {
    let mut walk = RawWalk { json, at: 0, pointer: String::new(), visit: &mut visit };
    walk.value();
}

/// Calls `visit(pointer, range, text, is_number)` for every key, string and number of a text that the strict walk accepts;
/// `range` has the quotes. False, and no call, for any other text.
pub(crate) fn for_each_json_leaf(json: &str, mut visit: impl FnMut(&str, Range<usize>, &str, bool)) -> bool {
    if shekara_protocol::json::walk(json.as_bytes(), |_, _| {}).is_err() {
        return false;
    }
    for_each_leaf(json, |pointer, leaf| match leaf {
        RawLeaf::Key(range) | RawLeaf::Text(range) => {
            let string = JsonString::read(json.get(range.clone()).unwrap_or_default());
            visit(pointer, range.start - 1..range.end + 1, &string.text, false);
        }
        RawLeaf::Number(range) => visit(pointer, range.clone(), json.get(range).unwrap_or_default(), true),
    });
    true
}

struct RawWalk<'t, F> {
    json: &'t str,
    at: usize,
    pointer: String,
    visit: &'t mut F,
}

impl<F: FnMut(&str, RawLeaf)> RawWalk<'_, F> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.json.as_bytes().get(self.at..)?;
        let skip = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        self.at += skip;
        rest.get(skip).copied()
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.members(),
            b'[' => self.items(),
            b'"' => {
                let range = self.string()?;
                (self.visit)(&self.pointer, RawLeaf::Text(range));
                Some(())
            }
            first => {
                let rest = self.json.as_bytes().get(self.at..)?;
                let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
                let from = self.at;
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
                if first == b'-' || first.is_ascii_digit() {
                    (self.visit)(&self.pointer, RawLeaf::Number(from..self.at));
                }
                Some(())
            }
        }
    }

    fn members(&mut self) -> Option<()> {
        self.at += 1;
        let length = self.pointer.len();
        loop {
            match self.peek()? {
                b'}' => break,
                b',' => self.at += 1,
                _ => {
                    let range = self.string()?;
                    let key = JsonString::read(self.json.get(range.clone())?);
                    self.pointer.push('/');
                    self.pointer.push_str(&key.text.replace('~', "~0").replace('/', "~1"));
                    (self.visit)(&self.pointer, RawLeaf::Key(range));
                    self.peek()?;
                    self.at += 1;
                    self.value()?;
                    self.pointer.truncate(length);
                }
            }
        }
        self.at += 1;
        Some(())
    }

    fn items(&mut self) -> Option<()> {
        self.at += 1;
        let length = self.pointer.len();
        let mut index = 0_usize;
        loop {
            match self.peek()? {
                b']' => break,
                b',' => self.at += 1,
                _ => {
                    self.pointer.push('/');
                    self.pointer.push_str(&index.to_string());
                    self.value()?;
                    self.pointer.truncate(length);
                    index += 1;
                }
            }
        }
        self.at += 1;
        Some(())
    }

    /// Bytes between the quotes of the string that begins here.
    fn string(&mut self) -> Option<Range<usize>> {
        let bytes = self.json.as_bytes();
        (bytes.get(self.at) == Some(&b'"')).then_some(())?;
        let start = self.at + 1;
        let mut at = start;
        loop {
            at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
            if bytes.get(at) == Some(&b'"') {
                self.at = at + 1;
                return Some(start..at);
            }
            at += 2;
        }
    }
}

impl<'t> JsonString<'t> {
    /// Reads what stands between the quotes.
    pub(crate) fn read(raw: &'t str) -> Self {
        let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else {
            return Self { text: Cow::Borrowed(raw), map: None };
        };
        let mut text = String::with_capacity(raw.len());
        let mut map = OffsetMap::default();
        let mut copied = 0;
        let mut at = first;
        loop {
            map.linear(text.len(), copied);
            text.push_str(raw.get(copied..at).unwrap_or_default());
            let (character, length) = escape(raw.get(at..).unwrap_or_default());
            map.atomic(text.len(), at..at + length);
            text.push(character);
            copied = at + length;
            match memchr::memchr(b'\\', raw.as_bytes().get(copied..).unwrap_or_default()) {
                Some(next) => at = copied + next,
                None => break,
            }
        }
        map.linear(text.len(), copied);
        text.push_str(raw.get(copied..).unwrap_or_default());
        Self { text: Cow::Owned(text), map: Some(map) }
    }

    /// The bytes that say a non-empty range of the text.
    pub(crate) fn raw_range(&self, range: Range<usize>) -> Range<usize> {
        self.map.as_ref().map_or(range.clone(), |map| map.source_range(range))
    }
}

/// The character of an escape and its length.
fn escape(rest: &str) -> (char, usize) {
    let unit_at = |at: usize| {
        let hex = rest.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(hex, 16).ok()
    };
    match rest.as_bytes().get(1) {
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => match (unit_at(0), unit_at(6)) {
            (Some(high @ 0xD800..=0xDBFF), Some(low)) => {
                let pair = char::decode_utf16([high, low]).next().and_then(Result::ok);
                (pair.unwrap_or(char::REPLACEMENT_CHARACTER), 12)
            }
            (Some(unit), _) => (char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
            (None, _) => (char::REPLACEMENT_CHARACTER, rest.len().min(2)),
        },
        Some(byte @ (b'"' | b'\\' | b'/')) => (char::from(*byte), 2),
        _ => (char::REPLACEMENT_CHARACTER, 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use shekara_protocol::json::{Leaf, walk};

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\"\\\\/~\n\t\u{1}яa-c😀]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z~/\"\\\\я]{0,4}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn leaves_are_the_strict_walks(value in value(), is_pretty in any::<bool>()) {
            let json = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let json = json.unwrap();
            let mut expected = Vec::new();
            walk(json.as_bytes(), |pointer, leaf| {
                let text = if matches!(leaf, Leaf::Number(_)) { "#" } else { leaf.as_str() };
                expected.push((pointer.to_owned(), text.to_owned()));
            }).unwrap();
            let mut found = Vec::new();
            for_each_leaf(&json, |pointer, leaf| {
                let text = match leaf {
                    RawLeaf::Number(_) => "#".to_owned(),
                    RawLeaf::Key(range) | RawLeaf::Text(range) => JsonString::read(&json[range]).text.into_owned(),
                };
                found.push((pointer.to_owned(), text));
            });
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn ranges_lead_to_the_bytes_that_say_them(
            before in any::<String>(), value in "[a\"\\\\\nя😀]{1,8}", after in any::<String>(),
        ) {
            let text = format!("{before}{value}{after}");
            let raw = serde_json::to_string(&text).unwrap();
            let raw = &raw[1..raw.len() - 1];
            let string = JsonString::read(raw);
            prop_assert_eq!(string.text.as_ref(), text.as_str());
            let range = string.raw_range(before.len()..before.len() + value.len());
            let said = JsonString::read(&raw[range]).text.into_owned();
            prop_assert_eq!(said, value);
        }
    }

    #[test]
    fn texts_that_are_not_json_end_the_walk() {
        for text in ["", "{", "[1,", "{\"a", "{\"a\":", "[\"\\", "}"] {
            for_each_leaf(text, |_, _| {});
        }
        assert_eq!(JsonString::read("\\u00").text, "\u{FFFD}00");
    }
}
