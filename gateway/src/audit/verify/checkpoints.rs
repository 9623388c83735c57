//! The checkpoints of one writer while they are verified: their chain, and the roots that heads are held against.

use super::super::line::{Authenticity, Signed as _};
use super::super::manifest::CheckpointRange;
use super::super::{Checkpoint, Digest, WriterId};
use super::findings::Findings;
use super::problem::{Place, ProblemKind, SignedLine, Voucher};
use crate::signing::PublicKeys;

const MAX_BRANCHES: usize = 16;

#[derive(Debug)]
pub(super) struct CheckpointCheck {
    writer: WriterId,
    promised: Option<CheckpointRange>,
    last: Option<Last>,
    /// Others with a number of the chain: number and how the next one names it.
    branches: Vec<(u64, Digest)>,
    /// Number and root, by number; `None` where the signature does not hold. Forks have two of one number.
    roots: Vec<(u64, Option<Digest>)>,
    num_checkpoints: u64,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    number: u64,
    /// How the next one names it; `None` where the signature does not hold.
    hash: Option<Digest>,
    previous: Digest,
}

/// Whether a head is among those that its checkpoint signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadStanding {
    Signed,
    NotSigned,
    /// The checkpoint's own signature does not hold.
    Unclear,
    /// There is no such checkpoint.
    Unknown,
}

impl CheckpointCheck {
    pub(super) fn new(writer: WriterId, promised: Option<CheckpointRange>) -> Self {
        Self { writer, promised, last: None, branches: Vec::new(), roots: Vec::new(), num_checkpoints: 0 }
    }

    pub(super) fn push(&mut self, checkpoint: &Checkpoint, keys: &PublicKeys, findings: &mut Findings) {
        self.num_checkpoints += 1;
        let number = checkpoint.number;
        let of = SignedLine::Checkpoint;
        let authenticity = checkpoint.authenticity(keys);
        match authenticity {
            Authenticity::Genuine => {}
            Authenticity::Forged => findings.add(self.place(number), ProblemKind::BadSignature { of }),
            Authenticity::UnknownKey => {
                let key_id = checkpoint.key_id;
                findings.add(self.place(number), ProblemKind::WrongKey { of, key_id });
            }
        }
        let is_genuine = authenticity == Authenticity::Genuine;
        let hash = checkpoint.signed_hash().ok().filter(|_| is_genuine);
        let now = Last { number, hash, previous: checkpoint.previous };
        if let Some(kind) = self.misplaced(now) {
            findings.add(self.place(number), kind);
        }
        if self.last.is_none_or(|last| number > last.number) {
            self.last = Some(now);
        }
        let at = self.roots.partition_point(|(known, _)| *known <= number);
        self.roots.insert(at, (number, is_genuine.then_some(checkpoint.root)));
    }

    /// What is wrong with a checkpoint's place, if it is genuine.
    fn misplaced(&mut self, now: Last) -> Option<ProblemKind> {
        let hash = now.hash?;
        let is_whole = self.promised.as_ref().is_none_or(CheckpointRange::is_complete);
        if self.promised.as_ref().is_some_and(|range| !(range.first..=range.last).contains(&now.number)) {
            return Some(ProblemKind::Inserted);
        }
        if self.is_on_branch(now, hash) {
            return None;
        }
        let Some(last) = self.last else {
            let first = self.promised.as_ref().filter(|_| is_whole)?.first;
            return (first < now.number).then(|| ProblemKind::Missing { first, last: now.number - 1 });
        };
        if now.number > last.number + 1 {
            return is_whole.then(|| ProblemKind::Missing { first: last.number + 1, last: now.number - 1 });
        }
        if now.number == last.number + 1 {
            return last.hash.is_some_and(|hash| hash != now.previous).then_some(ProblemKind::BrokenLink);
        }
        if now.number < last.number {
            return Some(ProblemKind::Reordered);
        }
        match last.hash {
            Some(before) if before != hash && last.previous == now.previous => {
                if self.branches.len() < MAX_BRANCHES {
                    self.branches.push((now.number, hash));
                }
                Some(ProblemKind::Fork { hashes: [before, hash] })
            }
            _ => Some(ProblemKind::Inserted),
        }
    }

    /// Whether a checkpoint follows another than the last: one of two with one number. If it comes first of its own
    /// number, the last one is what the branch is from now on.
    fn is_on_branch(&mut self, now: Last, hash: Digest) -> bool {
        let Some((last, named)) = self.last.and_then(|last| Some((last.number, last.hash?))) else { return false };
        let follows = |branch: &&mut (u64, Digest)| branch.0 + 1 == now.number && branch.1 == now.previous;
        let Some(branch) = self.branches.iter_mut().find(follows) else { return false };
        *branch = if now.number > last { (last, named) } else { (now.number, hash) };
        true
    }

    /// How a head whose path leads to a root stands to the checkpoint of a number.
    pub(super) fn standing(&self, number: u64, root: Option<Digest>) -> HeadStanding {
        let at = self.roots.partition_point(|(known, _)| *known < number);
        let roots = self.roots.iter().skip(at).take_while(|(known, _)| *known == number);
        roots.fold(HeadStanding::Unknown, |standing, (_, signed)| match signed {
            _ if standing == HeadStanding::Signed => standing,
            None => HeadStanding::Unclear,
            Some(_) if *signed == root => HeadStanding::Signed,
            Some(_) => HeadStanding::NotSigned,
        })
    }

    pub(super) fn num_checkpoints(&self) -> u64 {
        self.num_checkpoints
    }

    pub(super) fn finish(&self, findings: &mut Findings) {
        let Some(range) = &self.promised else { return };
        let ends_at = self.last.map_or(range.first.saturating_sub(1), |last| last.number);
        if ends_at < range.last {
            let by = Voucher::Manifest;
            findings.add(self.place(range.last), ProblemKind::Truncated { ends_at, promised: range.last, by });
        } else if self.num_checkpoints != range.count {
            let kind = ProblemKind::CountDiffers {
                of: SignedLine::Checkpoint,
                promised: range.count,
                found: self.num_checkpoints,
            };
            findings.add(Place { writer: Some(self.writer), ..Place::default() }, kind);
        }
    }

    fn place(&self, number: u64) -> Place {
        Place::of_checkpoint(self.writer, number)
    }
}
