//! A seal: what stays of entries that retention removed, so that the rest of their chain still verifies.
//!
//! A seal stands for a stretch from a chain's beginning, or from the last seal, up to an entry. It is made by reading
//! the entries once more, and what was changed or does not hang together is not sealed: removing entries never hides
//! that they were tampered with. Entries that were missing already stay so: their number is less than the stretch.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::canonical::NotCanonical;
use super::line::{self, Signed, VersionOne};
use super::{Digest, Entry, Head, LineError, Time, WriterId};
use crate::signing::{KeyId, Signature, Signer};

/// How a seal's line begins.
pub(super) const SEAL_PREFIX: &str = "{\"by\":";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    #[serde(rename = "shekara_audit_seal")]
    version: VersionOne,
    pub tenant: String,
    pub writer: WriterId,
    /// 1, or the number behind the last seal's.
    pub first: u64,
    pub last: u64,
    /// As many as from first to last, unless some were missing.
    pub num_entries: u64,
    pub last_hash: Digest,
    /// SHA-256 of the entries' hashes, 32 bytes each, in order.
    pub digest: Digest,
    pub pruned_at: Time,
    /// Who or what removed them.
    pub by: String,
    /// What the signature of the chain's seal before is over, hashed; or [`Digest::NONE`].
    pub previous: Digest,
    pub key_id: KeyId,
    pub signature: Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("failed to seal entry {sequence}: its hash is not that of its content")]
    Changed { sequence: u64 },
    #[error("failed to seal entry {sequence}: it does not follow the entry before")]
    Broken { sequence: u64 },
    #[error("failed to seal entry {sequence}: it belongs to another chain")]
    OtherChain { sequence: u64 },
    #[error("failed to seal: there is no entry")]
    Empty,
    #[error("failed to sign the seal: {0}")]
    NotCanonical(#[from] NotCanonical),
}

/// Takes in the entries of one chain that are to be removed, in order.
#[derive(Debug)]
pub struct SealBuilder {
    tenant: String,
    writer: WriterId,
    first: u64,
    at: Head,
    num_entries: u64,
    hashes: Sha256,
    previous: Digest,
}

impl SealBuilder {
    /// Of a chain of which nothing was removed before.
    pub fn first(tenant: &str, writer: WriterId) -> Self {
        Self {
            tenant: tenant.to_owned(),
            writer,
            first: 1,
            at: Head::START,
            num_entries: 0,
            hashes: Sha256::new(),
            previous: Digest::NONE,
        }
    }

    /// Behind the last seal of a chain.
    ///
    /// # Errors
    /// The seal has no canonical form.
    pub fn after(seal: &Seal) -> Result<Self, SealError> {
        Ok(Self {
            first: seal.last + 1,
            at: Head { sequence: seal.last, hash: seal.last_hash },
            previous: seal.signed_hash()?,
            ..Self::first(&seal.tenant, seal.writer)
        })
    }

    /// # Errors
    /// The entry is not what belongs there; nothing of it was taken in.
    pub fn push(&mut self, entry: &Entry) -> Result<(), SealError> {
        let sequence = entry.sequence;
        if entry.tenant != self.tenant || entry.writer != self.writer {
            return Err(SealError::OtherChain { sequence });
        }
        if entry.computed_hash() != entry.hash {
            return Err(SealError::Changed { sequence });
        }
        let is_next = sequence == self.at.sequence + 1;
        if sequence <= self.at.sequence || (is_next && entry.previous != self.at.hash) {
            return Err(SealError::Broken { sequence });
        }
        self.at = Head { sequence, hash: entry.hash };
        self.num_entries += 1;
        self.hashes.update(entry.hash.as_bytes());
        Ok(())
    }

    /// # Errors
    /// No entry was taken in.
    pub fn finish(self, pruned_at: Time, by: &str, signer: &Signer) -> Result<Seal, SealError> {
        if self.num_entries == 0 {
            return Err(SealError::Empty);
        }
        let seal = Seal {
            version: VersionOne,
            tenant: self.tenant,
            writer: self.writer,
            first: self.first,
            last: self.at.sequence,
            num_entries: self.num_entries,
            last_hash: self.at.hash,
            digest: Digest::from_bytes(self.hashes.finalize().into()),
            pruned_at,
            by: by.to_owned(),
            previous: self.previous,
            key_id: signer.key_id(),
            signature: Signature::NONE,
        };
        Ok(seal.sign(signer)?)
    }
}

impl Seal {
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

impl Signed for Seal {
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
    use serde_json::json;

    use super::super::line::Authenticity;
    use super::super::{CanonicalObject, Chains, EntryDraft, EntryKind};
    use super::*;

    fn time() -> Time {
        "2026-01-18T09:30:00Z".parse().unwrap()
    }

    fn entries(count: usize) -> Vec<Entry> {
        let mut chains = Chains::new(WriterId::from_bytes([1; 8]));
        let record = CanonicalObject::new(&json!({})).unwrap();
        (0..count)
            .map(|_| {
                let draft = EntryDraft { tenant: "a", kind: EntryKind::System, time: time(), record: record.clone() };
                chains.link(draft).commit()
            })
            .collect()
    }

    fn seal(mut builder: SealBuilder, entries: &[Entry]) -> Seal {
        for entry in entries {
            builder.push(entry).unwrap();
        }
        builder.finish(time(), "retention", &Signer::from_seed(&[1; 32])).unwrap()
    }

    #[test]
    fn seals_follow_each_other() {
        let entries = entries(5);
        let first = seal(SealBuilder::first("a", entries[0].writer), &entries[..3]);
        let second = seal(SealBuilder::after(&first).unwrap(), &entries[3..]);
        assert_eq!((first.first, first.last, first.num_entries), (1, 3, 3));
        assert_eq!((second.first, second.last, second.num_entries), (4, 5, 2));
        assert_eq!(first.last_hash, entries[3].previous);
        assert_eq!(second.previous, first.signed_hash().unwrap());
        let keys = [Signer::from_seed(&[1; 32]).public_key()].into_iter().collect();
        assert_eq!(second.authenticity(&keys), Authenticity::Genuine);
        let line = second.line().unwrap();
        assert!(line.starts_with(SEAL_PREFIX), "{line}");
        assert_eq!(Seal::read(&line).unwrap(), second);
    }

    #[test]
    fn what_was_tampered_with_is_not_sealed_and_what_is_missing_shows() {
        let entries = entries(4);
        let mut builder = SealBuilder::first("a", entries[0].writer);
        let changed = Entry { kind: EntryKind::Admin, ..entries[0].clone() };
        assert_eq!(builder.push(&changed), Err(SealError::Changed { sequence: 1 }));
        let mut relinked = Entry { previous: Digest::of(b"x"), ..entries[0].clone() };
        relinked.close();
        assert_eq!(builder.push(&relinked), Err(SealError::Broken { sequence: 1 }));
        builder.push(&entries[0]).unwrap();
        assert_eq!(builder.push(&entries[0]), Err(SealError::Broken { sequence: 1 }));
        let mut foreign = Entry { tenant: "b".to_owned(), ..entries[1].clone() };
        foreign.close();
        assert_eq!(builder.push(&foreign), Err(SealError::OtherChain { sequence: 2 }));
        let sealed = seal(builder, &entries[2..]);
        assert_eq!((sealed.last, sealed.num_entries), (4, 3));
        let empty = SealBuilder::first("a", entries[0].writer).finish(time(), "x", &Signer::from_seed(&[1; 32]));
        assert_eq!(empty, Err(SealError::Empty));
    }
}
