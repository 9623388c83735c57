//! Takes in a trail piece by piece, from a file or from what a store gives.
//!
//! Order: a manifest if there is one; checkpoints by writer and number, before heads that name them; of each chain its
//! seals, then entries by sequence, each head behind its entry. Chains come one after the other or mixed, as long as
//! each is in order; with a manifest they must come in its order. Sorted by tenant, writer and sequence a fork is always
//! seen as one, since both entries of a number then come together.

use std::collections::{BTreeMap, HashMap};

use super::super::chains::Head;
use super::super::line::{Authenticity, Signed};
use super::super::{Checkpoint, Digest, Entry, HeadProof, MAX_EXACT_INTEGER, Manifest, Seal, Time, WriterId};
use super::chain::ChainCheck;
use super::checkpoints::{CheckpointCheck, HeadStanding};
use super::findings::{Findings, Notes};
use super::problem::{Place, ProblemKind, SignedLine, Unreadable};
use super::report::{Report, Trust};
use crate::signing::PublicKeys;

/// A chain takes some hundred bytes.
const MAX_CHAINS: usize = 1_000_000;
/// A checkpoint takes 48 bytes; these are the minutes of nineteen years of one writer.
const MAX_CHECKPOINTS: u64 = 10_000_000;

/// See the module's documentation.
#[derive(Debug)]
pub struct Verifier {
    trust: Trust,
    keys: PublicKeys,
    findings: Findings,
    chains: HashMap<String, Vec<Placed>>,
    num_chains: usize,
    writers: BTreeMap<WriterId, CheckpointCheck>,
    num_checkpoints: u64,
    manifest: Option<Progress>,
    num_entries: u64,
    num_seals: u64,
    times: Option<(Time, Time)>,
}

#[derive(Debug)]
struct Placed {
    /// Its place in the manifest.
    place: usize,
    chain: ChainCheck,
}

/// How far into what the manifest lists the trail is.
#[derive(Debug, Default)]
struct Progress {
    /// The writer of the last checkpoint.
    writer: Option<WriterId>,
    /// The place of the last chain.
    chain: usize,
    is_among_chains: bool,
}

impl Verifier {
    /// Checks signatures with these keys. If there are none, only those of a manifest are there to check with.
    pub fn new(trusted: &PublicKeys) -> Self {
        let trust = if trusted.is_empty() { Trust::FromFile { key_id: None } } else { Trust::Given };
        Self {
            trust,
            keys: trusted.clone(),
            findings: Findings::default(),
            chains: HashMap::new(),
            num_chains: 0,
            writers: BTreeMap::new(),
            num_checkpoints: 0,
            manifest: None,
            num_entries: 0,
            num_seals: 0,
            times: None,
        }
    }

    /// What follows comes from this line.
    pub(super) fn set_line(&mut self, line: u64) {
        self.findings.next(Some(line));
    }

    fn step(&mut self) {
        if self.findings.line.is_none() {
            self.findings.next(None);
        }
    }

    /// A piece that could not be read; `place` is what is known of it.
    pub fn push_unreadable(&mut self, reason: Unreadable, place: Place) {
        self.step();
        self.findings.add(place, ProblemKind::Unreadable { reason });
    }

    /// Something that the caller found: where a row and its line disagree.
    pub fn push_found(&mut self, place: Place, kind: ProblemKind) {
        self.step();
        self.findings.add(place, kind);
    }

    /// What the rest must hold. It comes before anything else.
    pub fn push_manifest(&mut self, manifest: &Manifest) {
        self.step();
        let is_first = self.manifest.is_none() && self.num_chains == 0 && self.writers.is_empty();
        if !is_first {
            self.findings.add(Place::default(), ProblemKind::Reordered);
            return;
        }
        if let Trust::FromFile { key_id } = &mut self.trust {
            *key_id = Some(manifest.key_id);
            self.keys.extend(manifest.public_keys.iter().copied());
        }
        if self.is_genuine(manifest, SignedLine::Manifest, Place::default()) {
            self.keys.extend(manifest.public_keys.iter().copied());
        }
        self.manifest = Some(Progress::default());
        for (place, range) in manifest.chains.iter().enumerate() {
            let chains = self.chains.entry(range.tenant.clone()).or_default();
            chains.push(Placed { place, chain: ChainCheck::of_range(range.clone()) });
            self.num_chains += 1;
        }
        for range in &manifest.checkpoints {
            self.writers.insert(range.writer, CheckpointCheck::new(range.writer, Some(range.clone())));
        }
    }

