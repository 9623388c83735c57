//! Whether a text is canonical JSON already, told without reading it into a value.
//!
//! A hash over a text shows that the text was not changed. That all readers see the same in it takes more: no member
//! twice, no number that one reader rounds. A canonical text has neither. Reading it into a `serde_json` value and
//! printing that would not do: without its feature `float_roundtrip` the last digit of a double may come back another.

use std::cmp::Ordering;

use super::canonical::{Escape, MAX_DEPTH, escape_of, key_order};

/// Whether [`canonical`](super::canonical()) would have written this text.
pub fn is_canonical(text: &str) -> bool {
    let mut scanner = Scanner { text, at: 0 };
    scanner.value(0).is_some() && scanner.at == text.len()
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: &str) -> Option<()> {
        let is_here = self.text.as_bytes().get(self.at..)?.starts_with(wanted.as_bytes());
        is_here.then(|| self.at += wanted.len())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'n' => self.take("null"),
            b't' => self.take("true"),
            b'f' => self.take("false"),
            b'"' => self.string().map(|_| ()),
            b'[' | b'{' if depth == MAX_DEPTH => None,
            b'[' => self.array(depth),
            b'{' => self.object(depth),
            _ => self.number(),
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.take("[")?;
        if self.take("]").is_some() {
            return Some(());
        }
        loop {
            self.value(depth + 1)?;
            if self.take(",").is_none() {
                return self.take("]");
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.take("{")?;
        if self.take("}").is_some() {
            return Some(());
        }
        let mut before = None;
        loop {
            let name = self.string()?;
            if before.is_some_and(|before| order(before, name) != Some(Ordering::Less)) {
                return None;
            }
            before = Some(name);
            self.take(":")?;
            self.value(depth + 1)?;
            if self.take(",").is_none() {
                return self.take("}");
            }
        }
    }

    /// The string as it is written, with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let begin = self.at;
        self.take("\"")?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return self.text.get(begin..self.at);
                }
                b'\\' => self.escape()?,
                0x00..0x20 => return None,
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        self.take("\\")?;
        if self.take("u00").is_none() {
            let letter = char::from(self.peek()?);
            self.at += 1;
            return (0..0x80).any(|byte| escape_of(byte) == Some(Escape::Short(letter))).then_some(());
        }
        let digits = self.text.get(self.at..self.at + 2)?;
        self.at += 2;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        (escape_of(byte) == Some(Escape::Hex) && format!("{byte:02x}") == digits).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e')).unwrap_or(rest.len());
        let written = rest.get(..end)?;
        self.at += end;
        let is_small = end < 16 && !written.starts_with('0') && written.bytes().all(|byte| byte.is_ascii_digit());
        if is_small && end > 0 {
            return Some(());
        }
        let double: f64 = written.parse().ok().filter(|double: &f64| double.is_finite())?;
        (ryu_js::Buffer::new().format_finite(double) == written).then_some(())
    }
}

/// The order of two names that are written with quotes and escapes.
fn order(a: &str, b: &str) -> Option<Ordering> {
    if !a.contains('\\') && !b.contains('\\') {
        return Some(key_order(unquoted(a)?, unquoted(b)?));
    }
    let [a, b] = [a, b].map(|written| serde_json::from_str::<String>(written).ok());
    Some(key_order(&a?, &b?))
}

fn unquoted(written: &str) -> Option<&str> {
    written.get(1..written.len() - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::canonical::canonical;
    use super::*;

    #[test]
    fn another_way_to_write_the_same_is_not_canonical() {
        for text in ["{\"a\":1,\"b\":[]}", "\"\\u0000\\n/é\u{7f}\"", "0", "-5", "1.5", "1e+21", "{}", "[{},\"\"]"] {
            assert!(is_canonical(text), "{text}");
        }
        let others = "{\"b\":1,\"a\":1}|{\"a\":1,\"a\":1}|{\"a\":1,\"\\u0061\":2}|{\"a\": 1}|[1,]|[,1]|{,}|[1|{\"a\"}|\"a|1 |\
            | 1|\"\\/\"|\"\\u000A\"|\"\\u000a\"|\"\\u001F\"|\"\\u00e9\"|\"\\u0041\"|\"\\x\"|1.0|1e5|-0|00|01|+1|1.|.5|1E+21|\
            1e21|9007199254740993|18446744073709551615|1e999|NaN|nul|truefalse|-|\u{1}";
        for text in others.split('|') {
            assert!(!is_canonical(text), "{text}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let number = prop_oneof![
            any::<i32>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |double| double.is_finite()).prop_map(Value::from),
        ];
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, text().prop_map(Value::from)];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((text(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop_oneof![any::<char>(), prop::char::range('\0', '\u{80}'), prop::char::range('\u{e000}', '\u{1f600}')],
            0..5,
        )
        .prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn what_is_written_is_canonical_and_says_the_same(value in any_json()) {
            let text = canonical(&value).unwrap();
            prop_assert!(is_canonical(&text), "{}", text);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(without_floats(read), without_floats(value));
        }

        #[test]
        fn no_text_that_is_not_json_is_canonical(text in "[\\[\\]{}:,\"\\\\ue0-9.+a-]{0,12}") {
            if is_canonical(&text) {
                prop_assert_eq!(canonical(&serde_json::from_str(&text).unwrap()).unwrap(), text);
            }
        }
    }

    /// `serde_json` may read a double's last digit another way, and a whole double as an integer.
    fn without_floats(value: Value) -> Value {
        match value {
            Value::Number(number)
                if number.as_f64().is_some_and(|double| double.abs() >= 1e9 || double.fract() != 0.0) =>
            {
                Value::Null
            }
            Value::Number(number) => Value::from(number.as_f64().unwrap_or_default() + 0.0),
            Value::Array(items) => items.into_iter().map(without_floats).collect(),
            Value::Object(members) => members.into_iter().map(|(name, value)| (name, without_floats(value))).collect(),
            other => other,
        }
    }
}
