//! An answer that comes in one piece: read within a bound and looked at before it goes on.

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde::de::IgnoredAny;
use shekara_protocol::chat::Usage;

use crate::providers::{AttemptError, FailureKind, UpstreamBody};

const MAX_ANSWER_BYTES: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct WholeAnswer {
    pub(super) body: Bytes,
    pub(super) usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    choices: Vec<IgnoredAny>,
    #[serde(default)]
    usage: Option<Usage>,
}

/// # Errors
/// The body breaks off, is too large, is no JSON or has no choice: as good as no answer.
pub(super) async fn read_whole(body: UpstreamBody) -> Result<WholeAnswer, AttemptError> {
    let collected = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|_| FailureKind::BrokenResponse)?;
    let body = collected.to_bytes();
    let probe: Probe = serde_json::from_slice(&body).map_err(|_| FailureKind::BrokenResponse)?;
    if probe.choices.is_empty() {
        return Err(FailureKind::BrokenResponse.into());
    }
    Ok(WholeAnswer { body, usage: probe.usage })
}
