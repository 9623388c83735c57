//! Lines of a batch's file: read one after the other, checked, and never held all at once.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::{Buf, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use shekara_protocol::error::ApiError;
use shekara_protocol::json::walk;

use super::batch::LineError;
use crate::pipeline::FileReader;

const MAX_CUSTOM_ID_BYTES: usize = 512;
/// What stands in a line around its request.
const AROUND_BYTES: usize = 8 << 10;
/// Faults that are told of one file.
const MAX_ERRORS: usize = 50;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A request as it stands in a file.
#[derive(Debug)]
pub(super) struct Line {
    /// From 0, without empty lines.
    pub index: u64,
    pub custom_id: String,
    pub model: String,
    /// As it was written.
    pub body: Bytes,
}

/// A line that is not empty.
#[derive(Debug)]
pub(super) struct RawLine {
    pub index: u64,
    /// From 1, with empty lines.
    pub number: u64,
    /// `None` where it is too long to be read.
    pub bytes: Option<Bytes>,
}

pub(super) struct Lines {
    reader: FileReader,
    waiting: BytesMut,
    max_bytes: usize,
    /// The rest of a line that is too long is passed over.
    is_passing: bool,
    is_at_end: bool,
    number: u64,
    index: u64,
}

impl Lines {
    /// Of lines whose requests have at most `max_body_bytes`.
    pub fn new(reader: FileReader, max_body_bytes: usize) -> Self {
        let max_bytes = max_body_bytes.saturating_add(AROUND_BYTES);
        let waiting = BytesMut::new();
        Self { reader, waiting, max_bytes, is_passing: false, is_at_end: false, number: 0, index: 0 }
    }

    /// # Errors
    /// The file is gone, or the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<RawLine>, ApiError> {
        let mut looked_at = 0;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.waiting[looked_at..]) {
                let line = self.waiting.split_to(looked_at + end).freeze();
                self.waiting.advance(1);
                looked_at = 0;
                if let Some(line) = self.read(line) {
                    return Ok(Some(line));
                }
                continue;
            }
            if self.is_at_end {
                if self.waiting.is_empty() && !self.is_passing {
                    return Ok(None);
                }
                let line = self.waiting.split().freeze();
                return Ok(self.read(line));
            }
            if self.waiting.len() > self.max_bytes {
                self.is_passing = true;
                self.waiting.clear();
            }
            looked_at = self.waiting.len();
            match self.reader.next().await? {
                Some(part) => self.waiting.extend_from_slice(&part),
                None => self.is_at_end = true,
            }
        }
    }

    fn read(&mut self, mut line: Bytes) -> Option<RawLine> {
        self.number += 1;
        let is_too_long = std::mem::take(&mut self.is_passing) || line.len() > self.max_bytes;
        if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.advance(BYTE_ORDER_MARK.len());
        }
        let line = line.slice_ref(line.trim_ascii());
        if line.is_empty() && !is_too_long {
            return None;
        }
        self.index += 1;
        let bytes = (!is_too_long).then_some(line);
        Some(RawLine { index: self.index - 1, number: self.number, bytes })
    }
}

#[derive(Deserialize)]
struct Written<'a> {
    custom_id: Value,
    method: Value,
    url: Value,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Asked {
    model: Value,
    #[serde(default)]
    stream: Value,
}

/// Reading more takes longer than handing it to another thread.
const INLINE_BYTES: usize = 64 << 10;

impl RawLine {
    /// [`Self::parse`], where others need not wait for it.
    ///
    /// # Errors
    /// As there.
    pub async fn parsed(self, endpoint: &str) -> Result<Line, LineError> {
        if self.bytes.as_ref().is_none_or(|bytes| bytes.len() <= INLINE_BYTES) {
            return self.parse(endpoint);
        }
        let (number, endpoint) = (self.number, endpoint.to_owned());
        let parsed = tokio::task::spawn_blocking(move || self.parse(&endpoint)).await;
        parsed.unwrap_or_else(|_| {
            let (code, message) = ("invalid_json_line".to_owned(), "This line could not be read.".to_owned());
            Err(LineError { code, message, param: None, line: Some(number) })
        })
    }

