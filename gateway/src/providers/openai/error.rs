//! Statuses and error bodies of OpenAI's API, sorted as the error policy wants them.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use shekara_protocol::error::{ApiError, ErrorType};

use crate::providers::{AttemptError, Failure, FailureKind, UpstreamBody, UpstreamResponse};

const MAX_ERROR_BYTES: usize = 64 << 10;
/// An error's body that does not come at once is done without.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_MESSAGE_CHARS: usize = 2_000;
const MAX_NAME_BYTES: usize = 64;
/// More digits than this are a number, not a name.
const MAX_NAME_DIGITS: usize = 6;
const MAX_RETRY_AFTER_S: u64 = 24 * 3600;

/// The provider's words, as far as they are words. `code` and `kind` are names; anything else a provider puts there is
/// dropped, since the code goes into the audit.
#[derive(Debug, Default)]
struct ErrorDetail {
    message: Option<String>,
    param: Option<String>,
    code: Option<String>,
    kind: Option<String>,
}

impl ErrorDetail {
    /// Reads OpenAI's `{"error":{…}}`, and the shapes of those who differ: `{"error":"…"}`, `{"message":"…"}`,
    /// `{"detail":"…"}`.
    fn read(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return Self::default() };
        let error = body.get("error").filter(|error| error.is_object()).unwrap_or(&body);
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let bare = || body.get("error").and_then(Value::as_str);
        let message = text("message").or_else(bare).or_else(|| text("detail"));
        let name = |name: &str| text(name).filter(|value| is_name(value)).map(str::to_owned);
        Self {
            message: message.map(|message| message.chars().take(MAX_MESSAGE_CHARS).collect()),
            param: text("param").filter(|param| param.len() <= MAX_NAME_BYTES).map(str::to_owned),
            code: name("code"),
            kind: name("type"),
        }
    }

    fn says(&self, words: &str) -> bool {
        self.message.as_ref().is_some_and(|message| message.contains(words))
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=MAX_NAME_BYTES).contains(&text.len())
        && text.bytes().all(plain)
        && text.bytes().filter(u8::is_ascii_digit).count() <= MAX_NAME_DIGITS
}

/// Passes a success on and turns everything else into what it means.
///
/// # Errors
/// See [`AttemptError`].
pub(in crate::providers) async fn classify(response: UpstreamResponse) -> Result<UpstreamResponse, AttemptError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after_s = retry_after(response.headers());
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Err(AttemptError::Failed(Failure { kind: FailureKind::Server, retry_after_s }));
    }
    if !status.is_client_error() {
        return Err(FailureKind::BrokenResponse.into());
    }
    let detail = error_detail(response.into_body()).await;
    Err(match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYMENT_REQUIRED => {
            let spent = status == StatusCode::PAYMENT_REQUIRED || is_quota(&detail);
            let kind = if spent { FailureKind::Quota } else { FailureKind::RateLimit };
            AttemptError::Failed(Failure { kind, retry_after_s })
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => AttemptError::Refused(auth_failed()),
        // Anthropic says so with a 400.
        StatusCode::BAD_REQUEST if detail.says("credit balance") => {
            AttemptError::Failed(Failure { kind: FailureKind::Quota, retry_after_s })
        }
        _ => AttemptError::Refused(passed_on(status, detail)),
    })
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

fn is_quota(detail: &ErrorDetail) -> bool {
    let spent = |text: Option<&str>| text.is_some_and(|text| text.contains("quota") || text.contains("billing"));
    spent(detail.code.as_deref()) || spent(detail.kind.as_deref())
}

async fn error_detail(body: UpstreamBody) -> ErrorDetail {
    let collected = tokio::time::timeout(ERROR_BODY_TIMEOUT, Limited::new(body, MAX_ERROR_BYTES).collect()).await;
    let bytes = match collected {
        Ok(Ok(collected)) => collected.to_bytes(),
        _ => Bytes::new(),
    };
    ErrorDetail::read(&bytes)
}

/// Seconds, from `retry-after-ms` or `retry-after` (seconds or a date).
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = text("retry-after-ms").and_then(|value| value.parse::<u64>().ok());
    let seconds = milliseconds.map(|value| value.div_ceil(1000)).or_else(|| {
        let value = text("retry-after")?;
        value.parse::<u64>().ok().or_else(|| seconds_until(value))
    });
    seconds.map(|value| value.min(MAX_RETRY_AFTER_S))
}

fn seconds_until(date: &str) -> Option<u64> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    u64::try_from(at.as_second() - jiff::Timestamp::now().as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn classified(status: u16, body: &'static str) -> AttemptError {
        let body = http_body_util::Full::new(Bytes::from_static(body.as_bytes()));
        let body = body.map_err(|never| match never {}).boxed_unsync();
        let response = http::Response::builder().status(status).header("retry-after", "7").body(body).unwrap();
        classify(response).await.unwrap_err()
    }

    #[test]
    fn the_words_of_every_shape_are_read_and_no_prompt_becomes_a_code() {
        for body in [
            r#"{"error":{"message":"why"}}"#,
            r#"{"error":"why"}"#,
            r#"{"message":"why","code":400}"#,
            r#"{"detail":"why"}"#,
        ] {
            assert_eq!(ErrorDetail::read(body.as_bytes()).message.as_deref(), Some("why"), "{body}");
        }
        for code in ["my secret prompt", "901123300258", "", &"x".repeat(65)] {
            let body = serde_json::json!({ "error": { "code": code } }).to_string();
            assert_eq!(ErrorDetail::read(body.as_bytes()).code, None, "{code}");
        }
        assert!(ErrorDetail::read(b"<html>").message.is_none());
    }

    #[tokio::test]
    async fn follows_the_error_policy() {
        let failed = |error: AttemptError| match error {
            AttemptError::Failed(failure) => failure,
            AttemptError::Refused(error) => panic!("refused: {error}"),
        };
        let limit = failed(classified(429, r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#).await);
        assert_eq!(limit, Failure { kind: FailureKind::RateLimit, retry_after_s: Some(7) });
        let quota = failed(classified(429, r#"{"error":{"message":"x","code":"insufficient_quota"}}"#).await);
        assert_eq!(quota.kind, FailureKind::Quota);
        assert_eq!(failed(classified(402, "").await).kind, FailureKind::Quota);
        let credit =
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low."}}"#;
        assert_eq!(failed(classified(400, credit).await).kind, FailureKind::Quota);
        assert_eq!(failed(classified(503, "").await).kind, FailureKind::Server);
        assert_eq!(failed(classified(302, "").await).kind, FailureKind::BrokenResponse);
        for (status, expected, code) in [(401, 502, "provider_auth_failed"), (400, 400, "bad"), (404, 404, "bad")] {
            let AttemptError::Refused(error) = classified(status, r#"{"error":{"message":"m","code":"bad"}}"#).await
            else {
                panic!("must be refused")
            };
            assert_eq!((error.status.as_u16(), error.code.as_deref()), (expected, Some(code)));
        }
    }
}
