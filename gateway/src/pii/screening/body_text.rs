//! Every readable piece of a JSON body, scanned in batches, so that memory stays a fixed part of the body's own.
//!
//! A string that is itself JSON (tool-call arguments, tool results) is read inside too, so that escapes cannot hide what
//! it says and its keys count as context: `{"iin": 900101300123}`.

use std::borrow::Cow;
use std::ops::Range;

use shekara_protocol::error::ApiError;
use shekara_protocol::json::{Leaf, walk};

use super::batch::{Batch, Explanation, NO_LEAF, Split, Waiting};
use super::data_url::{data_urls, has_data_url};
use super::documents::Reading;
use super::file_parts::{FilePart, Files, Taken};
use super::joined::{Join, Joined, JoinedView};
use super::turns::Turns;
use super::unreadable::is_unreadable;
use crate::pii::{Detector, Findings, Policy, keys_of};

/// JSON inside strings inside JSON: deeper than this is scanned as plain text only.
pub(crate) const MAX_NESTING: usize = 4;
/// Shorter numbers are no entity's.
const MIN_WRITTEN_NUMBER: usize = 10;
/// Of a pointer only its end counts as context; keys themselves are scanned whole, as text.
const MAX_POINTER_BYTES: usize = 256;

/// JSON inside strings; neighbours joined directly; neighbours with spaces; numbers as they are written.
const NUM_VIEWS: usize = 4;
const NESTED: usize = 0;
const JOINED: usize = 1;
const SPACED: usize = 2;
const WRITTEN: usize = 3;

/// What a finished walk over a body found.
#[derive(Debug)]
pub(crate) struct BodyScan {
    /// In the texts as they stand; a segment is a leaf of the body, keys included, in document order.
    pub(crate) findings: Findings,
    /// In further views of the same texts. What several of them show is the same value, not two.
    pub(crate) view_findings: [Findings; NUM_VIEWS],
    /// Of those, values of which parts stand in several leaves.
    pub(crate) split: Vec<Split>,
    /// In the texts of files. Nothing can be put in their place.
    pub(crate) file_findings: Findings,
    /// A part that is no text, or not only: an image, a sound, a file.
    pub(crate) has_unreadable_part: bool,
}

/// # Errors
/// The body is not JSON that everybody reads the same way.
pub(crate) fn scan_body(body: &[u8], detector: &Detector) -> Result<BodyScan, ApiError> {
    BodyReader::new(detector, None, None).scan(body).map(|(scan, _)| scan)
}

/// As [`scan_body`], for a decision by `policy`: no second stage is asked about texts of which the rules have said enough.
///
/// # Errors
/// As [`scan_body`].
pub(crate) fn scan_body_for(body: &[u8], detector: &Detector, policy: &Policy) -> Result<BodyScan, ApiError> {
    BodyReader::new(detector, Some(policy), None).scan(body).map(|(scan, _)| scan)
}

/// As [`scan_body`], and where everything stands.
///
/// # Errors
/// As [`scan_body`].
pub(crate) fn explain_body(body: &[u8], detector: &Detector) -> Result<(BodyScan, Explanation), ApiError> {
    BodyReader::new(detector, None, Some(Explanation::default())).scan(body)
}

struct BodyReader<'d> {
    detector: &'d Detector,
    plain: Batch<'d>,
    views: [Batch<'d>; NUM_VIEWS],
    files: Files,
    file_texts: Batch<'d>,
    has_unreadable_part: bool,
    num_leaves: usize,
    explanation: Option<Explanation>,
}

impl<'d> BodyReader<'d> {
    fn new(detector: &'d Detector, policy: Option<&'d Policy>, explanation: Option<Explanation>) -> Self {
        Self {
            detector,
            plain: Batch::new(policy),
            views: std::array::from_fn(|_| Batch::new(policy)),
            files: Files::default(),
            file_texts: Batch::new(policy),
            has_unreadable_part: false,
            num_leaves: 0,
            explanation,
        }
    }

