//! The objects of a PDF and how they are written (ISO 32000-1, 7.2 and 7.3). Nesting and the number of objects are
//! bounded; what is malformed is `None`.

use std::collections::BTreeMap;

/// Arrays in dictionaries in arrays.
const MAX_DEPTH: usize = 32;

#[derive(Clone, PartialEq)]
pub(super) enum Object {
    Null,
    Bool,
    Number(f64),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Object>),
    Dict(Dict),
    Reference(u32),
    /// An operator of a content stream, or `obj`, `endobj`, `stream` and the like.
    Keyword(Vec<u8>),
}

pub(super) type Dict = BTreeMap<Vec<u8>, Object>;

impl Object {
    pub(super) fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// A number that counts something.
    pub(super) fn as_count(&self) -> Option<usize> {
        self.as_number().filter(|number| number.fract() == 0.0 && (0.0..1e9).contains(number)).map(|n| n as usize)
    }

    pub(super) fn as_name(&self) -> Option<&[u8]> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }

    pub(super) fn as_text(&self) -> Option<&[u8]> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn as_array(&self) -> Option<&[Object]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(super) fn as_dict(&self) -> Option<&Dict> {
        if let Self::Dict(dict) = self { Some(dict) } else { None }
    }
}

pub(super) struct Lexer<'b> {
    bytes: &'b [u8],
    at: usize,
    has_references: bool,
    objects_left: usize,
    /// Texts of comments, which may say anything.
    pub(super) comments: Vec<u8>,
    /// A key stood twice in a dictionary: programs disagree about what it means.
    pub(super) has_duplicate_keys: bool,
}

impl<'b> Lexer<'b> {
    /// `num_objects` is how many objects may be read in all.
    pub(super) fn new(bytes: &'b [u8], num_objects: usize) -> Self {
        Self {
            bytes,
            at: 0,
            has_references: true,
            objects_left: num_objects,
            comments: Vec::new(),
            has_duplicate_keys: false,
        }
    }

    /// Of a content stream or a character map: `1 0 R` is two numbers and an operator there.
    pub(super) fn of_operators(bytes: &'b [u8], num_objects: usize) -> Self {
        Self { has_references: false, ..Self::new(bytes, num_objects) }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn jump(&mut self, at: usize) {
        self.at = at.min(self.bytes.len());
    }

    pub(super) fn objects_left(&self) -> usize {
        self.objects_left
    }

    pub(super) fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let length = self.rest().iter().take_while(|&&byte| byte != b'\n' && byte != b'\r').count();
                self.comments.extend_from_slice(self.rest().get(..length).unwrap_or_default());
                self.comments.push(b'\n');
                self.at += length;
            } else if is_space(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// The next object, or `None` where there is none or it is malformed.
    pub(super) fn object(&mut self) -> Option<Object> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Option<Object> {
        self.objects_left = self.objects_left.checked_sub(1)?;
        self.skip_space();
        let rest = self.rest();
        match rest {
            [b'<', b'<', ..] if depth < MAX_DEPTH => self.dict(depth),
            [b'<', ..] if !rest.starts_with(b"<<") => self.hex_text(),
            [b'(', ..] => self.literal_text(),
            [b'[', ..] if depth < MAX_DEPTH => self.array(depth),
            [b'/', ..] => Some(Object::Name(self.name())),
            [b'+' | b'-' | b'.' | b'0'..=b'9', ..] => Some(self.number_or_reference()),
            [byte, ..] if is_regular(*byte) => Some(self.keyword()),
            _ => None,
        }
    }

    fn dict(&mut self, depth: usize) -> Option<Object> {
        self.at += 2;
        let mut dict = Dict::new();
        loop {
            self.skip_space();
            match self.rest() {
                [b'>', b'>', ..] => {
                    self.at += 2;
                    return Some(Object::Dict(dict));
                }
                [b'/', ..] => {
                    let key = self.name();
                    let value = self.nested(depth + 1)?;
                    self.has_duplicate_keys |= dict.insert(key, value).is_some();
                }
                _ => return None,
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Object> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.peek() == Some(b']') {
                self.at += 1;
                return Some(Object::Array(items));
            }
            items.push(self.nested(depth + 1)?);
        }
    }

    fn name(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut name = Vec::new();
        while let Some(byte) = self.peek().filter(|&byte| is_regular(byte)) {
            let escaped = self.bytes.get(self.at + 1..self.at + 3).filter(|_| byte == b'#').and_then(hex_pair);
            name.push(escaped.unwrap_or(byte));
            self.at += if escaped.is_some() { 3 } else { 1 };
        }
        name
    }

    fn number_or_reference(&mut self) -> Object {
        let first = self.number();
        if !self.has_references {
            return Object::Number(first);
        }
        let after = self.at;
        if let Some(number) = Object::Number(first).as_count().and_then(|number| u32::try_from(number).ok()) {
            let num_comments = self.comments.len();
            self.skip_space();
            let is_digit = |byte: &u8| byte.is_ascii_digit();
            let digits = self.rest().iter().take(6).take_while(|byte| is_digit(byte)).count();
            if (1..=5).contains(&digits) {
                self.at += digits;
                self.skip_space();
                if let [b'R', after @ ..] = self.rest()
                    && !after.first().is_some_and(|&byte| is_regular(byte))
                {
                    self.at += 1;
                    return Object::Reference(number);
                }
            }
            self.comments.truncate(num_comments);
        }
        self.at = after;
        Object::Number(first)
    }

    fn number(&mut self) -> f64 {
        let is_part = |byte: &u8| matches!(byte, b'+' | b'-' | b'.' | b'0'..=b'9');
        let length = self.rest().iter().take_while(|byte| is_part(byte)).count();
        let written = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        std::str::from_utf8(written).ok().and_then(|written| written.parse().ok()).unwrap_or_default()
    }

    fn keyword(&mut self) -> Object {
        let length = self.rest().iter().take_while(|&&byte| is_regular(byte)).count();
        let word = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        match word {
            b"null" => Object::Null,
            b"true" | b"false" => Object::Bool,
            _ => Object::Keyword(word.to_vec()),
        }
    }

    fn hex_text(&mut self) -> Option<Object> {
        let length = memchr::memchr(b'>', self.rest())?;
        let written = self.rest().get(1..length)?;
        self.at += length + 1;
        Some(Object::Text(decode_hex(written)?))
    }

    fn literal_text(&mut self) -> Option<Object> {
        self.at += 1;
        let mut text = Vec::new();
        let mut num_open = 0_usize;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b')' if num_open == 0 => return Some(Object::Text(text)),
                b'\\' => self.escape(&mut text)?,
                _ => {
                    num_open = if byte == b'(' { num_open + 1 } else { num_open - usize::from(byte == b')') };
                    text.push(byte);
                }
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Option<()> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit) = self.peek().filter(|byte| (b'0'..=b'7').contains(byte)) else { break };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                text.push((code & 0xFF) as u8);
            }
            b'\r' => self.at += usize::from(self.peek() == Some(b'\n')),
            b'\n' => {}
            other => text.push(other),
        }
        Some(())
    }
}

