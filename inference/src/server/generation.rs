//! From a chat request's bytes to its choices: the common middle of every endpoint that chats.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use futures_util::stream::{SelectAll, Stream, StreamExt, select_all};
use shekara_protocol::chat::{ChatRequest, CompletionTokensDetails, PromptTokensDetails, Usage};
use shekara_protocol::error::ApiError;
use shekara_protocol::headers;
use shekara_protocol::places::Places;
use uuid::Uuid;

use crate::catalog::ServedModel;
use crate::frontend::{AnswerEvent, AnswerStream, PrepareContext, PreparedChat};

use super::ServerState;
use super::body;
use super::error::not_taken;
use super::models::find;

/// What a request is prepared for: the model's context, and what a gateway in front says in headers
/// that its own clients cannot set.
pub(super) fn prepare_context(model: &ServedModel, headers: &HeaderMap) -> PrepareContext {
    // Whatever bytes it has: two tenants must not become one.
    let text = |name: &str| {
        headers.get(name).map(|value| value.to_str().map_or_else(|_| format!("{:?}", value.as_bytes()), str::to_owned))
    };
    let tenant = text(headers::INTERNAL_TENANT);
    let priority = text(headers::INTERNAL_PRIORITY).and_then(|priority| priority.parse().ok());
    PrepareContext {
        max_context: model.engine.max_context(),
        random_seed: Uuid::now_v7().as_u128() as u64,
        // Behind a gateway a request cannot put itself before those of other tenants.
        priority: priority.or(tenant.as_ref().map(|_| 0)),
        cache_salt: tenant.unwrap_or_default(),
        adapter: model.adapter.clone(),
    }
}

/// A chat request, whichever API it came by.
pub(super) struct ChatAsk<T> {
    pub chat: ChatRequest,
    /// Restates errors in the caller's words; none for a chat request proper.
    pub places: Option<Places>,
    /// What the answer is to be made of beside the chat answer.
    pub origin: T,
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
    pub(super) async fn start<T: Send + 'static>(
        state: ServerState,
        headers: HeaderMap,
        ask: impl FnOnce() -> Result<ChatAsk<T>, ApiError> + Send + 'static,
    ) -> Result<(Self, T), ApiError> {
        let ChatAsk { chat, places, origin } = body::off_thread(ask).await?;
        let model = restated(places.as_ref(), find(&state.catalog, &chat.model).await)?;
        let work = move || {
            let prepared = restated(places.as_ref(), prepare_chat(&model, &headers, &chat))?;
            Ok((model, prepared, places, origin))
        };
        let (model, mut prepared, places, origin) = body::off_thread(work).await?;
        let answer = Answer::new("chatcmpl", &model, prepared.num_prompt_tokens());
        let generations = std::mem::take(&mut prepared.generations);
        let streams = model.engine.submit_all(generations).map_err(not_taken);
        let streams = restated(places.as_ref(), streams)?;
        let streams = streams.into_iter().map(|tokens| model.frontend.answer_stream(&prepared, tokens));
        Ok((Self { answer, choices: Choices::new(streams), prepared }, origin))
    }
}

/// An error in the words of the API that the request came by.
pub(super) fn restated<R>(places: Option<&Places>, result: Result<R, ApiError>) -> Result<R, ApiError> {
    result.map_err(|error| match places {
        Some(places) => places.restate(error),
        None => error,
    })
}

fn prepare_chat(model: &Arc<ServedModel>, headers: &HeaderMap, chat: &ChatRequest) -> Result<PreparedChat, ApiError> {
    check_capacity(model, ("n", chat.n), 1)?;
    model.frontend.prepare_chat(chat, &prepare_context(model, headers))
}

/// Refuses more choices than the model's queue could ever hold, before anything is made for them.
///
/// # Errors
/// A 400 that names `field`.
pub(super) fn check_capacity(
    model: &ServedModel,
    (field, choices): (&str, Option<i64>),
    num_prompts: usize,
) -> Result<(), ApiError> {
    let choices = usize::try_from(choices.unwrap_or(1)).unwrap_or(1);
    let capacity = model.engine.capacity();
    if choices.saturating_mul(num_prompts) <= capacity {
        return Ok(());
    }
    let message = format!("Invalid '{field}': the model takes at most {capacity} choices at once.");
    Err(ApiError::invalid(field, message))
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
        Self { id, created, model: model.info.id.clone(), prompt_tokens }
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
#[allow(clippy::struct_field_names, reason = "called as the API calls them")]
pub(super) struct Tally {
    pub completion_tokens: usize,
    pub reasoning_tokens: usize,
    /// Of the prompt, found by the first choice that ran.
    pub cached_tokens: usize,
}

type ChoiceStream = Pin<Box<dyn Stream<Item = (u32, AnswerEvent)> + Send>>;

/// The events of several choices, each with its choice's index, as they come. It owns the
/// sequences: dropping it ends them all.
pub(super) struct Choices {
    streams: SelectAll<ChoiceStream>,
    tally: Tally,
    has_started: bool,
    num_open: usize,
}

impl Choices {
    fn new(streams: impl Iterator<Item = AnswerStream>) -> Self {
        let indexed = |(index, stream): (usize, AnswerStream)| {
            let stream = stream.map(move |event| (index as u32, event));
            Box::pin(stream) as ChoiceStream
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
