//! An answer that comes in one piece: read within a bound and looked at before it goes on.

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
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
    /// The same, of an answer that is looked at on its way.
    pub(super) json: Value,
    pub(super) usage: Option<Usage>,
}

/// A choice without any content says something only if the model says that it has finished. `None` if it is none at all.
fn is_answer(choice: &Value) -> Option<bool> {
    let message = choice.get("message")?.as_object()?;
    Some(choice.get("finish_reason").is_some_and(Value::is_string) || has_content(message))
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
    let json: Value = serde_json::from_slice(&body).map_err(|_| FailureKind::BrokenResponse)?;
    if !endpoint.is_conversation() {
        if !endpoint.is_answer(&json) {
            return Err(FailureKind::BrokenResponse.into());
        }
        return Ok(WholeAnswer { usage: endpoint.usage(&json), json: Value::Null, body });
    }
    // Some say so with a good status.
    if let Some(error) = json.get("error").filter(|error| !error.is_null()) {
        return Err(kind_of(error).into());
    }
    let choices = json.get("choices").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let answers: Option<Vec<bool>> = choices.iter().map(is_answer).collect();
    if !answers.is_some_and(|answers| answers.contains(&true)) {
        return Err(FailureKind::BrokenResponse.into());
    }
    let usage = Usage::read_tokens(json.get("usage").unwrap_or(&Value::Null));
    Ok(WholeAnswer { body, json, usage })
}
