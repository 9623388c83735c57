//! Mistral's own API: OpenAI's in shape, with words of its own and none that it does not know.

mod answer;
mod messages;
mod request;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;
use shekara_protocol::error::ApiError;

use super::openai::OutgoingBody;
use super::translated_events::ProviderEvents;
use super::upstream::{Call, Upstream};
use super::{AttemptError, FailureKind, Outgoing, UpstreamResponse};
use crate::pii::masking::Tripwire;

const MAX_ANSWER_BYTES: usize = 64 << 20;
const EMBEDDINGS: &str = "/embeddings";

/// `body` is what was scanned; nothing else of the caller's request is sent.
pub(super) async fn send(
    upstream: &Upstream,
    (body, model): (&Bytes, &str),
    outgoing: Outgoing<'_>,
    tripwire: Option<&Tripwire>,
) -> Result<UpstreamResponse, AttemptError> {
    let drops = upstream.drops_unsupported();
    let bytes = if outgoing.is_generated {
        request::chat_body((body, model), outgoing, drops)
    } else if outgoing.path == EMBEDDINGS {
        request::embeddings_body((body, model), drops)
    } else {
        let message = "This provider answers chat and embeddings only.";
        return Err(AttemptError::Refused(ApiError::invalid("model", message).with_code("unsupported_model")));
    };
    let bytes = bytes.map_err(AttemptError::Refused)?;
    let call = Call {
        path: outgoing.path,
        headers: upstream.key_header(AUTHORIZATION, "Bearer ", outgoing)?,
        body: OutgoingBody { content_type: "application/json".to_owned(), bytes },
        accept: if outgoing.stream { "text/event-stream" } else { "application/json" },
    };
    let response = upstream.post(call, tripwire).await?;
    if !outgoing.is_generated {
        return Ok(response);
    }
    if outgoing.stream {
        return Ok(response.map(|body| ProviderEvents::new(body).translated(answer::Chunks::default())));
    }
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|_| FailureKind::BrokenResponse)?;
    let mut chat: Value = serde_json::from_slice(&body.to_bytes()).map_err(|_| FailureKind::BrokenResponse)?;
    if !answer::make_chat(&mut chat, "message") {
        return Err(FailureKind::Server.into());
    }
    let body = Full::new(Bytes::from(chat.to_string())).map_err(|never| match never {}).boxed_unsync();
    Ok(UpstreamResponse::from_parts(head, body))
}
