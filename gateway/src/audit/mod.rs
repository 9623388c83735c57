//! What is kept of a request: who, when, which key, route, reason, model, outcome, counts. Never the prompt.
//!
//! Every entry belongs to a chain of one tenant and one writer (a gateway's data folder). [`Chains`] ties entries to
//! their chains by hashes, a [`Checkpoint`] signs the heads of all chains, a [`Seal`] stands for what retention removed,
//! and [`Verifier`] finds what was changed, removed or added, in a file ([`verify()`]) or in what a store gives.
//!
//! Pure: no files, no clock, no randomness, no database; times and random bytes are passed in.
//!
//! # The format
//!
//! A trail is lines of canonical JSON (RFC 8785), UTF-8, each ended by one line feed. Hashes are SHA-256 in lower-case
//! hex, times are RFC 3339 in UTC with milliseconds, sequences and numbers begin at 1 and have no gaps. What stands
//! before the first of anything is 64 zeros.
//!
//! - **Entry** `{hash, kind, previous, record, sequence, tenant, time, v: 1, writer}`. `hash` is over the entry's
//!   canonical JSON without `hash`; `previous` is the hash of the chain's entry before.
//! - **Checkpoint** `{key_id, number, previous, root, shekara_audit_checkpoint: 1, signature, time, writer}`.
//! - **Head** `{checkpoint, hash, path, salt, sequence, shekara_audit_head: 1, tenant, writer}`: a chain that moved since
//!   the checkpoint before. Its leaf is SHA-256 of the byte 0 and the canonical JSON of
//!   `{hash, salt, sequence, tenant}`. Beginning with the leaf, each hash of `path` and the one so far make the next:
//!   SHA-256 of the byte 1, the lesser and the greater of the two. The last is the checkpoint's `root`.
//! - **Seal** `{by, digest, first, key_id, last, last_hash, num_entries, previous, pruned_at, shekara_audit_seal: 1,
//!   signature, tenant, writer}`: entries `first` to `last` were removed. `digest` is over their hashes, 32 bytes each.
//! - **Manifest** `{chains, checkpoints, from, key_id, public_keys, shekara_audit_export: 1, signature, tenant, time, to}`:
//!   the first line of an export.
//!
//! Signatures are Ed25519 (RFC 8032), in base64url without padding, over the line's canonical JSON without `signature`.
//! `previous` of checkpoints and seals is SHA-256 of the text that the signature before is over. `key_id` is the first
//! 8 bytes of SHA-256 of the public key. Numbers are those that a double holds; an integer that it does not is refused.

mod canonical;
mod canonical_check;
mod canonical_writer;
mod chains;
mod checkpoint;
mod content_seals;
mod csv;
mod digest;
mod entry;
mod export;
mod line;
mod manifest;
mod merkle;
mod record;
mod record_text;
mod seal;
mod time;
mod verify;
mod writer;

pub use canonical::{CanonicalObject, MAX_EXACT_INTEGER, NotCanonical, canonical, is_canonical};
pub use chains::{Chains, EntryDraft, Head, Linked, ResumeError};
pub use checkpoint::{Checkpoint, CheckpointDraft, HeadProof};
pub use content_seals::ContentSeals;
pub use csv::CsvWriter;
pub use digest::{Digest, NotADigest};
pub use entry::{Entry, EntryKind};
pub use export::ExportWriter;
pub use line::LineError;
pub use manifest::{ChainRange, CheckpointRange, Manifest, ManifestDraft};
pub use record::{AuditRecord, Outcome, Try, TryResult};
pub use seal::{Seal, SealBuilder, SealError};
pub use time::Time;
pub use verify::{
    ChainReport, Place, Problem, ProblemKind, Report, SignedLine, Trust, Unreadable, Verifier, Voucher, verify,
};
pub use writer::{NotAWriter, WriterId};
