//! A checkpoint: a writer's signature over the heads of all its chains that moved since the checkpoint before.
//!
//! The signature is over the root of a Merkle tree, so a checkpoint is small whatever the number of tenants. Beside it
//! every moved head has a line of its own with the path to the root: the head of one tenant is shown to be among them
//! without a name of another. Each leaf has its own salt, so that nobody can try out names on the hashes of a path.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::canonical::{NotCanonical, canonical};
use super::line::{self, Signed, VersionOne};
use super::merkle::{MAX_PATH, MerkleTree, climb, leaf};
use super::{Digest, Head, LineError, Time, WriterId};
use crate::signing::{KeyId, Signature, Signer};

/// How a checkpoint's line begins.
pub(super) const CHECKPOINT_PREFIX: &str = "{\"key_id\":";
/// How a head's line begins.
pub(super) const HEAD_PREFIX: &str = "{\"checkpoint\":";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    #[serde(rename = "shekara_audit_checkpoint")]
    version: VersionOne,
    pub writer: WriterId,
    /// From 1, without gaps.
    pub number: u64,
    pub time: Time,
    /// Of the tree over the moved heads.
    pub root: Digest,
    /// What the signature of the checkpoint before is over, hashed; or [`Digest::NONE`].
    pub previous: Digest,
    pub key_id: KeyId,
    pub signature: Signature,
}

/// One chain's head at a checkpoint, with what shows that it is among those that were signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadProof {
    #[serde(rename = "shekara_audit_head")]
    version: VersionOne,
    pub writer: WriterId,
    /// The checkpoint's number.
    pub checkpoint: u64,
    pub tenant: String,
    pub sequence: u64,
    pub hash: Digest,
    pub salt: Digest,
    /// From the leaf to the root: what it is hashed with.
    pub path: Vec<Digest>,
}

/// What a new checkpoint follows.
#[derive(Debug, Clone, Copy)]
pub struct CheckpointDraft<'a> {
    pub writer: WriterId,
    pub time: Time,
    /// The writer's last one.
    pub after: Option<&'a Checkpoint>,
}

impl Checkpoint {
    /// Signs the heads that moved; `None` if none did. `secret` is random, used once and kept nowhere.
    ///
    /// # Errors
    /// A number has no canonical form.
    pub fn make(
        draft: CheckpointDraft<'_>,
        moved: Vec<(String, Head)>,
        secret: &[u8; 32],
        signer: &Signer,
    ) -> Result<Option<(Self, Vec<HeadProof>)>, NotCanonical> {
        let number = draft.after.map_or(1, |after| after.number + 1);
        let mut heads: Vec<HeadProof> = moved
            .into_iter()
            .map(|(tenant, head)| HeadProof {
                version: VersionOne,
                writer: draft.writer,
                checkpoint: number,
                salt: salt(secret, &tenant),
                tenant,
                sequence: head.sequence,
                hash: head.hash,
                path: Vec::new(),
            })
            .collect();
        let leaves = heads.iter().map(HeadProof::leaf).collect::<Result<Vec<_>, _>>()?;
        let Some(tree) = MerkleTree::new(leaves.clone()) else { return Ok(None) };
        for (head, leaf) in heads.iter_mut().zip(leaves) {
            head.path = tree.path(leaf).unwrap_or_default();
        }
        let checkpoint = Self {
            version: VersionOne,
            writer: draft.writer,
            number,
            time: draft.time,
            root: tree.root(),
            previous: draft.after.map_or(Ok(Digest::NONE), Self::signed_hash)?,
            key_id: signer.key_id(),
            signature: Signature::NONE,
        };
        Ok(Some((checkpoint.sign(signer)?, heads)))
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

    /// Whether these are all the heads that were signed.
    pub fn is_over(&self, heads: &[HeadProof]) -> bool {
        let leaves: Result<Vec<Digest>, _> = heads.iter().map(HeadProof::leaf).collect();
        leaves.ok().and_then(MerkleTree::new).is_some_and(|tree| tree.root() == self.root)
    }
}

impl Signed for Checkpoint {
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

impl HeadProof {
    /// The root of the tree that this head's path leads to.
    pub(super) fn root(&self) -> Option<Digest> {
        (self.path.len() <= MAX_PATH).then(|| self.leaf().ok()).flatten().map(|leaf| climb(leaf, &self.path))
    }

