//! An administrator's act under an `Idempotency-Key`: done once, whoever asks for it again, on whichever gateway.
//!
//! The name is claimed in the store before the act, and the answer is kept there afterwards, sealed as all kept content is,
//! for a key's text may stand in it. Kept are completed answers alone: a refused act has done nothing, and may be asked for
//! again under its name. The key that asks must be the very one that asked before.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shekara_protocol::error::ApiError;

use super::authenticated::RequestContext;
use super::resend::{canonical, hash_value};
use super::{Gateway, ShelfError, refusal};
use crate::content::{Item, Kind, OpenError, Owner, Row, Subjects, open, seal};
use crate::store::{ActClaim, ActName, Claimed, acting};

/// How long an act may take before it may be taken over. One that is taken over cannot be completed any more.
const LEASE_MS: i64 = 60_000;
/// Larger answers are not kept.
pub const MAX_KEPT_BYTES: usize = 1 << 20;
/// Names that one key may have under way and kept.
const MAX_NAMES: i64 = 10_000;
const REASON: &str = "replay";

/// What is asked for, whatever its name.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub method: &'a str,
    /// With its query.
    pub path: &'a str,
    pub body: &'a [u8],
}

/// An answer that was given. A key's text may stand in it, so it has no `Debug`.
#[derive(Serialize, Deserialize)]
pub struct ActAnswer {
    pub status: u16,
    /// Those that belong to what was done.
    pub headers: Vec<(String, String)>,
    /// What it was about.
    object: Option<String>,
    #[serde(skip)]
    pub body: Bytes,
}

/// How a request for an act goes on.
pub enum Entrance {
    /// By doing it.
    First(Act),
    /// With what was answered before.
    Again(ActAnswer),
}

/// The right to do an act.
pub struct Act {
    name: ActName,
    token: [u8; 16],
    owner: Owner,
    expires_at_ms: i64,
}

/// Claims the name, or says what is known under it.
///
/// # Errors
/// 422 for another request under the same name, 409 for one that runs or whose answer is lost, 429 where too many are kept,
/// 503 where the store is away.
pub async fn enter_act(
    gateway: &Gateway,
    context: &RequestContext,
    name: &Bytes,
    asked: Asked<'_>,
) -> Result<Entrance, ApiError> {
    let (key, secret) = (&context.key, gateway.key_secret());
    // Whoever may less than when they did it is somebody else.
    let rights = format!("{} {}", key.role.as_str(), key.reach());
    let address = secret.digest("act", &[key.tenant.as_bytes(), key.id.as_bytes(), rights.as_bytes(), name]);
    let name = ActName { tenant: key.tenant.clone(), key_id: key.id.clone(), address };
    let body = match canonical(asked.body) {
        Some(value) => {
            let mut hasher = Sha256::new();
            hash_value(&mut hasher, &value);
            hasher.finalize()
        }
        None => Sha256::digest(asked.body),
    };
    let fingerprint = secret.digest("asked", &[asked.method.as_bytes(), asked.path.as_bytes(), &body]);
    let now_ms = gateway.now_ms().cast_signed();
    let claim = ActClaim {
        name: name.clone(),
        fingerprint,
        token: gateway.sources.random(),
        leased_until_ms: now_ms.saturating_add(LEASE_MS),
        expires_at_ms: gateway.after(gateway.snapshot().config.content.idempotency_ttl).cast_signed(),
    };
    let owner = Owner { tenant: key.tenant.clone(), project: key.project.clone(), key_id: key.id.clone() };
    let act = Act { name, token: claim.token, owner, expires_at_ms: claim.expires_at_ms };
    let claimed = gateway.store().acts().claim(claim, now_ms, MAX_NAMES).await;
    match claimed.map_err(|error| refusal::acts_unavailable(&error))? {
        Claimed::Ours => Ok(Entrance::First(act)),
        Claimed::Other => Err(refusal::idempotency_key_reused()),
        Claimed::Running => Err(refusal::act_in_progress()),
        Claimed::Unanswered => Err(refusal::act_unanswered()),
        Claimed::Full => Err(refusal::too_many_acts()),
        Claimed::Answered { sealed, expires_at_ms } => {
            let kept = Act { expires_at_ms, ..act }.opened(gateway, sealed);
            let answer = kept.map_err(|error| refusal::content_unavailable(&ShelfError::Sealed(error)))?;
            context.settlement.note_reason(REASON);
            if let Some(object) = &answer.object {
                context.settlement.note_object(object.clone());
            }
            Ok(Entrance::Again(answer))
        }
    }
}

