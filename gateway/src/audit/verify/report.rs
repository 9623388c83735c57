//! What a verification found.

use serde::Serialize;

use super::super::{Time, WriterId};
use super::problem::Problem;
use crate::signing::KeyId;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub num_entries: u64,
    pub num_chains: u64,
    pub num_checkpoints: u64,
    pub num_seals: u64,
    /// Entries behind the last checkpoint that names their chain: only the manifest or nobody vouches for them.
    pub num_unconfirmed: u64,
    pub first_time: Option<Time>,
    pub last_time: Option<Time>,
    pub trust: Trust,
    pub num_problems: u64,
    /// The first of them, in the order of the trail; the very first is the first.
    pub problems: Vec<Problem>,
    /// Chains with problems, the first of them.
    pub chains: Vec<ChainReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    pub tenant: String,
    pub writer: WriterId,
    pub num_problems: u64,
}

/// What the signatures were checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Keys that the caller trusts.
    Given,
    /// Keys that the file itself brings: the result is only as good as where the file comes from. Who could write the
    /// whole file anew could sign it anew.
    FromFile { key_id: Option<KeyId> },
}

impl Report {
    pub fn is_sound(&self) -> bool {
        self.num_problems == 0
    }

    pub fn first_problem(&self) -> Option<&Problem> {
        self.problems.first()
    }
}
