//! OpenAI and everything that speaks its API.

mod dialect;
mod dialect_answer;
mod error;
mod error_detail;
mod request;
mod retry_after;

pub(super) use error::{classify, verdict};
pub(super) use request::{OutgoingBody, for_openai_itself, outgoing_body};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use shekara_protocol::error::ApiError;

use super::upstream::{Call, Upstream};
use super::{AttemptError, Outgoing, UpstreamResponse};
use crate::config::{Preset, ProviderKind};
use crate::pii::masking::Tripwire;

/// `body` is what was scanned; nothing else of the caller's request is sent.
pub(super) async fn send(
    upstream: &Upstream,
    (body, model): (&Bytes, &str),
    outgoing: Outgoing<'_>,
    tripwire: Option<&Tripwire>,
) -> Result<UpstreamResponse, AttemptError> {
    if outgoing.is_about_tokens() && !matches!(upstream.preset(), None | Some(Preset::Vllm)) {
        let message = "The server of this model does not turn texts into tokens as vLLM does.";
        return Err(AttemptError::Refused(ApiError::invalid("model", message).with_code("unsupported_model")));
    }
    let own;
    let is_cloud = upstream.kind() == ProviderKind::Openai || upstream.preset().is_some_and(Preset::is_cloud);
    let body = if is_cloud {
        own = for_openai_itself(body, outgoing.is_translated)?;
        own.as_slice()
    } else {
        body
    };
    let dialect = upstream.preset().map(dialect::dialect).filter(|_| outgoing.enclosed.uploads().is_none());
    let mut body = outgoing_body(body, model, outgoing)?;
    if let Some(dialect) = dialect {
        body.bytes = dialect.request(&body.bytes)?;
    }
    let call = Call {
        path: outgoing.path,
        headers: upstream.key_header(AUTHORIZATION, "Bearer ", outgoing)?,
        body,
        accept: match outgoing.enclosed.uploads() {
            _ if outgoing.stream => "text/event-stream",
            Some(_) => "*/*",
            None => "application/json",
        },
    };
    let response = upstream.post(call, tripwire).await?;
    let Some(dialect) = dialect.filter(|_| outgoing.is_generated) else { return Ok(response) };
    let (head, body) = response.into_parts();
    let body = if outgoing.stream {
        dialect_answer::streamed(body, dialect).await?
    } else {
        dialect_answer::whole(body, dialect).await?
    };
    Ok(UpstreamResponse::from_parts(head, body))
}
