//! Canonical JSON: the one text of a JSON value, so that its hash and signature mean the same everywhere.
//!
//! RFC 8785 (JCS) without exception: members sorted by UTF-16 code units, the shortest escapes, numbers as ECMAScript
//! prints a double. An integer that a double cannot hold to the digit is refused, since JCS would round it silently;
//! every integer up to 2^53 can be held. Crates that do JCS (`serde_jcs`, `serde_json_canonicalizer`) round, and cannot
//! tell whether a text is canonical; see [`is_canonical`] for why that is asked of texts.

use serde_json::{Map, Number, Value};

use super::AuditRecord;
pub use super::canonical_check::is_canonical;
use super::record_text::record_text;

/// The greatest integer up to which a double holds every one.
pub const MAX_EXACT_INTEGER: u64 = 1 << 53;
/// Objects and lists inside each other.
pub(super) const MAX_DEPTH: usize = 64;

/// A value that has no canonical text here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    #[error("the value has an integer that a double cannot hold")]
    Integer,
    #[error("the value has objects or lists more than {MAX_DEPTH} deep")]
    Depth,
    #[error("the value is not an object")]
    NotAnObject,
    #[error("the value has no JSON form")]
    NotJson,
}

/// An object in canonical form: what an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalObject(String);

impl CanonicalObject {
    /// # Errors
    /// The value is no object, or has no canonical text.
    pub fn new(value: &Value) -> Result<Self, NotCanonical> {
        if value.is_object() { canonical(value).map(Self) } else { Err(NotCanonical::NotAnObject) }
    }

    /// What a record says; integers that no double holds become the greatest that all do.
    ///
    /// # Errors
    /// A number of it has no canonical text.
    pub fn of(record: &AuditRecord) -> Result<Self, NotCanonical> {
        record_text(record).map(Self)
    }

    /// `None` unless the text is a canonical object already.
    pub fn read(text: &str) -> Option<Self> {
        (text.starts_with('{') && is_canonical(text)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The canonical text of a value.
///
/// # Errors
/// It has none: an integer is too large, or it is nested too deep.
pub fn canonical(value: &Value) -> Result<String, NotCanonical> {
    let mut text = String::with_capacity(1024);
    push_value(&mut text, value, 0)?;
    Ok(text)
}

fn push_value(text: &mut String, value: &Value, depth: usize) -> Result<(), NotCanonical> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => push_number(text, number)?,
        Value::String(string) => push_string(text, string),
        Value::Array(_) | Value::Object(_) if depth == MAX_DEPTH => return Err(NotCanonical::Depth),
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                push_value(text, item, depth + 1)?;
            }
            text.push(']');
        }
        Value::Object(members) => push_object(text, members, depth)?,
    }
    Ok(())
}

fn push_object(text: &mut String, members: &Map<String, Value>, depth: usize) -> Result<(), NotCanonical> {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_unstable_by(|(a, _), (b, _)| key_order(a, b));
    text.push('{');
    for (place, (name, value)) in sorted.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        push_string(text, name);
        text.push(':');
        push_value(text, value, depth + 1)?;
    }
    text.push('}');
    Ok(())
}

/// By UTF-16 code units, which is not the order of UTF-8 bytes where characters beyond U+FFFF meet U+E000 to U+FFFF.
pub(super) fn key_order(a: &str, b: &str) -> std::cmp::Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

pub(super) fn push_number(text: &mut String, number: &Number) -> Result<(), NotCanonical> {
    let exact = i128::from(MAX_EXACT_INTEGER);
    match number.as_i128() {
        Some(integer) if (-exact..=exact).contains(&integer) => text.push_str(&number.to_string()),
        integer => {
            let double = number.as_f64().filter(|double| double.is_finite()).ok_or(NotCanonical::NotJson)?;
            let mut buffer = ryu_js::Buffer::new();
            let printed = buffer.format_finite(double);
            if integer.is_some_and(|integer| integer.to_string() != printed) {
                return Err(NotCanonical::Integer);
            }
            text.push_str(printed);
        }
    }
    Ok(())
}

/// Appends a string with its quotes.
pub(super) fn push_string(text: &mut String, string: &str) {
    text.push('"');
    if is_plain(string.as_bytes()) {
        text.push_str(string);
    } else {
        push_escaped(text, string);
    }
    text.push('"');
}

/// Whether no byte of it is escaped, eight of them at once.
fn is_plain(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // A byte below `n` borrows from its high bit, and is none that had it; so does the least byte that is zero.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGHS;
    let (words, rest) = bytes.as_chunks::<8>();
    let is_escaped_in = |word: u64| {
        let (quote, slash) = (word ^ (ONES * u64::from(b'"')), word ^ (ONES * u64::from(b'\\')));
        below(word, 0x20) | below(quote, 1) | below(slash, 1) != 0
    };
    !words.iter().any(|word| is_escaped_in(u64::from_le_bytes(*word)))
        && rest.iter().all(|&byte| escape_of(byte).is_none())
}

