//! `POST /v1/chat/completions`, `/v1/completions`, `/v1/responses`, `/v1/messages`, `/v1/embeddings`, `/v1/rerank`,
//! `/v1/moderations`, `/v1/images/generations`, `/v1/audio/speech`, `/tokenize` and `/detokenize`: requests that are passed
//! on.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use shekara_protocol::error::{ApiError, ErrorType};
use shekara_protocol::headers::SYNTHETIC;

use super::ErrorResponse;
use crate::pipeline::{Answer, Api, Authenticated, Call, Gateway, answer};

/// How much of a body that is too large is read and thrown away, in limits.
const MAX_DISCARD_FACTOR: usize = 8;

pub async fn chat_completions(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Chat).await.map(marked)
}

pub async fn completions(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Completions).await.map(marked)
}

pub async fn responses(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Responses).await.map(marked)
}

pub async fn messages(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Messages).await.map(marked)
}

/// Of a conversation in Anthropic's shape. Nothing is generated.
pub async fn count_tokens(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::CountTokens).await
}

pub async fn embeddings(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Embeddings).await
}

pub async fn rerank(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Rerank).await
}

pub async fn moderations(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Moderations).await
}

pub async fn images(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Images).await.map(marked)
}

pub async fn speech(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Speech).await.map(marked)
}

/// Nothing is generated.
pub async fn tokenize(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Tokenize).await
}

pub async fn detokenize(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    passed_on((gateway, authenticated), headers, body, Api::Detokenize).await
}

async fn passed_on(
    (gateway, authenticated): (Arc<Gateway>, Authenticated),
    headers: HeaderMap,
    body: Body,
    api: Api,
) -> Result<Response, ErrorResponse> {
    let places = gateway.enter()?;
    let body = read_body(body, gateway.snapshot().config.max_body_bytes).await?;
    let call = Call::new(authenticated, places, headers, body, api);
    Ok(to_response(answer(&gateway, call).await?))
}

/// A mark that machines read: the answer was generated.
pub(super) fn marked(mut response: Response) -> Response {
    response.headers_mut().insert(SYNTHETIC, HeaderValue::from_static("1"));
    response
}

/// A client that sends slower than this does not get to hold a place.
const BODY_TIMEOUT: Duration = Duration::from_mins(1);

/// # Errors
/// 408 when the body does not come in time; see [`collect`].
pub(crate) async fn read_body(body: Body, limit_bytes: usize) -> Result<Bytes, ApiError> {
    tokio::time::timeout(BODY_TIMEOUT, collect(body, limit_bytes)).await.unwrap_or_else(|_| {
        let message = "The request body did not arrive in time.";
        let error = ApiError::new(StatusCode::REQUEST_TIMEOUT, ErrorType::InvalidRequestError, message);
        Err(error.with_code("request_timeout"))
    })
}

/// Above the limit what follows is thrown away for a while, so that the client reads the 413 instead of a reset connection.
///
/// # Errors
/// 413 above the limit, 400 when the client stopped sending.
async fn collect(mut body: Body, limit_bytes: usize) -> Result<Bytes, ApiError> {
    let mut collected = BytesMut::new();
    let mut total_bytes = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::invalid_request("The request body could not be read to its end."))?;
        let Some(chunk) = frame.data_ref() else { continue };
        total_bytes = total_bytes.saturating_add(chunk.len());
        if total_bytes <= limit_bytes {
            collected.extend_from_slice(chunk);
        } else if total_bytes > limit_bytes.saturating_mul(MAX_DISCARD_FACTOR) {
            break;
        }
    }
    if total_bytes > limit_bytes { Err(ApiError::body_too_large(limit_bytes)) } else { Ok(collected.freeze()) }
}

pub(super) fn to_response(answer: Answer) -> Response {
    let (kind, body) = match answer {
        Answer::Whole(bytes) => (HeaderValue::from_static("application/json"), Body::from(bytes)),
        Answer::Text(bytes) => (HeaderValue::from_static("text/plain; charset=utf-8"), Body::from(bytes)),
        Answer::Bytes(kind, stream) => (kind, Body::from_stream(stream)),
        Answer::Stream(stream) => {
            (HeaderValue::from_static("text/event-stream; charset=utf-8"), Body::from_stream(stream))
        }
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
