//! The chat answer, whole and in chunks.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
}

/// Tokens of one request. `total_tokens` is the sum of the other two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptTokensDetails>,
}

impl Usage {
    /// Reads a provider's `usage`. Counts are taken where they are numbers (some send floats or nulls): a strange count
    /// is no reason to refuse a good answer. `None` if there is no object with either count.
    pub fn read(value: &Value) -> Option<Self> {
        let count = |value: &Value| value.as_u64().or_else(|| value.as_f64().map(|count| count.max(0.0) as u64));
        let field = |name: &str| value.get(name).and_then(count);
        let (prompt, completion) = (field("prompt_tokens"), field("completion_tokens"));
        if prompt.is_none() && completion.is_none() {
            return None;
        }
        let (prompt_tokens, completion_tokens) = (prompt.unwrap_or(0), completion.unwrap_or(0));
        let total_tokens = prompt_tokens.saturating_add(completion_tokens);
        let cached =
            value.get("prompt_tokens_details").and_then(|details| details.get("cached_tokens")).and_then(count);
        let prompt_tokens_details = cached.map(|cached_tokens| PromptTokensDetails { cached_tokens });
        Some(Self { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details })
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PromptTokensDetails {
    pub cached_tokens: u64,
}

/// A whole answer (`object: "chat.completion"`).
#[derive(Debug, Clone, Serialize)]
pub struct ChatCompletion {
    pub id: String,
    pub object: &'static str,
    /// Unix seconds.
    pub created: u64,
    pub model: String,
    pub choices: Vec<ChatChoice>,
    pub usage: Usage,
}

#[derive(Debug, Clone, Serialize)]
pub struct ChatChoice {
    pub index: u32,
    pub message: ResponseMessage,
    pub logprobs: Option<()>,
    pub finish_reason: FinishReason,
}

#[derive(Debug, Clone, Serialize)]
pub struct ResponseMessage {
    pub role: &'static str,
    pub content: String,
    pub refusal: Option<()>,
}

/// One streamed chunk (`object: "chat.completion.chunk"`). The usage chunk has no choices.
#[derive(Debug, Clone, Serialize)]
pub struct ChatChunk {
    pub id: String,
    pub object: &'static str,
    pub created: u64,
    pub model: String,
    pub choices: Vec<ChunkChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ChunkChoice {
    pub index: u32,
    pub delta: Delta,
    pub logprobs: Option<()>,
    pub finish_reason: Option<FinishReason>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strange_counts_are_read_as_far_as_they_go() {
        let usage = Usage::read(&json!({ "prompt_tokens": 3.0, "completion_tokens": null })).unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (3, 0, 3));
        assert_eq!(Usage::read(&json!({ "prompt_tokens": "7" })), None);
        assert_eq!(Usage::read(&json!(null)), None);
    }
}
