//! What is asked of the ledger, and what it answers: sums of rows, grouped by what they have in common.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::billing::{Tenge, TooLarge, Usd};

/// What rows are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    Day,
    Month,
    Tenant,
    Department,
    Project,
    Key,
    Environment,
    Scenario,
    Route,
    Provider,
    Model,
    Zone,
    DataClass,
    /// First call, retry, fallback, hedge, shadow.
    Kind,
    Outcome,
    UsageSource,
}

impl Dimension {
    pub const ALL: [Self; 16] = [
        Self::Day,
        Self::Month,
        Self::Tenant,
        Self::Department,
        Self::Project,
        Self::Key,
        Self::Environment,
        Self::Scenario,
        Self::Route,
        Self::Provider,
        Self::Model,
        Self::Zone,
        Self::DataClass,
        Self::Kind,
        Self::Outcome,
        Self::UsageSource,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Tenant => "tenant",
            Self::Department => "department",
            Self::Project => "project",
            Self::Key => "key",
            Self::Environment => "environment",
            Self::Scenario => "scenario",
            Self::Route => "route",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Zone => "zone",
            Self::DataClass => "data_class",
            Self::Kind => "kind",
            Self::Outcome => "outcome",
            Self::UsageSource => "usage_source",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.as_str() == text)
    }

    /// Whether a request's record has it too, and not a call of a provider alone.
    pub fn is_of_requests(self) -> bool {
        !matches!(self, Self::Kind | Self::UsageSource)
    }
}

/// Which rows; what is not set asks for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    pub tenant: Option<String>,
    pub department: Option<String>,
    pub project: Option<String>,
    pub key_id: Option<String>,
    pub environment: Option<String>,
    pub scenario: Option<String>,
    pub route: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub zone: Option<String>,
    /// The operator's days, the first and the one behind the last.
    pub from: Option<Date>,
    pub until: Option<Date>,
}

/// What rows of one group come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub requests: u64,
    /// Calls of providers that used anything.
    pub attempts: u64,
    pub prompt_tokens: u64,
    pub cached_prompt_tokens: u64,
    pub completion_tokens: u64,
    pub reasoning_tokens: u64,
    pub images: u64,
    pub audio_ms: u64,
    /// Exact; what local models cost is in tenge alone.
    pub usd: Usd,
    #[serde(rename = "tiyn")]
    pub tenge: Tenge,
    /// Of it, what further tries cost: retries, fallbacks, hedges.
    #[serde(rename = "further_tries_tiyn")]
    pub further_tries: Tenge,
    /// Calls whose usage nobody reported.
    pub estimated_attempts: u64,
    /// Calls that have no amount yet, and are not in the sums of money.
    pub unpriced_attempts: u64,
    /// Calls that were answered inside the border.
    pub inside_attempts: u64,
    /// Rows that correct others, and are in all the sums.
    pub corrections: u64,
}

/// One group and its sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// In the order in which they were asked for; empty where a row has none.
    pub names: Vec<String>,
    pub totals: Totals,
    /// Milliseconds until the answer's end, of answered calls: the median, and what one in twenty is above.
    pub p50_ms: Option<u64>,
    pub p95_ms: Option<u64>,
    /// Requests that ended with an error, by its code.
    pub errors: BTreeMap<String, u64>,
}

impl Totals {
    /// # Errors
    /// An amount does not fit.
    pub fn plus(&self, other: &Self) -> Result<Self, TooLarge> {
        Ok(Self {
            requests: self.requests + other.requests,
            attempts: self.attempts + other.attempts,
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            cached_prompt_tokens: self.cached_prompt_tokens + other.cached_prompt_tokens,
            completion_tokens: self.completion_tokens + other.completion_tokens,
            reasoning_tokens: self.reasoning_tokens + other.reasoning_tokens,
            images: self.images + other.images,
            audio_ms: self.audio_ms + other.audio_ms,
            usd: self.usd.plus(other.usd)?,
            tenge: self.tenge.plus(other.tenge)?,
            further_tries: self.further_tries.plus(other.further_tries)?,
            estimated_attempts: self.estimated_attempts + other.estimated_attempts,
            unpriced_attempts: self.unpriced_attempts + other.unpriced_attempts,
            inside_attempts: self.inside_attempts + other.inside_attempts,
            corrections: self.corrections + other.corrections,
        })
    }
}
