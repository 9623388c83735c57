//! An answer that comes in one piece: read within a bound and looked at before it goes on.

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Endpoint;
use super::chunk::kind_of;
use crate::billing::Usage;
use crate::providers::{AttemptError, FailureKind, UpstreamBody};

/// Larger answers are of no use. Where the last event of a stream repeats the answer, this bounds the stream too.
pub(super) const MAX_ANSWER_BYTES: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct WholeAnswer {
    pub(super) body: Bytes,
    pub(super) usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    choices: Vec<Choice>,
    /// Some say so with a good status.
    error: Option<Value>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Choice {
    message: Map<String, Value>,
    #[serde(default)]
    finish_reason: Option<Value>,
}

impl Choice {
    /// A choice without any content says something only if the model says that it has finished.
    fn is_answer(&self) -> bool {
        self.finish_reason.as_ref().is_some_and(Value::is_string) || has_content(&self.message)
    }
}

/// Whether a message or delta carries anything beside its role.
pub(super) fn has_content(message: &Map<String, Value>) -> bool {
    let filled = |value: &Value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        other => other.is_object(),
    };
    message.iter().any(|(name, value)| name != "role" && filled(value))
}

/// # Errors
/// The body breaks off, is too large, is no JSON or has nothing in it that says anything: as good as no answer.
pub(super) async fn read_whole(body: UpstreamBody, endpoint: Endpoint) -> Result<WholeAnswer, AttemptError> {
    let collected = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|_| FailureKind::BrokenResponse)?;
    let body = collected.to_bytes();
    if !endpoint.is_conversation() {
        let answer: Value = serde_json::from_slice(&body).map_err(|_| FailureKind::BrokenResponse)?;
        if !endpoint.is_answer(&answer) {
            return Err(FailureKind::BrokenResponse.into());
        }
        return Ok(WholeAnswer { usage: endpoint.usage(&answer), body });
    }
    let probe: Probe = serde_json::from_slice(&body).map_err(|_| FailureKind::BrokenResponse)?;
    if let Some(error) = probe.error.filter(|error| !error.is_null()) {
        return Err(kind_of(&error).into());
    }
    if !probe.choices.iter().any(Choice::is_answer) {
        return Err(FailureKind::BrokenResponse.into());
    }
    Ok(WholeAnswer { usage: Usage::read_tokens(&probe.usage), body })
}
