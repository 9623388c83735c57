//! The signature of a label, as it stands in an answer.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::{Label, OutputSha256, SignedLabel, Unsignable};
use crate::signing::{KeyId, Signature, Signer};

/// The `alg` of every signature.
pub(super) const ALGORITHM: &str = "Ed25519";

/// A detached signature and the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSignature {
    pub key_id: KeyId,
    pub(super) value: Signature,
}

impl SignedLabel {
    /// Signs what a label says about an output that a tenant received.
    ///
    /// # Errors
    /// A field of the label, or the tenant, cannot be signed.
    pub fn sign(label: Label, output: OutputSha256, tenant: &str, signer: &Signer) -> Result<Self, Unsignable> {
        let text = label.signed_text(&output, tenant)?;
        let signature = LabelSignature { key_id: signer.key_id(), value: signer.sign(text.as_bytes()) };
        Ok(Self { label, output_sha256: output, signature })
    }
}

impl Serialize for LabelSignature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Signature", 3)?;
        object.serialize_field("alg", ALGORITHM)?;
        object.serialize_field("key_id", &self.key_id)?;
        object.serialize_field("value", &self.value)?;
        object.end()
    }
}
