//! A trail as gateways write it, and its export, for the tests of the verifier.

mod cases;
mod damage;
mod golden;
mod properties;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{
    CanonicalObject, ChainRange, Chains, Checkpoint, CheckpointDraft, CheckpointRange, Digest, Entry, EntryDraft,
    EntryKind, ExportWriter, Head, HeadProof, Manifest, ManifestDraft, Seal, SealBuilder, Time, WriterId,
};
use super::{Report, verify};
use crate::signing::{PublicKeys, Signer};

const TENANTS: [&str; 4] = ["acme", "қала \"😀\"", "", "z\u{0}\n\u{ffff}"];

fn writer(at: u8) -> WriterId {
    WriterId::from_bytes([0xa0 + at; 8])
}

fn time(ms: usize) -> Time {
    let begin: Time = "2026-01-18T09:30:00Z".parse().unwrap();
    jiff::Timestamp::from_millisecond(begin.timestamp().as_millisecond() + i64::try_from(ms).unwrap()).unwrap().into()
}

fn signer() -> Signer {
    Signer::from_seed(&[42; 32])
}

/// The key before the one in force.
fn older_signer() -> Signer {
    Signer::from_seed(&[41; 32])
}

fn trusted() -> PublicKeys {
    [signer().public_key()].into_iter().collect()
}

#[derive(Debug, Default)]
struct Trail {
    writers: BTreeMap<WriterId, Chains>,
    /// By tenant, writer, sequence.
    entries: BTreeMap<(String, WriterId, u64), Entry>,
    checkpoints: Vec<Checkpoint>,
    heads: Vec<HeadProof>,
    seals: Vec<Seal>,
    num_steps: usize,
}

/// What is exported.
#[derive(Debug, Clone, Default)]
struct Part {
    tenant: Option<String>,
    from: Option<Time>,
    to: Option<Time>,
}

impl Trail {
    fn chains(&mut self, of: WriterId) -> &mut Chains {
        self.writers.entry(of).or_insert_with(|| Chains::new(of))
    }

    fn write(&mut self, of: WriterId, tenant: &str) -> Entry {
        // Two steps have one millisecond.
        let time = time(self.num_steps / 2);
        let record = json!({ "status": 200, "audio_seconds": 0.1 + self.num_steps as f64, "step": self.num_steps, "actor": "Ә\"\n" });
        self.num_steps += 1;
        let record = CanonicalObject::new(&record).unwrap();
        let draft = EntryDraft { tenant, kind: EntryKind::Request, time, record };
        let entry = self.chains(of).link(draft).commit();
        self.entries.insert((tenant.to_owned(), of, entry.sequence), entry.clone());
        entry
    }

    fn checkpoint(&mut self, of: WriterId) {
        let (time, step) = (time(self.num_steps / 2), self.num_steps);
        self.num_steps += 1;
        let moved = self.chains(of).moved();
        let after = self.checkpoints.iter().rev().find(|checkpoint| checkpoint.writer == of);
        let draft = CheckpointDraft { writer: of, time, after };
        let key = if step < 20 { older_signer() } else { signer() };
        if let Some((checkpoint, heads)) = Checkpoint::make(draft, moved, &[step as u8; 32], &key).unwrap() {
            self.chains(of).note_signed(&heads);
            self.checkpoints.push(checkpoint);
            self.heads.extend(heads);
        }
    }

    /// Retention removes a chain's entries up to one.
    fn prune(&mut self, of: WriterId, tenant: &str, last: u64) {
        let before = self.seals.iter().rev().find(|seal| seal.writer == of && seal.tenant == tenant);
        let mut builder =
            before.map_or_else(|| SealBuilder::first(tenant, of), |seal| SealBuilder::after(seal).unwrap());
        let range = (tenant.to_owned(), of, 0)..=(tenant.to_owned(), of, last);
        let removed: Vec<_> = self.entries.range(range).map(|(key, _)| key.clone()).collect();
        for key in removed {
            builder.push(&self.entries.remove(&key).unwrap()).unwrap();
        }
        self.seals.extend(builder.finish(time(self.num_steps), "retention", &older_signer()));
    }

