//! `/v1/completions`: several prompts, each with several choices, all of them drawn at once.

mod choice;
mod chunks;
mod draws;
mod echo;
mod run;
mod whole;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use shekara_protocol::completions::parse_request;

use super::ServerState;
use super::body;
use super::chat::marked;
use super::error::ErrorResponse;
use super::event_stream::{ChatEvents, EventStream};

use chunks::Chunks;
use run::Run;

pub(super) async fn create(State(state): State<ServerState>, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, state.body_limit_bytes).await?;
    let ask = move || body::strictly(&body, parse_request);
    let run = Run::start(state, parts.headers, ask).await?;
    Ok(marked(if run.prepared.stream {
        EventStream::new(Chunks::new(run), ChatEvents).into_response()
    } else {
        Json(whole::collect(run).await?).into_response()
    }))
}
