//! From a chat request's bytes to its choices: the common middle of every endpoint that chats.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::HeaderMap;
use futures_util::stream::{SelectAll, Stream, StreamExt, select_all};
use shekara_protocol::chat::{ChatRequest, CompletionTokensDetails, PromptTokensDetails, Usage};
use shekara_protocol::error::ApiError;
use shekara_protocol::headers;
use uuid::Uuid;

use crate::catalog::ServedModel;
use crate::frontend::{AnswerEvent, AnswerStream, PrepareContext, PreparedChat};

use super::ServerState;
use super::error::not_taken;

/// Reads a whole body.
///
/// # Errors
/// 413 above the limit, 400 if it does not arrive.
pub(super) async fn read_body(body: Body, limit_bytes: usize) -> Result<Bytes, ApiError> {
    to_bytes(body, limit_bytes).await.map_err(|error| {
        let error = error.into_inner();
        if error.is::<http_body_util::LengthLimitError>() {
            ApiError::body_too_large(limit_bytes)
        } else {
            ApiError::invalid_request("The request body could not be read.")
        }
    })
}

/// Runs what takes a while away from the threads that serve others: parsing, tokenising, compiling.
///
/// # Errors
/// Those of `work`.
pub(super) async fn prepare<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::internal())?
}

/// What a request is prepared for: the model's context, and what a gateway in front says in headers
/// that its own clients cannot set.
pub(super) fn prepare_context(model: &ServedModel, headers: &HeaderMap) -> PrepareContext {
    let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let tenant = text(headers::INTERNAL_TENANT);
    let priority = text(headers::INTERNAL_PRIORITY).and_then(|priority| priority.parse().ok());
    PrepareContext {
        max_context: model.engine.max_context(),
        random_seed: Uuid::now_v7().as_u128() as u64,
        // Behind a gateway a request cannot put itself before those of other tenants.
        priority: priority.or(tenant.as_ref().map(|_| 0)),
        cache_salt: tenant.unwrap_or_default(),
    }
}

/// A chat request that its model has taken.
pub(super) struct Generation {
    pub answer: Answer,
    pub prepared: PreparedChat,
    pub choices: Choices,
}

impl Generation {
    /// Prepares a request on a blocking thread and submits its choices.
    ///
    /// # Errors
    /// A 400 that names a field, a 429 when the model's queue is full, a 503 when it is going.
    pub(super) async fn start(
        state: ServerState,
        headers: HeaderMap,
        request: impl FnOnce() -> Result<ChatRequest, ApiError> + Send + 'static,
    ) -> Result<Self, ApiError> {
        let work = move || {
            let request = request()?;
            let model = super::models::find(&state.catalog, &request.model)?;
            let context = prepare_context(&model, &headers);
            let prepared = model.frontend.prepare_chat(&request, &context)?;
            Ok((model, prepared))
        };
        let (model, mut prepared) = prepare(work).await?;
        let answer = Answer::new("chatcmpl", &model, prepared.num_prompt_tokens());
        let generations = std::mem::take(&mut prepared.generations);
        let streams = model.engine.submit_all(generations).map_err(not_taken)?;
        let streams = streams.into_iter().map(|tokens| model.frontend.answer_stream(&prepared, tokens));
        Ok(Self { answer, choices: Choices::new(streams), prepared })
    }
}

/// What every part of an answer repeats.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub id: String,
    /// Unix seconds.
    pub created: u64,
    pub model: String,
    pub prompt_tokens: usize,
}

impl Answer {
    pub(super) fn new(kind: &str, model: &Arc<ServedModel>, prompt_tokens: usize) -> Self {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let id = format!("{kind}-{}", Uuid::now_v7().simple());
        Self { id, created, model: model.id.clone(), prompt_tokens }
    }

    pub(super) fn usage(&self, tally: Tally) -> Usage {
        let reasoning_tokens = tally.reasoning_tokens as u64;
        Usage {
            prompt_tokens: self.prompt_tokens as u64,
            completion_tokens: tally.completion_tokens as u64,
            total_tokens: (self.prompt_tokens + tally.completion_tokens) as u64,
            prompt_tokens_details: Some(PromptTokensDetails { cached_tokens: tally.cached_tokens as u64 }),
            completion_tokens_details: (reasoning_tokens > 0).then_some(CompletionTokensDetails { reasoning_tokens }),
        }
    }
}

/// Tokens of all choices of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub completion_tokens: usize,
    pub reasoning_tokens: usize,
    /// Of the prompt, found by the first choice that ran.
    pub cached_tokens: usize,
}

/// The events of several choices, each with its choice's index, as they come. It owns the
/// sequences: dropping it ends them all.
pub(super) struct Choices {
    streams: SelectAll<Pin<Box<dyn Stream<Item = (u32, AnswerEvent)> + Send>>>,
    tally: Tally,
    has_started: bool,
    num_open: usize,
}

impl Choices {
    fn new(streams: impl Iterator<Item = AnswerStream>) -> Self {
        let indexed = |(index, stream): (usize, AnswerStream)| {
            let stream = stream.map(move |event| (index as u32, event));
            Box::pin(stream) as Pin<Box<dyn Stream<Item = (u32, AnswerEvent)> + Send>>
        };
        let streams = select_all(streams.enumerate().map(indexed));
        Self { num_open: streams.len(), streams, tally: Tally::default(), has_started: false }
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Whether every choice has come to its end.
    pub(super) fn is_finished(&self) -> bool {
        self.num_open == 0
    }

    fn note(&mut self, event: &AnswerEvent) {
        match event {
            AnswerEvent::Started { cached_tokens } if !self.has_started => {
                self.has_started = true;
                self.tally.cached_tokens = *cached_tokens;
            }
            AnswerEvent::Finished(ending) => {
                self.num_open -= 1;
                self.tally.completion_tokens += ending.num_tokens;
                self.tally.reasoning_tokens += ending.num_reasoning_tokens;
            }
            _ => {}
        }
    }
}

impl Stream for Choices {
    type Item = (u32, AnswerEvent);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.streams.poll_next_unpin(context);
        if let Poll::Ready(Some((_, event))) = &polled {
            self.note(event);
        }
        polled
    }
}
