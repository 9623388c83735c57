//! Log probabilities of tokens under the model's own distribution: before penalties, temperature
//! and grammar, as vLLM and OpenAI report them.

use std::cmp::Ordering;

/// One place's log probabilities, natural logarithm.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenLogprobs {
    pub token: u32,
    pub logprob: f32,
    /// The likeliest tokens, likeliest first.
    pub top: Vec<(u32, f32)>,
}

/// Logits at one place before anything was done to them.
pub(super) struct RawLogits {
    logits: Vec<f32>,
    log_sum: f64,
}

impl RawLogits {
    pub(super) fn new(logits: &[f32]) -> Self {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
        Self { logits: logits.to_vec(), log_sum: f64::from(largest) + sum.ln() }
    }

    /// Of `token` and of the `count` likeliest.
    pub(super) fn of(&self, token: u32, count: usize) -> TokenLogprobs {
        TokenLogprobs { token, logprob: self.logprob(token), top: self.top(count) }
    }

    fn logprob(&self, token: u32) -> f32 {
        // JSON has no infinity: a token that cannot come is as unlikely as a float can say.
        let logit = self.logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
        let logprob = (f64::from(logit) - self.log_sum) as f32;
        if logprob.is_finite() { logprob } else { f32::MIN }
    }

    fn top(&self, count: usize) -> Vec<(u32, f32)> {
        let count = count.min(self.logits.len());
        if count == 0 {
            return Vec::new();
        }
        let mut tokens: Vec<u32> = (0..self.logits.len() as u32).collect();
        let by_logit = |a: &u32, b: &u32| -> Ordering {
            self.logits[*b as usize].total_cmp(&self.logits[*a as usize]).then(a.cmp(b))
        };
        if count < tokens.len() {
            tokens.select_nth_unstable_by(count - 1, by_logit);
        }
        tokens.truncate(count);
        tokens.sort_unstable_by(by_logit);
        tokens.into_iter().map(|token| (token, self.logprob(token))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_and_come_in_order() {
        let raw = RawLogits::new(&[1.0, 3.0, -2.0, 3.0]);
        let found = raw.of(0, 4);
        assert_eq!(found.top.iter().map(|(token, _)| *token).collect::<Vec<_>>(), [1, 3, 0, 2]);
        let sum: f64 = found.top.iter().map(|(_, logprob)| f64::from(*logprob).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        let expected = -(1.0 + 2.0 * 2f64.exp() + (-3f64).exp()).ln();
        assert!((f64::from(found.logprob) - expected).abs() < 1e-6);
        assert_eq!(raw.of(0, 2).top, found.top[..2]);
    }

    #[test]
    fn what_cannot_come_is_still_a_number() {
        let raw = RawLogits::new(&[0.0, f32::NEG_INFINITY]);
        assert!(raw.of(1, 2).logprob.is_finite() && raw.of(9, 0).logprob.is_finite());
    }
}
