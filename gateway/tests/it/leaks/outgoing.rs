//! What went out, in every way in which somebody could read it.

use serde_json::Value;

use super::disguise::{base64, hexadecimal};

/// One request as an external upstream received it.
pub struct Outgoing {
    raw: String,
    /// Every key and string of the body, and what they hold in encodings.
    texts: Vec<String>,
    folded: Vec<String>,
    digits: String,
}

const MAX_DEPTH: usize = 4;
const MIN_FOLDED: usize = 6;
const MIN_DIGITS: usize = 9;

impl Outgoing {
    /// `record` is the head, a line's end, and the body.
    pub fn read(record: &str) -> Self {
        let body = record.split_once('\n').map_or(record, |(_, body)| body);
        let mut texts = vec![record.to_owned()];
        if let Ok(body) = serde_json::from_str(body) {
            collect(&body, 0, &mut texts);
        }
        let leaves = texts.get(1..).unwrap_or_default().concat();
        let digits = folded(&leaves).chars().filter(char::is_ascii_digit).collect();
        let folded = texts.iter().map(|text| folded(text)).collect();
        Self { raw: record.to_owned(), texts, folded, digits }
    }

    /// Whether `value` can be read from it: as it is, folded, as digits, or encoded.
    pub fn holds(&self, value: &str) -> bool {
        let folded = folded(value);
        let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
        self.holds_text(value)
            || (folded.len() >= MIN_FOLDED && self.folded.iter().any(|text| text.contains(&folded)))
            || (digits.len() >= MIN_DIGITS && digits.len() * 2 > folded.len() && self.digits.contains(&digits))
            || encodings(value).iter().any(|encoded| self.raw.contains(encoded))
    }

    /// Whether a token like `[EMAIL_7K2QX]` stands in it.
    pub fn has_token(&self) -> bool {
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        self.raw
            .split('[')
            .skip(1)
            .filter_map(|rest| rest.split_once(']'))
            .any(|(inside, _)| inside.len() >= 8 && inside.contains('_') && inside.chars().all(is_part))
    }

    /// Whether both ends of a value stand in it, each as it was written.
    pub fn holds_ends(&self, value: &str) -> bool {
        let characters: Vec<char> = value.chars().collect();
        let third = (characters.len() / 3).max(1);
        let [head, tail] =
            [&characters[..third], &characters[characters.len() - third..]].map(|end| end.iter().collect::<String>());
        self.holds_text(&head) && self.holds_text(&tail)
    }

    /// Whether this very text stands in it.
    pub fn holds_text(&self, text: &str) -> bool {
        self.texts.iter().any(|own| own.contains(text))
    }
}

/// Hexadecimal, and base64 at each of three places in a longer text.
fn encodings(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let aligned = (0..3).filter_map(|skip| {
        let whole = bytes.get(skip..)?;
        let whole = &whole[..whole.len() / 3 * 3];
        (whole.len() >= MIN_FOLDED).then(|| base64(whole))
    });
    aligned.chain([hexadecimal(bytes), hexadecimal(bytes).to_uppercase()]).collect()
}

fn collect(value: &Value, depth: usize, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => add(text, depth, texts),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(list) => list.iter().for_each(|item| collect(item, depth, texts)),
        Value::Object(fields) => {
            for (key, value) in fields {
                add(key, depth, texts);
                collect(value, depth, texts);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn add(text: &str, depth: usize, texts: &mut Vec<String>) {
    texts.push(text.to_owned());
    if depth == MAX_DEPTH {
        return;
    }
    if let Ok(inner @ (Value::Object(_) | Value::Array(_) | Value::String(_))) = serde_json::from_str(text) {
        collect(&inner, depth + 1, texts);
    }
    for decoded in [percent(text), entities(text), escapes(text)].into_iter().flatten() {
        add(&decoded, depth + 1, texts);
    }
    let is_run = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    for run in text.split(|c| !is_run(c)).filter(|run| run.len() >= 8) {
        for decoded in [from_base64(run), from_hexadecimal(run)].into_iter().flatten() {
            add(&decoded, depth + 1, texts);
        }
    }
}

/// Small ASCII letters and digits, whatever script they were written in.
fn folded(text: &str) -> String {
    let one = |c: char| match c {
        '０'..='９' => char::from_digit(c as u32 - '０' as u32, 10),
        '٠'..='٩' => char::from_digit(c as u32 - '٠' as u32, 10),
        '۰'..='۹' => char::from_digit(c as u32 - '۰' as u32, 10),
        '𝟎'..='𝟿' => char::from_digit((c as u32 - '𝟎' as u32) % 10, 10),
        'а' | 'А' => Some('a'),
        'с' | 'С' => Some('c'),
        'е' | 'Е' => Some('e'),
        'о' | 'О' => Some('o'),
        'р' | 'Р' => Some('p'),
        'х' | 'Х' => Some('x'),
        'В' => Some('b'),
        'Н' => Some('h'),
        'К' => Some('k'),
        'М' => Some('m'),
        'Т' => Some('t'),
        other if other.is_alphanumeric() => other.to_lowercase().next(),
        _ => None,
    };
    text.chars().filter_map(one).collect()
}

fn percent(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn entities(text: &str) -> Option<String> {
    let mut parts = text.split("&#");
    let mut out = parts.next()?.to_owned();
    let mut found = false;
    for part in parts {
        let Some((number, rest)) = part.split_once(';') else {
            out.push_str(part);
            continue;
        };
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        };
        out.extend(code.and_then(char::from_u32));
        out.push_str(rest);
        found = true;
    }
    found.then_some(out)
}

fn escapes(text: &str) -> Option<String> {
    let mut parts = text.split("\\u");
    let mut out = parts.next()?.to_owned();
    let mut found = false;
    for part in parts {
        let code = part.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        out.extend(code);
        out.push_str(part.get(4..).filter(|_| code.is_some()).unwrap_or(part));
        found = true;
    }
    found.then_some(out)
}

fn from_base64(run: &str) -> Option<String> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    let mut out = Vec::new();
    for group in run.as_bytes().chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, byte| (bits << 6) | u32::from(value(*byte)));
        let bits = bits << (6 * (4 - group.len()));
        let bytes = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
        out.extend(&bytes[..group.len() - 1]);
    }
    String::from_utf8(out).ok()
}

fn from_hexadecimal(run: &str) -> Option<String> {
    let pairs: Option<Vec<u8>> =
        run.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    String::from_utf8(pairs?).ok()
}

#[test]
fn values_are_seen_through_every_encoding() {
    let record = |text: &str| Outgoing::read(&format!("POST / {{}}\n{}", serde_json::json!({ "a": text })));
    for text in [
        "901123300258",
        "9011 2330-0258",
        "９０１１２３３００２５８",
        "x OTAxMTIzMzAwMjU4 y",
        "393031313233333030323538",
        "%39%30%31%31%32%33%33%30%30%32%35%38",
        "&#57;01123300258",
        "\\u0039\\u0030\\u0031\\u0031\\u0032\\u0033\\u0033\\u0030\\u0030\\u0032\\u0035\\u0038",
        "{\"b\":\"901123 300258\"}",
    ] {
        assert!(record(text).holds("901123300258"), "{text}");
        assert!(!record(text).holds("850101300124"), "{text}");
    }
    assert!(record("aXhpdmFub3ZAbWFpbC5rengx").holds("ivanov@mail.kz"));
    assert!(record("IVANOV@mail.kz").holds("ivanov@mail.kz"));
}
