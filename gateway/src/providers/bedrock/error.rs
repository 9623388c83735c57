//! AWS' errors, which are told apart by their type rather than by their status.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;

use crate::providers::openai::classify;
use crate::providers::{AttemptError, FailureKind, UpstreamResponse};

const TYPE: &str = "x-amzn-errortype";
const MAX_ERROR_BYTES: usize = 64 << 10;

/// Passes a success on and turns everything else into what it means.
///
/// # Errors
/// See [`AttemptError`].
pub(super) async fn classified(response: UpstreamResponse) -> Result<UpstreamResponse, AttemptError> {
    if response.status().is_success() {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ERROR_BYTES).collect().await.map_err(|_| FailureKind::BrokenResponse)?.to_bytes();
    let said: Option<Value> = serde_json::from_slice(&body).ok();
    let in_header = head.headers.get(TYPE).and_then(|name| name.to_str().ok());
    let in_body = said.as_ref().and_then(|said| said["__type"].as_str());
    if let Some(status) = in_header.or(in_body).and_then(|name| status_of(bare(name))) {
        head.status = status;
    }
    // Older parts of AWS begin the word with a capital.
    let told = said.as_ref().and_then(|said| said["message"].as_str().or_else(|| said["Message"].as_str()));
    let body = told.map_or(body, |told| Bytes::from(serde_json::json!({ "message": told }).to_string()));
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    classify(UpstreamResponse::from_parts(head, body)).await
}

/// `namespace#Name:http://…` is a name.
fn bare(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or(name);
    name.rsplit('#').next().unwrap_or(name).trim()
}

/// The status that says to the error policy what the type means, where AWS' own says something else.
fn status_of(name: &str) -> Option<StatusCode> {
    Some(match name {
        "ThrottlingException" | "TooManyRequestsException" | "RequestThrottledException" => {
            StatusCode::TOO_MANY_REQUESTS
        }
        "ServiceQuotaExceededException" => StatusCode::PAYMENT_REQUIRED,
        "ModelNotReadyException" | "ServiceUnavailableException" | "ServiceUnavailable" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        "ModelTimeoutException"
        | "ModelErrorException"
        | "ModelStreamErrorException"
        | "InternalServerException"
        | "InternalFailure" => StatusCode::BAD_GATEWAY,
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "NotAuthorized"
        | "OptInRequired" => StatusCode::FORBIDDEN,
        "ValidationException" => StatusCode::BAD_REQUEST,
        "ResourceNotFoundException" => StatusCode::NOT_FOUND,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_out_of_their_surroundings() {
        for name in [
            "ThrottlingException",
            "ThrottlingException:http://internal.amazon.com/x/",
            "com.amazon#ThrottlingException",
        ] {
            assert_eq!(bare(name), "ThrottlingException");
        }
        assert_eq!(status_of("SomethingNew"), None);
    }
}
