//! `/v1/audio/transcriptions` and `/v1/audio/translations`.

mod events;
mod hearing;
mod whole;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use shekara_protocol::error::ApiError;
use shekara_protocol::transcriptions::{TranscriptFormat, TranscriptionRequest, parse_request};

use crate::catalog::ServedTranscriber;
use crate::engine::TranscriptionStream;

use super::ServerState;
use super::body;
use super::chat::marked;
use super::error::{ErrorResponse, not_taken};
use super::event_stream::{ChatEvents, EventStream};
use super::models::find_transcriber;

pub(super) async fn transcribe(State(state): State<ServerState>, request: Request) -> Result<Response, ErrorResponse> {
    create(state, request, Task::Transcribe).await
}

pub(super) async fn translate(State(state): State<ServerState>, request: Request) -> Result<Response, ErrorResponse> {
    create(state, request, Task::Translate).await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Transcribe,
    Translate,
}

impl Task {
    fn name(self) -> &'static str {
        match self {
            Self::Transcribe => "transcribe",
            Self::Translate => "translate",
        }
    }
}

/// A request that its model has taken.
struct Transcribing {
    model: Arc<ServedTranscriber>,
    task: Task,
    format: TranscriptFormat,
    /// Of the sound.
    seconds: f64,
    stream: TranscriptionStream,
}

async fn create(state: ServerState, request: Request, task: Task) -> Result<Response, ErrorResponse> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, state.upload_limit_bytes).await?;
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (content_type, form) = (content_type.map(str::to_owned), body.clone());
    let parsed = body::off_thread(move || parse_request(content_type.as_deref(), &form)).await?;
    let stream = parsed.stream;
    let transcribing = start(&state, parsed, &body, task).await?;
    // Its sound has been taken out of it.
    drop(body);
    Ok(marked(if stream {
        EventStream::new(events::events(transcribing), ChatEvents).into_response()
    } else {
        whole::answer(transcribing).await?
    }))
}

async fn start(
    state: &ServerState,
    request: TranscriptionRequest,
    body: &Bytes,
    task: Task,
) -> Result<Transcribing, ApiError> {
    let model = find_transcriber(&state.catalog, &request.model).await?;
    let share = model.transcriber.reserve().map_err(not_taken)?;
    let (preparing, format) = (Arc::clone(&model), request.format);
    let file = hearing::upload(&request, body);
    let prepare = move || preparing.frontend.prepare(&request, task == Task::Translate);
    let prepared = body::off_thread(prepare).await?;
    let (audio, share) = hearing::hear(&model, file, share).await?;
    let seconds = audio.seconds();
    let task_of_model = model.frontend.task(prepared, audio)?;
    let stream = model.transcriber.submit(task_of_model, share).map_err(not_taken)?;
    Ok(Transcribing { model, task, format, seconds, stream })
}
