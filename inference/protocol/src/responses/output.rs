//! Output items, and how they grow with an answer's segments.

use serde::Serialize;
use serde_json::{Value, json};

use super::sealed;
use crate::chat::{SegmentKind, TokenLogprob};
use crate::ids::IdSeed;
use crate::number::shortest;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputStatus {
    InProgress,
    Completed,
    Incomplete,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputItem {
    Reasoning {
        id: String,
        summary: Vec<Value>,
        content: Vec<OutputPart>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
        status: OutputStatus,
    },
    Message {
        id: String,
        role: &'static str,
        content: Vec<OutputPart>,
        status: OutputStatus,
    },
    FunctionCall {
        id: String,
        call_id: String,
        name: String,
        arguments: String,
        status: OutputStatus,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputPart {
    OutputText { text: String, annotations: Vec<Value>, logprobs: Vec<Value> },
    Refusal { refusal: String },
    ReasoningText { text: String },
}

impl OutputItem {
    /// An item without content yet.
    pub(super) fn begin(kind: &SegmentKind, ids: &mut IdSeed) -> Self {
        let status = OutputStatus::InProgress;
        match kind {
            SegmentKind::Reasoning | SegmentKind::Sealed { .. } => {
                let encrypted_content = match kind {
                    SegmentKind::Sealed { data } => Some(sealed::of_data(data)),
                    _ => None,
                };
                let (summary, content) = (Vec::new(), Vec::new());
                Self::Reasoning { id: ids.next("rs"), summary, content, encrypted_content, status }
            }
            SegmentKind::Text | SegmentKind::Refusal => {
                Self::Message { id: ids.next("msg"), role: "assistant", content: Vec::new(), status }
            }
            SegmentKind::ToolCall { id, name } => {
                let call_id = if id.is_empty() { ids.next("call") } else { id.clone() };
                let id = ids.next("fc");
                Self::FunctionCall { id, call_id, name: name.clone(), arguments: String::new(), status }
            }
        }
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::Reasoning { id, .. } | Self::Message { id, .. } | Self::FunctionCall { id, .. } => id,
        }
    }

    pub(super) fn set_status(&mut self, new: OutputStatus) {
        match self {
            Self::Reasoning { status, .. } | Self::Message { status, .. } | Self::FunctionCall { status, .. } => {
                *status = new;
            }
        }
    }

    /// Its one part, where its kind has parts.
    pub(super) fn part(&self) -> Option<&OutputPart> {
        match self {
            Self::Reasoning { content, .. } | Self::Message { content, .. } => content.first(),
            Self::FunctionCall { .. } => None,
        }
    }

    /// Gives it its one part, empty.
    pub(super) fn add_part(&mut self, kind: &SegmentKind) {
        let (Self::Reasoning { content, .. } | Self::Message { content, .. }) = self else { return };
        content.push(match kind {
            SegmentKind::Sealed { .. } => return,
            SegmentKind::Reasoning => OutputPart::ReasoningText { text: String::new() },
            SegmentKind::Refusal => OutputPart::Refusal { refusal: String::new() },
            _ => OutputPart::OutputText { text: String::new(), annotations: Vec::new(), logprobs: Vec::new() },
        });
    }

    pub(super) fn sign(&mut self, signature: &str) {
        if let Self::Reasoning { encrypted_content, .. } = self {
            *encrypted_content = Some(sealed::of_signature(signature));
        }
    }

    pub(super) fn grow(&mut self, piece: &str, tokens: &[TokenLogprob]) {
        match self {
            Self::FunctionCall { arguments, .. } => arguments.push_str(piece),
            Self::Reasoning { content, .. } | Self::Message { content, .. } => match content.first_mut() {
                Some(OutputPart::OutputText { text, logprobs, .. }) => {
                    text.push_str(piece);
                    logprobs.extend(tokens.iter().map(logprob));
                }
                Some(OutputPart::Refusal { refusal: text } | OutputPart::ReasoningText { text }) => {
                    text.push_str(piece);
                }
                None => {}
            },
        }
    }
}

/// In this API a token always has its bytes.
pub(super) fn logprob(drawn: &TokenLogprob) -> Value {
    let one = |token: &str, logprob: f32, bytes: &Option<Vec<u8>>| {
        let bytes = bytes.clone().unwrap_or_else(|| token.as_bytes().to_vec());
        json!({ "token": token, "logprob": shortest(logprob), "bytes": bytes })
    };
    let top: Vec<_> = drawn.top_logprobs.iter().map(|top| one(&top.token, top.logprob, &top.bytes)).collect();
    let mut logprob = one(&drawn.token, drawn.logprob, &drawn.bytes);
    logprob["top_logprobs"] = Value::Array(top);
    logprob
}