    /// A checkpoint; its heads are pushed where their chains are.
    pub fn push_checkpoint(&mut self, checkpoint: &Checkpoint) {
        self.step();
        let writer = checkpoint.writer;
        let place = Place::of_checkpoint(writer, checkpoint.number);
        self.num_checkpoints += 1;
        if self.num_checkpoints > MAX_CHECKPOINTS {
            if self.num_checkpoints == MAX_CHECKPOINTS + 1 {
                self.findings.add(place, ProblemKind::TooMany);
            }
            return;
        }
        let before = self.findings.num_problems();
        let is_known = self.writers.contains_key(&writer);
        let check = self.writers.entry(writer).or_insert_with(|| CheckpointCheck::new(writer, None));
        check.push(checkpoint, &self.keys, &mut self.findings);
        let Some(progress) = &mut self.manifest else { return };
        let is_late = progress.is_among_chains || progress.writer > Some(writer);
        progress.writer = Some(writer);
        if self.findings.num_problems() == before && (is_late || !is_known) {
            self.findings.add(place, if is_known { ProblemKind::Reordered } else { ProblemKind::Inserted });
        }
    }

    /// A checkpoint with all the heads that it signed, e.g. from a store: none of them may be gone. The heads are pushed
    /// once more where their chains are.
    pub fn push_whole_checkpoint(&mut self, checkpoint: &Checkpoint, heads: &[HeadProof]) {
        self.push_checkpoint(checkpoint);
        if !checkpoint.is_over(heads) {
            let place = Place::of_checkpoint(checkpoint.writer, checkpoint.number);
            self.findings.add(place, ProblemKind::HeadsMissing);
        }
    }

    /// A chain's head at a checkpoint.
    pub fn push_head(&mut self, head: &HeadProof) {
        self.step();
        let check = self.writers.get(&head.writer);
        let standing = check.map_or(HeadStanding::Unknown, |check| check.standing(head.checkpoint, head.root()));
        self.on_chain(&head.tenant, head.writer, |chain, notes| {
            let kind = match standing {
                HeadStanding::Signed => return chain.head(head, notes),
                HeadStanding::Unclear => return chain.count_head(),
                HeadStanding::NotSigned => ProblemKind::NotSigned,
                HeadStanding::Unknown => ProblemKind::UnknownCheckpoint,
            };
            chain.count_head();
            notes.add_head(head.sequence, head.checkpoint, kind);
        });
    }

    /// What stands for entries that were removed.
    pub fn push_seal(&mut self, seal: &Seal) {
        self.step();
        self.num_seals += 1;
        let place = Place::of_entry(&seal.tenant, seal.writer, seal.last);
        let hash = seal.signed_hash().unwrap_or(Digest::NONE);
        if self.is_genuine(seal, SignedLine::Seal, place) {
            self.on_chain(&seal.tenant, seal.writer, |chain, notes| chain.seal(seal, hash, notes));
        }
    }

    /// An entry.
    pub fn push_entry(&mut self, entry: &Entry) {
        self.push_entry_with_hash(entry, entry.computed_hash());
    }

    pub(super) fn push_entry_with_hash(&mut self, entry: &Entry, computed: Digest) {
        self.step();
        self.num_entries += 1;
        if !(1..=MAX_EXACT_INTEGER).contains(&entry.sequence) {
            return self.push_unreadable(Unreadable::Shape, Place::default());
        }
        let (first, last) = self.times.unwrap_or((entry.time, entry.time));
        self.times = Some((first.min(entry.time), last.max(entry.time)));
        // Whose it is may be what was changed: it begins no chain.
        let is_changed = computed != entry.hash;
        if is_changed && self.find(&entry.tenant, entry.writer).is_none() {
            let place = Place::of_entry(&entry.tenant, entry.writer, entry.sequence);
            return self.findings.add(place, ProblemKind::Changed);
        }
        self.on_chain(&entry.tenant, entry.writer, |chain, notes| chain.entry(entry, computed, notes));
    }

