//! Anthropic's Messages API (version 2023-06-01): chat is translated on its way out, and answers on their way back.

mod content;
mod request;
mod response;
mod stream;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;
use shekara_protocol::error::ApiError;

use super::openai::OutgoingBody;
use super::upstream::{Call, Upstream};
use super::{AttemptError, FailureKind, Outgoing, UpstreamResponse};
use crate::pii::masking::Tripwire;

const KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// `body` is what was scanned; nothing else of the caller's request is sent.
pub(super) async fn send(
    upstream: &Upstream,
    (body, model): (&Bytes, &str),
    outgoing: Outgoing<'_>,
    tripwire: Option<&Tripwire>,
) -> Result<UpstreamResponse, AttemptError> {
    if !outgoing.is_generated && !outgoing.counts_tokens {
        let message = "This provider answers chat only.";
        return Err(AttemptError::Refused(ApiError::invalid("model", message).with_code("unsupported_model")));
    }
    let bytes = request::messages_body((body, model), outgoing, upstream.drops_unsupported());
    let bytes = bytes.map_err(AttemptError::Refused)?;
    let body = OutgoingBody { content_type: "application/json".to_owned(), bytes };
    let mut headers = upstream.key_header(KEY, "", outgoing)?;
    headers.extend([VERSION].map(|(name, value)| (Some(name), value)));
    let accept = if outgoing.stream { "text/event-stream" } else { "application/json" };
    let path = if outgoing.counts_tokens { "/messages/count_tokens" } else { "/messages" };
    let call = Call { path, headers, body, accept };
    let response = upstream.post(call, tripwire).await?;
    if outgoing.counts_tokens {
        return Ok(response);
    }
    let now_s = u64::try_from(outgoing.now.as_second()).unwrap_or_default();
    if outgoing.stream {
        return Ok(response.map(|body| stream::as_chat(body, now_s)));
    }
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|_| FailureKind::BrokenResponse)?;
    let answer: Value = serde_json::from_slice(&body.to_bytes()).map_err(|_| FailureKind::BrokenResponse)?;
    let chat = response::as_chat(&answer, now_s).ok_or(FailureKind::BrokenResponse)?;
    let body = Full::new(Bytes::from(chat.to_string())).map_err(|never| match never {}).boxed_unsync();
    Ok(UpstreamResponse::from_parts(head, body))
}
