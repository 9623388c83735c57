//! Paths and methods that nothing answers, in OpenAI's shape.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use shekara_protocol::error::ApiError;

use crate::api::ErrorResponse;

pub async fn not_found(request: Request) -> Response {
    // The path is the caller's text and may hold anything: only its first part is repeated.
    let first: String =
        request.uri().path().split('/').take(3).collect::<Vec<_>>().join("/").chars().take(40).collect();
    ErrorResponse(ApiError::unknown_url(request.method().as_str(), &first)).into_response()
}

pub async fn method_not_allowed(request: Request) -> Response {
    ErrorResponse(ApiError::method_not_allowed(request.method().as_str())).into_response()
}
