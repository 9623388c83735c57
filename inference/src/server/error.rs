//! The one place that turns errors into HTTP.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shekara_protocol::error::{ApiError, ErrorType};
use shekara_protocol::headers;

use crate::engine::{EngineError, SubmitError};

/// Seconds after which a place is likely to be free again.
const RETRY_AFTER_S: u64 = 2;

/// An error on its way out, in OpenAI's shape.
#[derive(Debug)]
pub(super) struct ErrorResponse(pub ApiError);

impl From<ApiError> for ErrorResponse {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.0.to_json()));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(retry) = self.0.should_retry {
            let value = HeaderValue::from_static(if retry { "true" } else { "false" });
            headers.insert(HeaderName::from_static(headers::SHOULD_RETRY), value);
        }
        // For an API that says it in its own shape.
        response.extensions_mut().insert(self.0);
        response
    }
}

/// A request that the engine did not take.
pub(super) fn not_taken(error: SubmitError) -> ApiError {
    match error {
        SubmitError::QueueFull { .. } => {
            let message = "The model is busy: its queue is full. Please try again shortly.";
            ApiError::overloaded(message, RETRY_AFTER_S)
        }
        SubmitError::TooLong { num_tokens, max_context } => ApiError::context_length_exceeded(max_context, num_tokens),
        SubmitError::EmptyPrompt => ApiError::invalid("messages", "The messages contain no text."),
        SubmitError::ShuttingDown => shutting_down(),
        SubmitError::Failed => engine_failed(),
    }
}

/// A request that the engine took and could not finish.
pub(super) fn not_finished(error: EngineError) -> ApiError {
    match error {
        EngineError::Stopped => shutting_down(),
        EngineError::Failed => ApiError::internal(),
        EngineError::Grammar => {
            let message = "The form that the answer must have became too complex to follow.";
            ApiError::invalid_request(message).with_code("structure_too_complex").final_answer()
        }
        EngineError::NotRead => {
            let message = "The answer was not read for too long, and was ended.";
            ApiError::new(StatusCode::REQUEST_TIMEOUT, ErrorType::ServerError, message).with_code("answer_not_read")
        }
    }
}

pub(super) fn shutting_down() -> ApiError {
    ApiError::unavailable("shutting_down", "The server is shutting down.", RETRY_AFTER_S)
}

fn engine_failed() -> ApiError {
    ApiError::unavailable("engine_failed", "The model is out of service.", RETRY_AFTER_S)
}
