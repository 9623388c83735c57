//! `/v1/chat/completions`.

use std::borrow::Cow;
use std::collections::HashMap;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use shekara_protocol::chat::parse_request;
use shekara_protocol::error::ApiError;
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
        refuse_unsupported(&body)?;
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

/// Fields that would change the answer and are not supported here, though others know them.
const UNSUPPORTED: [&str; 13] = [
    "functions",
    "function_call",
    "best_of",
    "echo",
    "prompt_logprobs",
    "bad_words",
    "use_beam_search",
    "length_penalty",
    "logits_processors",
    "documents",
    "chat_template",
    "guided_whitespace_pattern",
    "web_search_options",
];

/// # Errors
/// A 400 that names the first of them that is given.
fn refuse_unsupported(body: &[u8]) -> Result<(), ApiError> {
    let fields: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(body).unwrap_or_default();
    let given = |name: &&&str| fields.get(**name).is_some_and(|value| !matches!(value.get(), "null" | "false" | "[]"));
    match UNSUPPORTED.iter().find(given) {
        Some(name) => Err(ApiError::unsupported(name, "This field is")),
        None => Ok(()),
    }
}

/// Says in a header that the answer was generated.
pub(super) fn marked(mut response: Response) -> Response {
    let synthetic = HeaderName::from_static(headers::SYNTHETIC);
    response.headers_mut().insert(synthetic, HeaderValue::from_static("1"));
    response
}
