//! A text that comes in pieces, as a run of characters: as they are, or, of JSON, as its strings say them. Each knows
//! how much of the text it took (`\u005b` is one character of six bytes) and inside how many strings it stands: a
//! string of JSON may itself be JSON.

use std::fmt::Write as _;

/// One character of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) character: char,
    /// Bytes of the text that it took.
    pub(crate) raw_bytes: usize,
    /// How often a value put in its place must be escaped.
    pub(crate) num_strings: usize,
}

/// JSON inside strings inside JSON is followed so far.
const MAX_LEVELS: usize = 5;
/// Stands for what is no character that could matter.
const OTHER: char = char::REPLACEMENT_CHARACTER;

/// Cuts a text into units.
#[derive(Debug)]
pub(crate) enum Lexer {
    Plain,
    Json(JsonLexer),
}

impl Lexer {
    pub(crate) fn plain() -> Self {
        Self::Plain
    }

    pub(crate) fn json() -> Self {
        Self::Json(JsonLexer::default())
    }

    /// The unit that ends with this character of the text, if one does.
    pub(crate) fn feed(&mut self, character: char) -> Option<Unit> {
        match self {
            Self::Plain => Some(Unit { character, raw_bytes: character.len_utf8(), num_strings: 0 }),
            Self::Json(lexer) => lexer.feed(character),
        }
    }

