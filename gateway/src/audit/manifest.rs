//! The first line of an export: what the file holds, signed, so that a part of a trail verifies as a part.
//!
//! For each chain it says with which entry the file begins and ends and what stood before: nothing can be taken off
//! either end. It carries the public keys of earlier signatures; who trusts the key in force trusts them through it.

use serde::{Deserialize, Serialize};

use super::canonical::NotCanonical;
use super::line::{self, Signed, VersionOne};
use super::{Digest, LineError, Time, WriterId};
use crate::signing::{KeyId, PublicKey, PublicKeys, Signature, Signer};

/// How a manifest's line begins.
pub(super) const MANIFEST_PREFIX: &str = "{\"chains\":";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(rename = "shekara_audit_export")]
    version: VersionOne,
    /// When the export was made.
    pub time: Time,
    /// The only tenant in it, if it was made for one.
    pub tenant: Option<String>,
    /// The time that was asked for.
    pub from: Option<Time>,
    pub to: Option<Time>,
    /// In the order of the file: by tenant (bytes of UTF-8), then writer.
    pub chains: Vec<ChainRange>,
    /// By writer.
    pub checkpoints: Vec<CheckpointRange>,
    /// The key of this line and those of earlier checkpoints and seals.
    pub public_keys: Vec<PublicKey>,
    pub key_id: KeyId,
    pub signature: Signature,
}

/// What the file holds of one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainRange {
    pub tenant: String,
    pub writer: WriterId,
    pub first_sequence: u64,
    /// One less than the first if there are only seals.
    pub last_sequence: u64,
    pub previous_of_first: Digest,
    /// `previous_of_first` if there are only seals.
    pub last_hash: Digest,
    pub num_heads: u64,
    pub num_seals: u64,
}

/// The checkpoints of one writer in the file; all from first to last if there are as many (or more: of a fork).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointRange {
    pub writer: WriterId,
    pub first: u64,
    pub last: u64,
    pub count: u64,
}

/// What a manifest is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestDraft {
    pub time: Time,
    pub tenant: Option<String>,
    pub from: Option<Time>,
    pub to: Option<Time>,
    /// In any order.
    pub chains: Vec<ChainRange>,
    pub checkpoints: Vec<CheckpointRange>,
}

impl Manifest {
    /// Signs what an export holds. `earlier` are keys of older signatures in it.
    ///
    /// # Errors
    /// A number has no canonical form.
    pub fn make(draft: ManifestDraft, earlier: &PublicKeys, signer: &Signer) -> Result<Self, NotCanonical> {
        let ManifestDraft { time, tenant, from, to, mut chains, mut checkpoints } = draft;
        chains.sort_by(|a, b| (&a.tenant, a.writer).cmp(&(&b.tenant, b.writer)));
        checkpoints.sort_by_key(|range| range.writer);
        let own = signer.public_key();
        let public_keys = std::iter::once(own).chain(earlier.iter().copied().filter(|key| *key != own)).collect();
        let manifest = Self {
            version: VersionOne,
            time,
            tenant,
            from,
            to,
            chains,
            checkpoints,
            public_keys,
            key_id: signer.key_id(),
            signature: Signature::NONE,
        };
        manifest.sign(signer)
    }

    /// # Errors
    /// A number has no canonical form.
    pub fn line(&self) -> Result<String, NotCanonical> {
        line::write(self)
    }

    /// # Errors
    /// The text is not what [`Self::line`] writes.
    pub fn read(line: &str) -> Result<Self, LineError> {
        line::read(line)
    }
}

impl CheckpointRange {
    pub(super) fn is_complete(&self) -> bool {
        self.last.checked_sub(self.first).is_some_and(|difference| difference < self.count)
    }
}

impl Signed for Manifest {
    fn key_id(&self) -> KeyId {
        self.key_id
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn set_signature(&mut self, signature: Signature) {
        self.signature = signature;
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Authenticity;
    use super::*;

    #[test]
    fn a_manifest_is_sorted_signed_and_comes_back() {
        let range = |tenant: &str, writer| ChainRange {
            tenant: tenant.to_owned(),
            writer: WriterId::from_bytes([writer; 8]),
            first_sequence: 1,
            last_sequence: 2,
            previous_of_first: Digest::NONE,
            last_hash: Digest::of(b"x"),
            num_heads: 0,
            num_seals: 0,
        };
        let draft = ManifestDraft {
            time: "2026-01-18T09:30:00Z".parse().unwrap(),
            tenant: None,
            from: None,
            to: None,
            chains: vec![range("b", 1), range("a", 2), range("a", 1)],
            checkpoints: Vec::new(),
        };
        let signer = Signer::from_seed(&[1; 32]);
        let earlier: PublicKeys = [Signer::from_seed(&[2; 32]).public_key(), signer.public_key()].into_iter().collect();
        let manifest = Manifest::make(draft, &earlier, &signer).unwrap();
        assert_eq!(manifest.chains, [range("a", 1), range("a", 2), range("b", 1)]);
        assert_eq!(manifest.public_keys, [signer.public_key(), Signer::from_seed(&[2; 32]).public_key()]);
        assert_eq!(manifest.authenticity(&earlier), Authenticity::Genuine);
        let line = manifest.line().unwrap();
        assert!(line.starts_with(MANIFEST_PREFIX), "{line}");
        assert_eq!(Manifest::read(&line).unwrap(), manifest);
        let changed = Manifest { tenant: Some("a".to_owned()), ..manifest };
        assert_eq!(changed.authenticity(&earlier), Authenticity::Forged);
    }
}
