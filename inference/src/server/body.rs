//! A request's body: read within its bound, off the threads that serve others, and strictly.

use axum::body::{Body, Bytes, to_bytes};
use shekara_protocol::error::ApiError;
use shekara_protocol::json;

/// Reads a whole body.
///
/// # Errors
/// 413 above the limit, 400 if it does not arrive.
pub(super) async fn read(body: Body, limit_bytes: usize) -> Result<Bytes, ApiError> {
    to_bytes(body, limit_bytes).await.map_err(|error| {
        let error = error.into_inner();
        if error.is::<http_body_util::LengthLimitError>() {
            ApiError::body_too_large(limit_bytes)
        } else {
            ApiError::invalid_request("The request body could not be read.")
        }
    })
}

/// Parses a body that no two parsers can read differently.
///
/// # Errors
/// 400 for JSON that is malformed or ambiguous, and those of `parse`.
pub(super) fn strictly<T>(body: &[u8], parse: impl FnOnce(&[u8]) -> Result<T, ApiError>) -> Result<T, ApiError> {
    json::walk(body, |_, _| {})?;
    parse(body)
}

/// Runs what takes a while away from the threads that serve others: parsing, tokenising, compiling.
///
/// # Errors
/// Those of `work`.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::internal())?
}
