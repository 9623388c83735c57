//! What is counted for a scope, for people who ask.

use serde::Serialize;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ScopeState {
    pub requests_in_minute: u64,
    pub tokens_in_minute: u64,
    pub in_flight: u64,
    /// A sum that nothing was held against yet may be missing where several gateways count together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_of_day: Option<SumState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiyn_of_day: Option<SumState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiyn_of_month: Option<SumState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiyn_ever: Option<SumState>,
}

/// Tokens or tiyn of the present period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SumState {
    /// By requests that are over.
    pub used: u64,
    /// By requests that are under way, at the most.
    pub reserved: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_ms: Option<u64>,
}
