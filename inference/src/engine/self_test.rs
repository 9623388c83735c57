//! A few tokens through prefill and decode before a model is served: weights that are sound one by one may still
//! add up to infinities.

use crate::kv_cache::BlockPool;
use crate::model_runner::{Samplers, StepRunner};
use crate::sampling::{SamplingParams, SequenceSampler, StopCondition};
use crate::scheduler::{Progress, Scheduler, SchedulerConfig, Sequence, SequenceId};

use super::LaunchError;

const PROMPT_TOKENS: usize = 8;
const ANSWER_TOKENS: usize = 2;
/// More steps than so short a request can need.
const MAX_STEPS: usize = 64;

/// Runs one short request on a scheduler of its own, so that neither the engine's figures nor its cache know of it.
///
/// # Errors
/// If a log probability is not finite, or the request does not come to its end.
pub(super) fn self_test<R: StepRunner>(
    runner: &mut R,
    pool: BlockPool,
    vocab_size: usize,
    max_context: usize,
) -> Result<(), LaunchError> {
    let length = max_context.saturating_sub(ANSWER_TOKENS).clamp(1, PROMPT_TOKENS);
    if max_context <= length {
        return Ok(());
    }
    let prompt: Vec<u32> = (1..=length).map(|token| (token % vocab_size.max(1)) as u32).collect();
    let id = SequenceId(0);
    let params = SamplingParams { temperature: 0.0, logprobs: Some(0), ..SamplingParams::default() };
    let max_tokens = ANSWER_TOKENS.min(max_context - length);
    let stop = StopCondition { max_tokens, ..StopCondition::default() };
    let mut samplers = Samplers::from([(id, SequenceSampler::new(params, stop, &prompt, None))]);
    let config = SchedulerConfig { max_num_seqs: 1, max_num_batched_tokens: PROMPT_TOKENS, window: runner.window() };
    let mut scheduler = Scheduler::new(config, pool);
    scheduler.add(Sequence::new(id, prompt));
    for _ in 0..MAX_STEPS {
        let plan = scheduler.schedule();
        let draws = runner.execute(&plan, &mut samplers);
        let progress = draws.iter().map(|(id, draw)| Progress {
            id: *id,
            num_accepted_drafts: draw.num_accepted_drafts,
            tokens: draw.tokens.iter().map(|sampled| sampled.token).collect(),
        });
        scheduler.complete(&plan, &progress.collect::<Vec<_>>());
        for (_, draw) in draws {
            let logprobs = draw.tokens.iter().filter_map(|sampled| sampled.logprobs.as_ref());
            // What is not finite is reported as the least that a float can say.
            if logprobs.into_iter().any(|logprobs| logprobs.logprob <= f32::MIN) {
                return Err(LaunchError::SelfTest { reason: "the model computes values that are not finite" });
            }
            if draw.finished.is_some() {
                return Ok(());
            }
        }
    }
    Err(LaunchError::SelfTest { reason: "a short request did not come to its end" })
}
