//! The one place that turns an error into HTTP.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use shekara_protocol::error::ApiError;
use shekara_protocol::headers::SHOULD_RETRY;

/// An [`ApiError`] as an answer. It stays in the answer's extensions too, for the audit and for other shapes.
#[derive(Debug)]
pub struct ErrorResponse(pub ApiError);

impl From<ApiError> for ErrorResponse {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let error = self.0;
        let mut response = Response::new(Body::from(error.to_json()));
        *response.status_mut() = error.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = error.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if error.should_retry == Some(false) {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if error.status == StatusCode::UNAUTHORIZED {
            headers.insert(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(error);
        response
    }
}