    fn scan(mut self, body: &[u8]) -> Result<(BodyScan, Explanation), ApiError> {
        self.read(body, 0)?;
        let explanation = &mut self.explanation;
        let (findings, _) = self.plain.finish(self.detector, explanation);
        let mut split = Vec::new();
        let view_findings = self.views.map(|view| {
            let (findings, of_view) = view.finish(self.detector, explanation);
            split.extend(of_view);
            findings
        });
        let (file_findings, _) = self.file_texts.finish(self.detector, explanation);
        let scan =
            BodyScan { findings, view_findings, split, file_findings, has_unreadable_part: self.has_unreadable_part };
        Ok((scan, self.explanation.unwrap_or_default()))
    }

    fn read(&mut self, json: &[u8], depth: usize) -> Result<(), ApiError> {
        let mut inner = Vec::new();
        let mut joined = Joined::default();
        let mut turns = Turns::default();
        walk(json, |pointer, leaf| {
            let text = leaf.as_str();
            if matches!(leaf, Leaf::Key(_)) {
                self.leaf(pointer, text, depth);
                return;
            }
            if depth == 0 {
                let left = self.files.left_by(pointer);
                self.file_part(left, &mut inner);
            }
            let Some((number, shown)) = self.value(pointer, text, depth, &mut inner) else { return };
            // Of numbers only digits are joined: an array of counts or token ids is no number spelled out.
            if matches!(leaf, Leaf::Text(_)) || text.len() == 1 {
                joined.add(pointer, &shown, number, &mut |view| self.joined(view));
                turns.add(pointer, &shown, number, &mut |view| self.joined(view));
            }
            if depth < MAX_NESTING && looks_like_json(text) {
                inner.push(text.to_owned());
            }
        })?;
        if depth == 0 {
            let left = self.files.finish();
            self.file_part(left, &mut inner);
        }
        joined.finish(&mut |view| self.joined(view));
        turns.finish(&mut |view| self.joined(view));
        for_each_written_number(json, |view| self.push(WRITTEN, Waiting::new("", view, NO_LEAF)));
        for text in inner {
            if depth >= MAX_NESTING {
                break;
            }
            // Half-written JSON is scanned as the plain text it is, which was pushed above.
            let _ = self.read(text.as_bytes(), depth + 1);
        }
        Ok(())
    }

