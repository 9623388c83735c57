//! The Messages request, typed as far as the translation acts on it.

use serde::Deserialize;
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

#[derive(Debug, Clone, Deserialize)]
pub struct Thinking {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub budget_tokens: Option<i64>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
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

/// # Errors
/// As [`parse`], or an empty `messages`. Give them to [`super::error_json`] for this API's shape.
pub fn parse_request(body: &[u8]) -> Result<MessagesRequest, ApiError> {
    let request: MessagesRequest = parse(body, "a messages request")?;
    if request.messages.is_empty() {
        return Err(ApiError::empty_array("messages", "message"));
    }
    Ok(request)
}
