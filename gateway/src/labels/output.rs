//! The digest of an answer's output: the same for the whole answer and for its stream, however that was split.
//!
//! # What the output is
//!
//! Of each choice: its `content`, its `refusal`, and its tool calls' names and arguments, as the client receives them.
//! `content` may be a list of parts: their `text` (of a part of type `text`) and `refusal` (of type `refusal`) in
//! order. A custom tool's call has `custom.name` and `custom.input` for name and arguments. The older `function_call`
//! counts too, and the `text` of `/v1/completions` counts as content. Reasoning is left out: it is no part of the
//! result, and many clients drop it; so are ids, roles, annotations, log probabilities and sound.
//!
//! # The digest
//!
//! Output that is the content of choice 0 and nothing else (or nothing at all): SHA-256 of that text's UTF-8 bytes.
//!
//! Anything else: SHA-256 of the byte `0xFF` (which no UTF-8 text has, so that no text can pass for this), the
//! ASCII text `shekara-output-v1`, and one frame of 49 bytes for each field that is not empty. Integers are big-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | 1 content, 2 refusal, 3 name and 4 arguments of `function_call`, 5 name and 6 arguments of a tool call |
//! | 4 | `index` of the choice |
//! | 4 | which tool call of the choice: from 0, calls without name and arguments not counted; 0 for other fields |
//! | 8 | length of the field in bytes of UTF-8 |
//! | 32 | SHA-256 of the field |
//!
//! Frames are sorted by choice, within it fields 1 to 4, then call by call 5 and 6. A field of a stream is its pieces,
//! one after the other. An `index` that is missing is the place in its list; the calls of a whole message are taken in
//! order.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::signing::hex::bytes_of_hex;

/// Fields of one answer: 128 choices with a text and three calls each.
const MAX_FIELDS: usize = 1024;
const FRAMED: &[u8] = b"\xffshekara-output-v1";

/// SHA-256 of an answer's output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OutputSha256([u8; 32]);

/// The output has more choices and tool calls than are kept apart, so it has no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer has more than {MAX_FIELDS} fields")]
pub struct TooManyFields;

/// A piece of SHA-256 for every field that was seen so far; holds no text.
#[derive(Clone, Default)]
pub struct OutputDigest {
    fields: BTreeMap<Place, Field>,
    overflowed: bool,
}

/// Sorts as frames do: what belongs to no tool call has `call: None` and comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    choice: u32,
    call: Option<u32>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Content = 1,
    Refusal = 2,
    FunctionName = 3,
    FunctionArguments = 4,
    ToolName = 5,
    ToolArguments = 6,
}

#[derive(Clone, Default)]
struct Field {
    bytes: u64,
    hash: Sha256,
}

impl OutputDigest {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a streamed chunk.
    pub fn add_chunk(&mut self, chunk: &Value) {
        for (choice, at) in choices(chunk) {
            if let Some(delta) = choice.get("delta") {
                self.add_message(at, delta, index_or);
            }
            self.add(at, None, Kind::Content, choice.get("text"));
        }
    }

    /// Takes in a whole answer.
    pub fn add_answer(&mut self, answer: &Value) {
        for (choice, at) in choices(answer) {
            if let Some(message) = choice.get("message") {
                self.add_message(at, message, |_, place| place);
            }
            self.add(at, None, Kind::Content, choice.get("text"));
        }
    }

    /// Takes in a piece of a choice's content.
    pub fn add_text(&mut self, choice: u32, text: &str) {
        self.add_piece(Place { choice, call: None, kind: Kind::Content }, text);
    }

    /// Whether a choice has content and nothing else so far.
    pub fn is_only_text(&self, choice: u32) -> bool {
        let first = Place { choice, call: None, kind: Kind::Content };
        self.fields.range(first..).take_while(|(place, _)| place.choice == choice).map(|(place, _)| *place).eq([first])
    }

