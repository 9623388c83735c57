//! Google's Gemini API (v1beta, `generateContent` and `batchEmbedContents`): chat and embeddings are translated on their way
//! out, and answers on their way back.

mod content;
mod embeddings;
mod request;
mod response;
mod stream;
mod tools;

use bytes::Bytes;
use http::{HeaderName, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;
use shekara_protocol::error::{ApiError, ErrorType};

use super::chat_fields::path_part;
use super::openai::{OutgoingBody, verdict};
use super::translated_events::ProviderEvents;
use super::upstream::{Call, Upstream};
use super::{AttemptError, FailureKind, Outgoing, UpstreamBody, UpstreamResponse};
use crate::pii::masking::Tripwire;

const KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
const MAX_ANSWER_BYTES: usize = 64 << 20;
const EMBEDDINGS: &str = "/embeddings";

/// `body` is what was scanned; nothing else of the caller's request is sent.
pub(super) async fn send(
    upstream: &Upstream,
    (body, model): (&Bytes, &str),
    outgoing: Outgoing<'_>,
    tripwire: Option<&Tripwire>,
) -> Result<UpstreamResponse, AttemptError> {
    let model = path_part(model.strip_prefix("models/").unwrap_or(model)).map_err(AttemptError::Refused)?;
    let drops = upstream.drops_unsupported();
    let (method, bytes) = if outgoing.is_generated {
        let method = if outgoing.stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        (method, request::generate_body((body, model), outgoing, drops))
    } else if outgoing.path == EMBEDDINGS {
        ("batchEmbedContents", embeddings::batch_body((body, model), drops))
    } else {
        let message = "This provider answers chat and embeddings only.";
        return Err(AttemptError::Refused(ApiError::invalid("model", message).with_code("unsupported_model")));
    };
    let bytes = bytes.map_err(AttemptError::Refused)?;
    let call = Call {
        path: &format!("/models/{model}:{method}"),
        headers: upstream.key_header(KEY, "", outgoing)?,
        body: OutgoingBody { content_type: "application/json".to_owned(), bytes },
        accept: if outgoing.stream { "text/event-stream" } else { "application/json" },
    };
    let response = upstream.post(call, tripwire).await?;
    let (head, answer) = response.into_parts();
    let about = response::About::new(outgoing.request_id, model);
    let answer = match () {
        () if outgoing.stream => streamed(answer, about).await?,
        () if outgoing.is_generated => whole(answer, |answer| response::as_chat(answer, &about)).await?,
        () => {
            let as_base64 = embeddings::wants_base64(body);
            whole(answer, |answer| Ok(embeddings::as_list(answer, model, as_base64))).await?
        }
    };
    Ok(UpstreamResponse::from_parts(head, answer))
}

async fn whole(
    body: UpstreamBody,
    translated: impl FnOnce(&Value) -> Result<Option<Value>, AttemptError>,
) -> Result<UpstreamBody, AttemptError> {
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|_| FailureKind::BrokenResponse)?;
    let answer: Value = serde_json::from_slice(&body.to_bytes()).map_err(|_| FailureKind::BrokenResponse)?;
    let translated = translated(&answer)?.ok_or(FailureKind::BrokenResponse)?;
    Ok(Full::new(Bytes::from(translated.to_string())).map_err(|never| match never {}).boxed_unsync())
}

/// Whether the prompt is refused, or the provider fails, stands in the first event.
async fn streamed(body: UpstreamBody, about: response::About) -> Result<UpstreamBody, AttemptError> {
    let mut events = ProviderEvents::new(body);
    if let Some(event) = events.first().await.map_err(|_| FailureKind::BrokenResponse)? {
        let said: Value = serde_json::from_str(&event.data).map_err(|_| FailureKind::BrokenResponse)?;
        refuse_blocked(&said)?;
        if let Some(code) = said["error"]["code"].as_u64() {
            let status = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
            let status = status.filter(|status| status.as_u16() >= 400).unwrap_or(StatusCode::BAD_GATEWAY);
            return Err(verdict(status, event.data.as_bytes(), None));
        }
    }
    Ok(events.translated(stream::Chunks::new(about)))
}

/// A prompt that the provider's policy forbids has no candidates: no other target is asked.
fn refuse_blocked(answer: &Value) -> Result<(), AttemptError> {
    if answer["promptFeedback"]["blockReason"].is_string() && answer["candidates"][0].is_null() {
        let message = "The provider's content policy forbids this prompt.";
        let error = ApiError::new(StatusCode::BAD_REQUEST, ErrorType::InvalidRequestError, message);
        return Err(AttemptError::Told(error.with_code("content_filter")));
    }
    Ok(())
}
