//! Tokens a second of an engine under a load that begins all at once.

use std::time::Instant;

use futures_util::StreamExt;
use futures_util::future::join_all;

use crate::engine::{EngineError, EngineHandle, GenerationRequest, SubmitError, TokenEvent};
use crate::sampling::{SamplingParams, StopCondition};

/// So many equal requests.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub streams: usize,
    pub prompt_tokens: usize,
    pub new_tokens: usize,
    /// Token ids are below it.
    pub vocab_size: usize,
}

/// One run's figures, in tokens a second over all streams.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Prompt tokens over the time to the last stream's first token.
    pub prefill: f64,
    /// Generated tokens over the time in which every stream decodes.
    pub decode: f64,
    /// Generated tokens over the whole time.
    pub total: f64,
    pub first_token_s: f64,
}

/// Why a load could not be run.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("the engine refuses the load")]
    Refused(#[from] SubmitError),
    #[error("the engine failed")]
    Failed(#[from] EngineError),
    #[error("a stream ended without a token")]
    NoToken,
}

/// Runs a load to its end. No run finds the prompts of another in the cache.
///
/// # Errors
/// If the engine refuses or fails.
pub async fn measure(engine: &EngineHandle, load: Load) -> Result<Measured, BenchError> {
    let started = Instant::now();
    let mut running = Vec::new();
    for index in 0..load.streams {
        let token = |at: usize| ((index * 7919 + at * 104_729) % load.vocab_size) as u32;
        let request = GenerationRequest {
            prompt: (0..load.prompt_tokens).map(token).collect(),
            sampling: SamplingParams { temperature: 0.0, ..SamplingParams::default() },
            stop: StopCondition { token_ids: Vec::new(), max_tokens: load.new_tokens, min_tokens: 0 },
            grammar: None,
            priority: 0,
            cache_salt: format!("{started:?}").into(),
            adapter: None,
        };
        let mut tokens = engine.submit(request)?;
        running.push(async move {
            let (mut first, mut count) = (None, 0);
            while let Some(event) = tokens.next().await {
                match event {
                    TokenEvent::Started { .. } | TokenEvent::Prompt(_) => {}
                    TokenEvent::Tokens(tokens) => {
                        first.get_or_insert_with(Instant::now);
                        count += tokens.len();
                    }
                    TokenEvent::Finished(_) => break,
                    TokenEvent::Failed(error) => return Err(BenchError::Failed(error)),
                }
            }
            Ok((first.ok_or(BenchError::NoToken)?, count))
        });
    }
    let streams = join_all(running).await.into_iter().collect::<Result<Vec<_>, BenchError>>()?;
    let ended = Instant::now();
    let generated: usize = streams.iter().map(|(_, count)| count).sum();
    let last_first = streams.iter().map(|(first, _)| *first).max().ok_or(BenchError::NoToken)?;
    let first_token_s = (last_first - started).as_secs_f64();
    Ok(Measured {
        prefill: (load.streams * load.prompt_tokens) as f64 / first_token_s,
        decode: (generated - streams.len()) as f64 / (ended - last_first).as_secs_f64(),
        total: generated as f64 / (ended - started).as_secs_f64(),
        first_token_s,
    })
}
