//! Problems in words.

use std::fmt;

use super::problem::{Place, Problem, ProblemKind, SignedLine, Unreadable, Voucher};
use super::report::Trust;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, self.kind)
    }
}

impl fmt::Display for Place {
    /// Ends with `: ` unless nothing is known of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.line.map(|line| format!("line {line}")));
        // Escaped, so that a name cannot write to a terminal.
        parts.extend(self.tenant.as_ref().map(|tenant| format!("tenant {tenant:?}")));
        parts.extend(self.writer.map(|writer| format!("writer {writer}")));
        parts.extend(self.checkpoint.map(|number| format!("checkpoint {number}")));
        parts.extend(self.sequence.map(|sequence| format!("entry {sequence}")));
        if parts.is_empty() { Ok(()) } else { write!(f, "{}: ", parts.join(", ")) }
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { reason } => write!(f, "{reason}"),
            Self::Changed => f.write_str("changed: its hash is not that of its content"),
            Self::Missing { first, last } if first == last => write!(f, "number {first} is missing"),
            Self::Missing { first, last } => write!(f, "numbers {first} to {last} are missing"),
            Self::Inserted => f.write_str("inserted: its number was there before, or should not be there"),
            Self::Reordered => f.write_str("it is not where it belongs"),
            Self::BrokenLink => {
                f.write_str("it does not follow the one before as that now stands: one of the two was changed")
            }
            Self::Fork { hashes: [first, second] } => write!(
                f,
                "fork: two of one number ({first} and {second}): the writer's data folder was copied or brought back \
                from a backup, or one of the two was added"
            ),
            Self::Truncated { ends_at, promised, by } => {
                write!(f, "cut off: it ends at {ends_at}, {by} vouches for {promised}")
            }
            Self::Disagrees { with, first, last } => {
                write!(f, "entries {first} to {last} are not those that {with} vouches for, though their hashes fit")
            }
            Self::BadSignature { of } => write!(f, "the signature of the {of} does not hold"),
            Self::WrongKey { of, key_id } => write!(f, "the {of} is signed with key {key_id}, which is not trusted"),
            Self::NotSigned => f.write_str("the head is not among those that the checkpoint signed"),
            Self::UnknownCheckpoint => f.write_str("the checkpoint of a head is not there"),
            Self::HeadsMissing => f.write_str("heads that the checkpoint signed are gone or changed"),
            Self::SealedGap { first, last, num_entries } => {
                write!(f, "only {num_entries} entries were there when {first} to {last} were sealed")
            }
            Self::CountDiffers { of, promised, found } => {
                write!(f, "{found} lines of the kind {of}, the manifest says {promised}")
            }
            Self::RowDiffers { table } => write!(f, "changed: its row in table {table} says something else"),
            Self::RowMissing { table } => write!(f, "its row in table {table} is gone"),
            Self::RowUnknown { table, row } => {
                write!(f, "inserted: row {row} of table {table} belongs to no entry")
            }
            Self::TooMany => f.write_str("too many to keep apart: the rest was not verified"),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shape => "unreadable: it is no line of an audit trail",
            Self::NotCanonical => "changed: it is not written as the gateway writes it",
            Self::TooLong => "unreadable: it is longer than a line can be",
            Self::CutOff => "cut off: the file ends within the line",
            Self::NoManifest => "the file does not begin with a manifest",
        })
    }
}

impl fmt::Display for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str("the manifest"),
            Self::Checkpoint(number) => write!(f, "checkpoint {number}"),
            Self::Caller => f.write_str("the gateway"),
        }
    }
}

impl fmt::Display for SignedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "manifest",
            Self::Checkpoint => "checkpoint",
            Self::Head => "head",
            Self::Seal => "seal",
        })
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("signatures were checked with the keys that you trust"),
            Self::FromFile { key_id: Some(key_id) } => write!(
                f,
                "signatures were checked with key {key_id}, which the file itself brings: who could write the whole file \
                could sign it, so the result is only as good as where the file comes from"
            ),
            Self::FromFile { key_id: None } => f.write_str("signatures were not checked: there is no key"),
        }
    }
}