    /// Hands a value over and returns the number of its leaf and its text without the files in it; `None` for a file that
    /// waits for its part.
    fn value<'t>(
        &mut self,
        pointer: &str,
        text: &'t str,
        depth: usize,
        inner: &mut Vec<String>,
    ) -> Option<(usize, Cow<'t, str>)> {
        let is_doubtful = depth == 0 && is_unreadable(pointer, text);
        let taken = if depth == 0 { self.files.take(pointer, text, self.num_leaves, is_doubtful) } else { None };
        if taken == Some(Taken::Data) {
            self.numbered(pointer, text);
            return None;
        }
        self.has_unreadable_part |= is_doubtful && taken.is_none();
        let urls = if has_data_url(text) { data_urls(text) } else { Some(Vec::new()) };
        self.has_unreadable_part |= urls.is_none();
        let number = if depth == 0 { self.num_leaves } else { NO_LEAF };
        let mut shown = Cow::Borrowed(text);
        for url in urls.unwrap_or_default() {
            let place = url.at..url.at + url.data.len();
            let reading = self.files.file(Some(url.media_type), None, url.data);
            if reading != Reading::Unreadable {
                shown.to_mut().replace_range(place.clone(), &" ".repeat(place.len()));
            }
            self.file_text(reading, &(number, place), inner);
        }
        // As long as the text itself, so that places stay what they are.
        let number = self.leaf(pointer, &shown, depth);
        if is_name_in_code(pointer, text) {
            self.push(NESTED, Waiting::new(pointer_end(pointer), &text.replace('_', " "), NO_LEAF));
        }
        Some((number, shown))
    }

    /// Hands a leaf over and returns its number; what stands inside a string has none.
    fn leaf(&mut self, pointer: &str, text: &str, depth: usize) -> usize {
        let number = if depth == 0 { self.numbered(pointer, text) } else { NO_LEAF };
        let pointer = pointer_end(pointer);
        if self.explanation.is_none() && self.detector.is_known_clean(keys_of(pointer), text) {
            return number;
        }
        let waiting = Waiting::new(pointer, text, number);
        if depth > 0 {
            self.push(NESTED, waiting);
        } else {
            self.plain.push(waiting, self.detector, &mut self.explanation);
        }
        number
    }

    fn numbered(&mut self, pointer: &str, text: &str) -> usize {
        let number = self.num_leaves;
        self.num_leaves += 1;
        if let Some(explanation) = &mut self.explanation {
            explanation.leaves.push((pointer.to_owned(), text.to_owned()));
        }
        number
    }

    /// What a file part holds counts as its text. Of the leaf that it was encoded in only what is not the file is scanned.
    fn file_part(&mut self, part: Option<FilePart>, inner: &mut Vec<String>) {
        let Some(FilePart { reading, data, text }) = part else { return };
        let place = data.map(|(leaf, before, pointer)| {
            let place = (leaf, 0..text.len());
            let told = text.get(..before).unwrap_or(&text);
            self.push_file_text(Waiting::new(pointer_end(&pointer), told, NO_LEAF), place.clone());
            place
        });
        let place = place.unwrap_or((NO_LEAF, 0..0));
        self.file_text(reading, &place, inner);
    }

    fn file_text(&mut self, reading: Reading, place: &(usize, Range<usize>), inner: &mut Vec<String>) {
        let (pieces, is_whole) = match reading {
            Reading::Text(pieces) => (pieces, true),
            Reading::Partly(pieces) => (pieces, false),
            Reading::Unreadable => (Vec::new(), false),
        };
        self.has_unreadable_part |= !is_whole;
        for text in pieces {
            // A file inside a file.
            self.has_unreadable_part |= has_data_url(&text);
            if looks_like_json(&text) {
                inner.push(text.clone());
            }
            self.push_file_text(Waiting::new("", &text, NO_LEAF), place.clone());
        }
    }

    fn push_file_text(&mut self, waiting: Waiting, place: (usize, Range<usize>)) {
        let waiting = Waiting { file: Some(place), ..waiting };
        self.file_texts.push(waiting, self.detector, &mut self.explanation);
    }

    fn joined(&mut self, view: JoinedView<'_>) {
        let batch = match view.join {
            Join::Directly => JOINED,
            Join::Spaced => SPACED,
        };
        let pointer = pointer_end(view.pointer).to_owned();
        let JoinedView { text, places, from, is_turn, is_dialogue, .. } = view;
        let waiting = Waiting { pointer, text, leaf: NO_LEAF, places, from, is_turn, is_dialogue, file: None };
        self.push(batch, waiting);
    }

    fn push(&mut self, view: usize, waiting: Waiting) {
        if let Some(batch) = self.views.get_mut(view) {
            batch.push(waiting, self.detector, &mut self.explanation);
        }
    }
}

/// Numbers outside strings as they are written, where a parser's value may lose digits: `9860522896477943.0`. The marks
/// between their digits become spaces. `json` is known to be well-formed.
fn for_each_written_number(json: &[u8], mut visit: impl FnMut(&str)) {
    let mut at = 0;
    while at < json.len() {
        match json[at] {
            b'"' => {
                at += 1;
                while let Some(found) = memchr::memchr2(b'"', b'\\', json.get(at..).unwrap_or_default()) {
                    at += found + 1;
                    if json[at - 1] == b'"' {
                        break;
                    }
                    at += 1;
                }
            }
            b'-' | b'0'..=b'9' => {
                let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let length = json[at..].iter().take_while(|byte| is_number(byte)).count();
                let number = &json[at..at + length];
                if length >= MIN_WRITTEN_NUMBER && number.iter().any(|byte| !byte.is_ascii_digit()) {
                    let spaced = number.iter().map(|&byte| if byte.is_ascii_digit() { char::from(byte) } else { ' ' });
                    visit(&spaced.collect::<String>());
                }
                at += length;
            }
            _ => at += 1,
        }
    }
}

/// Names of participants and the like may have no spaces: "nurlanov_serik".
fn is_name_in_code(pointer: &str, text: &str) -> bool {
    const LONGEST: usize = 128;
    let is_named = ["/name", "/user", "/filename", "/safety_identifier"].iter().any(|member| pointer.ends_with(member));
    let is_snake = text.len() <= LONGEST && text.contains('_') && !text.contains(' ');
    is_snake && (is_named || pointer.starts_with("/metadata/"))
}

