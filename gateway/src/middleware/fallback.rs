//! Paths and methods that nothing answers, in OpenAI's shape.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use shekara_protocol::error::ApiError;

use crate::api::ErrorResponse;

pub async fn not_found(request: Request) -> Response {
    // The path is the caller's text: only one made of words is repeated.
    let path = request.uri().path();
    let is_word = |part: &str| part == "v1" || part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let shown = if path.len() <= 64 && path.split('/').all(is_word) { path } else { "…" };
    ErrorResponse(ApiError::unknown_url(request.method().as_str(), shown)).into_response()
}

pub async fn method_not_allowed(request: Request) -> Response {
    ErrorResponse(ApiError::method_not_allowed(request.method().as_str())).into_response()
}
