//! OpenAI and everything that speaks its API.

mod error;
mod request;

pub(super) use error::classify;
pub(super) use request::{OutgoingBody, outgoing_body};

use bytes::Bytes;
use http::header::AUTHORIZATION;

use super::upstream::{Call, Upstream};
use super::{AttemptError, Outgoing, UpstreamResponse};
use crate::config::ProviderKind;
use crate::pii::masking::Tripwire;

/// `body` is what was scanned; nothing else of the caller's request is sent.
pub(super) async fn send(
    upstream: &Upstream,
    (body, model): (&Bytes, &str),
    outgoing: Outgoing<'_>,
    tripwire: Option<&Tripwire>,
) -> Result<UpstreamResponse, AttemptError> {
    let own;
    let body = if upstream.kind() == ProviderKind::Openai {
        own = request::for_openai_itself(body, outgoing.is_translated)?;
        own.as_slice()
    } else {
        body
    };
    let call = Call {
        path: outgoing.path,
        headers: upstream.key_header(AUTHORIZATION, "Bearer ")?,
        body: outgoing_body(body, model, outgoing)?,
        accept: match outgoing.upload {
            _ if outgoing.stream => "text/event-stream",
            Some(_) => "*/*",
            None => "application/json",
        },
    };
    upstream.post(call, tripwire).await
}
