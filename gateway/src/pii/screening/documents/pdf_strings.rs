//! The texts that stand in the objects of a PDF themselves: the document's properties, outlines, notes, form fields and
//! their names, scripts, alternative texts.

use super::extraction::Extraction;
use super::pdf_file::{Indirect, PdfFile, type_of};
use super::pdf_object::{Dict, Object};

/// A field is named before its value is read.
const FIRST_KEYS: [&[u8]; 4] = [b"T", b"TU", b"V", b"DV"];
/// Byte strings that are no text.
const BINARY_KEYS: [&[u8]; 4] = [b"ID", b"Panose", b"CheckSum", b"U"];
/// Bytes of the mark behind the version.
const BINARY_MARK_BYTES: usize = 8;
/// From so many digits on, a number may be an entity's.
const MIN_NUMBER: f64 = 1e9;
/// A name with so many digits is no name of a font or a colour.
const MIN_NAME_DIGITS: usize = 6;

/// Hands out the strings of every object, and the comments between them.
pub(super) fn read(file: &PdfFile<'_>, extraction: &mut Extraction) {
    for (_, Indirect { object, .. }) in file.objects() {
        let mut text = String::new();
        collect(object, &mut text, extraction);
        extraction.push(text);
    }
    for trailer in &file.trailers {
        let mut text = String::new();
        collect_dict(trailer, &mut text, extraction);
        extraction.push(text);
    }
    let comments: Vec<String> = file.comments.split(|&byte| byte == b'\n').filter_map(comment).collect();
    extraction.push(comments.join("\n"));
}

/// Without the version, the end, and the bytes behind the version that no text has, so that programs take the file for
/// binary.
fn comment(line: &[u8]) -> Option<String> {
    if line.starts_with(b"%PDF-") || line == b"%%EOF" {
        return None;
    }
    let text = line.get(1..)?;
    let mark = text.iter().take(BINARY_MARK_BYTES).take_while(|byte| !byte.is_ascii()).count();
    let text = String::from_utf8_lossy(text.get(mark..)?).into_owned();
    text.contains(char::is_alphanumeric).then_some(text)
}

/// Strings, long numbers and names that may be values, each on its line. Nesting is bounded by the lexer.
fn collect(object: &Object, text: &mut String, extraction: &mut Extraction) {
    match object {
        Object::Text(bytes) => add(text, &decode(bytes)),
        Object::Number(number) if number.abs() >= MIN_NUMBER && number.fract() == 0.0 => {
            add(text, &format!("{number:.0}"));
        }
        Object::Name(name) | Object::Keyword(name) if is_telling(name) => add(text, &decode(name)),
        Object::Array(items) => {
            // The colours of a palette.
            if items.first().and_then(Object::as_name) == Some(b"Indexed") {
                return;
            }
            for item in items {
                collect(item, text, extraction);
            }
        }
        Object::Dict(dict) => collect_dict(dict, text, extraction),
        _ => {}
    }
}

fn collect_dict(dict: &Dict, text: &mut String, extraction: &mut Extraction) {
    let is_signature = dict.contains_key(&b"ByteRange"[..]);
    if is_signature && dict.contains_key(&b"Contents"[..]) {
        // A certificate names its holder.
        extraction.note_unread();
    }
    for key in FIRST_KEYS {
        if let Some(value) = dict.get(key) {
            collect(value, text, extraction);
        }
    }
    let is_file_id = type_of(dict).is_none_or(|kind| kind == b"XRef");
    for (key, value) in dict {
        if is_telling(key) {
            add(text, &decode(key));
        }
        let is_binary = BINARY_KEYS.contains(&key.as_slice()) && (key != b"ID" || is_file_id);
        if !FIRST_KEYS.contains(&key.as_slice()) && !is_binary {
            collect(value, text, extraction);
        }
    }
}

fn add(text: &mut String, value: &str) {
    if !value.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(value);
    }
}

fn is_telling(name: &[u8]) -> bool {
    let num_digits = name.iter().filter(|byte| byte.is_ascii_digit()).count();
    num_digits >= MIN_NAME_DIGITS || name.iter().any(|byte| !byte.is_ascii() || matches!(byte, b'@' | b' '))
}

/// A text string (ISO 32000-1, 7.9.2.2). Older programs write the bytes of their own code page, so that what is neither
/// UTF-16 nor UTF-8 is read as Latin and, where it has such letters, as Cyrillic too.
pub(super) fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xFE, 0xFF, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => std::str::from_utf8(bytes).map_or_else(|_| of_code_page(bytes), str::to_owned),
    }
}

fn of_code_page(bytes: &[u8]) -> String {
    let latin: String = bytes.iter().map(|&byte| char::from(byte)).collect();
    let cyrillic: String = bytes.iter().map(|&byte| windows_1251(byte)).collect();
    format!("{latin}\n{cyrillic}")
}

pub(super) fn utf_16(bytes: &[u8], join: impl Fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(&join));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The letters of the code page; its other characters above ASCII are spaces.
pub(super) fn windows_1251(byte: u8) -> char {
    match byte {
        0..=0x7F => char::from(byte),
        0xA8 => 'Ё',
        0xB8 => 'ё',
        0xB2 => 'І',
        0xB3 => 'і',
        0xB9 => '№',
        0xC0..=0xFF => char::from_u32(0x0410 + u32::from(byte) - 0xC0).unwrap_or(' '),
        _ => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_decoded_as_they_declare() {
        assert_eq!(decode(b"\xFE\xFF\x04\x18\x04\x18\x04\x1D"), "ИИН");
        assert_eq!(decode(b"\xFF\xFE\x18\x04"), "И");
        assert_eq!(decode("ИИН".as_bytes()), "ИИН");
        assert!(decode(b"\xC8\xE2\xE0\xED\xEE\xE2").ends_with("Иванов"));
        assert_eq!(decode(b"plain"), "plain");
    }
}
