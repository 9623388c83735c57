//! A strict walk over a JSON body: every key, string and number in document order.
//!
//! What two parsers could read differently is refused, so that what was looked at is what the next one reads: duplicate
//! keys (after unescaping), invalid UTF-8, lone surrogates, nesting deeper than serde_json's 128, anything behind the end.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::{self, Write as _};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::ApiError;

/// One readable piece of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf<'a> {
    Key(&'a str),
    Text(&'a str),
    /// As decimal digits. Floats without a fraction are written as integers (`9.01e11` as `901000000000`).
    Number(&'a str),
}

impl<'a> Leaf<'a> {
    pub fn as_str(self) -> &'a str {
        match self {
            Self::Key(text) | Self::Text(text) | Self::Number(text) => text,
        }
    }
}

/// Calls `visit(pointer, leaf)` for every key, string and number. `pointer` is a JSON pointer (RFC 6901) to the value;
/// for a key it points at the key's value.
///
/// # Errors
/// A 400 in OpenAI's shape: malformed JSON, a duplicate key, or keys that are too long. None repeats anything of the body.
pub fn walk(body: &[u8], mut visit: impl FnMut(&str, Leaf<'_>)) -> Result<(), ApiError> {
    let mut pointer = String::new();
    let mut refusal = None;
    let walk = Walk { pointer: &mut pointer, refusal: &mut refusal, visit: &mut visit };
    // One look at all bytes is far cheaper than one at each string. Where it fails, the slow way says where.
    let result = match simdutf8::basic::from_utf8(body) {
        Ok(text) => whole(serde_json::Deserializer::from_str(text), walk),
        Err(_) => whole(serde_json::Deserializer::from_slice(body), walk),
    };
    result.map_err(|error| match refusal {
        Some(Refusal::DuplicateKey) => {
            ApiError::invalid_request("The request body has the same key twice in one object.")
                .with_code("duplicate_key")
        }
        Some(Refusal::LongKeys) => {
            let message =
                format!("The keys above a value of the request body are longer than {MAX_POINTER_BYTES} bytes.");
            ApiError::invalid_request(message).with_code("keys_too_long")
        }
        None => ApiError::malformed_json(error.line(), error.column()),
    })
}

fn whole<'de, R: serde_json::de::Read<'de>>(
    mut deserializer: serde_json::Deserializer<R>,
    walk: Walk<'_, impl FnMut(&str, Leaf<'_>)>,
) -> serde_json::Result<()> {
    walk.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Every value is looked at with all keys above it, so that these must be short.
const MAX_POINTER_BYTES: usize = 4 << 10;

/// Why a body is refused that is well-formed JSON.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    DuplicateKey,
    LongKeys,
}

struct Walk<'w, F> {
    pointer: &'w mut String,
    refusal: &'w mut Option<Refusal>,
    visit: &'w mut F,
}

impl<F: FnMut(&str, Leaf<'_>)> Walk<'_, F> {
    fn below(&mut self) -> Walk<'_, F> {
        Walk { pointer: self.pointer, refusal: self.refusal, visit: self.visit }
    }

    fn number(self, text: &str) {
        (self.visit)(self.pointer, Leaf::Number(text));
    }
}

impl<'de, F: FnMut(&str, Leaf<'_>)> DeserializeSeed<'de> for Walk<'_, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(&str, Leaf<'_>)> Visitor<'de> for Walk<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.number(&value.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.number(&value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.number(&value.to_string());
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        (self.visit)(self.pointer, Leaf::Text(text));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let length = self.pointer.len();
        for index in 0_usize.. {
            let _ = write!(self.pointer, "/{index}");
            let more = seq.next_element_seed(self.below())?.is_some();
            self.pointer.truncate(length);
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let length = self.pointer.len();
        let mut seen = Keys::default();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            push_token(self.pointer, &key);
            if self.pointer.len() > MAX_POINTER_BYTES {
                *self.refusal = Some(Refusal::LongKeys);
                return Err(de::Error::custom("long keys"));
            }
            (self.visit)(self.pointer, Leaf::Key(&key));
            if !seen.insert(key) {
                *self.refusal = Some(Refusal::DuplicateKey);
                return Err(de::Error::custom("duplicate key"));
            }
            map.next_value_seed(self.below())?;
            self.pointer.truncate(length);
        }
        Ok(())
    }
}

/// A key as it is written, where it has no escapes.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// The keys of one object so far: a few are compared one by one, more are hashed.
#[derive(Default)]
struct Keys<'de> {
    first: Vec<Cow<'de, str>>,
    more: HashSet<Cow<'de, str>>,
}

impl<'de> Keys<'de> {
    const FEW: usize = 16;

    /// False if it was there already.
    fn insert(&mut self, key: Cow<'de, str>) -> bool {
        if self.first.contains(&key) {
            return false;
        }
        if self.first.len() < Self::FEW {
            self.first.push(key);
            return true;
        }
        self.more.insert(key)
    }
}

fn push_token(pointer: &mut String, key: &str) {
    pointer.push('/');
    if !key.contains(['~', '/']) {
        pointer.push_str(key);
        return;
    }
    for character in key.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(body: &str) -> Vec<(String, String)> {
        let mut out = Vec::new();
        walk(body.as_bytes(), |pointer, leaf| out.push((pointer.to_owned(), leaf.as_str().to_owned()))).unwrap();
        out
    }

    #[test]
    fn visits_keys_strings_and_numbers_everywhere() {
        let found = leaves(r#"{"a/b":[1,{"c":"d"}],"e":-2.5,"f":null,"g":9.01e11,"h":901123300258}"#);
        let expected = [
            ("/a~1b", "a/b"),
            ("/a~1b/0", "1"),
            ("/a~1b/1/c", "c"),
            ("/a~1b/1/c", "d"),
            ("/e", "e"),
            ("/e", "-2.5"),
            ("/f", "f"),
            ("/g", "g"),
            ("/g", "901000000000"),
            ("/h", "h"),
            ("/h", "901123300258"),
        ];
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn refuses_what_parsers_read_differently() {
        let refused: [&[u8]; 8] = [
            br#"{"a":1,"a":2}"#,
            br#"{"x":[{"a":1,"\u0061":2}]}"#,
            br#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"q":1,"q":1}"#,
            b"{\"a\":\"\xff\"}",
            br#"{"a":"\ud800"}"#,
            br#"{"a":1} x"#,
            br#"{"a":1"#,
            b"",
        ];
        for body in refused {
            let error = walk(body, |_, _| {}).unwrap_err();
            assert_eq!(error.status.as_u16(), 400, "{}", String::from_utf8_lossy(body));
        }
        let deep = "[".repeat(100_000);
        assert!(walk(deep.as_bytes(), |_, _| {}).is_err());
    }

    #[test]
    fn a_duplicate_key_is_told_without_its_text() {
        let error = walk(br#"{"m":{"900101300123":1,"900101300123":2}}"#, |_, _| {}).unwrap_err();
        assert_eq!(error.code.as_deref(), Some("duplicate_key"));
        assert!(!error.message.contains("900101300123"), "{}", error.message);
    }
}
