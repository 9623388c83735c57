//! `/v1/rerank`: documents by their relevance to a query, in the shape that Cohere, Jina and vLLM share.

use serde::{Deserialize, Serialize};

use crate::embeddings::EmbeddingUsage;
use crate::error::ApiError;
use crate::object_only::ObjectOnly;
use crate::parse::parse;

/// The most documents of one request.
pub const MAX_DOCUMENTS: usize = 2048;

/// A request to `/v1/rerank`. Unknown fields are ignored here and forwarded by the gateway as they came.
#[derive(Debug, Clone, Deserialize)]
pub struct RerankRequest {
    pub model: String,
    pub query: String,
    pub documents: Vec<Document>,
    /// Only so many of the best are in the answer.
    #[serde(default)]
    pub top_n: Option<i64>,
    /// The documents' texts stand in the answer.
    #[serde(default)]
    pub return_documents: Option<bool>,
    /// What the query asks of a document, for models that are told so in words.
    #[serde(default)]
    pub instruction: Option<String>,
    /// Only so many of a document's first tokens are used.
    #[serde(default)]
    pub max_tokens_per_doc: Option<i64>,
    /// Only so many tokens of query and document together are used; −1 means as many as the model takes.
    #[serde(default)]
    pub truncate_prompt_tokens: Option<i64>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

/// A document, by itself or in an object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a string or an object with a text")]
pub enum Document {
    Text(String),
    Object { text: String },
}

impl Document {
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Object { text } => text,
        }
    }
}

/// Parses a body that is already known to be JSON or not: both failures end as a 400 in OpenAI's shape.
///
/// # Errors
/// As [`parse`], or no query, no document, too many of them, or a bound below one.
pub fn parse_request(body: &[u8]) -> Result<RerankRequest, ApiError> {
    let request: RerankRequest = parse(body, "a rerank request")?;
    if request.query.is_empty() {
        return Err(ApiError::invalid("query", "Invalid 'query': it cannot be an empty string."));
    }
    if request.documents.is_empty() {
        return Err(ApiError::empty_array("documents", "document"));
    }
    if request.documents.len() > MAX_DOCUMENTS {
        let message = format!("Invalid 'documents': array too long. Expected at most {MAX_DOCUMENTS} elements.");
        return Err(ApiError::invalid("documents", message).with_code("array_above_max_length"));
    }
    for (field, value) in [("top_n", request.top_n), ("max_tokens_per_doc", request.max_tokens_per_doc)] {
        if value.is_some_and(|value| value < 1) {
            return Err(ApiError::invalid(field, format!("Invalid '{field}': it must be at least 1.")));
        }
    }
    Ok(request)
}

/// The documents that were asked for, the most relevant first.
#[derive(Debug, Clone, Serialize)]
pub struct Reranking {
    pub id: String,
    pub model: String,
    pub results: Vec<RankedDocument>,
    pub usage: EmbeddingUsage,
}

/// One document's place.
#[derive(Debug, Clone, Serialize)]
pub struct RankedDocument {
    /// Its place in the request.
    pub index: usize,
    pub relevance_score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentText>,
}

#[derive(Debug, Clone, Serialize)]
pub struct DocumentText {
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_strings_or_objects() {
        let body = r#"{"model":"m","query":"q","documents":["a",{"text":"b","title":"t"}],"top_n":1}"#;
        let request = parse_request(body.as_bytes()).unwrap();
        assert_eq!(request.documents.iter().map(Document::text).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_cannot_be_ranked_is_refused_by_name() {
        for (rest, param) in [
            (r#""query":"q","documents":[]"#, "documents"),
            (r#""query":"","documents":["a"]"#, "query"),
            (r#""documents":["a"]"#, "query"),
            (r#""query":"q","documents":[1]"#, "documents[0]"),
            (r#""query":"q","documents":["a"],"top_n":0"#, "top_n"),
        ] {
            let error = parse_request(format!(r#"{{"model":"m",{rest}}}"#).as_bytes()).expect_err("refused");
            assert_eq!((error.status.as_u16(), error.param.as_deref()), (400, Some(param)), "{}", error.message);
        }
    }
}
