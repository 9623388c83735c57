//! The heads of one writer's chains, in memory: what the next entry of each tenant is tied to.
//!
//! An entry is linked, written, and only then committed: until then the head stays where it was, so an entry that could
//! not be written leaves no gap. At a start the heads come from the last entries that the store and the journal have and
//! from the last checkpoints; whichever stands furthest counts. If a checkpoint stands further than any entry, entries
//! were lost, and the chain goes on behind them, so that the loss shows.

use std::collections::HashMap;

use super::canonical::{CanonicalObject, MAX_EXACT_INTEGER};
use super::{Digest, Entry, EntryKind, HeadProof, Time, WriterId};

/// The last entry of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub sequence: u64,
    pub hash: Digest,
}

/// What stood where the heads were read from cannot be one chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    #[error("failed to go on with the audit chain of tenant {tenant:?}: two entries have number {sequence}")]
    Fork { tenant: String, sequence: u64 },
    #[error("failed to go on with the audit chain of tenant {tenant:?}: {sequence} is no number of an entry")]
    Sequence { tenant: String, sequence: u64 },
}

#[derive(Debug)]
pub struct Chains {
    writer: WriterId,
    tips: HashMap<String, Tip>,
}

#[derive(Debug, Clone, Copy)]
struct Tip {
    head: Head,
    /// The head's sequence at the last checkpoint.
    signed: u64,
}

/// What an entry is to say.
#[derive(Debug, Clone)]
pub struct EntryDraft<'a> {
    pub tenant: &'a str,
    pub kind: EntryKind,
    pub time: Time,
    pub record: CanonicalObject,
}

/// An entry that is tied to its chain, but not yet written. Dropped, it never was.
#[derive(Debug)]
#[must_use = "an entry counts once it is written and committed"]
pub struct Linked<'a> {
    chains: &'a mut Chains,
    entry: Entry,
    line: String,
}

impl Head {
    /// Before the first entry.
    pub(super) const START: Self = Self { sequence: 0, hash: Digest::NONE };
}

impl Chains {
    pub fn new(writer: WriterId) -> Self {
        Self { writer, tips: HashMap::new() }
    }

    pub fn writer(&self) -> WriterId {
        self.writer
    }

    /// Takes over an entry that is known to be written, in any order; the furthest of a tenant counts.
    ///
    /// # Errors
    /// It cannot belong to the chain. The chain stays as it was; a new writer is the way out.
    pub fn take_over(&mut self, tenant: &str, entry: Head) -> Result<(), ResumeError> {
        self.advance(tenant, entry, 0)
    }

    /// Takes over a head that stands in a checkpoint of this writer, in any order.
    ///
    /// # Errors
    /// As for [`Self::take_over`].
    pub fn take_over_signed(&mut self, head: &HeadProof) -> Result<(), ResumeError> {
        self.advance(&head.tenant, head.head(), head.sequence)
    }

    /// Ties a record to its tenant's chain.
    pub fn link(&mut self, draft: EntryDraft<'_>) -> Linked<'_> {
        let before = self.head(draft.tenant).unwrap_or(Head::START);
        let mut entry = Entry {
            tenant: draft.tenant.to_owned(),
            writer: self.writer,
            sequence: before.sequence + 1,
            kind: draft.kind,
            time: draft.time,
            record: draft.record,
            previous: before.hash,
            hash: Digest::NONE,
        };
        let line = entry.close();
        Linked { chains: self, entry, line }
    }

    pub fn head(&self, tenant: &str) -> Option<Head> {
        self.tips.get(tenant).map(|tip| tip.head)
    }

    /// All heads, e.g. to compare with what the store has.
    pub fn heads(&self) -> impl Iterator<Item = (&str, Head)> {
        self.tips.iter().map(|(tenant, tip)| (tenant.as_str(), tip.head))
    }

    /// The heads that the next checkpoint must sign.
    pub fn moved(&self) -> Vec<(String, Head)> {
        let moved = self.tips.iter().filter(|(_, tip)| tip.head.sequence > tip.signed);
        moved.map(|(tenant, tip)| (tenant.clone(), tip.head)).collect()
    }

    /// These heads stand in a checkpoint that is written.
    pub fn note_signed(&mut self, heads: &[HeadProof]) {
        for head in heads {
            if let Some(tip) = self.tips.get_mut(&head.tenant) {
                tip.signed = tip.signed.max(head.sequence);
            }
        }
    }

    fn advance(&mut self, tenant: &str, head: Head, signed: u64) -> Result<(), ResumeError> {
        let Head { sequence, hash } = head;
        if !(1..MAX_EXACT_INTEGER).contains(&sequence) {
            return Err(ResumeError::Sequence { tenant: tenant.to_owned(), sequence });
        }
        let tip = self.tips.entry(tenant.to_owned()).or_insert(Tip { head, signed });
        if tip.head.sequence == sequence && tip.head.hash != hash {
            return Err(ResumeError::Fork { tenant: tenant.to_owned(), sequence });
        }
        if sequence > tip.head.sequence {
            tip.head = head;
        }
        tip.signed = tip.signed.max(signed);
        Ok(())
    }
}

impl Linked<'_> {
    /// What is to be written, without a line feed.
    pub fn line(&self) -> &str {
        &self.line
    }

    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The line was written: the chain goes on from here.
    pub fn commit(self) -> Entry {
        let head = Head { sequence: self.entry.sequence, hash: self.entry.hash };
        match self.chains.tips.get_mut(&self.entry.tenant) {
            Some(tip) => tip.head = head,
            None => {
                self.chains.tips.insert(self.entry.tenant.clone(), Tip { head, signed: 0 });
            }
        }
        self.entry
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Checkpoint, CheckpointDraft};
    use super::*;
    use crate::signing::Signer;