    /// What was begun and will not be ended.
    pub(crate) fn end(&mut self) -> Option<Unit> {
        match self {
            Self::Plain => None,
            Self::Json(lexer) => {
                let raw_bytes = std::mem::take(&mut lexer.raw_bytes);
                (raw_bytes > 0).then_some(Unit { character: OTHER, raw_bytes, num_strings: 1 })
            }
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct JsonLexer {
    levels: Vec<Level>,
    /// Bytes of the unit that has begun.
    raw_bytes: usize,
}

/// Where one level of JSON stands.
#[derive(Debug, Default)]
struct Level {
    state: State,
    content: Content,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    InString,
    Escape,
    /// `\u`, and the digits so far.
    Unicode {
        value: u32,
        num_digits: u8,
    },
}

/// What the string that the level is in turns out to be.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Content {
    #[default]
    Nothing,
    /// `{`, behind which a key makes it JSON.
    Brace,
    /// `[`, behind which an object or a string does.
    Bracket,
    Json,
    Text,
}

enum Fed {
    Pending,
    /// Not inside a string of this level.
    Structure(char),
    Inside(char),
}

impl JsonLexer {
    fn feed(&mut self, character: char) -> Option<Unit> {
        self.raw_bytes += character.len_utf8();
        let mut current = character;
        let mut num_strings = 0;
        loop {
            if self.levels.len() <= num_strings {
                self.levels.push(Level::default());
            }
            let level = self.levels.get_mut(num_strings)?;
            match level.feed(current) {
                Fed::Pending => return None,
                Fed::Structure(character) => {
                    // A string that begins or ends here has nothing inside yet or any more.
                    self.levels.truncate(num_strings + 1);
                    return Some(self.unit(character, num_strings));
                }
                Fed::Inside(character) => {
                    num_strings += 1;
                    if level.content != Content::Json || num_strings == MAX_LEVELS {
                        return Some(self.unit(character, num_strings));
                    }
                    current = character;
                }
            }
        }
    }

    fn unit(&mut self, character: char, num_strings: usize) -> Unit {
        Unit { character, raw_bytes: std::mem::take(&mut self.raw_bytes), num_strings }
    }
}

impl Level {
    fn feed(&mut self, character: char) -> Fed {
        match self.state {
            State::Outside => {
                if character == '"' {
                    *self = Self { state: State::InString, content: Content::Nothing };
                }
                Fed::Structure(character)
            }
            State::InString => match character {
                '"' => {
                    self.state = State::Outside;
                    Fed::Structure(character)
                }
                '\\' => {
                    self.state = State::Escape;
                    Fed::Pending
                }
                other => self.inside(other),
            },
            State::Escape => self.escaped(character),
            State::Unicode { value, num_digits } => self.unicode(value, num_digits, character),
        }
    }

    fn escaped(&mut self, character: char) -> Fed {
        let meant = match character {
            'u' => {
                self.state = State::Unicode { value: 0, num_digits: 0 };
                return Fed::Pending;
            }
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '"' | '\\' | '/' => character,
            _ => OTHER,
        };
        self.inside(meant)
    }

    fn unicode(&mut self, value: u32, num_digits: u8, character: char) -> Fed {
        let Some(digit) = character.to_digit(16) else { return self.inside(OTHER) };
        let value = value * 16 + digit;
        if num_digits < 3 {
            self.state = State::Unicode { value, num_digits: num_digits + 1 };
            return Fed::Pending;
        }
        // Halves of a pair are no part of a token.
        self.inside(char::from_u32(value).unwrap_or(OTHER))
    }

    fn inside(&mut self, character: char) -> Fed {
        self.state = State::InString;
        self.content = match (self.content, character) {
            (Content::Json, _) => Content::Json,
            (content, ' ' | '\n' | '\r' | '\t') => content,
            (Content::Nothing | Content::Bracket, '{') => Content::Brace,
            (Content::Nothing | Content::Bracket, '[') => Content::Bracket,
            (Content::Brace | Content::Bracket, '"') => Content::Json,
            _ => Content::Text,
        };
        Fed::Inside(character)
    }
}

/// A value as it stands inside so many strings of JSON.
pub(crate) fn escaped(value: &str, num_strings: usize) -> String {
    let mut text = value.to_owned();
    for _ in 0..num_strings {
        let mut escaped = String::with_capacity(text.len() + 8);
        for character in text.chars() {
            match character {
                '"' => escaped.push_str("\\\""),
                '\\' => escaped.push_str("\\\\"),
                '\n' => escaped.push_str("\\n"),
                '\r' => escaped.push_str("\\r"),
                '\t' => escaped.push_str("\\t"),
                control if control < ' ' => {
                    let _ = write!(escaped, "\\u{:04x}", u32::from(control));
                }
                other => escaped.push(other),
            }
        }
        text = escaped;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn units(text: &str) -> Vec<Unit> {
        let mut lexer = Lexer::json();
        let mut units: Vec<Unit> = text.chars().filter_map(|character| lexer.feed(character)).collect();
        units.extend(lexer.end());
        units
    }

    fn said(text: &str, num_strings: usize) -> String {
        units(text).iter().filter(|unit| unit.num_strings == num_strings).map(|unit| unit.character).collect()
    }

    #[test]
    fn strings_are_read_as_they_are_meant() {
        assert_eq!(said(r#"{"a": "x\u005b\n\"y\\"}"#, 1), "ax[\n\"y\\");
        assert_eq!(said(r#"{"a": "{\"b\": \"c\\u005b\\\"\"}"}"#, 2), "bc[\"");
        assert_eq!(said(r#"{"a": "[PERSON_X] said \"b\""}"#, 1), "a[PERSON_X] said \"b\"");
        assert_eq!(said(r#"{"a": "\ud83d\ude00\u12"#, 1).chars().filter(|&c| c == OTHER).count(), 3);
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(text in "[\\[\\]{}\":,\\\\u0-9a-fя ]{0,60}") {
            let total: usize = units(&text).iter().map(|unit| unit.raw_bytes).sum();
            prop_assert_eq!(total, text.len());
        }

        #[test]
        fn escaping_is_jsons_own(value in any::<String>()) {
            let parsed: Result<String, _> = serde_json::from_str(&format!("\"{}\"", escaped(&value, 1)));
            prop_assert_eq!(parsed.ok(), Some(value));
        }
    }
}
