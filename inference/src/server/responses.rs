//! `/v1/responses`: a translation to chat and back. Nothing is kept between requests.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use shekara_protocol::chat::ChatChunk;
use shekara_protocol::error::ApiError;
use shekara_protocol::ids::IdSeed;
use shekara_protocol::responses::{ResponsesRequest, ResponsesStream, from_chat, parse_request, translate};
use uuid::Uuid;

use super::ServerState;
use super::body;
use super::chat::marked;
use super::chat_chunks::{ChatChunks, UsageChunks};
use super::chat_whole::collect;
use super::error::ErrorResponse;
use super::event_stream::{EventStream, Events, named};
use super::generation::{ChatAsk, Generation};

pub(super) async fn create(State(state): State<ServerState>, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, state.body_limit_bytes).await?;
    let ask = move || {
        let origin = body::strictly(&body, parse_request)?;
        let (chat, places) = translate(&origin)?;
        Ok(ChatAsk { chat, places: Some(places), origin })
    };
    let (generation, request): (Generation, ResponsesRequest) = Generation::start(state, parts.headers, ask).await?;
    let ids = fresh_ids();
    Ok(marked(if generation.prepared.stream {
        let events = ResponseEvents(ResponsesStream::new(&request, ids, generation.answer.created));
        EventStream::new(ChatChunks::new(generation, UsageChunks::Last), events).into_response()
    } else {
        Json(from_chat(&request, &collect(generation).await?, ids)).into_response()
    }))
}

/// Ids that no other answer has.
pub(super) fn fresh_ids() -> IdSeed {
    IdSeed::new(Uuid::now_v7().simple().to_string())
}

struct ResponseEvents(ResponsesStream);

impl Events<ChatChunk> for ResponseEvents {
    fn begin(&mut self) -> Vec<String> {
        named(&self.0.begin())
    }

    fn item(&mut self, item: ChatChunk) -> Vec<String> {
        named(&self.0.push(&item))
    }

    fn end(&mut self) -> Vec<String> {
        named(&self.0.finish())
    }

    fn fail(&mut self, error: &ApiError) -> Vec<String> {
        named(&self.0.fail(error))
    }
}
