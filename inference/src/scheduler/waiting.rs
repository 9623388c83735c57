//! Sequences that do not run, found by rank and by how much they still need.

use std::collections::{BTreeMap, BTreeSet};

use super::sequence::Rank;
use super::{Sequence, SequenceId};

/// Priority, then tokens still to be computed, then arrival.
type Need = (i32, usize, SequenceId);

/// Waiting sequences in two orders.
#[derive(Debug, Default)]
pub(super) struct WaitingQueue {
    by_rank: BTreeMap<Rank, (Sequence, usize)>,
    by_need: BTreeSet<Need>,
}

impl WaitingQueue {
    /// `need` is how many tokens the sequence would have to compute, as far as is known now.
    pub(super) fn insert(&mut self, sequence: Sequence, need: usize) {
        self.by_need.insert((sequence.priority, need, sequence.id));
        self.by_rank.insert(sequence.rank(), (sequence, need));
    }

    pub(super) fn remove(&mut self, rank: Rank) -> Option<Sequence> {
        let (sequence, need) = self.by_rank.remove(&rank)?;
        self.by_need.remove(&(sequence.priority, need, sequence.id));
        Some(sequence)
    }

    pub(super) fn get_mut(&mut self, rank: Rank) -> Option<&mut Sequence> {
        self.by_rank.get_mut(&rank).map(|(sequence, _)| sequence)
    }

    /// The first by rank.
    pub(super) fn first(&self) -> Option<&Sequence> {
        self.by_rank.first_key_value().map(|(_, (sequence, _))| sequence)
    }

    /// Among the best priority, the one that needs least, and what it needs.
    pub(super) fn shortest(&self) -> Option<(Rank, usize)> {
        self.by_need.first().map(|(priority, need, id)| ((*priority, *id), *need))
    }

    pub(super) fn len(&self) -> usize {
        self.by_rank.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_rank.is_empty()
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Sequence> {
        self.by_rank.values().map(|(sequence, _)| sequence)
    }
}
