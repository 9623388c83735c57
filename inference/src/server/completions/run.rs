//! From a completion request to its draws.

use std::sync::Arc;

use axum::http::HeaderMap;
use shekara_protocol::completions::{Completion, CompletionChoice, CompletionRequest};
use shekara_protocol::error::ApiError;

use crate::catalog::ServedModel;
use crate::frontend::{PreparedCompletion, PreparedPrompt};

use super::super::ServerState;
use super::super::body;
use super::super::error::not_taken;
use super::super::generation::{Answer, check_capacity, prepare_context};
use super::super::models::find;
use super::choice::ChoiceText;
use super::draws::Draws;
use super::echo::Echo;

/// A completion request that its model has taken.
pub(super) struct Run {
    pub answer: Answer,
    /// Its generations are on their way.
    pub prepared: PreparedCompletion,
    /// One per prompt, if they are to be shown.
    echoes: Vec<Arc<Echo>>,
    /// Drawn for each prompt.
    pub draws_per_prompt: usize,
    pub draws: Draws,
}

impl Run {
    /// Prepares a request on a blocking thread and submits all its draws, or none.
    ///
    /// # Errors
    /// A 400 that names a field, a 429 when the model's queue is full, a 503 when it is going.
    pub(super) async fn start(
        state: ServerState,
        headers: HeaderMap,
        request: impl FnOnce() -> Result<CompletionRequest, ApiError> + Send + 'static,
    ) -> Result<Self, ApiError> {
        let request = body::off_thread(request).await?;
        let model = find(&state.catalog, &request.model).await?;
        let work = move || {
            let choices = match request.best_of {
                None => ("n", request.n),
                best_of => ("best_of", best_of),
            };
            check_capacity(&model, choices, request.prompt.items().len())?;
            let prepared = model.frontend.prepare_completion(&request, &prepare_context(&model, &headers))?;
            let echoes = if prepared.echo { echoes(&model, &prepared) } else { Vec::new() };
            Ok((model, prepared, echoes))
        };
        let (model, mut prepared, echoes) = body::off_thread(work).await?;
        let prompt_tokens = prepared.prompts.iter().map(|prompt| prompt.tokens().len()).sum();
        let draws_per_prompt = prepared.prompts.first().map_or(1, |prompt| prompt.generations.len()).max(1);
        let generations: Vec<_> = prepared.prompts.drain(..).flat_map(|prompt| prompt.generations).collect();
        let streams = model.engine.submit_all(generations).map_err(not_taken)?;
        let text = |tokens| model.frontend.text_stream(prepared.text.clone(), tokens);
        let draws = Draws::new(streams.into_iter().map(text), draws_per_prompt, !prepared.echo_only);
        let answer = Answer::new("cmpl", &model, prompt_tokens);
        Ok(Self { answer, prepared, echoes, draws_per_prompt, draws })
    }

    /// The texts of all draws, with nothing written yet.
    pub(super) fn choices(&self) -> Vec<ChoiceText> {
        let text = |index: usize| {
            let echo = self.echoes.get(index / self.draws_per_prompt).cloned();
            ChoiceText::new(echo, self.prepared.logprobs, !self.prepared.echo_only)
        };
        (0..self.draws.len()).map(text).collect()
    }

    pub(super) fn completion(&self, choices: Vec<CompletionChoice>) -> Completion {
        Completion::new(self.answer.id.clone(), self.answer.created, self.answer.model.clone(), choices)
    }
}

fn echoes(model: &ServedModel, prepared: &PreparedCompletion) -> Vec<Arc<Echo>> {
    let wants_tokens = prepared.logprobs.is_some();
    let echo = |prompt: &PreparedPrompt| {
        let tokens = prompt.tokens().iter().filter(|_| wants_tokens);
        let tokens = tokens.map(|id| model.frontend.token_text(*id)).collect();
        Arc::new(Echo::new(prompt.text.clone(), tokens))
    };
    prepared.prompts.iter().map(echo).collect()
}
