//! What can be wrong with a trail, and where.

use serde::Serialize;

use super::super::{Digest, WriterId};
use crate::signing::KeyId;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub place: Place,
    #[serde(flatten)]
    pub kind: ProblemKind,
}

/// Where: as much of it as is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Of the file, from 1. Of what is missing: the line at which that showed.
    pub line: Option<u64>,
    pub tenant: Option<String>,
    pub writer: Option<WriterId>,
    /// The entry.
    pub sequence: Option<u64>,
    /// The checkpoint, where it is about one.
    pub checkpoint: Option<u64>,
}

impl Place {
    pub fn of_entry(tenant: &str, writer: WriterId, sequence: u64) -> Self {
        Self { tenant: Some(tenant.to_owned()), writer: Some(writer), sequence: Some(sequence), ..Self::default() }
    }

    pub fn of_checkpoint(writer: WriterId, number: u64) -> Self {
        Self { writer: Some(writer), checkpoint: Some(number), ..Self::default() }
    }
}

/// `Missing`, `Inserted`, `Reordered`, `BrokenLink` and `Fork` are about entries, or about checkpoints where the place
/// names one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProblemKind {
    Unreadable {
        reason: Unreadable,
    },
    /// The hash is not that of the content.
    Changed,
    /// These numbers are nowhere.
    Missing {
        first: u64,
        last: u64,
    },
    /// A number that was there before, or that should not be there at all.
    Inserted,
    /// It is there, but not where it belongs.
    Reordered,
    /// It does not follow the one before as that now stands: one of the two was changed.
    BrokenLink,
    /// Two different ones with one number, each tied to the same one before: two gateways wrote with one writer's id (a
    /// copied data folder, or one brought back from a backup), or one of the two was added.
    Fork {
        hashes: [Digest; 2],
    },
    /// It ends at a number, and somebody vouches for more.
    Truncated {
        ends_at: u64,
        promised: u64,
        by: Voucher,
    },
    /// Hashes and links are right, but they are not those that were vouched for: one of these entries was changed and
    /// what follows was made to fit.
    Disagrees {
        with: Voucher,
        first: u64,
        last: u64,
    },
    BadSignature {
        of: SignedLine,
    },
    /// The key is not one that is believed.
    WrongKey {
        of: SignedLine,
        key_id: KeyId,
    },
    /// The head is not among those that its checkpoint signed.
    NotSigned,
    /// There is no such checkpoint.
    UnknownCheckpoint,
    /// Heads that the checkpoint signed are gone.
    HeadsMissing,
    /// Fewer entries were sealed than their numbers say: some were missing then.
    SealedGap {
        first: u64,
        last: u64,
        num_entries: u64,
    },
    /// There are more or fewer lines of heads, seals or checkpoints than the manifest says.
    CountDiffers {
        of: SignedLine,
        promised: u64,
        found: u64,
    },
    /// The columns of a row say something else than its line, or a search row something else than the last entry of
    /// its request.
    RowDiffers {
        table: &'static str,
    },
    /// The entry's request is not in the table that people search.
    RowMissing {
        table: &'static str,
    },
    /// A row that no entry tells of.
    RowUnknown {
        table: &'static str,
        row: i64,
    },
    /// More chains or checkpoints than are kept apart; the rest was not verified.
    TooMany,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// No line of a trail.
    Shape,
    /// Written in another way than by this program.
    NotCanonical,
    /// Longer than a line can be.
    TooLong,
    /// The file ends within the line.
    CutOff,
    /// The first line is not a manifest.
    NoManifest,
}

/// Who says how a chain must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Voucher {
    Manifest,
    Checkpoint(u64),
    /// Whoever asked for the verification, e.g. a running gateway.
    Caller,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedLine {
    Manifest,
    Checkpoint,
    Head,
    Seal,
}
