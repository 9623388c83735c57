//! Where a batch stands. The words are those of OpenAI's API.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Validating,
    Failed,
    InProgress,
    Finalizing,
    Completed,
    Expired,
    Cancelling,
    Cancelled,
}

impl Status {
    /// Nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Failed | Self::Completed | Self::Expired | Self::Cancelled)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub total: u64,
    pub completed: u64,
    pub failed: u64,
}

/// Tokens of all answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

impl Used {
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            completion_tokens: self.completion_tokens.saturating_add(other.completion_tokens),
        }
    }
}

/// What is wrong with a line of the input. The message quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineError {
    pub code: String,
    pub message: String,
    pub param: Option<String>,
    pub line: Option<u64>,
}

/// Seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    pub created: u64,
    pub expires: u64,
    pub in_progress: Option<u64>,
    pub finalizing: Option<u64>,
    pub cancelling: Option<u64>,
    /// Its final status.
    pub ended: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    pub id: String,
    /// The key that has ordered it, and for which its requests are sent.
    pub key_id: String,
    pub endpoint: String,
    pub input_file_id: String,
    pub completion_window: String,
    pub status: Status,
    pub times: Times,
    pub counts: Counts,
    pub used: Used,
    pub model: Option<String>,
    pub metadata: Option<Map<String, Value>>,
    pub errors: Vec<LineError>,
    pub output_file_id: Option<String>,
    pub error_file_id: Option<String>,
    /// How long its files are kept, if shorter than usual.
    pub output_ttl_s: Option<u64>,
    /// What its creator said of the data of all lines (`x-shekara-data-class`).
    pub data_class: Option<String>,
    /// When the store forgets it.
    pub kept_until_ms: u64,
}

impl Batch {
    /// As the API shows it.
    pub fn to_json(&self) -> Value {
        let Self { times, counts, used, .. } = self;
        let ended_as = |status: Status| times.ended.filter(|_| self.status == status);
        let errors =
            if self.errors.is_empty() { Value::Null } else { json!({ "object": "list", "data": self.errors }) };
        json!({
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "model": self.model,
            "errors": errors,
            "input_file_id": self.input_file_id,
            "completion_window": self.completion_window,
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": times.created,
            "in_progress_at": times.in_progress,
            "expires_at": times.expires,
            "finalizing_at": times.finalizing,
            "completed_at": ended_as(Status::Completed),
            "failed_at": ended_as(Status::Failed),
            "expired_at": ended_as(Status::Expired),
            "cancelling_at": times.cancelling,
            "cancelled_at": ended_as(Status::Cancelled),
            "request_counts": counts,
            "usage": {
                "input_tokens": used.prompt_tokens,
                "input_tokens_details": { "cached_tokens": 0 },
                "output_tokens": used.completion_tokens,
                "output_tokens_details": { "reasoning_tokens": 0 },
                "total_tokens": used.prompt_tokens + used.completion_tokens,
            },
            "metadata": self.metadata,
        })
    }

    /// The file of answers, or of errors.
    pub(super) fn file_id(&self, suffix: char) -> String {
        format!("file-{}{suffix}", self.id.trim_start_matches("batch_"))
    }
}