fn push_escaped(text: &mut String, string: &str) {
    let mut begin = 0;
    for (at, byte) in string.bytes().enumerate() {
        let Some(escape) = escape_of(byte) else { continue };
        // Characters that are escaped are one byte long, so both sides are whole characters.
        text.push_str(string.get(begin..at).unwrap_or_default());
        match escape {
            Escape::Short(letter) => text.extend(['\\', letter]),
            Escape::Hex => {
                text.push_str("\\u00");
                crate::signing::hex::push_hex(text, &[byte]);
            }
        }
        begin = at + 1;
    }
    text.push_str(string.get(begin..).unwrap_or_default());
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    Short(char),
    Hex,
}

/// How a byte of a string is escaped, if it is.
pub(super) fn escape_of(byte: u8) -> Option<Escape> {
    Some(match byte {
        b'"' => Escape::Short('"'),
        b'\\' => Escape::Short('\\'),
        0x08 => Escape::Short('b'),
        0x09 => Escape::Short('t'),
        0x0a => Escape::Short('n'),
        0x0c => Escape::Short('f'),
        0x0d => Escape::Short('r'),
        0x00..0x20 => Escape::Hex,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(text: &str) -> String {
        canonical(&serde_json::from_str(text).unwrap()).unwrap()
    }

    /// RFC 8785, 3.2.2 and 3.2.4.
    #[test]
    fn the_example_of_the_rfc() {
        let text = r#"{"numbers":[0,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
            \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        let mut value: Value = serde_json::from_str(text).unwrap();
        // Read by serde_json it would be 333333333.33333325.
        value["numbers"][0] = json!("333333333.33333329".parse::<f64>().unwrap());
        assert_eq!(canonical(&value).unwrap(), expected);
    }

    /// RFC 8785, 3.2.3.
    #[test]
    fn members_are_sorted_as_the_rfc_sorts_them() {
        let text = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
            "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
        let value: Value = serde_json::from_str(&of(text)).unwrap();
        let names: Vec<&str> = value.as_object().unwrap().values().filter_map(Value::as_str).collect();
        let expected = [
            "Carriage Return",
            "One",
            "Control",
            "Latin Small Letter O With Diaeresis",
            "Euro Sign",
            "Emoji: Grinning Face",
            "Hebrew Letter Dalet With Dagesh",
        ];
        assert_eq!(names, expected);
    }

    /// RFC 8785, appendix B: the bits of a double and its text.
    #[test]
    fn numbers_are_printed_as_the_rfc_prints_them() {
        let expected = [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ];
        for (bits, text) in expected {
            assert_eq!(canonical(&json!(f64::from_bits(bits))).unwrap(), text);
            assert!(is_canonical(text), "{text}");
        }
    }

    #[test]
    fn integers_keep_their_digits_or_are_refused() {
        for exact in [json!(0), json!(-1), json!(1_u64 << 53), json!(-(1_i64 << 53)), json!(1_u64 << 60)] {
            let kept = canonical(&exact);
            assert!(kept == Ok(exact.to_string()) || kept == Err(NotCanonical::Integer), "{exact}: {kept:?}");
        }
        assert_eq!(canonical(&json!(10_000_000_000_000_000_u64)).unwrap(), "10000000000000000");
        for rounded in [json!((1_u64 << 53) + 1), json!(u64::MAX), json!(i64::MIN), json!(i64::MAX)] {
            assert_eq!(canonical(&json!({ "count": rounded })), Err(NotCanonical::Integer));
        }
    }

    proptest! {
        #[test]
        fn plain_is_what_has_nothing_to_escape(bytes in prop::collection::vec(any::<u8>(), 0..40), plain in "[ -~ә]{0,24}") {
            let expected = |bytes: &[u8]| bytes.iter().all(|byte| escape_of(*byte).is_none());
            prop_assert_eq!(is_plain(&bytes), expected(&bytes));
            prop_assert_eq!(is_plain(plain.as_bytes()), expected(plain.as_bytes()));
        }
    }

    #[test]
    fn a_record_is_an_object() {
        assert_eq!(CanonicalObject::new(&json!([1])), Err(NotCanonical::NotAnObject));
        let object = CanonicalObject::new(&json!({ "b": 1, "a": 2 })).unwrap();
        assert_eq!(object.as_str(), "{\"a\":2,\"b\":1}");
        assert_eq!(CanonicalObject::read(object.as_str()), Some(object));
        assert_eq!(CanonicalObject::read("{\"a\": 2}"), None);
        assert_eq!(CanonicalObject::read("[]"), None);
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let nest = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        assert!(is_canonical(&canonical(&nest(MAX_DEPTH)).unwrap()));
        assert_eq!(canonical(&nest(MAX_DEPTH + 1)), Err(NotCanonical::Depth));
        assert!(!is_canonical(&nest(MAX_DEPTH + 1).to_string()));
    }
}
