//! Python's literals as JSON: what a model writes as arguments of a call in Python's syntax.

use super::json_value::escape_into;

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 64;

/// Reads `name(key=value, …)` whole; the arguments come as a JSON object. `None` for anything else.
pub(super) fn read_call(text: &str) -> Option<(String, String)> {
    let mut reader = Reader { rest: text };
    let name = reader.dotted_name()?;
    reader.expect('(')?;
    let mut json = String::from("{");
    loop {
        reader.spaces();
        if reader.take(')') {
            break;
        }
        if json.len() > 1 {
            json.push_str(", ");
        }
        let key = reader.name()?;
        reader.expect('=')?;
        json.push('"');
        escape_into(&key, &mut json);
        json.push_str("\": ");
        reader.value(&mut json, 0)?;
        reader.spaces();
        if !reader.take(',') && !reader.rest.starts_with(')') {
            return None;
        }
    }
    json.push('}');
    reader.rest.trim().is_empty().then_some((name, json))
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, character: char) -> bool {
        let rest = self.rest.strip_prefix(character);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, character: char) -> Option<()> {
        self.spaces();
        self.take(character).then_some(())
    }

    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    fn word(&mut self, is_part: impl Fn(char) -> bool) -> &str {
        self.spaces();
        let end = self.rest.find(|character| !is_part(character)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn name(&mut self) -> Option<String> {
        let name = self.word(is_name_part);
        (!name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit())).then(|| name.to_owned())
    }

    fn dotted_name(&mut self) -> Option<String> {
        let name = self.word(|character| is_name_part(character) || matches!(character, '.' | '-'));
        name.starts_with(|first: char| first.is_alphabetic() || first == '_').then(|| name.to_owned())
    }

    fn value(&mut self, json: &mut String, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.spaces();
        match self.rest.chars().next()? {
            '\'' | '"' => self.strings(json),
            '[' => self.list(json, ']', depth),
            '(' => self.list(json, ')', depth),
            '{' => self.dictionary(json, depth),
            '+' | '-' | '.' | '0'..='9' => self.number(json),
            _ => {
                json.push_str(match self.name()?.as_str() {
                    "True" | "true" => "true",
                    "False" | "false" => "false",
                    "None" | "null" => "null",
                    _ => return None,
                });
                Some(())
            }
        }
    }

    fn list(&mut self, json: &mut String, close: char, depth: usize) -> Option<()> {
        self.next()?;
        json.push('[');
        let mut is_first = true;
        loop {
            self.spaces();
            if self.take(close) {
                break;
            }
            if !is_first {
                json.push_str(", ");
            }
            is_first = false;
            self.value(json, depth + 1)?;
            self.spaces();
            if !self.take(',') && !self.rest.starts_with(close) {
                return None;
            }
        }
        json.push(']');
        Some(())
    }

    fn dictionary(&mut self, json: &mut String, depth: usize) -> Option<()> {
        self.next()?;
        json.push('{');
        let mut is_first = true;
        loop {
            self.spaces();
            if self.take('}') {
                break;
            }
            if !is_first {
                json.push_str(", ");
            }
            is_first = false;
            match self.rest.chars().next()? {
                '\'' | '"' => self.strings(json)?,
                _ => {
                    // JSON has no other keys than strings.
                    let mut key = String::new();
                    self.number(&mut key)?;
                    json.extend(["\"", &key, "\""]);
                }
            }
            self.expect(':')?;
            json.push_str(": ");
            self.value(json, depth + 1)?;
            self.spaces();
            if !self.take(',') && !self.rest.starts_with('}') {
                return None;
            }
        }
        json.push('}');
        Some(())
    }

    fn number(&mut self, json: &mut String) -> Option<()> {
        let is_part = |character: char| character.is_ascii_alphanumeric() || "+-._".contains(character);
        let word = self.word(is_part).replace('_', "");
        let (sign, digits) = match word.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", word.strip_prefix('+').unwrap_or(&word)),
        };
        let number = if let Some(hexadecimal) = digits.strip_prefix("0x") {
            format!("{sign}{}", u64::from_str_radix(hexadecimal, 16).ok()?)
        } else {
            let point = if digits.starts_with('.') { "0" } else { "" };
            let digits = digits.replace(".e", ".0e").replace(".E", ".0E");
            let zero = if digits.ends_with('.') { "0" } else { "" };
            format!("{sign}{point}{digits}{zero}")
        };
        let is_number = serde_json::from_str::<serde::de::IgnoredAny>(&number).is_ok()
            && number.contains(|character: char| character.is_ascii_digit());
        is_number.then(|| json.push_str(&number))
    }

    /// Strings that stand next to each other are one.
    fn strings(&mut self, json: &mut String) -> Option<()> {
        json.push('"');
        while let Some(quote @ ('\'' | '"')) = self.rest.chars().next() {
            let triple = [quote; 3].iter().collect::<String>();
            if self.rest.starts_with(&triple) {
                return None;
            }
            self.next()?;
            self.string(quote, json)?;
            self.spaces();
        }
        json.push('"');
        Some(())
    }

    fn string(&mut self, quote: char, json: &mut String) -> Option<()> {
        let mut text = String::new();
        loop {
            match self.next()? {
                '\\' => self.escape(&mut text)?,
                character if character == quote => break,
                character => text.push(character),
            }
        }
        escape_into(&text, json);
        Some(())
    }

    fn escape(&mut self, text: &mut String) -> Option<()> {
        match self.next()? {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            '\n' => {}
            character @ ('\\' | '\'' | '"') => text.push(character),
            'x' => text.push(self.code_point(2)?),
            'u' => text.push(self.unicode()?),
            'U' => text.push(self.code_point(8)?),
            other => text.extend(['\\', other]),
        }
        Some(())
    }

    fn code(&mut self, digits: usize) -> Option<u32> {
        let code = self.rest.get(..digits)?;
        self.rest = &self.rest[digits..];
        u32::from_str_radix(code, 16).ok()
    }

    fn code_point(&mut self, digits: usize) -> Option<char> {
        self.code(digits).and_then(char::from_u32)
    }

    /// Models write characters beyond the first plane as JSON does, in two halves.
    fn unicode(&mut self) -> Option<char> {
        let high = self.code(4)?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high);
        }
        self.rest = self.rest.strip_prefix("\\u")?;
        let low = self.code(4)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)
    }
}

pub(super) fn is_name_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
