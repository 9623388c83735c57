//! The Responses request, typed as far as the translation or the gateway acts on it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::{ContentPart, LogitBias, ObjectOnly, Role, Stop};
use crate::error::ApiError;
use crate::parse::parse;
use crate::text_or_list::TextOrList;

/// What is asked for by this name in `include`.
pub(super) const ENCRYPTED_CONTENT: &str = "reasoning.encrypted_content";

/// A request to `/v1/responses`. Fields below `seed` are vLLM's. Unknown fields are ignored.
#[derive(Debug, Clone, Deserialize)]
pub struct ResponsesRequest {
    pub model: String,
    pub input: TextOrList<InputItem>,
    #[serde(default)]
    pub instructions: Option<String>,
    #[serde(default)]
    pub tools: Option<Vec<Tool>>,
    #[serde(default)]
    pub tool_choice: Option<Value>,
    #[serde(default)]
    pub parallel_tool_calls: Option<bool>,
    #[serde(default)]
    pub text: Option<TextConfig>,
    #[serde(default)]
    pub max_output_tokens: Option<i64>,
    #[serde(default)]
    pub max_tool_calls: Option<i64>,
    #[serde(default)]
    pub temperature: Option<f64>,
    #[serde(default)]
    pub top_p: Option<f64>,
    #[serde(default)]
    pub top_logprobs: Option<i64>,
    #[serde(default)]
    pub include: Option<Vec<String>>,
    #[serde(default)]
    pub stream: Option<bool>,
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub reasoning: Option<Reasoning>,
    #[serde(default)]
    pub truncation: Option<String>,
    /// Whoever stores answers resolves its default here before the request is translated.
    #[serde(default)]
    pub store: Option<bool>,
    /// Whoever keeps answers expands it into `input` and takes it out; the translation refuses it.
    #[serde(default)]
    pub previous_response_id: Option<String>,
    #[serde(default)]
    pub conversation: Option<Value>,
    #[serde(default)]
    pub prompt: Option<Value>,
    #[serde(default)]
    pub background: Option<bool>,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub seed: Option<i64>,
    #[serde(default)]
    pub top_k: Option<i64>,
    #[serde(default)]
    pub min_p: Option<f64>,
    #[serde(default)]
    pub presence_penalty: Option<f64>,
    #[serde(default)]
    pub frequency_penalty: Option<f64>,
    #[serde(default)]
    pub repetition_penalty: Option<f64>,
    #[serde(default)]
    pub logit_bias: Option<LogitBias>,
    #[serde(default)]
    pub stop: Option<Stop>,
    #[serde(default)]
    pub ignore_eos: Option<bool>,
    #[serde(default)]
    pub min_tokens: Option<i64>,
    #[serde(default)]
    pub include_stop_str_in_output: Option<bool>,
    #[serde(default)]
    pub skip_special_tokens: Option<bool>,
    #[serde(default)]
    pub structured_outputs: Option<Value>,
    #[serde(default)]
    pub priority: Option<i64>,
    #[serde(default)]
    pub cache_salt: Option<String>,
    #[serde(default)]
    pub chat_template_kwargs: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

/// One item of the input. Which fields count depends on `type`; without one it is a message.
#[derive(Debug, Clone, Deserialize)]
pub struct InputItem {
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub role: Option<Role>,
    #[serde(default)]
    pub content: Option<TextOrList<ContentPart>>,
    #[serde(default)]
    pub call_id: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub arguments: Option<String>,
    #[serde(default)]
    pub output: Option<TextOrList<ContentPart>>,
    /// Of reasoning.
    #[serde(default)]
    pub encrypted_content: Option<String>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

/// A tool in this API's flat shape, echoed in the answer as it came.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Tool {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default)]
    pub parameters: Option<Value>,
    #[serde(default)]
    pub strict: Option<bool>,
    #[serde(flatten)]
    pub rest: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub struct TextConfig {
    #[serde(default)]
    pub format: Option<TextFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

/// `text`, `json_object`, or `json_schema` with its name and schema beside the type.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct TextFormat {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub struct Reasoning {
    #[serde(default)]
    pub effort: Option<String>,
    #[serde(default)]
    pub summary: Option<String>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

impl ResponsesRequest {
    /// Whether thoughts are to be shown in the form in which their maker takes them back.
    pub(super) fn wants_sealed_thoughts(&self) -> bool {
        self.include.iter().flatten().any(|name| name == ENCRYPTED_CONTENT)
    }
}

/// # Errors
/// As [`parse`], or no input item.
pub fn parse_request(body: &[u8]) -> Result<ResponsesRequest, ApiError> {
    let request: ResponsesRequest = parse(body, "a responses request")?;
    match &request.input {
        TextOrList::List(items) if items.is_empty() => Err(ApiError::empty_array("input", "item")),
        _ => Ok(request),
    }
}
