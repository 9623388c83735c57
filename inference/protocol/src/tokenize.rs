//! vLLM's `/tokenize` and `/detokenize`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::{ChatMessage, ChatRequest, ObjectOnly};
use crate::error::ApiError;
use crate::parse::parse;

/// A text or a conversation whose tokens are asked for; [`TokenizeRequest::input`] tells which.
#[derive(Debug, Clone, Deserialize)]
pub struct TokenizeRequest {
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub prompt: Option<String>,
    #[serde(default)]
    pub messages: Option<Vec<ChatMessage>>,
    #[serde(default)]
    pub add_special_tokens: Option<bool>,
    #[serde(default)]
    pub add_generation_prompt: Option<bool>,
    #[serde(default)]
    pub continue_final_message: Option<bool>,
    #[serde(default)]
    pub tools: Option<Vec<Value>>,
    #[serde(default)]
    pub chat_template_kwargs: Option<Map<String, Value>>,
    #[serde(default)]
    pub return_token_strs: Option<bool>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

/// What is to be turned into tokens.
#[derive(Debug, Clone)]
pub enum TokenizeInput<'a> {
    Text {
        text: &'a str,
        /// As the tokenizer's own post-processor does, unless the caller says no.
        add_special_tokens: bool,
    },
    Chat {
        /// For the chat template; of no other use.
        request: Box<ChatRequest>,
        /// A chat template writes its special tokens itself, so none are added unless the caller says so.
        add_special_tokens: bool,
    },
}

impl TokenizeRequest {
    /// # Errors
    /// 400 if there is neither `prompt` nor `messages`, or both, or no message, or two flags that exclude each other.
    pub fn input(&self) -> Result<TokenizeInput<'_>, ApiError> {
        match (&self.prompt, &self.messages) {
            (Some(_), Some(_)) => {
                Err(ApiError::invalid("prompt", "Invalid 'prompt': it cannot be given together with 'messages'."))
            }
            (None, None) => Err(ApiError::missing("prompt")),
            (Some(text), None) => {
                Ok(TokenizeInput::Text { text, add_special_tokens: self.add_special_tokens.unwrap_or(true) })
            }
            (None, Some(messages)) if messages.is_empty() => Err(ApiError::empty_array("messages", "message")),
            (None, Some(messages)) => {
                if self.continue_final_message == Some(true) && self.add_generation_prompt == Some(true) {
                    return Err(ApiError::invalid(
                        "continue_final_message",
                        "Invalid 'continue_final_message': it cannot be true together with 'add_generation_prompt'.",
                    ));
                }
                let request = ChatRequest {
                    model: self.model.clone().unwrap_or_default(),
                    messages: messages.clone(),
                    tools: self.tools.clone(),
                    chat_template_kwargs: self.chat_template_kwargs.clone(),
                    add_generation_prompt: self.add_generation_prompt,
                    continue_final_message: self.continue_final_message,
                    ..ChatRequest::default()
                };
                let add_special_tokens = self.add_special_tokens.unwrap_or(false);
                Ok(TokenizeInput::Chat { request: Box::new(request), add_special_tokens })
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenizeResponse {
    pub count: usize,
    pub max_model_len: usize,
    pub tokens: Vec<u32>,
    /// Null unless `return_token_strs` was true.
    pub token_strs: Option<Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct DetokenizeRequest {
    #[serde(default)]
    pub model: Option<String>,
    pub tokens: Vec<u32>,
    #[serde(flatten)]
    pub object_only: ObjectOnly,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DetokenizeResponse {
    pub prompt: String,
}

/// # Errors
/// As [`parse`].
pub fn parse_tokenize(body: &[u8]) -> Result<TokenizeRequest, ApiError> {
    parse(body, "a tokenize request")
}

/// # Errors
/// As [`parse`].
pub fn parse_detokenize(body: &[u8]) -> Result<DetokenizeRequest, ApiError> {
    parse(body, "a detokenize request")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn param_of(body: &Value) -> Option<String> {
        let request = parse_tokenize(body.to_string().as_bytes());
        let error = match request {
            Ok(request) => request.input().unwrap_err(),
            Err(error) => error,
        };
        error.param
    }

    #[test]
    fn texts_get_special_tokens_and_conversations_do_not() {
        let text = parse_tokenize(br#"{"prompt":"x"}"#).unwrap();
        assert!(matches!(text.input().unwrap(), TokenizeInput::Text { text: "x", add_special_tokens: true }));
        let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }], "tools": [{}],
            "chat_template_kwargs": { "a": 1 }, "add_generation_prompt": false, "continue_final_message": true });
        let chat = parse_tokenize(body.to_string().as_bytes()).unwrap();
        let TokenizeInput::Chat { request, add_special_tokens } = chat.input().unwrap() else {
            unreachable!("messages are a conversation")
        };
        assert!(!add_special_tokens);
        assert_eq!(serde_json::to_value(&request).unwrap(), body);
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        let message = json!({ "role": "user", "content": "x" });
        for (body, param) in [
            (json!({ "model": "m" }), "prompt"),
            (json!({ "prompt": "x", "messages": [message] }), "prompt"),
            (json!({ "prompt": ["x"] }), "prompt"),
            (json!({ "messages": [] }), "messages"),
            (json!({ "messages": [{ "role": "x" }] }), "messages[0].role"),
            (
                json!({ "messages": [message], "continue_final_message": true, "add_generation_prompt": true }),
                "continue_final_message",
            ),
        ] {
            assert_eq!(param_of(&body).as_deref(), Some(param), "{body}");
        }
        let error = parse_detokenize(br#"{"tokens":[1,-1]}"#).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("tokens[1]"));
        assert_eq!(parse_detokenize(br#"{"model":"m"}"#).unwrap_err().param.as_deref(), Some("tokens"));
        assert_eq!(parse_detokenize(b"[[1]]").unwrap_err().param, None);
    }
}