/// Hexadecimal digits with white space between; a last digit that is missing is zero.
pub(super) fn decode_hex(written: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = written.iter().copied().filter(|&byte| !is_space(byte)).collect();
    digits.chunks(2).map(|pair| hex_pair(&[*pair.first()?, *pair.get(1).unwrap_or(&b'0')])).collect()
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (high, low) = (digit(pair.first()?)?, digit(pair.get(1)?)?);
    u8::try_from(high * 16 + low).ok()
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

const fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_as_they_are_written() {
        let mut lexer = Lexer::new(b"<</A#42 [1 -.5 2 0 R (a\\(b(c)\\051\\n) <4 1>] /N null>> % IIN\n7 0 RG", 100);
        let Some(Object::Dict(dict)) = lexer.object() else { panic!("a dictionary") };
        let items = dict[&b"AB"[..]].as_array().unwrap();
        assert_eq!(items[0].as_count(), Some(1));
        assert_eq!(items[1].as_number(), Some(-0.5));
        assert!(items[2] == Object::Reference(2));
        assert_eq!(items[3].as_text(), Some(&b"a(b(c))\n"[..]));
        assert_eq!(items[4].as_text(), Some(&b"A"[..]));
        assert!(lexer.object() == Some(Object::Number(7.0)));
        assert_eq!(lexer.comments, b"% IIN\n");
    }

    #[test]
    fn nesting_and_numbers_of_objects_are_bounded() {
        assert!(Lexer::new("[".repeat(1_000_000).as_bytes(), 1_000_000).object().is_none());
        assert!(Lexer::new(b"[1 2 3 4]", 4).object().is_none());
        let nested = format!("({}{})", "(".repeat(100_000), ")".repeat(100_000));
        assert!(Lexer::new(nested.as_bytes(), 9).object().is_some());
        let mut doubled = Lexer::new(b"<</A 1/A 2>>", 9);
        assert!(doubled.object().is_some() && doubled.has_duplicate_keys);
    }
}
