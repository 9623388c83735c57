//! `/classify`: classes of whole texts in vLLM's shape, and spans of texts for models that classify tokens.

use serde::{Deserialize, Serialize};

use crate::completions::Prompt;
use crate::embeddings::{EmbeddingUsage, check_inputs};
use crate::error::ApiError;
use crate::object_only::ObjectOnly;
use crate::parse::parse;

/// A request to `/classify`.
#[derive(Debug, Clone, Deserialize)]
pub struct ClassifyRequest {
    pub model: String,
    pub input: Prompt,
    /// Only so many of an input's first tokens are used; −1 means as many as the model takes.
    #[serde(default)]
    pub truncate_prompt_tokens: Option<i64>,
    /// The logits of each token stand beside the spans.
    #[serde(default)]
    pub return_logits: Option<bool>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

/// Parses a body that is already known to be JSON or not: both failures end as a 400 in OpenAI's shape.
///
/// # Errors
/// As [`parse`], or no input, an empty one, or too many.
pub fn parse_request(body: &[u8]) -> Result<ClassifyRequest, ApiError> {
    let request: ClassifyRequest = parse(body, "a classification request")?;
    check_inputs(&request.input)?;
    Ok(request)
}

/// `object: "list"`.
#[derive(Debug, Clone, Serialize)]
pub struct Classification {
    pub id: String,
    pub object: &'static str,
    pub created: u64,
    pub model: String,
    pub data: Vec<ClassifiedInput>,
    pub usage: EmbeddingUsage,
}

/// What an input is, or what stands in it.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ClassifiedInput {
    Whole {
        index: usize,
        label: String,
        probs: Vec<f32>,
        num_classes: usize,
    },
    Spans {
        index: usize,
        spans: Vec<LabelledSpan>,
        #[serde(skip_serializing_if = "Option::is_none")]
        logits: Option<Vec<Vec<f32>>>,
    },
}

/// A part of a text that a model gave a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelledSpan {
    pub label: String,
    /// In Unicode characters, as Python counts them.
    pub start: usize,
    pub end: usize,
    /// Mean probability of the label over the span's tokens.
    pub score: f32,
}
