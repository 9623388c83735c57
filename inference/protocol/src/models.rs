//! `/v1/models`.

use serde::Serialize;

/// `object: "list"`.
#[derive(Debug, Clone, Serialize)]
pub struct ModelList {
    pub object: &'static str,
    pub data: Vec<Model>,
}

impl ModelList {
    pub fn new(data: Vec<Model>) -> Self {
        Self { object: "list", data }
    }
}

/// `object: "model"`.
#[derive(Debug, Clone, Serialize)]
pub struct Model {
    pub id: String,
    pub object: &'static str,
    /// Unix seconds at which it began to be served.
    pub created: u64,
    pub owned_by: String,
    /// Longest prompt and answer together, in tokens, where it is known (vLLM's field).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_model_len: Option<usize>,
    /// Where this is a model with an adapter, the model's own id (vLLM's field).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

impl Model {
    pub fn new(id: impl Into<String>, created: u64, owned_by: impl Into<String>) -> Self {
        let (id, owned_by) = (id.into(), owned_by.into());
        Self { id, object: "model", created, owned_by, max_model_len: None, parent: None }
    }
}
