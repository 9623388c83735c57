//! Models behind AWS Bedrock, through Converse and ConverseStream: chat is translated on its way out, and answers on their
//! way back. Requests are signed (Signature Version 4) or carry a Bedrock API key.

mod content;
mod error;
mod event_stream;
mod request;
mod response;
mod sigv4;
mod stream;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;
use shekara_protocol::error::ApiError;

use super::openai::OutgoingBody;
use super::upstream::{Call, Upstream};
use super::{AttemptError, FailureKind, Outgoing, UpstreamResponse};
use crate::pii::masking::Tripwire;
use crate::secrets::Secret;

const JSON: &str = "application/json";
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// What requests are signed for.
const SERVICE: &str = "bedrock";

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
    // In a path these lead elsewhere, however they are written.
    if matches!(model, "" | "." | "..") {
        return Err(AttemptError::Refused(ApiError::model_not_found("The provider has no model of this name.")));
    }
    let bytes = request::converse_body((body, model), outgoing, upstream.drops_unsupported());
    let bytes = bytes.map_err(AttemptError::Refused)?;
    let (action, accept) = match outgoing {
        Outgoing { counts_tokens: true, .. } => ("count-tokens", JSON),
        Outgoing { stream: true, .. } => ("converse-stream", EVENT_STREAM),
        _ => ("converse", JSON),
    };
    let path = format!("/model/{}/{action}", sigv4::encoded(model, ""));
    let headers = credentials(upstream, (&path, &bytes), outgoing)?;
    let body = OutgoingBody { content_type: JSON.to_owned(), bytes };
    let response = upstream.exchange(Call { path: &path, headers, body, accept }, tripwire).await?;
    let response = error::classified(response).await?;
    let id = format!("chatcmpl-{}", outgoing.request_id);
    let (id, model) = (Value::from(id), Value::from(model));
    let created = u64::try_from(outgoing.now.as_second()).unwrap_or_default();
    if outgoing.stream {
        return Ok(response.map(|body| stream::as_chat(body, (id, model, created))));
    }
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|_| FailureKind::BrokenResponse)?;
    let answer: Value = serde_json::from_slice(&body.to_bytes()).map_err(|_| FailureKind::BrokenResponse)?;
    let chat = if outgoing.counts_tokens {
        serde_json::json!({ "input_tokens": answer["inputTokens"] })
    } else {
        response::as_chat(&answer, (&id, &model, created)).ok_or(FailureKind::BrokenResponse)?
    };
    let body = Full::new(Bytes::from(chat.to_string())).map_err(|never| match never {}).boxed_unsync();
    Ok(UpstreamResponse::from_parts(head, body))
}

/// The headers that say who asks.
fn credentials(
    upstream: &Upstream,
    (path, body): (&str, &[u8]),
    outgoing: Outgoing<'_>,
) -> Result<HeaderMap, AttemptError> {
    let Some(aws) = upstream.aws() else { return upstream.key_header(AUTHORIZATION, "Bearer ", outgoing) };
    let [id, secret] = [&aws.access_key_id, &aws.secret_access_key].map(|source| upstream.secret(source));
    let (id, secret) = (id?, secret?);
    let token = aws.session_token.as_ref().map(|source| upstream.secret(source)).transpose()?;
    let keys = sigv4::Keys {
        access_key_id: id.expose(),
        secret_access_key: secret.expose(),
        session_token: token.as_ref().map(Secret::expose),
    };
    let url = url::Url::parse(&format!("{}{path}", upstream.base_url())).map_err(|_| FailureKind::Unsent)?;
    let host = url.host_str().ok_or(FailureKind::Unsent)?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let request = sigv4::Request { method: "POST", host: &host, path: url.path(), headers: &[], body };
    let signed =
        sigv4::signed(&request, &keys, sigv4::Scope { region: &aws.region, service: SERVICE, at: outgoing.now });
    let mut headers = HeaderMap::new();
    for (name, value) in signed {
        let mut value = HeaderValue::from_str(&value).map_err(|_| {
            tracing::error!("a credential of AWS has characters that no header can carry");
            FailureKind::Unsent
        })?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}
