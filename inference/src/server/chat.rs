//! `/v1/chat/completions`.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use shekara_protocol::chat::parse_request;
use shekara_protocol::headers;

use super::ServerState;
use super::body;
use super::chat_chunks::{ChatChunks, UsageChunks};
use super::chat_whole::collect;
use super::error::ErrorResponse;
use super::event_stream::{ChatEvents, EventStream};
use super::generation::{ChatAsk, Generation};

pub(super) async fn create(State(state): State<ServerState>, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, state.body_limit_bytes).await?;
    let ask = move || {
        let chat = body::strictly(&body, parse_request)?;
        Ok(ChatAsk { chat, places: None, origin: () })
    };
    let (generation, ()) = Generation::start(state, parts.headers, ask).await?;
    Ok(marked(if generation.prepared.stream {
        let usage = UsageChunks::included(generation.prepared.include_usage);
        EventStream::new(ChatChunks::new(generation, usage), ChatEvents).into_response()
    } else {
        Json(collect(generation).await?).into_response()
    }))
}

/// Says in a header that the answer was generated.
pub(super) fn marked(mut response: Response) -> Response {
    let synthetic = HeaderName::from_static(headers::SYNTHETIC);
    response.headers_mut().insert(synthetic, HeaderValue::from_static("1"));
    response
}
