//! Changes to logits before the draw: repetition (Keskar et al. 2019), presence and frequency
//! (OpenAI's definition), bias.

use std::collections::{HashMap, HashSet};

use super::SamplingParams;

/// Tokens that a sequence has seen, as far as its penalties need them.
#[derive(Clone, Debug, Default)]
pub struct TokenCounts {
    prompt: HashSet<u32>,
    output: HashMap<u32, u32>,
    tracked: bool,
}

impl TokenCounts {
    /// Remembers `prompt` if a penalty of `params` asks for it.
    pub fn new(params: &SamplingParams, prompt: &[u32]) -> Self {
        let repetition = (params.repetition_penalty - 1.0).abs() > f32::EPSILON;
        let tracked = repetition || params.presence_penalty != 0.0 || params.frequency_penalty != 0.0;
        let prompt = if repetition { prompt.iter().copied().collect() } else { HashSet::new() };
        Self { prompt, output: HashMap::new(), tracked }
    }

    /// Takes note of a generated token.
    pub fn add(&mut self, token: u32) {
        if self.tracked {
            *self.output.entry(token).or_default() += 1;
        }
    }

    /// Applies penalties and bias to `logits`, `[vocab_size]`. Each token is changed on its own,
    /// so the order of the maps does not matter.
    pub(super) fn apply(&self, params: &SamplingParams, logits: &mut [f32]) {
        let repeated = self.output.keys().chain(self.prompt.iter().filter(|token| !self.output.contains_key(token)));
        for token in repeated {
            if let Some(logit) = logits.get_mut(*token as usize) {
                let penalty = params.repetition_penalty;
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
        for (token, count) in &self.output {
            if let Some(logit) = logits.get_mut(*token as usize) {
                *logit -= params.presence_penalty + params.frequency_penalty * *count as f32;
            }
        }
        for (token, bias) in &params.logit_bias {
            if let Some(logit) = logits.get_mut(*token as usize) {
                *logit += bias;
            }
        }
        if !params.allowed_token_ids.is_empty() {
            keep_only(&params.allowed_token_ids, logits);
        }
    }
}

fn keep_only(token_ids: &[u32], logits: &mut [f32]) {
    let kept: Vec<_> = token_ids.iter().filter_map(|token| Some((*token, *logits.get(*token as usize)?))).collect();
    logits.fill(NEVER);
    for (token, logit) in kept {
        logits[token as usize] = logit;
    }
}

/// The logit of a token that is not to be drawn as long as there is another: finite, so that a
/// grammar, which knows no exceptions, still finds the order of what it allows.
pub(super) const NEVER: f32 = f32::MIN;

#[cfg(test)]
// Sums and products of small powers of two are exact.
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    #[test]
    fn each_penalty_does_what_it_says() {
        let params = SamplingParams {
            presence_penalty: 0.5,
            frequency_penalty: 0.25,
            repetition_penalty: 2.0,
            logit_bias: vec![(3, -100.0), (99, 1.0)],
            ..SamplingParams::default()
        };
        let mut counts = TokenCounts::new(&params, &[0]);
        counts.add(1);
        counts.add(1);
        let mut logits = [4.0, -1.0, 7.0, 5.0];
        counts.apply(&params, &mut logits);
        assert_eq!(logits, [2.0, -3.0, 7.0, -95.0]);
    }

    #[test]
    fn without_penalties_nothing_changes() {
        let params = SamplingParams::default();
        let mut counts = TokenCounts::new(&params, &[0]);
        counts.add(1);
        let mut logits = [4.0, -1.0];
        counts.apply(&params, &mut logits);
        assert_eq!(logits, [4.0, -1.0]);
    }
}
