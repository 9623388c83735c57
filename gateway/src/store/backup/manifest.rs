//! What a backup says of itself: of when and what it is, how many rows each section has and what they hash to, signed.

use serde::{Deserialize, Serialize};

use super::secret::SecretNote;
use super::{BackupError, Damage};
use crate::audit::{Digest, Time, WriterId, canonical};
use crate::signing::{KeyId, PublicKey, PublicKeys, Signature, Signer};

const VERSION: u64 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupManifest {
    #[serde(rename = "shekara_backup")]
    pub version: u64,
    /// The version of the program that made it.
    pub program: String,
    /// The last migration of the database that it is of.
    pub schema: i64,
    /// The database that it was taken from.
    pub store: String,
    /// When it was begun.
    pub time: Time,
    /// Whose journal is in it.
    pub writer: Option<WriterId>,
    pub body_bytes: u64,
    /// Of the body as it lies in the file.
    pub body_sha256: Digest,
    /// In the order of the file.
    pub sections: Vec<SectionSum>,
    /// Of the table, without what the journal adds.
    pub ledger: LedgerSums,
    /// Those that a gateway of this data needs.
    pub secrets: Vec<SecretNote>,
    /// The key of the audit and those before it.
    pub public_keys: Vec<PublicKey>,
    pub key_id: Option<KeyId>,
    pub signature: Option<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectionSum {
    pub name: String,
    pub rows: u64,
    /// Of its lines.
    pub sha256: Digest,
}

/// Texts, for sums may be greater than what JSON's numbers hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerSums {
    pub rows: String,
    pub tiyn: String,
    pub usd_micro: String,
    pub prompt_tokens: String,
    pub completion_tokens: String,
}

impl BackupManifest {
    pub(super) const VERSION: u64 = VERSION;

    /// # Errors
    /// A number has no canonical form.
    pub(super) fn sign(mut self, signer: Option<&Signer>) -> Result<Self, BackupError> {
        if let Some(signer) = signer {
            self.key_id = Some(signer.key_id());
            self.signature = Some(signer.sign(self.signed_text()?.as_bytes()));
        }
        Ok(self)
    }

    pub(super) fn line(&self) -> Result<String, BackupError> {
        Ok(canonical(&serde_json::to_value(self).map_err(|_| crate::audit::NotCanonical::NotJson)?)?)
    }

    /// Reads a line. A signature must hold, under a key that is `trusted` if any are, else under the one that it brings.
    pub(super) fn read(line: &str, trusted: Option<&PublicKeys>) -> Result<Self, Damage> {
        let manifest: Self = serde_json::from_str(line).map_err(|_| Damage::UnknownManifest)?;
        if manifest.version != VERSION || manifest.line().ok().as_deref() != Some(line) {
            return Err(Damage::UnknownManifest);
        }
        let own: PublicKeys = manifest.public_keys.iter().copied().collect();
        let (key_id, signature) = match (manifest.key_id, &manifest.signature) {
            (Some(key_id), Some(signature)) => (key_id, signature),
            (None, None) if trusted.is_none() => return Ok(manifest),
            (None, None) => return Err(Damage::NotTrusted),
            _ => return Err(Damage::Forged),
        };
        let Some(key) = trusted.unwrap_or(&own).by_id(key_id) else {
            return Err(if trusted.is_some() { Damage::NotTrusted } else { Damage::Forged });
        };
        let text = manifest.signed_text().map_err(|_| Damage::Manifest)?;
        if key.holds(text.as_bytes(), signature) { Ok(manifest) } else { Err(Damage::Forged) }
    }

    pub fn section(&self, name: &str) -> Option<&SectionSum> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The line without its signature.
    fn signed_text(&self) -> Result<String, BackupError> {
        Self { signature: None, ..self.clone() }.line()
    }
}
