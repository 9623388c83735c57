//! The answer of this API, made of a whole chat answer.

use serde::Serialize;
use serde_json::{Map, Value};

use super::request::MessagesRequest;
use crate::chat::{self, ChatCompletion, FinishReason, SegmentEvent, SegmentKind, Segments, Usage};
use crate::ids::IdSeed;

/// `type: "message"`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub role: &'static str,
    pub content: Vec<MessageBlock>,
    pub model: String,
    /// Null only while the answer is streamed.
    pub stop_reason: Option<StopReason>,
    pub stop_sequence: Option<String>,
    pub usage: MessageUsage,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MessageBlock {
    /// The signature is its maker's, and empty where it has none: nobody here checks where thoughts come from.
    Thinking {
        thinking: String,
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    Text {
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
        input: Map<String, Value>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    EndTurn,
    MaxTokens,
    StopSequence,
    ToolUse,
    Refusal,
}

/// `input_tokens` counts what no cache had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MessageUsage {
    pub input_tokens: u64,
    pub cache_creation_input_tokens: u64,
    pub cache_read_input_tokens: u64,
    pub output_tokens: u64,
}

impl From<Usage> for MessageUsage {
    fn from(usage: Usage) -> Self {
        let cached = usage.prompt_tokens_details.map_or(0, |details| details.cached_tokens);
        Self {
            input_tokens: usage.prompt_tokens.saturating_sub(cached),
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: cached,
            output_tokens: usage.completion_tokens,
        }
    }
}

/// A chat answer's first choice in this API's shape. `ids` must be fresh.
pub fn from_chat(request: &MessagesRequest, answer: &ChatCompletion, mut ids: IdSeed) -> Message {
    let mut message = Message::begin(&ids, answer.model.clone());
    message.usage = answer.usage.into();
    let Some(choice) = answer.choices.first() else {
        message.stop_reason = Some(StopReason::EndTurn);
        return message;
    };
    let mut text = String::new();
    let mut block = None;
    for event in Segments::of_message(&choice.message, None) {
        match event {
            SegmentEvent::Begin(kind) => block = Some(MessageBlock::begin(&kind, &mut ids)),
            SegmentEvent::Piece { text: piece, .. } => text.push_str(&piece),
            SegmentEvent::Signature(given) => {
                if let Some(MessageBlock::Thinking { signature, .. }) = &mut block {
                    *signature = given;
                }
            }
            SegmentEvent::End => {
                let text = std::mem::take(&mut text);
                message.content.extend(block.take().map(|block| block.filled(text)));
            }
        }
    }
    let has_calls = message.content.iter().any(|block| matches!(block, MessageBlock::ToolUse { .. }));
    let ended = Ended { reason: choice.finish_reason, by: choice.stop_reason.as_ref(), has_calls };
    message.stop(request.stop_sequences.as_deref().unwrap_or_default(), &ended);
    message
}

/// How a chat answer ended.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    pub reason: FinishReason,
    pub by: Option<&'a chat::StopReason>,
    pub has_calls: bool,
}

impl Message {
    pub(super) fn begin(ids: &IdSeed, model: String) -> Self {
        Self {
            id: ids.answer("msg"),
            kind: "message",
            role: "assistant",
            content: Vec::new(),
            model,
            stop_reason: None,
            stop_sequence: None,
            usage: MessageUsage::default(),
        }
    }

    pub(super) fn stop(&mut self, stop_sequences: &[String], ended: &Ended<'_>) {
        let matched = match ended.by {
            Some(chat::StopReason::Text(text)) if stop_sequences.contains(text) => Some(text.clone()),
            _ => None,
        };
        self.stop_reason = Some(match ended.reason {
            FinishReason::Length => StopReason::MaxTokens,
            FinishReason::ContentFilter => StopReason::Refusal,
            FinishReason::ToolCalls => StopReason::ToolUse,
            FinishReason::Stop if matched.is_some() => StopReason::StopSequence,
            // A call that the request forced ends with `stop` in OpenAI's chat.
            FinishReason::Stop if ended.has_calls => StopReason::ToolUse,
            FinishReason::Stop => StopReason::EndTurn,
        });
        self.stop_sequence = matched.filter(|_| self.stop_reason == Some(StopReason::StopSequence));
    }
}

impl MessageBlock {
    /// A block without content yet. A refusal is told in the answer's own text.
    pub(super) fn begin(kind: &SegmentKind, ids: &mut IdSeed) -> Self {
        match kind {
            SegmentKind::Reasoning => Self::Thinking { thinking: String::new(), signature: String::new() },
            SegmentKind::Sealed { data } => Self::RedactedThinking { data: data.clone() },
            SegmentKind::Text | SegmentKind::Refusal => Self::Text { text: String::new() },
            SegmentKind::ToolCall { id, name } => {
                let id = if id.is_empty() { ids.next("toolu") } else { id.clone() };
                Self::ToolUse { id, name: name.clone(), input: Map::new() }
            }
        }
    }

    /// Arguments that are no object (an answer cut in the middle of a call) leave the input empty; `stop_reason` tells.
    fn filled(self, text: String) -> Self {
        match self {
            Self::Thinking { signature, .. } => Self::Thinking { thinking: text, signature },
            Self::RedactedThinking { data } => Self::RedactedThinking { data },
            Self::Text { .. } => Self::Text { text },
            Self::ToolUse { id, name, .. } => {
                Self::ToolUse { id, name, input: serde_json::from_str(&text).unwrap_or_default() }
            }
        }
    }
}
