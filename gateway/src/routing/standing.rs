//! How deployments are doing at the moment, as far as the choice between them depends on it.

use super::Deployment;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    /// Lately, on average; `None` before the first answer.
    pub first_token_ms: Option<f64>,
    pub in_flight: u32,
    pub requests_last_minute: u32,
    /// Since midnight, UTC.
    pub tokens_today: u64,
}

/// Whoever watches the deployments.
pub trait Standings {
    fn standing(&self, deployment: &Deployment) -> Standing;
}
