//! All of an installation in one file, and back: taken beside a running gateway, restored into either database.
//!
//! # The file
//!
//! Bytes in this order: the line `shekara backup 1`; the body, compressed (gzip); the manifest, one line of canonical JSON;
//! and the end, 64 hex digits of the manifest's SHA-256, 16 of its length in bytes, one line feed. So a file that was cut
//! short has no end, and each of its bytes is covered: the body by the manifest, the manifest by the end and, where the
//! audit's signing key was at hand, by a signature.
//!
//! The body is lines of JSON, in sections: an object `{"section": NAME, "columns": [[NAME, KIND], …]}`, then its rows as
//! arrays. Texts and whole numbers stand as they are, other numbers as texts (exactly), bytes as base64. First come the
//! tables, in the order of their names, rows by primary key; then `:journal`, the records that the database had not got
//! yet; then, if they were asked for, `:secrets`. The manifest has the number of rows and the SHA-256 of each.
//!
//! # What always holds
//!
//! - Tables and columns are those that the migrations make ([`schema`]): none can be forgotten.
//! - All rows are of one moment: one transaction reads them. The journal's rest is read behind that moment.
//! - Nothing is written before the whole file was read and found to be as it was written.
//! - What was written is read again, and must have the hashes of the manifest, before it counts.
//! - A restored gateway is another writer: it never goes on with a chain of the audit that its original may go on with.

mod cell;
mod error;
mod file;
mod journal_rest;
mod loosened;
mod manifest;
mod read;
mod refill;
mod restore;
mod schema;
mod secret;
mod swap;
mod tables;
mod take;
mod target;
#[cfg(test)]
mod tests;

pub use error::{BackupError, Damage};
pub use manifest::{BackupManifest, LedgerSums, SectionSum};
pub use read::BackupFile;
pub use restore::{RestoreOrder, Restored, restore};
pub use secret::{SecretNote, SecretState, StoredSecret};
pub use take::{BackupOrder, Taken, back_up};

/// Says what is being done, and how many rows of it are.
pub type Progress<'a> = dyn FnMut(&str, u64) + Send + 'a;

/// Rows between two words of progress.
const TELL_EVERY: u64 = 100_000;
/// Names that no table has.
const JOURNAL: &str = ":journal";
const SECRETS: &str = ":secrets";
