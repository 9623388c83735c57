//! Optimistic locking: an answer's `ETag` is the record's version, and `If-Match` refuses to write over another one.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use shekara_protocol::error::{ApiError, ErrorType};

use super::super::ErrorResponse;
use super::caller::not_found;
use crate::store::Written;

/// A record and its version.
pub(super) fn versioned(status: StatusCode, body: Value, version: i64) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// # Errors
/// 412: the caller has seen another version.
pub(super) fn check_version(headers: &HeaderMap, version: i64) -> Result<(), ErrorResponse> {
    let Some(wanted) = headers.get(IF_MATCH) else { return Ok(()) };
    let wanted = wanted.to_str().unwrap_or_default().trim();
    if wanted == "*" || wanted == version.to_string() || wanted == format!("\"{version}\"") {
        return Ok(());
    }
    let message = format!("It was changed meanwhile: its version is {version}. Read it again.");
    let error = ApiError::new(StatusCode::PRECONDITION_FAILED, ErrorType::InvalidRequestError, message);
    Err(error.with_code("version_conflict").final_answer().into())
}

/// # Errors
/// 404 where what it belongs to is missing, 409 where it is there already.
pub(super) fn inserted(written: Written, what: &str, belongs_to: &str) -> Result<(), ErrorResponse> {
    match written {
        Written::Done => Ok(()),
        Written::Missing => Err(not_found(belongs_to)),
        Written::Conflict => {
            let message = format!("There is such a {what} already.");
            let error = ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message);
            Err(error.with_code(format!("{what}_exists")).final_answer().into())
        }
    }
}

/// # Errors
/// 404 where it or what it belongs to is missing, 409 where another was quicker.
pub(super) fn updated(written: Written, what: &str) -> Result<(), ErrorResponse> {
    match written {
        Written::Done => Ok(()),
        Written::Missing => Err(not_found(what)),
        Written::Conflict => {
            let message = "It was changed at the same moment by somebody else. Read it again.";
            let error = ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message);
            Err(error.with_code("version_conflict").into())
        }
    }
}