pub(crate) fn pointer_end(pointer: &str) -> &str {
    if pointer.len() <= MAX_POINTER_BYTES {
        return pointer;
    }
    let from = pointer.ceil_char_boundary(pointer.len() - MAX_POINTER_BYTES);
    let end = &pointer[from..];
    end.find('/').map_or("", |slash| &end[slash..])
}

pub(crate) fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"'])
}

#[cfg(test)]
mod tests {
    use super::super::batch::BATCH_PIECES;
    use super::*;
    use crate::pii::Entity;

    fn scan(body: &str) -> BodyScan {
        scan_body(body.as_bytes(), &Detector::new().unwrap()).unwrap()
    }

    fn in_views(scan: &BodyScan) -> usize {
        scan.view_findings.iter().map(Findings::len).sum()
    }

    #[test]
    fn arrays_of_numbers_are_no_spelled_out_number() {
        assert_eq!(in_views(&scan(r#"{"prompt":[9011,2330,258,901123,300258]}"#)), 0);
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for number in ["9860522896477943.0", "0.901123300258", "-901123300258.5", "9.01123300258e11"] {
            let found = scan(&format!(r#"{{"a":"\"{{","n":{number}}}"#));
            let count = found.findings.len() + in_views(&found);
            assert!(count > 0, "{number}");
        }
        let plain = scan(r#"{"a":"0.901123300258 \" 0.901123300258","n":[1.5,12345.678901]}"#);
        assert_eq!(in_views(&plain), 0, "{plain:?}");
    }

    #[test]
    fn neighbours_are_read_together() {
        for body in [
            r#"{"content":[{"type":"text","text":"мой ИИН 901123"},{"type":"text","text":"300258"}]}"#,
            r#"{"iin":[9,0,1,1,2,3,3,0,0,2,5,8]}"#,
            r#"{"iin":["9011","2330","0258"]}"#,
            r#"{"iin":["9000","0000","0000"],"other":["x","y"]}"#,
        ] {
            let views = scan(body).view_findings;
            assert!(views.iter().any(|view| view.counts().contains_key(&Entity::Iin)), "{body}");
        }
    }

    #[test]
    fn keys_speak_for_what_is_encoded_under_them() {
        for value in ["4e3735373538373631", "Tjc1NzU4NzYx"] {
            let found = scan(&format!(r#"{{"metadata":{{"passport":"{value}"}}}}"#)).findings;
            assert!(found.counts().contains_key(&Entity::Passport), "{value}: {found:?}");
        }
    }

    #[test]
    fn names_without_spaces_are_read_where_an_api_asks_for_them() {
        for body in [
            r#"{"messages":[{"role":"user","name":"nurlanov_serik","content":"hi"}]}"#,
            r#"{"user":"john_smith"}"#,
            r#"{"metadata":{"client_name":"aigerim_nurlanova"}}"#,
        ] {
            let found = scan(body);
            assert!(found.view_findings[NESTED].counts().contains_key(&Entity::Person), "{body}: {found:?}");
        }
        let tool = scan(r#"{"tools":[{"type":"function","function":{"name":"find_order"}}]}"#);
        assert!(tool.findings.is_empty() && in_views(&tool) == 0);
    }

    #[test]
    fn nested_json_is_opened_with_its_keys() {
        let found = scan(r#"{"a":["x",{"args":"{\"iin\":\"\\u0039\\u0030\\u0030000000000\"}"}]}"#);
        assert!(found.view_findings[NESTED].counts().contains_key(&Entity::Iin), "{found:?}");
        let other = scan(r#"{"a":["x",{"args":"{\"sum\":\"900000000000\"}"}]}"#);
        assert!(other.findings.is_empty() && in_views(&other) == 0);
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
        let body = |len| format!(r#"{{"{}":[{}1]}}"#, "k".repeat(len), "1,".repeat(100_000));
        assert!(scan(&body(4_000)).findings.is_complete());
        let refused = scan_body(body(200_000).as_bytes(), &Detector::new().unwrap()).unwrap_err();
        assert_eq!(refused.code.as_deref(), Some("keys_too_long"));
        assert_eq!(pointer_end(&format!("/{}/iin", "я".repeat(300))), "/iin");
    }
}
