//! Thoughts as their maker wrote them: signed, so that it takes them back, or sealed, so that it alone can read them
//! (LiteLLM's `thinking_blocks`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object_only::ObjectOnly;

/// `{"type":"thinking","thinking","signature"}` or `{"type":"redacted_thinking","data"}`. In a stream a thought comes in
/// pieces, of which the last has the signature.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub struct ThinkingBlock {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

impl ThinkingBlock {
    pub fn signed(thinking: String, signature: String) -> Self {
        let kind = "thinking".to_owned();
        Self { kind, thinking: Some(thinking), signature: Some(signature), ..Self::default() }
    }

    pub fn sealed(data: String) -> Self {
        Self { kind: "redacted_thinking".to_owned(), data: Some(data), ..Self::default() }
    }

    /// The signature that ends a thought.
    pub fn ending(&self) -> Option<&str> {
        self.signature.as_deref().filter(|signature| self.kind == "thinking" && !signature.is_empty())
    }

    /// What is sealed.
    pub fn secret(&self) -> Option<&str> {
        self.data.as_deref().filter(|_| self.kind == "redacted_thinking")
    }

    /// The blocks of a provider's list; what is none is left out.
    pub(super) fn read_list(list: &Value) -> Vec<Self> {
        let blocks = list.as_array().into_iter().flatten();
        blocks.filter_map(|block| serde_json::from_value(block.clone()).ok()).collect()
    }
}
