//! `/v1/embeddings`: OpenAI's request and answer, with vLLM's `truncate_prompt_tokens`.

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use crate::completions::{Prompt, PromptItem};
use crate::error::ApiError;
use crate::object_only::ObjectOnly;
use crate::parse::parse;

/// The most inputs of one request, which is OpenAI's limit too.
pub const MAX_INPUTS: usize = 2048;

/// A request to `/v1/embeddings`. Unknown fields are ignored here and forwarded by the gateway as they came.
#[derive(Debug, Clone, Deserialize)]
pub struct EmbeddingRequest {
    pub model: String,
    pub input: Prompt,
    #[serde(default)]
    pub encoding_format: Option<EncodingFormat>,
    /// Vectors are cut to so many numbers, and brought back to length one.
    #[serde(default)]
    pub dimensions: Option<i64>,
    #[serde(default)]
    pub user: Option<String>,
    /// Only so many of an input's first tokens are used; −1 means as many as the model takes.
    #[serde(default)]
    pub truncate_prompt_tokens: Option<i64>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EncodingFormat {
    #[default]
    Float,
    /// Little-endian `f32`s in base64.
    Base64,
}

impl<'de> Deserialize<'de> for EncodingFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "float" => Ok(Self::Float),
            "base64" => Ok(Self::Base64),
            _ => Err(D::Error::invalid_value(Unexpected::Other("a text"), &"'float' or 'base64'")),
        }
    }
}

/// Parses a body that is already known to be JSON or not: both failures end as a 400 in OpenAI's shape.
///
/// # Errors
/// As [`parse`], or no input, an empty one, or too many.
pub fn parse_request(body: &[u8]) -> Result<EmbeddingRequest, ApiError> {
    let request: EmbeddingRequest = parse(body, "an embeddings request")?;
    check_inputs(&request.input)?;
    Ok(request)
}

/// What every endpoint holds that takes an `input` like this one.
///
/// # Errors
/// If there is no input, an empty one, or too many.
pub fn check_inputs(input: &Prompt) -> Result<(), ApiError> {
    match input {
        Prompt::Texts(texts) if texts.is_empty() => return Err(ApiError::empty_array("input", "input")),
        Prompt::Tokens(ids) if ids.is_empty() => return Err(ApiError::empty_array("input", "token id")),
        _ => {}
    }
    let items = input.items();
    if items.len() > MAX_INPUTS {
        let message = format!("Invalid 'input': array too long. Expected at most {MAX_INPUTS} elements.");
        return Err(ApiError::invalid("input", message).with_code("array_above_max_length"));
    }
    let is_empty = |item: &PromptItem<'_>| match item {
        PromptItem::Text(text) => text.is_empty(),
        PromptItem::Tokens(ids) => ids.is_empty(),
    };
    let Some(index) = items.iter().position(is_empty) else { return Ok(()) };
    let param = input.param_in("input", index);
    Err(match items[index] {
        PromptItem::Text(_) => {
            ApiError::invalid(&param, format!("Invalid '{param}': input cannot be an empty string."))
        }
        PromptItem::Tokens(_) => ApiError::empty_array(&param, "token id"),
    })
}

/// `object: "list"` of vectors.
#[derive(Debug, Clone, Serialize)]
pub struct EmbeddingList {
    pub object: &'static str,
    pub data: Vec<Embedding>,
    pub model: String,
    pub usage: EmbeddingUsage,
}

impl EmbeddingList {
    /// `data` in the order of the inputs.
    pub fn new(model: String, data: Vec<EmbeddingValues>, prompt_tokens: u64) -> Self {
        let data = data.into_iter().enumerate();
        Self {
            object: "list",
            data: data.map(|(index, embedding)| Embedding { object: "embedding", index, embedding }).collect(),
            model,
            usage: EmbeddingUsage::new(prompt_tokens),
        }
    }
}

/// `object: "embedding"`.
#[derive(Debug, Clone, Serialize)]
pub struct Embedding {
    pub object: &'static str,
    pub index: usize,
    pub embedding: EmbeddingValues,
}

/// A vector as it was asked for.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum EmbeddingValues {
    Numbers(Vec<f32>),
    Base64(String),
}

/// Tokens that were read; there is nothing else to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EmbeddingUsage {
    pub prompt_tokens: u64,
    pub total_tokens: u64,
}

impl EmbeddingUsage {
    pub fn new(prompt_tokens: u64) -> Self {
        Self { prompt_tokens, total_tokens: prompt_tokens }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> (Option<String>, String) {
        let error = parse_request(body.as_bytes()).expect_err("refused");
        assert_eq!(error.status, 400);
        (error.param, error.code.unwrap_or_default().into_owned())
    }

    #[test]
    fn four_shapes_of_input_are_read() {
        for (input, count) in [(r#""a""#, 1), (r#"["a","b"]"#, 2), ("[1,2,3]", 1), ("[[1],[2,3]]", 2)] {
            let body = format!(r#"{{"model":"m","input":{input},"encoding_format":"base64","unknown":1}}"#);
            let request = parse_request(body.as_bytes()).unwrap();
            assert_eq!(request.input.items().len(), count);
            assert_eq!(request.encoding_format, Some(EncodingFormat::Base64));
        }
    }

    #[test]
    fn what_cannot_be_embedded_is_refused_by_name() {
        let of = |input: &str| refused(&format!(r#"{{"model":"m","input":{input}}}"#));
        let named = |param: &str, code: &str| (Some(param.to_owned()), code.to_owned());
        assert_eq!(of(r#""""#), named("input", "invalid_value"));
        assert_eq!(of(r#"["a",""]"#), named("input[1]", "invalid_value"));
        assert_eq!(of("[]"), named("input", "empty_array"));
        assert_eq!(of("[[1],[]]"), named("input[1]", "empty_array"));
        let many = vec!["1"; MAX_INPUTS + 1].join("],[");
        assert_eq!(of(&format!("[[{many}]]")), named("input", "array_above_max_length"));
        assert_eq!(refused(r#"{"model":"m"}"#).0.as_deref(), Some("input"));
        assert_eq!(
            refused(r#"{"model":"m","input":"a","encoding_format":"hex"}"#).0.as_deref(),
            Some("encoding_format")
        );
    }
}
