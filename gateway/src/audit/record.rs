//! One record per request. Every field is a name, a number or a code that this program or its operator chose; nothing a
//! caller typed into a prompt can stand in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ContentSeals, EntryKind};
use crate::auth::DataClass;
use crate::billing::{Charge, Factor, Usage, UsageSource};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Sent out, end not yet known: what stays so was interrupted by the end of the process.
    Dispatched,
    Completed,
    /// Answered with an error, or the stream broke.
    Failed,
    /// The client went away.
    Aborted,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dispatched => "dispatched",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }
}

/// One call of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    pub provider: String,
    pub model: String,
    pub zone: String,
    /// Why it was this one.
    pub reason: String,
    pub result: TryResult,
    /// From the request's arrival.
    pub began_ms: u64,
    /// Until it was known whether an answer comes; absent where nobody waited for that.
    pub took_ms: Option<u64>,
    /// What it used, as far as that is known; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_source: Option<UsageSource>,
    /// What that cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
    /// Why what was used has no charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpriced: Option<String>,
    /// What a price that comes later is multiplied by; absent is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<Factor>,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TryResult {
    /// Not known: nobody waited for it, or the process ended.
    Open,
    /// An answer, to its end.
    Answered,
    /// An answer that broke off.
    Interrupted,
    /// The client went away.
    Aborted,
    /// Another target was sooner.
    Overtaken,
    /// The request is wrong, or not allowed there.
    Refused,
    /// The provider did not believe the gateway's own key.
    Auth,
    Connect,
    Unsent,
    Timeout,
    RateLimit,
    Quota,
    #[serde(rename = "5xx")]
    Server,
    BrokenResponse,
}

impl TryResult {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Interrupted => "interrupted",
            Self::Aborted => "aborted",
            Self::Overtaken => "overtaken",
            Self::Refused => "refused",
            Self::Auth => "auth",
            Self::Connect => "connect",
            Self::Unsent => "unsent",
            Self::Timeout => "timeout",
            Self::RateLimit => "rate_limit",
            Self::Quota => "quota",
            Self::Server => "5xx",
            Self::BrokenResponse => "broken_response",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    pub request_id: String,
    /// RFC 3339, UTC, milliseconds: when the request came.
    pub time: String,
    /// The same as the operator's day: by it money is converted and months are closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    pub tenant: String,
    pub project: String,
    /// Of the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    pub environment: String,
    /// What the key is used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    pub key_id: String,
    /// The key's name.
    pub actor: String,
    /// Method and matched route of this server, e.g. `POST /v1/chat/completions`.
    pub endpoint: String,
    /// What an administrator's act was about, e.g. `key 7k2qxm3v9a of bank/support`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The alias asked for, once it is known to be one of ours.
    pub route: Option<String>,
    pub reason: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub zone: Option<String>,
    pub data_class: DataClass,
    /// Entity to number of findings.
    pub entities: BTreeMap<String, u32>,
    /// Entity to number of findings in the answer; empty where answers are not scanned.
    #[serde(default)]
    pub answer_entities: BTreeMap<String, u32>,
    pub pii_action: String,
    /// Fingerprint of the privacy policy in force.
    pub policy_version: String,
    pub outcome: Outcome,
    pub status: u16,
    pub error_code: Option<String>,
    pub streamed: bool,
    pub attempts: u32,
    /// Each of them, in the order in which they were begun.
    #[serde(default)]
    pub tries: Vec<Try>,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub usage_source: Option<UsageSource>,
    /// Of the sound that was heard.
    #[serde(default)]
    pub audio_seconds: Option<f64>,
    /// What is kept of it, where its tenant must keep that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentSeals>,
    /// From the request's arrival to the first content of the answer.
    pub first_token_ms: Option<u64>,
    pub total_ms: u64,
}

impl AuditRecord {
    /// What kind of entry it makes.
    pub fn kind(&self) -> EntryKind {
        match self.outcome {
            Outcome::Dispatched => EntryKind::Intent,
            _ if self.endpoint.contains(" /admin/") => EntryKind::Admin,
            _ => EntryKind::Request,
        }
    }
}
