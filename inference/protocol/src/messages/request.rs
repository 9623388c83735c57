//! The Messages request, typed as far as the translation acts on it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::{ObjectOnly, Role};
use crate::error::ApiError;
use crate::parse::parse;
use crate::text_or_list::TextOrList;

/// A request to `/v1/messages`. Unknown fields are ignored.
#[derive(Debug, Clone, Deserialize)]
pub struct MessagesRequest {
    pub model: String,
    pub max_tokens: i64,
    pub messages: Vec<InputMessage>,
    #[serde(default)]
    pub system: Option<TextOrList<Block>>,
    #[serde(default)]
    pub temperature: Option<f64>,
    #[serde(default)]
    pub top_p: Option<f64>,
    #[serde(default)]
    pub top_k: Option<i64>,
    #[serde(default)]
    pub stop_sequences: Option<Vec<String>>,
    #[serde(default)]
    pub stream: Option<bool>,
    #[serde(default)]
    pub tools: Option<Vec<Tool>>,
    #[serde(default)]
    pub tool_choice: Option<ToolChoice>,
    #[serde(default)]
    pub metadata: Option<Metadata>,
    #[serde(default)]
    pub thinking: Option<Thinking>,
    #[serde(default)]
    pub output_config: Option<OutputConfig>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

#[derive(Debug, Clone, Deserialize)]
pub struct InputMessage {
    pub role: Role,
    pub content: TextOrList<Block>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

/// One content block. Which fields count depends on `type`.
#[derive(Debug, Clone, Deserialize)]
pub struct Block {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub thinking: Option<String>,
    #[serde(default)]
    pub signature: Option<String>,
    /// Of a sealed thought.
    #[serde(default)]
    pub data: Option<String>,
    /// Of an image or a document.
    #[serde(default)]
    pub source: Option<Source>,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub context: Option<String>,
    #[serde(default)]
    pub citations: Option<Citations>,
    #[serde(default)]
    pub cache_control: Option<Map<String, Value>>,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub input: Option<Map<String, Value>>,
    #[serde(default)]
    pub tool_use_id: Option<String>,
    #[serde(default)]
    pub content: Option<TextOrList<Block>>,
    #[serde(default)]
    pub is_error: Option<bool>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

/// Where an image or a document is: `base64`, `text`, `url`.
#[derive(Debug, Clone, Deserialize)]
pub struct Source {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub media_type: Option<String>,
    #[serde(default)]
    pub data: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Citations {
    #[serde(default)]
    pub enabled: Option<bool>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Tool {
    /// Absent or `custom` for a tool of the caller's own.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub input_schema: Option<Value>,
    #[serde(default)]
    pub strict: Option<bool>,
    #[serde(default)]
    pub cache_control: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ToolChoice {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub disable_parallel_tool_use: Option<bool>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    #[serde(default)]
    pub user_id: Option<String>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Thinking {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_tokens: Option<i64>,
    /// What its maker's models know beside.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OutputConfig {
    #[serde(default)]
    pub effort: Option<String>,
    #[serde(default)]
    pub format: Option<OutputFormat>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OutputFormat {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub schema: Option<Value>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

/// A request to `/v1/messages/count_tokens`: the same without a bound of the answer.
///
/// # Errors
/// As [`parse_request`].
pub fn parse_count_request(body: &[u8]) -> Result<MessagesRequest, ApiError> {
    let mut fields: Map<String, Value> = parse(body, "a count_tokens request")?;
    fields.insert("max_tokens".to_owned(), Value::from(i64::MAX));
    parse_request(&serde_json::to_vec(&fields).map_err(|_| ApiError::internal())?)
}

/// # Errors
/// As [`parse`], or an empty `messages`. Give them to [`super::error_json`] for this API's shape.
pub fn parse_request(body: &[u8]) -> Result<MessagesRequest, ApiError> {
    let request: MessagesRequest = parse(body, "a messages request")?;
    if request.messages.is_empty() {
        return Err(ApiError::empty_array("messages", "message"));
    }
    Ok(request)
}
