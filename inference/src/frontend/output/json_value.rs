//! One JSON value, read a character at a time: strict (RFC 8259), bounded in depth, linear.

/// Deeper nesting is refused, as serde_json does when the text is parsed later.
const MAX_DEPTH: usize = 120;

/// What a character meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// It belongs to the value.
    More,
    /// It is the value's last.
    Last,
    /// The value ended before it (numbers).
    Ended,
    /// It cannot stand here.
    Malformed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Value,
    /// After `[`: a value or `]`.
    FirstItem,
    /// After `{`: a key or `}`.
    FirstKey,
    Key,
    Colon,
    /// After a value inside an array or object.
    Next,
    Text,
    Escape,
    /// Hexadecimal digits yet to come.
    Unicode(u8),
    Literal(&'static str),
    Number(Number),
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Sign,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Array,
    Object,
}

#[derive(Debug)]
pub(super) struct JsonValue {
    open: Vec<Open>,
    state: State,
    /// The string being read is a key.
    is_key: bool,
}

impl JsonValue {
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), state: State::Value, is_key: false }
    }

    /// A string is being read, so that a control character must be escaped to be JSON.
    pub(super) fn is_in_text(&self) -> bool {
        self.state == State::Text
    }

    pub(super) fn read(&mut self, character: char) -> Read {
        match self.state {
            State::Text => self.text(character),
            State::Escape => match character {
                '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => self.go(State::Text),
                'u' => self.go(State::Unicode(4)),
                _ => Read::Malformed,
            },
            State::Unicode(left) if character.is_ascii_hexdigit() => {
                self.go(if left == 1 { State::Text } else { State::Unicode(left - 1) })
            }
            State::Literal(rest) if rest.starts_with(character) => match &rest[1..] {
                "" => self.value_ended(),
                rest => self.go(State::Literal(rest)),
            },
            State::Number(number) => self.number(number, character),
            State::Unicode(_) | State::Literal(_) | State::Done => Read::Malformed,
            _ => self.structure(character),
        }
    }

    fn go(&mut self, state: State) -> Read {
        self.state = state;
        Read::More
    }

    fn text(&mut self, character: char) -> Read {
        match character {
            '\\' => self.go(State::Escape),
            '"' if self.is_key => self.go(State::Colon),
            '"' => self.value_ended(),
            // A raw control character is a frequent slip of models; the writer of the text escapes it.
            _ => Read::More,
        }
    }

    fn structure(&mut self, character: char) -> Read {
        match (self.state, character) {
            (_, ' ' | '\t' | '\n' | '\r') => Read::More,
            (State::FirstKey | State::Key, '"') => {
                self.is_key = true;
                self.go(State::Text)
            }
            (State::FirstKey, '}') | (State::FirstItem, ']') => self.close(),
            (State::Colon, ':') => self.go(State::Value),
            (State::Next, _) => match (self.open.last(), character) {
                (Some(Open::Array), ',') => self.go(State::Value),
                (Some(Open::Object), ',') => self.go(State::Key),
                (Some(Open::Array), ']') | (Some(Open::Object), '}') => self.close(),
                _ => Read::Malformed,
            },
            (State::Value | State::FirstItem, _) => self.value(character),
            _ => Read::Malformed,
        }
    }

    fn value(&mut self, character: char) -> Read {
        match character {
            '{' => self.enter(Open::Object, State::FirstKey),
            '[' => self.enter(Open::Array, State::FirstItem),
            '"' => {
                self.is_key = false;
                self.go(State::Text)
            }
            't' => self.go(State::Literal("rue")),
            'f' => self.go(State::Literal("alse")),
            'n' => self.go(State::Literal("ull")),
            '-' => self.go(State::Number(Number::Sign)),
            '0' => self.go(State::Number(Number::Zero)),
            '1'..='9' => self.go(State::Number(Number::Integer)),
            _ => Read::Malformed,
        }
    }

    fn enter(&mut self, open: Open, state: State) -> Read {
        if self.open.len() == MAX_DEPTH {
            return Read::Malformed;
        }
        self.open.push(open);
        self.go(state)
    }

    fn close(&mut self) -> Read {
        self.open.pop();
        self.value_ended()
    }

    fn value_ended(&mut self) -> Read {
        if self.open.is_empty() {
            self.state = State::Done;
            return Read::Last;
        }
        self.go(State::Next)
    }

    fn number(&mut self, number: Number, character: char) -> Read {
        let next = match (number, character) {
            (Number::Sign, '0') => Number::Zero,
            (Number::Sign, '1'..='9') | (Number::Integer, '0'..='9') => Number::Integer,
            (Number::Zero | Number::Integer, '.') => Number::Point,
            (Number::Point | Number::Fraction, '0'..='9') => Number::Fraction,
            (Number::Zero | Number::Integer | Number::Fraction, 'e' | 'E') => Number::Exponent,
            (Number::Exponent, '+' | '-') => Number::ExponentSign,
            (Number::Exponent | Number::ExponentSign | Number::ExponentDigits, '0'..='9') => Number::ExponentDigits,
            (Number::Zero | Number::Integer | Number::Fraction | Number::ExponentDigits, _) => {
                return match self.value_ended() {
                    Read::Last => Read::Ended,
                    _ => self.structure(character),
                };
            }
            _ => return Read::Malformed,
        };
        self.go(State::Number(next))
    }
}

/// Writes what stands in a string, escaped where JSON wants it.
pub(super) fn escape_into(text: &str, json: &mut String) {
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            _ => push_in_text(character, json),
        }
    }
}

/// Writes a character of a JSON string as it is, unless it is a control character, which JSON wants escaped.
pub(super) fn push_in_text(character: char, json: &mut String) {
    match character {
        '\n' => json.push_str("\\n"),
        '\r' => json.push_str("\\r"),
        '\t' => json.push_str("\\t"),
        '\u{0}'..='\u{1f}' => {
            const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
            let code = character as usize;
            json.push_str("\\u00");
            json.extend([DIGITS[code >> 4], DIGITS[code & 15]]);
        }
        _ => json.push(character),
    }
}

#[cfg(test)]
#[path = "json_value_tests.rs"]
mod tests;
