//! Every readable piece of a JSON body, scanned in batches, so that memory stays a fixed part of the body's own.
//!
//! A string that is itself JSON (tool-call arguments, tool results) is read inside too, so that escapes cannot hide what
//! it says and its keys count as context: `{"iin": 900101300123}`.

use shekara_protocol::error::ApiError;
use shekara_protocol::json::{Leaf, walk};

use super::{Detector, Findings, TextSegment};

/// JSON inside strings inside JSON: deeper than this is scanned as plain text only.
const MAX_NESTING: usize = 4;
const BATCH_PIECES: usize = 1024;
const BATCH_BYTES: usize = 1 << 20;
/// Of a pointer only its end counts as context; keys themselves are scanned whole, as text.
const MAX_POINTER_BYTES: usize = 256;
/// `type` of content parts whose text the walk sees. Everything else cannot be read.
const READABLE_PARTS: [&str; 6] = ["text", "refusal", "input_text", "output_text", "thinking", "tool_result"];

/// What a finished walk over a body found.
#[derive(Debug)]
pub(super) struct BodyScan {
    pub(super) findings: Findings,
    /// A part that is no text: an image, a sound, a file.
    pub(super) has_unreadable_part: bool,
}

/// # Errors
/// The body is not JSON that everybody reads the same way.
pub(super) fn scan_body(body: &[u8], detector: &Detector) -> Result<BodyScan, ApiError> {
    let findings = Findings::new(Vec::new(), true);
    let scan = BodyScan { findings, has_unreadable_part: false };
    let mut reader = BodyReader { detector, pieces: Vec::new(), piece_bytes: 0, num_scanned: 0, scan };
    reader.read(body, 0)?;
    reader.flush();
    Ok(reader.scan)
}

struct BodyReader<'d> {
    detector: &'d Detector,
    /// Pointer and text, not yet scanned.
    pieces: Vec<(String, String)>,
    piece_bytes: usize,
    num_scanned: usize,
    scan: BodyScan,
}

impl BodyReader<'_> {
    fn read(&mut self, json: &[u8], depth: usize) -> Result<(), ApiError> {
        let mut inner = Vec::new();
        walk(json, |pointer, leaf| {
            let text = leaf.as_str();
            if !matches!(leaf, Leaf::Key(_)) {
                self.scan.has_unreadable_part |= depth == 0 && is_unreadable(pointer, text);
                if depth < MAX_NESTING && looks_like_json(text) {
                    inner.push(text.to_owned());
                }
            }
            self.push(pointer_end(pointer), text);
        })?;
        for text in inner {
            // Half-written JSON is scanned as the plain text it is, which was pushed above.
            let _ = self.read(text.as_bytes(), depth + 1);
        }
        Ok(())
    }

    fn push(&mut self, pointer: &str, text: &str) {
        self.piece_bytes += text.len();
        self.pieces.push((pointer.to_owned(), text.to_owned()));
        if self.pieces.len() >= BATCH_PIECES || self.piece_bytes >= BATCH_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let segments: Vec<_> =
            self.pieces.iter().map(|(pointer, text)| TextSegment::new(pointer.as_str(), text.as_str())).collect();
        self.scan.findings.append(self.detector.scan(&segments), self.num_scanned);
        self.num_scanned += segments.len();
        self.pieces.clear();
        self.piece_bytes = 0;
    }
}

fn pointer_end(pointer: &str) -> &str {
    if pointer.len() <= MAX_POINTER_BYTES {
        return pointer;
    }
    let from = pointer.ceil_char_boundary(pointer.len() - MAX_POINTER_BYTES);
    let end = &pointer[from..];
    end.find('/').map_or("", |slash| &end[slash..])
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"'])
}

/// `/messages/N/content/M/type` with a kind that is not known to be text, or embedded data anywhere.
fn is_unreadable(pointer: &str, text: &str) -> bool {
    is_data_url(text) || (is_part_type(pointer) && !READABLE_PARTS.contains(&text))
}

fn is_part_type(pointer: &str) -> bool {
    let Some(rest) = pointer.strip_prefix("/messages/").and_then(|rest| rest.strip_suffix("/type")) else {
        return false;
    };
    let is_index = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    rest.split_once("/content/").is_some_and(|(message, part)| is_index(message) && is_index(part))
}

fn is_data_url(text: &str) -> bool {
    let head = text.trim_start().as_bytes();
    head.len() > 5 && head[..5].eq_ignore_ascii_case(b"data:") && text.contains(";base64,")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::Entity;

    fn scan(body: &str) -> BodyScan {
        scan_body(body.as_bytes(), &Detector::new().unwrap()).unwrap()
    }

    #[test]
    fn nested_json_is_opened_with_its_keys() {
        let found = scan(r#"{"a":["x",{"args":"{\"iin\":\"\\u0039\\u0030\\u0030000000000\"}"}]}"#);
        assert!(found.findings.counts().contains_key(&Entity::Iin), "{:?}", found.findings);
        assert!(scan(r#"{"a":["x",{"args":"{\"sum\":\"900000000000\"}"}]}"#).findings.is_empty());
    }

    #[test]
    fn findings_keep_their_place_over_many_batches() {
        let mut texts = vec!["x"; 3 * BATCH_PIECES];
        texts[2 * BATCH_PIECES + 7] = "901123300258";
        let found = scan(&serde_json::to_string(&texts).unwrap());
        let places: Vec<usize> = found.findings.iter().map(|finding| finding.segment).collect();
        assert_eq!(places, [2 * BATCH_PIECES + 7]);
    }

    #[test]
    fn strings_nested_without_end_and_endless_keys_stay_bounded() {
        let mut text = "1".to_owned();
        for _ in 0..10 {
            text = serde_json::to_string(&[text]).unwrap();
        }
        assert!(scan(&text).findings.is_empty());
        let body = format!(r#"{{"{}":[{}1]}}"#, "k".repeat(200_000), "1,".repeat(100_000));
        assert!(scan(&body).findings.is_complete());
        assert_eq!(pointer_end(&format!("/{}/iin", "я".repeat(300))), "/iin");
    }
}
