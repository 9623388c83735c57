//! Statuses and error bodies of OpenAI's API and of those like it, sorted as the error policy wants them.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use shekara_protocol::error::{ApiError, ErrorType};

use super::error_detail::ErrorDetail;
use super::retry_after;
use crate::providers::{AttemptError, Failure, FailureKind, UpstreamBody, UpstreamResponse};

const MAX_ERROR_BYTES: usize = 64 << 10;
/// An error's body that does not come at once is done without.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// Groq's word for having no room.
const NO_CAPACITY: u16 = 498;

/// Passes a success on and turns everything else into what it means.
///
/// # Errors
/// See [`AttemptError`].
pub(in crate::providers) async fn classify(response: UpstreamResponse) -> Result<UpstreamResponse, AttemptError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after_s = retry_after::of_headers(response.headers());
    if is_outage(status) {
        return Err(AttemptError::Failed(Failure { kind: FailureKind::Server, retry_after_s, at_the_door: false }));
    }
    if !status.is_client_error() {
        return Err(FailureKind::BrokenResponse.into());
    }
    let body = error_body(response.into_body()).await;
    Err(match verdict(status, &body, retry_after_s) {
        AttemptError::Failed(failure) => AttemptError::Failed(Failure { at_the_door: true, ..failure }),
        other => other,
    })
}

/// What an error means that came with this status, or says so inside an answer.
pub(in crate::providers) fn verdict(status: StatusCode, body: &[u8], retry_after_s: Option<u64>) -> AttemptError {
    if is_outage(status) {
        return AttemptError::Failed(Failure { kind: FailureKind::Server, retry_after_s, at_the_door: false });
    }
    let detail = ErrorDetail::read(body);
    let failed = |kind| AttemptError::Failed(Failure { kind, retry_after_s, at_the_door: false });
    match status {
        StatusCode::PAYMENT_REQUIRED => failed(FailureKind::Quota),
        StatusCode::TOO_MANY_REQUESTS if detail.is_quota() => failed(FailureKind::Quota),
        StatusCode::TOO_MANY_REQUESTS => {
            let retry_after_s = retry_after_s.or(detail.retry_after_s);
            AttemptError::Failed(Failure { kind: FailureKind::RateLimit, retry_after_s, at_the_door: false })
        }
        StatusCode::PAYLOAD_TOO_LARGE if detail.is_over_rate() => failed(FailureKind::RateLimit),
        StatusCode::FORBIDDEN if detail.is_content_policy() => {
            AttemptError::Told(passed_on(StatusCode::BAD_REQUEST, detail))
        }
        StatusCode::FORBIDDEN | StatusCode::PRECONDITION_FAILED if detail.is_unpaid() => failed(FailureKind::Quota),
        // The key is fine, and may do other things.
        StatusCode::FORBIDDEN if detail.is_unknown_model() => {
            AttemptError::Told(passed_on(StatusCode::NOT_FOUND, detail))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => AttemptError::Told(auth_failed()),
        StatusCode::BAD_REQUEST if detail.is_bad_key() => AttemptError::Told(auth_failed()),
        StatusCode::BAD_REQUEST if detail.is_unpaid_request() => failed(FailureKind::Quota),
        _ => AttemptError::Told(passed_on(status, detail)),
    }
}

/// The provider is at fault, or has no room.
fn is_outage(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT || status.as_u16() == NO_CAPACITY
}

fn auth_failed() -> ApiError {
    let message = "The provider refused this gateway's own credentials. Your API key is fine; the operator must act.";
    ApiError::new(StatusCode::BAD_GATEWAY, ErrorType::ServerError, message)
        .with_code("provider_auth_failed")
        .final_answer()
}

fn passed_on(status: StatusCode, detail: ErrorDetail) -> ApiError {
    let message = detail.message.unwrap_or_else(|| format!("The provider answered with status {}.", status.as_u16()));
    let mut error = ApiError::new(status, ErrorType::InvalidRequestError, message);
    error.param = detail.param;
    error.code = detail.code.map(Into::into);
    error
}

async fn error_body(body: UpstreamBody) -> Bytes {
    let collected = tokio::time::timeout(ERROR_BODY_TIMEOUT, Limited::new(body, MAX_ERROR_BYTES).collect()).await;
    match collected {
        Ok(Ok(collected)) => collected.to_bytes(),
        _ => Bytes::new(),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
