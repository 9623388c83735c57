//! Every readable piece of a JSON body, as segments to scan.
//!
//! A string that is itself JSON (tool-call arguments, tool results) is read inside too, so that escapes cannot hide what
//! it says and its keys count as context: `{"iin": 900101300123}`.

use shekara_protocol::error::ApiError;
use shekara_protocol::json::{Leaf, walk};

use super::TextSegment;

/// JSON inside strings inside JSON: deeper than this is scanned as plain text only.
const MAX_NESTING: usize = 4;
/// `type` of content parts whose text the walk sees. Everything else cannot be read.
const READABLE_PARTS: [&str; 6] = ["text", "refusal", "input_text", "output_text", "thinking", "tool_result"];

#[derive(Debug, Default)]
pub(super) struct BodyText {
    pieces: Vec<(String, String)>,
    unreadable: bool,
}

impl BodyText {
    pub(super) fn segments(&self) -> Vec<TextSegment<'_>> {
        self.pieces.iter().map(|(pointer, text)| TextSegment::new(pointer.as_str(), text.as_str())).collect()
    }

    pub(super) fn has_unreadable_part(&self) -> bool {
        self.unreadable
    }

    fn read(&mut self, base: &str, json: &[u8], depth: usize) -> Result<(), ApiError> {
        let mut inner = Vec::new();
        walk(json, |pointer, leaf| {
            let pointer_here = format!("{base}{pointer}");
            let text = leaf.as_str();
            if !matches!(leaf, Leaf::Key(_)) {
                self.unreadable |= depth == 0 && is_unreadable(pointer, text);
                if depth < MAX_NESTING && looks_like_json(text) {
                    inner.push((pointer_here.clone(), text.to_owned()));
                }
            }
            self.pieces.push((pointer_here, text.to_owned()));
        })?;
        for (pointer, text) in inner {
            // Half-written JSON is scanned as the plain text it is, which was pushed above.
            let _ = self.read(&pointer, text.as_bytes(), depth + 1);
        }
        Ok(())
    }
}

/// # Errors
/// The body is not JSON that everybody reads the same way.
pub(super) fn read_body(body: &[u8]) -> Result<BodyText, ApiError> {
    let mut text = BodyText::default();
    text.read("", body, 0)?;
    Ok(text)
}

fn looks_like_json(text: &str) -> bool {
    let trimmed = text.trim_start();
    trimmed.starts_with(['{', '[']) || trimmed.starts_with('"')
}

/// `/messages/N/content/M/type` with a kind that is not known to be text, or embedded data anywhere.
fn is_unreadable(pointer: &str, text: &str) -> bool {
    let mut path = pointer.split('/').skip(1);
    let place = (path.next(), path.next(), path.next(), path.next(), path.next(), path.next());
    let is_part_type = matches!(place, (Some("messages"), Some(_), Some("content"), Some(_), Some("type"), None));
    (is_part_type && !READABLE_PARTS.contains(&text)) || is_data_url(text)
}

fn is_data_url(text: &str) -> bool {
    let head = text.trim_start().as_bytes();
    head.len() > 5 && head[..5].eq_ignore_ascii_case(b"data:") && text.contains(";base64,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_read_and_nested_json_is_opened() {
        let body = br#"{"iin":"1","a":["2",{"args":"{\"phone\":\"\\u0033\"}"}]}"#;
        let text = read_body(body).unwrap();
        let pieces: Vec<_> = text.pieces.iter().map(|(p, t)| format!("{p} {t}")).collect();
        assert!(pieces.contains(&"/iin 1".to_owned()), "{pieces:?}");
        assert!(pieces.contains(&"/a/0 2".to_owned()), "{pieces:?}");
        assert!(pieces.contains(&"/a/1/args/phone 3".to_owned()), "{pieces:?}");
    }

    #[test]
    fn strings_nested_without_end_stay_bounded() {
        let mut text = "1".to_owned();
        for _ in 0..10 {
            text = serde_json::to_string(&[text]).unwrap();
        }
        assert!(read_body(text.as_bytes()).unwrap().pieces.len() <= MAX_NESTING + 2);
    }
}