    /// # Errors
    /// There were more fields than are kept apart.
    pub fn finish(self) -> Result<OutputSha256, TooManyFields> {
        if self.overflowed {
            return Err(TooManyFields);
        }
        let text = Place { choice: 0, call: None, kind: Kind::Content };
        if self.fields.keys().all(|place| *place == text) {
            let hash = self.fields.into_values().next().unwrap_or_default().hash;
            return Ok(OutputSha256(hash.finalize().into()));
        }
        let mut framed = Sha256::new_with_prefix(FRAMED);
        let (mut rank, mut before) = (0_u32, None);
        for (place, field) in self.fields {
            let call = place.call.map(|call| (place.choice, call));
            if call != before {
                let is_next = matches!((before, call), (Some((last, _)), Some((choice, _))) if last == choice);
                rank = if is_next { rank.saturating_add(1) } else { 0 };
                before = call;
            }
            framed.update([place.kind as u8]);
            framed.update(place.choice.to_be_bytes());
            framed.update(rank.to_be_bytes());
            framed.update(field.bytes.to_be_bytes());
            framed.update(field.hash.finalize());
        }
        Ok(OutputSha256(framed.finalize().into()))
    }

    fn add_message(&mut self, choice: u32, message: &Value, call_index: impl Fn(&Value, u32) -> u32) {
        match message.get("content") {
            Some(Value::Array(parts)) => {
                for part in parts {
                    match part.get("type").and_then(Value::as_str) {
                        Some("text") => self.add(choice, None, Kind::Content, part.get("text")),
                        Some("refusal") => self.add(choice, None, Kind::Refusal, part.get("refusal")),
                        _ => {}
                    }
                }
            }
            content => self.add(choice, None, Kind::Content, content),
        }
        self.add(choice, None, Kind::Refusal, message.get("refusal"));
        if let Some(function) = message.get("function_call") {
            self.add(choice, None, Kind::FunctionName, function.get("name"));
            self.add(choice, None, Kind::FunctionArguments, function.get("arguments"));
        }
        let calls = message.get("tool_calls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (call, place) in calls.iter().zip(0..) {
            let index = Some(call_index(call, place));
            if let Some(function) = call.get("function").filter(|function| function.is_object()) {
                self.add(choice, index, Kind::ToolName, function.get("name"));
                self.add(choice, index, Kind::ToolArguments, function.get("arguments"));
            } else if let Some(custom) = call.get("custom") {
                self.add(choice, index, Kind::ToolName, custom.get("name"));
                self.add(choice, index, Kind::ToolArguments, custom.get("input"));
            }
        }
    }

    fn add(&mut self, choice: u32, call: Option<u32>, kind: Kind, text: Option<&Value>) {
        if let Some(text) = text.and_then(Value::as_str) {
            self.add_piece(Place { choice, call, kind }, text);
        }
    }

    fn add_piece(&mut self, place: Place, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.fields.len() >= MAX_FIELDS && !self.fields.contains_key(&place) {
            self.overflowed = true;
            return;
        }
        let field = self.fields.entry(place).or_default();
        field.bytes = field.bytes.saturating_add(text.len() as u64);
        field.hash.update(text);
    }
}

/// The choices with their indices.
fn choices(answer: &Value) -> impl Iterator<Item = (&Value, u32)> {
    let list = answer.get("choices").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().zip(0..).map(|(choice, place)| (choice, index_or(choice, place)))
}

fn index_or(item: &Value, place: u32) -> u32 {
    item.get("index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok()).unwrap_or(place)
}

impl fmt::Debug for OutputDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputDigest").field("fields", &self.fields.len()).finish_non_exhaustive()
    }
}

impl OutputSha256 {
    /// Of an answer that is one text.
    pub fn of_text(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }
}

impl FromStr for OutputSha256 {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        bytes_of_hex(text).map(Self).ok_or(NotHex)
    }
}

/// Not 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 hex digits")]
pub struct NotHex;

impl fmt::Display for OutputSha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for OutputSha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutputSha256({self})")
    }
}

impl Serialize for OutputSha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
