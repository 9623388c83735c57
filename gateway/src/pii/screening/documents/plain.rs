//! Files that are text: UTF-8, or UTF-16 that says so.

use super::extraction::Extraction;
use super::markup;
use super::pdf_strings::utf_16;

/// Beside `text/…`.
const TEXT_TYPES: [&str; 16] = [
    "application/octet-stream",
    "application/json",
    "application/jsonl",
    "application/x-ndjson",
    "application/xml",
    "application/xhtml+xml",
    "application/csv",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/sql",
    "application/javascript",
    "application/x-javascript",
    "application/typescript",
    "application/x-sh",
    "application/markdown",
];
/// Texts that are programs for drawing, or letters with files in them.
const NO_PLAIN_TYPES: [&str; 2] = ["text/rtf", "text/richtext"];
/// Ends of names of files that are no plain text, whatever they seem to be.
const NO_PLAIN_ENDS: [&str; 12] =
    [".pdf", ".docx", ".xlsx", ".pptx", ".doc", ".xls", ".ppt", ".rtf", ".svg", ".eml", ".mht", ".ps"];

/// Reads a file that is neither a PDF nor an archive.
pub(super) fn read(media_type: Option<&str>, file_name: Option<&str>, bytes: &[u8], extraction: &mut Extraction) {
    let text = match decode(bytes) {
        Some(text) => text,
        None if bytes.iter().any(|&byte| is_control(byte)) => return extraction.note_unread(),
        // Of a code page that does not say which one it is, at least the figures can be read.
        None => {
            extraction.note_unread();
            String::from_utf8_lossy(bytes).into_owned()
        }
    };
    if text.chars().any(|char| u8::try_from(char).is_ok_and(is_control)) || !is_declared_text(media_type, file_name) {
        extraction.note_unread();
    }
    markup::read(text, extraction);
}

fn decode(bytes: &[u8]) -> Option<String> {
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => return String::from_utf8(rest.to_vec()).ok(),
        _ => return String::from_utf8(bytes.to_vec()).ok(),
    };
    (!text.contains(char::REPLACEMENT_CHARACTER) && bytes.len().is_multiple_of(2)).then_some(text)
}

const fn is_control(byte: u8) -> bool {
    byte == 0x7F || byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C)
}

fn is_declared_text(media_type: Option<&str>, file_name: Option<&str>) -> bool {
    let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = media_type.is_empty() || media_type.starts_with("text/") || TEXT_TYPES.contains(&&*media_type);
    let name = file_name.unwrap_or_default().trim().to_lowercase();
    is_text && !NO_PLAIN_TYPES.contains(&&*media_type) && !NO_PLAIN_ENDS.iter().any(|end| name.ends_with(end))
}
