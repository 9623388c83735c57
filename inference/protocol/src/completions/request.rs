//! The completion request, typed as far as someone has to act on it.

use serde::Deserialize;
use serde_json::Value;

use super::Prompt;
use crate::chat::{LogitBias, ObjectOnly, Stop, StreamOptions};
use crate::error::ApiError;
use crate::parse::parse;

/// `max_tokens` of a request that names none.
pub const DEFAULT_MAX_TOKENS: i64 = 16;
/// The most alternatives that `logprobs` may ask for: OpenAI stops at 5, vLLM at 20.
pub const MAX_LOGPROBS: i64 = 20;

/// A request to `/v1/completions`. Unknown fields are ignored here and forwarded by the gateway as they came.
#[derive(Debug, Clone, Deserialize)]
pub struct CompletionRequest {
    pub model: String,
    pub prompt: Prompt,
    /// Text behind the gap that is to be filled.
    #[serde(default)]
    pub suffix: Option<String>,
    #[serde(default)]
    pub max_tokens: Option<i64>,
    #[serde(default)]
    pub min_tokens: Option<i64>,
    #[serde(default)]
    pub temperature: Option<f64>,
    #[serde(default)]
    pub top_p: Option<f64>,
    #[serde(default)]
    pub top_k: Option<i64>,
    #[serde(default)]
    pub min_p: Option<f64>,
    #[serde(default)]
    pub typical_p: Option<f64>,
    #[serde(default)]
    pub seed: Option<i64>,
    #[serde(default)]
    pub n: Option<i64>,
    /// Draws this many and answers with the `n` likeliest of them.
    #[serde(default)]
    pub best_of: Option<i64>,
    #[serde(default)]
    pub stream: Option<bool>,
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    /// Alternatives per token; 0 asks for the drawn token's own log probability alone.
    #[serde(default)]
    pub logprobs: Option<i64>,
    /// The prompt comes before the answer, with its log probabilities if those were asked for.
    #[serde(default)]
    pub echo: Option<bool>,
    #[serde(default)]
    pub stop: Option<Stop>,
    #[serde(default)]
    pub stop_token_ids: Option<Vec<u32>>,
    #[serde(default)]
    pub ignore_eos: Option<bool>,
    #[serde(default)]
    pub include_stop_str_in_output: Option<bool>,
    #[serde(default)]
    pub skip_special_tokens: Option<bool>,
    /// False: the tokenizer adds no beginning-of-sequence token to a text.
    #[serde(default)]
    pub add_special_tokens: Option<bool>,
    #[serde(default)]
    pub presence_penalty: Option<f64>,
    #[serde(default)]
    pub frequency_penalty: Option<f64>,
    #[serde(default)]
    pub repetition_penalty: Option<f64>,
    #[serde(default)]
    pub logit_bias: Option<LogitBias>,
    #[serde(default)]
    pub allowed_token_ids: Option<Vec<u32>>,
    #[serde(default)]
    pub guided_json: Option<Value>,
    #[serde(default)]
    pub guided_regex: Option<String>,
    #[serde(default)]
    pub guided_choice: Option<Vec<String>>,
    #[serde(default)]
    pub guided_grammar: Option<String>,
    #[serde(default)]
    pub structured_outputs: Option<Value>,
    #[serde(default)]
    pub response_format: Option<Value>,
    /// Lower is served sooner; 0 unless given.
    #[serde(default)]
    pub priority: Option<i64>,
    /// Requests of different salts share no cached prefix.
    #[serde(default)]
    pub cache_salt: Option<String>,
    #[serde(default)]
    pub user: Option<String>,
    /// Only this many of the prompt's last tokens are used; −1 means as many as the model takes.
    #[serde(default)]
    pub truncate_prompt_tokens: Option<i64>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

impl CompletionRequest {
    /// `logprobs`, checked.
    ///
    /// # Errors
    /// 400 outside 0 … [`MAX_LOGPROBS`].
    pub fn num_logprobs(&self) -> Result<Option<usize>, ApiError> {
        let Some(wanted) = self.logprobs else { return Ok(None) };
        match usize::try_from(wanted) {
            Ok(count) if wanted <= MAX_LOGPROBS => Ok(Some(count)),
            _ => Err(ApiError::invalid(
                "logprobs",
                format!("Invalid 'logprobs': it must lie between 0 and {MAX_LOGPROBS}."),
            )),
        }
    }
}

/// Parses a body that is already known to be JSON or not: both failures end as a 400 in OpenAI's shape.
///
/// # Errors
/// As [`parse`], or no prompt, or a prompt without a token.
pub fn parse_request(body: &[u8]) -> Result<CompletionRequest, ApiError> {
    let request: CompletionRequest = parse(body, "a completion request")?;
    match &request.prompt {
        Prompt::Texts(texts) if texts.is_empty() => Err(ApiError::empty_array("prompt", "prompt")),
        Prompt::Tokens(ids) if ids.is_empty() => Err(ApiError::empty_array("prompt", "token id")),
        Prompt::TokenLists(lists) => match lists.iter().position(Vec::is_empty) {
            Some(index) => Err(ApiError::empty_array(&format!("prompt[{index}]"), "token id")),
            None => Ok(request),
        },
        _ => Ok(request),
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