    fn time() -> Time {
        "2026-01-18T09:30:00Z".parse().unwrap()
    }

    fn draft(tenant: &str) -> EntryDraft<'_> {
        let record = CanonicalObject::new(&json!({ "status": 200 })).unwrap();
        EntryDraft { tenant, kind: EntryKind::Request, time: time(), record }
    }

    fn chains() -> Chains {
        Chains::new(WriterId::from_bytes([1; 8]))
    }

    #[test]
    fn entries_of_a_tenant_are_numbered_and_tied_whatever_their_time() {
        let mut chains = chains();
        let first = chains.link(draft("a")).commit();
        let other = chains.link(draft("b")).commit();
        let second = chains.link(draft("a")).commit();
        assert_eq!((first.sequence, first.previous), (1, Digest::NONE));
        assert_eq!((other.sequence, other.previous), (1, Digest::NONE));
        assert_eq!((second.sequence, second.previous), (2, first.hash));
        assert!(first.hash == first.computed_hash() && first.hash != second.hash && first.hash != other.hash);
    }

    #[test]
    fn what_could_not_be_written_leaves_the_chain_as_it_was() {
        let mut chains = chains();
        let first = chains.link(draft("a")).commit();
        drop(chains.link(draft("a")));
        drop(chains.link(draft("b")));
        assert_eq!(chains.head("a"), Some(Head { sequence: 1, hash: first.hash }));
        assert_eq!(chains.head("b"), None);
        assert_eq!(chains.link(draft("a")).commit().sequence, 2);
    }

    #[test]
    fn a_start_goes_on_from_whatever_stands_furthest() {
        let head = |sequence: u64| Head { sequence, hash: Digest::of(&sequence.to_le_bytes()) };
        let mut chains = chains();
        for sequence in [7, 9, 8] {
            chains.take_over("a", head(sequence)).unwrap();
        }
        assert_eq!(chains.head("a"), Some(head(9)));
        let forked = Head { sequence: 9, hash: Digest::NONE };
        assert_eq!(chains.take_over("a", forked), Err(ResumeError::Fork { tenant: "a".into(), sequence: 9 }));
        assert!(chains.take_over("b", head(u64::MAX)).is_err());
        let next = chains.link(draft("a")).commit();
        assert_eq!((next.sequence, next.previous), (10, head(9).hash));
    }

    #[test]
    fn a_checkpoint_signs_what_moved_since_the_last_one_even_over_a_restart() {
        let mut first = chains();
        for tenant in ["a", "b", "a"] {
            first.link(draft(tenant)).commit();
        }
        let of = CheckpointDraft { writer: first.writer(), time: time(), after: None };
        let signer = Signer::from_seed(&[1; 32]);
        let (checkpoint, heads) = Checkpoint::make(of, first.moved(), &[0; 32], &signer).unwrap().unwrap();
        // Written while the checkpoint was being made.
        let late = first.link(draft("b")).commit();
        first.note_signed(&heads);
        assert!(checkpoint.is_over(&heads));
        assert_eq!(first.moved(), [("b".to_owned(), Head { sequence: 2, hash: late.hash })]);

        let mut second = chains();
        second.take_over("b", first.head("b").unwrap()).unwrap();
        for head in &heads {
            second.take_over_signed(head).unwrap();
        }
        // Of "a" no entry was left: the chain goes on behind what was signed.
        assert_eq!(second.head("a"), first.head("a"));
        assert_eq!(second.moved(), first.moved());
        assert!(Checkpoint::make(of, Vec::new(), &[0; 32], &signer).unwrap().is_none());
    }
}