impl ActAnswer {
    pub fn new(context: &RequestContext, status: u16, headers: Vec<(String, String)>, body: Bytes) -> Self {
        Self { status, headers, object: context.settlement.looked_at(|draft| draft.record.object.clone()), body }
    }

    /// A line of JSON, then the body.
    fn written(&self) -> Vec<u8> {
        let mut content = serde_json::to_vec(self).unwrap_or_default();
        content.push(b'\n');
        content.extend_from_slice(&self.body);
        content
    }

    fn read(content: Vec<u8>) -> Option<Self> {
        let end = memchr::memchr(b'\n', &content)?;
        let mut answer: Self = serde_json::from_slice(&content[..end]).ok()?;
        answer.body = Bytes::from(content).slice(end + 1..);
        Some(answer)
    }
}

impl Act {
    /// Does the work: what it writes to the store counts only while nobody has taken it over.
    pub async fn doing<F: Future>(&self, work: F) -> F::Output {
        acting(self.name.clone(), self.token, work).await
    }

    /// It was done. Without an answer that can be kept, nobody does it again either.
    pub async fn done(self, gateway: &Gateway, answer: Option<&ActAnswer>) {
        let sealed = answer.and_then(|answer| {
            let item = Item {
                owner: self.owner.clone(),
                subjects: Subjects::default(),
                kind: Kind::Replay,
                name: self.content_name(),
                content: answer.written(),
                expires_at_ms: self.expires_at_ms.cast_unsigned(),
            };
            let sealed = seal(gateway.shelf.keys(), item, gateway.sources.random()).map(|row| row.sealed);
            sealed.inspect_err(|error| tracing::error!(%error, "the answer to an act is not kept")).ok()
        });
        if let Err(error) = gateway.store().acts().answered(self.name, self.token, sealed).await {
            tracing::error!(%error, "the answer to an act could not be kept");
        }
    }

    /// It was refused: the name is free, unless something was done all the same.
    pub async fn refused(self, gateway: &Gateway) {
        if let Err(error) = gateway.store().acts().give_up(self.name, self.token).await {
            tracing::error!(%error, "the claim of an act could not be given up; it ends by itself");
        }
    }

    fn opened(self, gateway: &Gateway, sealed: Vec<u8>) -> Result<ActAnswer, OpenError> {
        let keys = gateway.shelf.keys();
        let name = self.content_name();
        let name: Vec<&[u8]> = name.iter().map(Vec::as_slice).collect();
        let mut row = Row {
            owner: self.owner.clone(),
            kind: Kind::Replay,
            address: [0; 32],
            user_hash: None,
            conversation_hash: None,
            sealed,
            expires_at_ms: self.expires_at_ms.cast_unsigned(),
        };
        let mut failed = OpenError::UnknownKey;
        for address in keys.addresses(&self.name.tenant, Kind::Replay, &name) {
            row.address = address;
            match open(keys, &row) {
                Ok(content) => return ActAnswer::read(content).ok_or(OpenError::Format),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// What the sealed answer is bound to: this name of this key.
    fn content_name(&self) -> Vec<Vec<u8>> {
        vec![b"act".to_vec(), self.name.key_id.as_bytes().to_vec(), self.name.address.to_vec()]
    }
}
