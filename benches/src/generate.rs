//! One request to an engine, with the times that benches look at.

use std::time::Instant;

use anyhow::Context;
use futures_util::StreamExt;
use shekara_inference::engine::{EngineHandle, GenerationRequest, TokenEvent};
use shekara_inference::sampling::{SamplingParams, StopCondition};

/// What became of a request.
#[derive(Debug)]
pub struct Generated {
    pub tokens: Vec<u32>,
    pub submitted: Instant,
    pub first_token: Instant,
    /// Steps of the engine that ended between the submission and the first token.
    pub steps_to_first_token: u64,
}

/// The likeliest tokens after `prompt`, `max_tokens` of them. No two salts share a prefix.
pub fn greedy(prompt: Vec<u32>, max_tokens: usize, salt: &str) -> GenerationRequest {
    GenerationRequest {
        prompt,
        sampling: SamplingParams { temperature: 0.0, ..SamplingParams::default() },
        stop: StopCondition { token_ids: Vec::new(), max_tokens, min_tokens: 0 },
        grammar: None,
        priority: 0,
        cache_salt: salt.into(),
        adapter: None,
    }
}

/// Runs a request to its end.
///
/// # Errors
/// If the engine does not take it or fails.
pub async fn generate(engine: &EngineHandle, request: GenerationRequest) -> anyhow::Result<Generated> {
    let submitted = Instant::now();
    let mut events = engine.submit(request)?;
    let steps_before = engine.stats().steps;
    let (mut first, mut tokens) = (None, Vec::new());
    while let Some(event) = events.next().await {
        match event {
            TokenEvent::Tokens(new) => {
                first.get_or_insert_with(|| (Instant::now(), engine.stats().steps));
                tokens.extend(new.into_iter().map(|sampled| sampled.token));
            }
            TokenEvent::Failed(error) => return Err(error.into()),
            TokenEvent::Started { .. } | TokenEvent::Prompt(_) | TokenEvent::Finished(_) => {}
        }
    }
    let (first_token, steps) = first.context("no token came")?;
    Ok(Generated { tokens, submitted, first_token, steps_to_first_token: steps.saturating_sub(steps_before) })
}
