//! `/v1/messages` in Anthropic's shape: a translation to chat and back.
//!
//! Whatever goes wrong below this path is said in that shape too, by [`own_shape`].

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use shekara_protocol::chat::ChatChunk;
use shekara_protocol::error::ApiError;
use shekara_protocol::messages::{MessagesRequest, MessagesStream, error_json, from_chat, parse_request, translate};
use shekara_protocol::parse::parse;

use super::ServerState;
use super::body;
use super::chat::marked;
use super::chat_chunks::{ChatChunks, UsageChunks};
use super::chat_whole::collect;
use super::error::ErrorResponse;
use super::event_stream::{EventStream, Events, named};
use super::generation::{ChatAsk, Generation, restated};
use super::models::find;
use super::request_id::RequestId;
use super::responses::fresh_ids;

const PATH: &str = "/v1/messages";
/// Anthropic's name for the request's id.
const REQUEST_ID: &str = "request-id";

pub(super) async fn create(State(state): State<ServerState>, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, state.body_limit_bytes).await?;
    let ask = move || {
        let origin = body::strictly(&body, parse_request)?;
        let (chat, places) = translate(&origin)?;
        Ok(ChatAsk { chat, places: Some(places), origin })
    };
    let (generation, request): (Generation, MessagesRequest) = Generation::start(state, parts.headers, ask).await?;
    Ok(marked(if generation.prepared.stream {
        let request_id = RequestId::of(&parts.extensions).cloned();
        let events = MessageEvents { stream: MessagesStream::new(&request, fresh_ids()), request_id };
        EventStream::new(ChatChunks::new(generation, UsageChunks::FirstAndLast), events).into_response()
    } else {
        Json(from_chat(&request, &collect(generation).await?, fresh_ids())).into_response()
    }))
}

/// `/v1/messages/count_tokens`: tokens of the prompt that these messages make.
pub(super) async fn count_tokens(
    State(state): State<ServerState>,
    request: Request,
) -> Result<Response, ErrorResponse> {
    let body = body::read(request.into_body(), state.body_limit_bytes).await?;
    let ask = move || translate(&body::strictly(&body, parse_countable)?);
    let (chat, places) = body::off_thread(ask).await?;
    let model = restated(Some(&places), find(&state.catalog, &chat.model).await)?;
    let count = move || restated(Some(&places), model.frontend.chat_tokens(&chat));
    let tokens = body::off_thread(count).await?;
    Ok(Json(json!({ "input_tokens": tokens.len() })).into_response())
}

/// A request like any other but for `max_tokens`, which says nothing about the prompt.
fn parse_countable(body: &[u8]) -> Result<MessagesRequest, ApiError> {
    let mut request: Map<String, Value> = parse(body, "a messages request")?;
    request.entry("max_tokens").or_insert(json!(i64::MAX));
    parse_request(Value::Object(request).to_string().as_bytes())
}

struct MessageEvents {
    stream: MessagesStream,
    request_id: Option<RequestId>,
}

impl Events<ChatChunk> for MessageEvents {
    // The beginning waits for the first chunk, which knows the prompt's tokens.
    fn item(&mut self, item: ChatChunk) -> Vec<String> {
        named(&self.stream.push(&item))
    }

    fn end(&mut self) -> Vec<String> {
        named(&self.stream.finish())
    }

    fn fail(&mut self, error: &ApiError) -> Vec<String> {
        named(&self.stream.fail(error, self.request_id.as_ref().map(RequestId::as_str)))
    }

    fn keep_alive(&mut self) -> String {
        MessagesStream::ping().to_sse()
    }
}

/// Gives what is answered below this path Anthropic's header, and its shape to errors.
pub(super) async fn own_shape(request: Request, next: Next) -> Response {
    let rest = request.uri().path().strip_prefix(PATH);
    if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return next.run(request).await;
    }
    let id = RequestId::of(request.extensions()).cloned();
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions().get::<ApiError>() {
        let body = error_json(error, id.as_ref().map(RequestId::as_str));
        *response.body_mut() = Body::from(body.to_string());
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if let Some(RequestId(id)) = id {
        response.headers_mut().insert(HeaderName::from_static(REQUEST_ID), id);
    }
    response
}
