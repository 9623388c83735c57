//! Errors in OpenAI's shape: `{"error":{"message","type","param","code"}}`.
//!
//! A message is read by the caller's developers, so it never repeats a prompt, a key or any other value of the request.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use serde::Serialize;

/// OpenAI's `type` of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    InvalidRequestError,
    PermissionError,
    RateLimitError,
    ServerError,
}

/// An error on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub status: StatusCode,
    pub kind: ErrorType,
    pub message: String,
    /// The request field at fault, `messages[0].content` style.
    pub param: Option<String>,
    pub code: Option<Cow<'static, str>>,
    /// Seconds, sent as `retry-after`.
    pub retry_after_s: Option<u64>,
    /// `Some(false)` is sent as `x-should-retry: false`, which OpenAI's SDKs obey.
    pub should_retry: Option<bool>,
}

impl ApiError {
    pub fn new(status: StatusCode, kind: ErrorType, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), param: None, code: None, retry_after_s: None, should_retry: None }
    }

    /// 400 without a field.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorType::InvalidRequestError, message)
    }

    /// 400 that names its field.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::invalid_request(message).with_param(param).with_code("invalid_value")
    }

    /// 400 for a field that is not there.
    pub fn missing(param: &str) -> Self {
        Self::invalid(param, format!("Missing required parameter: '{param}'.")).with_code("missing_required_parameter")
    }

    /// 400 for a list that must not be empty; `element` is the field's word for one of it.
    pub fn empty_array(param: &str, element: &str) -> Self {
        Self::invalid(param, format!("Invalid '{param}': empty array. Expected at least one {element}."))
            .with_code("empty_array")
    }

    /// 400 for what the API knows but is not served here; `what` begins with a capital, "Images".
    pub fn unsupported(param: &str, what: &str) -> Self {
        Self::invalid(param, format!("Unsupported value: '{param}'. {what} not supported here."))
            .with_code("unsupported_value")
    }

    /// 400 for bytes that are no JSON.
    pub fn malformed_json(line: usize, column: usize) -> Self {
        Self::invalid_request(format!(
            "We could not parse the JSON body of your request: syntax error at line {line}, column {column}."
        ))
        .with_code("invalid_json")
    }

    /// 404 `model_not_found`.
    pub fn model_not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorType::InvalidRequestError, message)
            .with_param("model")
            .with_code("model_not_found")
    }

    /// 404 for a path that no route has.
    pub fn unknown_url(method: &str, path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorType::InvalidRequestError, format!("Invalid URL ({method} {path})"))
            .with_code("unknown_url")
    }

    /// 405.
    pub fn method_not_allowed(method: &str) -> Self {
        let message = format!("Not allowed to {method} on this URL.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, ErrorType::InvalidRequestError, message)
            .with_code("method_not_allowed")
    }

    /// 413; `limit_bytes` is the largest body that is taken.
    pub fn body_too_large(limit_bytes: usize) -> Self {
        let message = format!("The request body is larger than {limit_bytes} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorType::InvalidRequestError, message).with_code("body_too_large")
    }

    /// 400 `context_length_exceeded`, with the counts that explain it.
    pub fn context_length_exceeded(context_tokens: usize, prompt_tokens: usize) -> Self {
        Self::invalid_request(format!(
            "This model's maximum context length is {context_tokens} tokens. However, your messages resulted in \
             {prompt_tokens} tokens. Please reduce the length of the messages."
        ))
        .with_param("messages")
        .with_code("context_length_exceeded")
    }

    /// 401 `invalid_api_key`.
    pub fn invalid_api_key(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorType::InvalidRequestError, message).with_code("invalid_api_key")
    }

    /// 429 with the seconds after which another try makes sense.
    pub fn overloaded(message: impl Into<String>, retry_after_s: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorType::RateLimitError, message)
            .with_code("rate_limit_exceeded")
            .with_retry_after(retry_after_s)
    }

    /// 503 with the seconds after which another try makes sense.
    pub fn unavailable(code: &'static str, message: impl Into<String>, retry_after_s: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorType::ServerError, message)
            .with_code(code)
            .with_retry_after(retry_after_s)
    }

    /// 503 while the process is about to end.
    pub fn shutting_down() -> Self {
        Self::unavailable("shutting_down", "The server is shutting down. Please try again shortly.", 5)
    }

    /// 500 that keeps its cause to the log.
    pub fn internal() -> Self {
        let message = "The server had an error while processing your request.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorType::ServerError, message).with_code("internal_error")
    }

    #[must_use]
    pub fn with_param(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Marks an error that a retry cannot help.
    #[must_use]
    pub fn final_answer(mut self) -> Self {
        self.should_retry = Some(false);
        self
    }

    /// The body, `{"error":{…}}`.
    pub fn to_json(&self) -> String {
        let body = ErrorBody {
            error: ErrorDetail {
                message: &self.message,
                kind: self.kind,
                param: self.param.as_deref(),
                code: self.code.as_deref(),
            },
        };
        serde_json::to_string(&body).unwrap_or_else(|_| r#"{"error":{"message":"error","type":"server_error"}}"#.into())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.message)
    }
}

impl std::error::Error for ApiError {}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorDetail<'a>,
}

#[derive(Serialize)]
struct ErrorDetail<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: ErrorType,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_all_four_fields_even_when_null() {
        let error = ApiError::overloaded("busy", 3);
        let json: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
        assert_eq!(json["error"]["type"], "rate_limit_error");
        assert_eq!(json["error"]["code"], "rate_limit_exceeded");
        assert!(json["error"]["param"].is_null());
        assert_eq!(json["error"].as_object().unwrap().len(), 4);
    }
}
