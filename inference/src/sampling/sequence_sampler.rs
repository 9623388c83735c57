//! One sequence's way from logits to tokens, with all that it remembers between steps.
//!
//! What is drawn at a position depends on the sequence alone: on its tokens, parameters, seed and
//! the logits there. So guessing ahead, batching or being preempted change nothing.

use super::grammar::GrammarMatcher;
use super::logprobs::RawLogits;
use super::penalties::NEVER;
use super::sampler::draw;
use super::{FinishReason, SamplingParams, StopCondition, TokenCounts, TokenLogprobs};

/// A token of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledToken {
    pub token: u32,
    /// If the request asked for them.
    pub logprobs: Option<TokenLogprobs>,
}

/// What one step brought a sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draw {
    pub tokens: Vec<SampledToken>,
    /// Drafts that turned out right.
    pub num_accepted_drafts: usize,
    pub finished: Option<FinishReason>,
    /// The grammar had to give up: what was drawn is not what was asked for.
    pub failed: bool,
}

/// State of one sequence's sampling.
pub struct SequenceSampler {
    params: SamplingParams,
    stop: StopCondition,
    counts: TokenCounts,
    grammar: Option<GrammarMatcher>,
    num_generated: usize,
    prompt: Vec<u32>,
    prompt_logprobs: Vec<TokenLogprobs>,
}

impl SequenceSampler {
    pub fn new(params: SamplingParams, stop: StopCondition, prompt: &[u32], grammar: Option<GrammarMatcher>) -> Self {
        let counts = TokenCounts::new(&params, prompt);
        let prompt = if params.prompt_logprobs.is_some() { prompt.to_vec() } else { Vec::new() };
        Self { params, stop, counts, grammar, num_generated: 0, prompt, prompt_logprobs: Vec::new() }
    }

    /// How many of the rows from `first_position` on, counted from the first, are of the prompt
    /// and wanted.
    pub fn num_prompt_rows(&self, first_position: usize, num_rows: usize) -> usize {
        let last = self.prompt.len().saturating_sub(1);
        last.saturating_sub(first_position).min(num_rows)
    }

    /// Whether guessing ahead can help: where a grammar forces tokens, they are known already.
    pub fn takes_drafts(&self) -> bool {
        self.grammar.is_none()
    }

    /// Tokens that may still follow.
    pub fn num_left(&self) -> usize {
        self.stop.max_tokens.saturating_sub(self.num_generated)
    }

    /// Takes note of the logits at `position` of the prompt, `[vocab_size]`.
    pub fn observe_prompt(&mut self, position: usize, logits: &[f32]) {
        let Some(count) = self.params.prompt_logprobs else { return };
        // After a preemption the same positions come again.
        if position == self.prompt_logprobs.len() {
            if let Some(token) = self.prompt.get(position + 1) {
                self.prompt_logprobs.push(RawLogits::new(logits).of(*token, count));
            }
        }
    }

    /// Log probabilities of the prompt's tokens but the first, once they are complete.
    pub fn take_prompt_logprobs(&mut self) -> Vec<TokenLogprobs> {
        let taken = std::mem::take(&mut self.prompt_logprobs);
        if !taken.is_empty() {
            // After a preemption the prompt is computed again, and was told already.
            self.params.prompt_logprobs = None;
            self.prompt = Vec::new();
        }
        taken
    }

    /// Draws the token at `position` and, as long as `drafts` guess right, those that follow.
    /// `logits` is `[drafts.len() + 1, vocab_size]`, the places before `position` and each draft's
    /// successor; it is changed on the way.
    pub fn draw(&mut self, position: usize, drafts: &[u32], logits: &mut [f32]) -> Draw {
        let mut result = Draw::default();
        let vocab_size = logits.len() / (drafts.len() + 1);
        for (row, logits) in logits.chunks_exact_mut(vocab_size).enumerate() {
            let sampled = self.draw_one(position + row, logits);
            let token = sampled.token;
            self.append(sampled, &mut result);
            self.check_grammar(&mut result);
            if result.finished.is_some() || drafts.get(row) != Some(&token) {
                break;
            }
            result.num_accepted_drafts += 1;
        }
        self.append_forced(&mut result);
        result
    }

    fn draw_one(&mut self, position: usize, logits: &mut [f32]) -> SampledToken {
        let raw = self.params.logprobs.map(|count| (RawLogits::new(logits), count));
        self.counts.apply(&self.params, logits);
        if self.num_generated < self.stop.min_tokens {
            for token in &self.stop.token_ids {
                if let Some(logit) = logits.get_mut(*token as usize) {
                    *logit = NEVER;
                }
            }
        }
        let mut token = match &mut self.grammar {
            Some(grammar) => {
                // Whatever the weights made of it, the best that is allowed must be found.
                for logit in logits.iter_mut() {
                    *logit = if logit.is_nan() { NEVER } else { logit.clamp(NEVER, f32::MAX) };
                }
                grammar.mask(logits);
                draw(&self.params, position, logits)
            }
            None => draw(&self.params, position, logits),
        };
        let left = self.num_left();
        if let Some(grammar) = &mut self.grammar {
            token = grammar.advance(token, left);
        }
        SampledToken { token, logprobs: raw.map(|(raw, count)| raw.of(token, count)) }
    }

    fn append(&mut self, sampled: SampledToken, result: &mut Draw) {
        let token = sampled.token;
        self.num_generated += 1;
        self.counts.add(token);
        result.tokens.push(sampled);
        result.finished = self.stop.check(token, self.num_generated);
    }

    /// A text that its grammar calls complete is no cut one, even where it took the last token allowed.
    fn check_grammar(&self, result: &mut Draw) {
        let Some(grammar) = &self.grammar else { return };
        result.failed = grammar.error().is_some();
        if grammar.is_finished() {
            result.finished = Some(FinishReason::Stop);
        }
    }

    /// Tokens that the grammar leaves no choice about need no step of their own, unless their log
    /// probabilities are wanted.
    fn append_forced(&mut self, result: &mut Draw) {
        if result.finished.is_some() || self.params.logprobs.is_some() {
            return;
        }
        let left = self.num_left();
        let forced = self.grammar.as_mut().map(|grammar| grammar.forced(left)).unwrap_or_default();
        for token in forced {
            self.append(SampledToken { token, logprobs: None }, result);
            if result.finished.is_some() {
                break;
            }
        }
        // The grammar has taken all of them already: asked any sooner, it would cut them off.
        self.check_grammar(result);
    }
}

#[cfg(test)]
#[path = "sequence_sampler_tests.rs"]
mod tests;