    /// The ranges of a part, chain by chain.
    fn ranges(&self, part: &Part) -> Vec<ChainRange> {
        let mut chains: BTreeMap<(String, WriterId), Vec<&Entry>> = BTreeMap::new();
        for ((tenant, writer, _), entry) in &self.entries {
            let is_asked = part.tenant.as_ref().is_none_or(|asked| asked == tenant)
                && part.from.is_none_or(|from| entry.time >= from)
                && part.to.is_none_or(|to| entry.time <= to);
            if is_asked {
                chains.entry((tenant.clone(), *writer)).or_default().push(entry);
            }
        }
        let range = |((tenant, writer), entries): ((String, WriterId), Vec<&Entry>)| {
            let (first, last) = (entries[0], entries[entries.len() - 1]);
            let mut range = ChainRange {
                tenant,
                writer,
                first_sequence: first.sequence,
                last_sequence: last.sequence,
                previous_of_first: first.previous,
                last_hash: last.hash,
                num_heads: 0,
                num_seals: 0,
            };
            range.num_heads = self.heads.iter().filter(|head| is_head_of(head, &range)).count() as u64;
            range.num_seals = self.seals.iter().filter(|seal| is_seal_of(seal, &range)).count() as u64;
            range
        };
        chains.into_iter().map(range).collect()
    }

    fn export(&self, part: &Part) -> Vec<String> {
        let ranges = self.ranges(part);
        let is_needed = |checkpoint: &&Checkpoint| {
            let is_named = |head: &&HeadProof| (head.writer, head.checkpoint) == (checkpoint.writer, checkpoint.number);
            let named = |range: &ChainRange| self.heads.iter().filter(is_named).any(|head| is_head_of(head, range));
            part.tenant.is_none() && part.from.is_none() && part.to.is_none() || ranges.iter().any(named)
        };
        let mut checkpoints: Vec<&Checkpoint> = self.checkpoints.iter().filter(is_needed).collect();
        checkpoints.sort_by_key(|checkpoint| (checkpoint.writer, checkpoint.number));
        let draft = ManifestDraft {
            time: time(self.num_steps),
            tenant: part.tenant.clone(),
            from: part.from,
            to: part.to,
            chains: ranges,
            checkpoints: checkpoint_ranges(&checkpoints),
        };
        let older: PublicKeys = [older_signer().public_key()].into_iter().collect();
        let manifest = Manifest::make(draft, &older, &signer()).unwrap();
        let mut out = ExportWriter::begin(Vec::new(), &manifest).unwrap();
        for checkpoint in checkpoints {
            out.push(&checkpoint.line().unwrap()).unwrap();
        }
        for range in &manifest.chains {
            for seal in self.seals.iter().filter(|seal| is_seal_of(seal, range)) {
                out.push(&seal.line().unwrap()).unwrap();
            }
            for sequence in range.first_sequence..=range.last_sequence {
                if let Some(entry) = self.entries.get(&(range.tenant.clone(), range.writer, sequence)) {
                    out.push(&entry.line()).unwrap();
                }
                for head in self.heads.iter().filter(|head| is_head_of(head, range) && head.sequence == sequence) {
                    out.push(&head.line().unwrap()).unwrap();
                }
            }
        }
        let text = String::from_utf8(out.finish().unwrap()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

fn is_head_of(head: &HeadProof, range: &ChainRange) -> bool {
    head.tenant == range.tenant
        && head.writer == range.writer
        && (range.first_sequence..=range.last_sequence).contains(&head.sequence)
}

fn is_seal_of(seal: &Seal, range: &ChainRange) -> bool {
    seal.tenant == range.tenant && seal.writer == range.writer && seal.last < range.first_sequence
}

fn checkpoint_ranges(checkpoints: &[&Checkpoint]) -> Vec<CheckpointRange> {
    let mut ranges: BTreeMap<WriterId, CheckpointRange> = BTreeMap::new();
    for Checkpoint { writer, number, .. } in checkpoints {
        let new = CheckpointRange { writer: *writer, first: *number, last: *number, count: 0 };
        let range = ranges.entry(*writer).or_insert(new);
        range.last = *number;
        range.count += 1;
    }
    ranges.into_values().collect()
}

fn verify_lines(lines: &[String]) -> Report {
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    verify(text.as_bytes(), Some(&trusted())).unwrap()
}

/// The same record with another content.
fn forge(entry: &mut Entry) {
    let mut record: Value = serde_json::from_str(entry.record.as_str()).unwrap();
    record["status"] = json!(500);
    entry.record = CanonicalObject::new(&record).unwrap();
}

/// Gives an entry the hash of its content.
fn rehash(entry: &mut Entry) {
    entry.hash = entry.computed_hash();
}