    /// # Errors
    /// What is wrong with it: a code, words, and the field.
    pub fn parse(&self, endpoint: &str) -> Result<Line, LineError> {
        let fault = |code: &str, message: &str, param: Option<&str>| LineError {
            code: code.to_owned(),
            message: message.to_owned(),
            param: param.map(str::to_owned),
            line: Some(self.number),
        };
        let Some(bytes) = &self.bytes else {
            return Err(fault("line_too_long", "This line is longer than a request may be.", None));
        };
        let no_json = || fault("invalid_json_line", "This line is not parseable as valid JSON.", None);
        // What could be read in two ways is refused here as everywhere.
        walk(bytes, |_, _| {}).map_err(|_| no_json())?;
        let written: Written<'_> = serde_json::from_slice(bytes).map_err(|_| no_json())?;
        let custom_id = match &written.custom_id {
            Value::String(id) if (1..=MAX_CUSTOM_ID_BYTES).contains(&id.len()) => id.clone(),
            Value::Null => {
                return Err(fault("missing_required_parameter", "'custom_id' is missing.", Some("custom_id")));
            }
            _ => {
                let message = format!("'custom_id' must be a text of 1 to {MAX_CUSTOM_ID_BYTES} bytes.");
                return Err(fault("invalid_value", &message, Some("custom_id")));
            }
        };
        if written.method != "POST" {
            return Err(fault("invalid_method", "'method' must be POST.", Some("method")));
        }
        if written.url != endpoint {
            return Err(fault("mismatched_endpoint", "'url' is not the endpoint of the batch.", Some("url")));
        }
        let no_body = || fault("invalid_request", "'body' must be an object with a 'model'.", Some("body"));
        let body = written.body.ok_or_else(no_body)?;
        let Asked { model, stream } = serde_json::from_str(body.get()).map_err(|_| no_body())?;
        let Some(model) = model.as_str().filter(|model| !model.is_empty()) else { return Err(no_body()) };
        if stream == true {
            return Err(fault("invalid_request", "Answers of a batch cannot be streamed.", Some("body.stream")));
        }
        let body = bytes.slice_ref(body.get().as_bytes());
        Ok(Line { index: self.index, custom_id, model: model.to_owned(), body })
    }
}

/// What a whole file of requests is found to be.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub num_lines: u64,
    /// That of the first line.
    pub model: Option<String>,
    pub errors: Vec<LineError>,
}

/// Reads all lines once.
///
/// # Errors
/// The file is gone, or the store cannot be read.
pub(super) async fn check(mut lines: Lines, endpoint: &str, max_requests: usize) -> Result<Checked, ApiError> {
    let (mut checked, mut seen) = (Checked::default(), HashSet::new());
    let error = |code: &str, message: String, line: Option<u64>| LineError {
        code: code.to_owned(),
        message,
        param: None,
        line,
    };
    while let Some(raw) = lines.next().await? {
        if checked.errors.len() >= MAX_ERRORS {
            break;
        }
        checked.num_lines += 1;
        if checked.num_lines > max_requests as u64 {
            let message = format!("The file has more than {max_requests} requests.");
            checked.errors.push(error("too_many_requests", message, None));
            break;
        }
        let number = raw.number;
        match raw.parsed(endpoint).await {
            Ok(line) => {
                // Two of 50,000 that meet by chance: one in fifteen thousand million.
                let mut hasher = DefaultHasher::new();
                line.custom_id.hash(&mut hasher);
                if !seen.insert(hasher.finish()) {
                    let message = "This 'custom_id' stands in an earlier line too.".to_owned();
                    checked.errors.push(error("duplicate_custom_id", message, Some(number)));
                }
                checked.model.get_or_insert(line.model);
            }
            Err(fault) => checked.errors.push(fault),
        }
        // One line takes a moment; others are served between them.
        tokio::task::consume_budget().await;
    }
    if checked.num_lines == 0 {
        checked.errors.push(error("empty_file", "The file has no requests.".to_owned(), None));
    }
    Ok(checked)
}
