//! Where in a JSON document a text has come to: inside a string, how deep, after which key, in how long a number.
//!
//! Fed with the bytes of a valid prefix (the grammar sees to that), it never fails; whatever it is fed, its size
//! is bounded by the nesting.

/// Longest number literals let through: every parser reads these, and no answer needs longer ones.
const MAX_NUMBER_BYTES: usize = 40;
const MAX_INTEGER_DIGITS: usize = 18;
const MAX_EXPONENT_DIGITS: usize = 2;
/// Deepest nesting let through; common parsers stop at 128.
const MAX_DEPTH: usize = 100;

const HASH_SEED: u64 = 0xcbf2_9ce4_8422_2325;
const HASH_PRIME: u64 = 0x0000_0100_0000_01b3;

/// One more step of the FNV-1a hash, enough to tell places apart.
pub(super) fn mix(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(HASH_PRIME).rotate_left(23)
}

#[derive(Clone, Copy, Default)]
struct Container {
    object: bool,
    /// Of the last key of an object.
    key: u64,
    /// Items of an array before the current one.
    index: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Literal {
    #[default]
    None,
    Number {
        bytes: usize,
        fraction: bool,
        exponent: Option<usize>,
    },
}

impl Literal {
    fn is_overlong(self) -> bool {
        let Self::Number { bytes, fraction, exponent } = self else { return false };
        let integer = !fraction && exponent.is_none();
        bytes > MAX_NUMBER_BYTES
            || (integer && bytes > MAX_INTEGER_DIGITS)
            || exponent.is_some_and(|digits| digits > MAX_EXPONENT_DIGITS)
    }
}

/// Position in a document.
#[derive(Clone, Default)]
pub(super) struct JsonText {
    containers: Vec<Container>,
    in_string: bool,
    escaped: bool,
    /// The next string of the innermost object is a key.
    at_key: bool,
    in_key: bool,
    hash: u64,
    literal: Literal,
}

impl JsonText {
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.push_byte(byte);
        }
    }

    pub fn depth(&self) -> usize {
        self.containers.len()
    }

    pub fn in_string(&self) -> bool {
        self.in_string
    }

    pub fn in_key(&self) -> bool {
        self.in_key
    }

    /// Whether the next byte of a string is the second of an escape.
    pub fn escaped(&self) -> bool {
        self.escaped
    }

    /// Tells apart places whose shortest continuations differ: the key, or the first few items of an array.
    pub fn place(&self) -> u64 {
        let Some(innermost) = self.containers.last() else { return 0 };
        let own = if innermost.object { innermost.key } else { innermost.index.min(7) };
        mix(mix(HASH_SEED, own), u64::from(self.in_key) + 2 * u64::from(self.at_key))
    }

    /// Whether these bytes stay inside the string that the text is in.
    pub fn stays_in_string(&self, bytes: &[u8]) -> bool {
        let mut escaped = self.escaped;
        self.in_string
            && bytes.iter().all(|&byte| {
                let inside = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
                inside
            })
    }

    /// Whether these bytes would make a number too long or too large, or the nesting too deep, for common parsers.
    pub fn strains_parsers(&self, bytes: &[u8]) -> bool {
        if bytes.iter().all(u8::is_ascii_alphabetic) {
            return false;
        }
        let mut depth = self.depth();
        let (literal, in_string, escaped) = (self.literal, self.in_string, self.escaped);
        let mut text = Self { in_string, escaped, literal, ..Self::default() };
        bytes.iter().any(|&byte| {
            match byte {
                b'[' | b'{' if !text.in_string => depth += 1,
                b']' | b'}' if !text.in_string => depth = depth.saturating_sub(1),
                _ => {}
            }
            text.push_byte(byte);
            depth > MAX_DEPTH || text.literal.is_overlong()
        })
    }

    fn push_byte(&mut self, byte: u8) {
        if self.in_string {
            self.push_in_string(byte);
            return;
        }
        self.push_number(byte);
        match byte {
            b'"' => {
                self.in_string = true;
                self.in_key = self.at_key;
                self.hash = HASH_SEED;
            }
            b'{' | b'[' => {
                self.containers.push(Container { object: byte == b'{', ..Container::default() });
                self.at_key = byte == b'{';
            }
            b'}' | b']' => {
                self.containers.pop();
                self.at_key = false;
            }
            b',' => {
                if let Some(innermost) = self.containers.last_mut() {
                    innermost.index += 1;
                    self.at_key = innermost.object;
                }
            }
            b':' => self.at_key = false,
            _ => {}
        }
    }

    fn push_in_string(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_string = false;
                if self.in_key {
                    if let Some(innermost) = self.containers.last_mut() {
                        innermost.key = self.hash;
                    }
                }
                self.in_key = false;
                return;
            }
            _ => {}
        }
        self.hash = mix(self.hash, u64::from(byte));
    }

    fn push_number(&mut self, byte: u8) {
        self.literal = match (self.literal, byte) {
            (Literal::None, b'-' | b'0'..=b'9') => {
                Literal::Number { bytes: usize::from(byte != b'-'), fraction: false, exponent: None }
            }
            (Literal::Number { bytes, fraction, exponent }, b'0'..=b'9') => {
                Literal::Number { bytes: bytes + 1, fraction, exponent: exponent.map(|digits| digits + 1) }
            }
            (Literal::Number { bytes, exponent, .. }, b'.') => {
                Literal::Number { bytes: bytes + 1, fraction: true, exponent }
            }
            (Literal::Number { bytes, fraction, .. }, b'e' | b'E') => {
                Literal::Number { bytes: bytes + 1, fraction, exponent: Some(0) }
            }
            (Literal::Number { bytes, fraction, exponent }, b'+' | b'-') => {
                Literal::Number { bytes: bytes + 1, fraction, exponent }
            }
            _ => Literal::None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> JsonText {
        let mut json = JsonText::default();
        json.push(text.as_bytes());
        json
    }

    #[test]
    fn strings_end_at_their_own_quote() {
        assert!(after(r#"{"a\""#).in_string());
        assert!(!after(r#"{"a\\""#).in_string());
        assert!(after(r#"{"a"#).stays_in_string(br#"\"]}"#));
        assert!(!after(r#"{"a"#).stays_in_string(br#"\\","#));
    }

    #[test]
    fn depth_counts_what_is_open() {
        assert_eq!(after(r#"{"a":[1,{"b":"]}"#).depth(), 3);
        assert_eq!(after(r#"{"a":[1,{"b":"]}"}]"#).depth(), 1);
    }

    #[test]
    fn places_differ_by_key_and_item() {
        assert_ne!(after(r#"{"a":"#).place(), after(r#"{"b":"#).place());
        assert_ne!(after("[1,").place(), after("[").place());
        assert_eq!(after(r#"{"a":[{"k":"#).place(), after(r#"{"bb":[1,{"k":"#).place());
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = after(&"[".repeat(98));
        assert!(!deep.strains_parsers(b"[[]") && deep.strains_parsers(b"[[["));
        assert!(!deep.strains_parsers(b"\"[[[[[[\""));
    }

    #[test]
    fn numbers_have_an_end() {
        assert!(after("[1e9").strains_parsers(b"99"));
        assert!(!after("[1e9").strains_parsers(b"9]"));
        assert!(after("[123456789").strains_parsers(b"1234567890"));
        assert!(!after("[0.123456789").strains_parsers(b"1234567890,"));
        assert!(!after("[\"123456789").strains_parsers(b"1234567890123456789"));
        assert!(after("[\"1\",").strains_parsers(b"1234567890123456789"));
    }
}
