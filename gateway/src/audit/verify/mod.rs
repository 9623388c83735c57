//! Finds what was changed, removed, added or put elsewhere in a trail, and says where.
//!
//! What is kept while verifying: a head for each chain, 48 bytes for each checkpoint, bounded lists of what was found.
//! Never an entry, so a trail of any length can be verified.

mod chain;
mod checkpoints;
mod file;
mod findings;
mod gaps;
mod message;
mod problem;
mod report;
#[cfg(test)]
mod tests;
mod verifier;

pub use file::verify;
pub use problem::{Place, Problem, ProblemKind, SignedLine, Unreadable, Voucher};
pub use report::{ChainReport, Report, Trust};
pub use verifier::Verifier;
