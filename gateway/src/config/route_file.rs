//! `[[routes]]` and their targets as they are written.

use serde::Deserialize;
use toml::Spanned;

use super::batches::BatchTermsFile;
use super::content::CacheFile;
use super::file::{EntityActions, EntityThresholds};
use crate::auth::DataClass;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteFile {
    pub model: Spanned<String>,
    pub targets: Spanned<Vec<TargetFile>>,
    #[serde(default)]
    pub fallback: Vec<TargetFile>,
    #[serde(default)]
    pub sensitive: Vec<TargetFile>,
    /// In which order targets are tried.
    #[serde(default)]
    pub strategy: Strategy,
    /// A new target that a share of the requests tries first.
    pub canary: Option<CanaryFile>,
    /// A target that gets copies of requests, and whose answers nobody sees.
    pub shadow: Option<ShadowFile>,
    /// A target that says nothing for so long is raced by the next one.
    pub hedge_ms: Option<Spanned<u64>>,
    #[serde(default)]
    pub timeouts: TimeoutsFile,
    #[serde(default)]
    pub retries: RetriesFile,
    pub max_output_tokens: Option<u32>,
    /// Entities whose action on this route differs from `[privacy.entities]`.
    #[serde(default)]
    pub entities: EntityActions,
    #[serde(default)]
    pub thresholds: EntityThresholds,
    /// What can be masked is masked instead of answered locally.
    #[serde(default)]
    pub mask: bool,
    /// What happens to requests with images, sounds and files that cannot be read.
    #[serde(default)]
    pub unreadable: UnreadableRule,
    /// The least class of this route's data.
    #[serde(default)]
    pub data_class: DataClass,
    /// Whether a conversation that once held personal data stays inside.
    #[serde(default = "yes")]
    pub sticky: bool,
    /// What happens to entities in answers; those that are not named are left as they are.
    #[serde(default)]
    pub answers: Option<Spanned<EntityActions>>,
    /// Whether answers are kept for the very same request.
    #[serde(default)]
    pub cache: Option<Spanned<CacheFile>>,
}

fn yes() -> bool {
    true
}

/// In which order the targets of a route are tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The first is drawn by weight.
    #[default]
    Weighted,
    /// As they are written.
    Ordered,
    /// What this request is likely to cost, the cheapest first.
    Cheapest,
    /// Who lately had the first token soonest.
    Fastest,
    /// Who has the fewest requests under way.
    LeastBusy,
}

/// What a route does with what cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnreadableRule {
    /// Sensitive: answered inside the border.
    #[default]
    Local,
    /// The operator answers for it: it may leave.
    Allow,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    pub provider: Spanned<String>,
    pub model: Spanned<String>,
    pub weight: Option<u32>,
    /// What differs from the route's.
    #[serde(default)]
    pub timeouts: TimeoutsFile,
    #[serde(default)]
    pub retries: RetriesFile,
    /// Which requests it takes; unset: all.
    #[serde(default)]
    pub when: ConditionFile,
    /// From where on the next target is asked before this one.
    #[serde(default)]
    pub overflow: OverflowFile,
    /// The longest prompt with its answer.
    pub context_tokens: Option<u64>,
    /// What it cannot do: requests that need it pass it by.
    #[serde(default)]
    pub lacks: Vec<Ability>,
    pub price: Option<Spanned<PriceFile>>,
    /// Once spent (UTC days), the next target is asked before this one.
    pub tokens_per_day: Option<u64>,
    /// The same in US dollars, at its `price`.
    pub usd_per_day: Option<Spanned<f64>>,
    /// What it offers to requests of batches.
    pub batch: Option<BatchTermsFile>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryFile {
    pub provider: Spanned<String>,
    pub model: Spanned<String>,
    pub percent: Spanned<u8>,
    #[serde(default)]
    pub sticky: Sticky,
    /// Which requests it may get.
    #[serde(default)]
    pub when: ConditionFile,
}

/// What keeps its side of a canary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sticky {
    /// An API key.
    #[default]
    Key,
    /// The request's `user`, or the key where there is none.
    User,
    /// Nothing: each request is drawn anew.
    Request,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowFile {
    pub provider: Spanned<String>,
    pub model: Spanned<String>,
    pub percent: Spanned<u8>,
    /// Of which requests it may get copies.
    #[serde(default)]
    pub when: ConditionFile,
}

/// Every member that is set must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConditionFile {
    /// Estimated, as are all tokens before a provider has counted them.
    pub min_prompt_tokens: Option<u64>,
    pub max_prompt_tokens: Option<u64>,
    pub tools: Option<bool>,
    pub vision: Option<bool>,
    pub json_schema: Option<bool>,
    pub data_class: Option<Vec<DataClass>>,
    pub tenant: Option<Vec<String>>,
    pub project: Option<Vec<String>>,
    pub environment: Option<Vec<String>>,
    /// Ids of keys.
    pub key: Option<Vec<String>>,
    /// `"09:00-18:00"` in the time of `[server] utc_offset`; over midnight too.
    pub hours: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OverflowFile {
    /// Requests under way at the target.
    pub in_flight: Option<u32>,
    pub requests_per_minute: Option<u32>,
}

/// Something that a request may need and a target may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    Tools,
    Vision,
    Files,
    Audio,
    JsonSchema,
    Logprobs,
}

/// US dollars for a million tokens.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceFile {
    pub prompt: f64,
    pub completion: f64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutsFile {
    pub connect_ms: Option<u64>,
    pub first_token_ms: Option<u64>,
    pub between_tokens_ms: Option<u64>,
    pub total_ms: Option<u64>,
    /// While nothing is known of an answer that will be streamed, its headers wait no longer.
    pub headers_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetriesFile {
    pub connect: Option<u32>,
    pub timeout: Option<u32>,
}
