//! How deployments are doing at the moment, as far as the choice between them depends on it.

use super::Deployment;
use crate::config::Price;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    /// Lately, on average; `None` before the first answer.
    pub first_token_ms: Option<f64>,
    pub in_flight: u32,
    pub requests_last_minute: u32,
    pub today: Spent,
}

/// Tokens that were used since midnight, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

impl Spent {
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            completion_tokens: self.completion_tokens.saturating_add(other.completion_tokens),
        }
    }

    pub(super) fn tokens(self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }

    /// Millionths of millionths of a US dollar.
    pub(super) fn cost(self, price: Price) -> u128 {
        u128::from(self.prompt_tokens) * u128::from(price.prompt)
            + u128::from(self.completion_tokens) * u128::from(price.completion)
    }
}

/// Whoever watches the deployments.
pub trait Standings {
    fn standing(&self, deployment: &Deployment) -> Standing;
}