    /// Nothing more comes. `expected` are heads that chains must have reached, e.g. those of a running gateway.
    pub fn finish(mut self, expected: impl IntoIterator<Item = (String, WriterId, Head)>) -> Report {
        self.findings.next(None);
        for check in self.writers.values() {
            check.finish(&mut self.findings);
        }
        let mut heads = HashMap::new();
        for (tenant, writer, head) in expected {
            if self.find(&tenant, writer).is_none() {
                let placed = Placed { place: usize::MAX, chain: ChainCheck::new(writer) };
                self.chains.entry(tenant.clone()).or_default().push(placed);
            }
            heads.insert((tenant, writer), head);
        }
        let mut all: Vec<(String, Placed)> = Vec::with_capacity(self.num_chains);
        for (tenant, chains) in self.chains {
            all.extend(chains.into_iter().map(|placed| (tenant.clone(), placed)));
        }
        all.sort_by(|(a, left), (b, right)| {
            (left.place, a, left.chain.writer).cmp(&(right.place, b, right.chain.writer))
        });
        let mut num_unconfirmed = 0;
        for (tenant, Placed { chain, .. }) in &mut all {
            let head = heads.remove(&(tenant.clone(), chain.writer));
            let mut notes = Notes { findings: &mut self.findings, tenant, writer: chain.writer };
            chain.finish(head, &mut notes);
            num_unconfirmed += chain.num_unconfirmed();
        }
        let num_problems = self.findings.num_problems();
        let (problems, chains) = self.findings.into_lists();
        Report {
            num_entries: self.num_entries,
            num_chains: self.num_chains as u64,
            num_checkpoints: self.writers.values().map(CheckpointCheck::num_checkpoints).sum(),
            num_seals: self.num_seals,
            num_unconfirmed,
            first_time: self.times.map(|(first, _)| first),
            last_time: self.times.map(|(_, last)| last),
            trust: self.trust,
            num_problems,
            problems,
            chains,
        }
    }

    fn is_genuine(&mut self, line: &impl Signed, of: SignedLine, place: Place) -> bool {
        let kind = match line.authenticity(&self.keys) {
            Authenticity::Genuine => return true,
            Authenticity::Forged => ProblemKind::BadSignature { of },
            Authenticity::UnknownKey => ProblemKind::WrongKey { of, key_id: line.key_id() },
        };
        self.findings.add(place, kind);
        false
    }

    fn find(&mut self, tenant: &str, writer: WriterId) -> Option<&mut Placed> {
        self.chains.get_mut(tenant)?.iter_mut().find(|placed| placed.chain.writer == writer)
    }

    /// Does something with a chain, which begins here unless a manifest says which there are.
    fn on_chain(&mut self, tenant: &str, writer: WriterId, act: impl FnOnce(&mut ChainCheck, &mut Notes<'_>)) {
        if self.find(tenant, writer).is_none() {
            let notes = Notes { findings: &mut self.findings, tenant, writer };
            if self.manifest.is_some() {
                return notes.findings.add(notes.place(), ProblemKind::Inserted);
            }
            if self.num_chains == MAX_CHAINS {
                return notes.findings.add(notes.place(), ProblemKind::TooMany);
            }
            self.num_chains += 1;
            let placed = Placed { place: 0, chain: ChainCheck::new(writer) };
            self.chains.entry(tenant.to_owned()).or_default().push(placed);
        }
        let Self { chains, findings, manifest, .. } = self;
        let known = chains.get_mut(tenant).into_iter().flatten().find(|placed| placed.chain.writer == writer);
        let Some(Placed { place, chain }) = known else { return };
        let before = findings.num_problems();
        let mut notes = Notes { findings, tenant, writer };
        act(chain, &mut notes);
        let Some(progress) = manifest else { return };
        progress.is_among_chains = true;
        if *place < progress.chain && notes.findings.num_problems() == before {
            notes.findings.add(notes.place(), ProblemKind::Reordered);
        }
        progress.chain = *place;
    }
}
