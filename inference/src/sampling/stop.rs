//! When a sequence has said enough. Stop *strings* are the frontend's: they need text.

/// Why a sequence ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// An end-of-sequence token or one the request named.
    Stop,
    /// The longest allowed answer.
    Length,
}

/// Which token ends a sequence, and after how many it ends anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopCondition {
    /// End-of-sequence tokens of the model and stop tokens of the request.
    pub token_ids: Vec<u32>,
    /// At least one.
    pub max_tokens: usize,
    /// No token of `token_ids` is drawn before there are so many.
    pub min_tokens: usize,
}

impl StopCondition {
    /// Whether the sequence ends with `token`, its `num_generated`-th.
    pub fn check(&self, token: u32, num_generated: usize) -> Option<FinishReason> {
        if self.token_ids.contains(&token) {
            Some(FinishReason::Stop)
        } else if num_generated >= self.max_tokens {
            Some(FinishReason::Length)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_token_outranks_the_length() {
        let condition = StopCondition { token_ids: vec![5], max_tokens: 2, min_tokens: 0 };
        assert_eq!(condition.check(4, 1), None);
        assert_eq!(condition.check(4, 2), Some(FinishReason::Length));
        assert_eq!(condition.check(5, 2), Some(FinishReason::Stop));
    }
}