    pub fn head(&self) -> Head {
        Head { sequence: self.sequence, hash: self.hash }
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

    fn leaf(&self) -> Result<Digest, NotCanonical> {
        let Self { tenant, sequence, hash, salt, .. } = self;
        canonical(&json!({ "hash": hash, "salt": salt, "sequence": sequence, "tenant": tenant }))
            .map(|text| leaf(&text))
    }
}

fn salt(secret: &[u8; 32], tenant: &str) -> Digest {
    Digest::of(&[secret, Digest::of(tenant.as_bytes()).as_bytes()].map(|half| &half[..]).concat())
}

#[cfg(test)]
mod tests {
    use super::super::line::Authenticity;
    use super::*;
    use crate::signing::PublicKeys;

    fn make(after: Option<&Checkpoint>, tenants: u64) -> (Checkpoint, Vec<HeadProof>) {
        let draft = CheckpointDraft {
            writer: WriterId::from_bytes([1; 8]),
            time: "2026-01-18T09:30:00Z".parse().unwrap(),
            after,
        };
        let moved = (1..=tenants)
            .map(|at| (format!("tenant {at}"), Head { sequence: at, hash: Digest::of(&at.to_le_bytes()) }))
            .collect();
        Checkpoint::make(draft, moved, &[7; 32], &Signer::from_seed(&[2; 32])).unwrap().unwrap()
    }

    #[test]
    fn a_head_is_shown_to_be_signed_without_the_others() {
        let (checkpoint, heads) = make(None, 5);
        let keys: PublicKeys = [Signer::from_seed(&[2; 32]).public_key()].into_iter().collect();
        assert_eq!(checkpoint.authenticity(&keys), Authenticity::Genuine);
        assert!(checkpoint.is_over(&heads) && !checkpoint.is_over(&heads[1..]) && !checkpoint.is_over(&[]));
        for head in &heads {
            assert_eq!(head.root(), Some(checkpoint.root));
            let other = HeadProof { sequence: head.sequence + 1, ..head.clone() };
            assert_ne!(other.root(), Some(checkpoint.root));
            assert_eq!(head.line().unwrap().matches("tenant ").count(), 1);
        }
        let salts: std::collections::BTreeSet<_> = heads.iter().map(|head| head.salt).collect();
        assert_eq!(salts.len(), heads.len());
    }

    #[test]
    fn checkpoints_are_numbered_and_tied_to_the_one_before() {
        let (first, _) = make(None, 1);
        let (second, heads) = make(Some(&first), 2);
        assert_eq!((first.number, first.previous), (1, Digest::NONE));
        assert_eq!((second.number, second.previous), (2, first.signed_hash().unwrap()));
        assert_eq!(heads[0].checkpoint, 2);
    }

    #[test]
    fn lines_come_back_and_begin_as_they_must() {
        let (checkpoint, heads) = make(None, 3);
        let line = checkpoint.line().unwrap();
        assert!(line.starts_with(CHECKPOINT_PREFIX), "{line}");
        assert_eq!(Checkpoint::read(&line).unwrap(), checkpoint);
        let line = heads[2].line().unwrap();
        assert!(line.starts_with(HEAD_PREFIX), "{line}");
        assert_eq!(HeadProof::read(&line).unwrap(), heads[2]);
        assert_eq!(HeadProof::read(&line.replace("_head\":1", "_head\":2")), Err(LineError::Shape));
    }
}
