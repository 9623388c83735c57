//! Where sums come from that nobody has counted yet: what was used before this process began is in the ledger.

use std::pin::Pin;

use super::calendar::Span;
use super::scope::{Scope, Sum};

/// What is known of a sum before anything is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seed {
    /// Tokens or tiyn.
    pub used: u64,
    /// The highest threshold of which somebody was told already, or 0.
    pub told_percent: u8,
}

#[derive(Debug, thiserror::Error)]
#[error("failed to read what was used before")]
pub struct LedgerAway(#[source] pub Box<dyn std::error::Error + Send + Sync>);

pub type SeedFuture = Pin<Box<dyn Future<Output = Result<Seed, LedgerAway>> + Send>>;

pub trait Ledger: Send + Sync {
    /// What the requests that began in this span have used, as far as they are over.
    fn used(&self, scope: Scope, sum: Sum, span: Span) -> SeedFuture;
}
