//! Whether a label holds: its key is known, its signature is over what it says, and it is about this output.
//!
//! The tenant is the caller's, from the key that the request came with. A request cannot name another: then anyone
//! could try out names on a label to learn whose it is. Another tenant's label looks like a changed one.

use serde::Serialize;

use super::VerifyRequest;
use crate::signing::{KeyId, PublicKeys};

/// The answer of `POST /v1/labels/verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub valid: bool,
    pub reason: Reason,
    /// The key of the signature, if it is one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Label and output are as they were signed.
    Verified,
    /// The signature names a key that is not believed here.
    UnknownKey,
    /// The label was changed after it was signed, or signed for another tenant.
    SignatureMismatch,
    /// The label is as it was signed, but about another output.
    OutputMismatch,
}

/// Checks a label for a tenant.
pub fn verify(request: &VerifyRequest, tenant: &str, keys: &PublicKeys) -> Verdict {
    let signed = &request.label;
    let Some(key) = keys.by_id(signed.signature.key_id) else {
        return Verdict { valid: false, reason: Reason::UnknownKey, key_id: None };
    };
    let text = signed.label.signed_text(&signed.output_sha256, tenant);
    let reason = match text {
        // What cannot be signed was not signed.
        Err(_) => Reason::SignatureMismatch,
        Ok(text) if !key.holds(text.as_bytes(), &signed.signature.value) => Reason::SignatureMismatch,
        Ok(_) if signed.output_sha256 != request.output => Reason::OutputMismatch,
        Ok(_) => Reason::Verified,
    };
    Verdict { valid: reason == Reason::Verified, reason, key_id: Some(signed.signature.key_id) }
}
