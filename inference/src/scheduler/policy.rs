//! Sequences, waiting and running, and what the next step computes.
//!
//! What always holds:
//! - a plan never exceeds `max_num_batched_tokens`, nor the running set `max_num_seqs`;
//! - every running sequence that keeps its blocks moves on by at least one token in every step;
//! - the first by rank (priority, then arrival) can take the blocks of all others, so no two
//!   sequences wait for each other, and a sequence whose tokens fit the pool finishes;
//! - the first that waits is passed by at most [`MAX_TIMES_PASSED`] later ones of its priority, then nobody is let in
//!   before it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::kv_cache::BlockPool;

use super::sequence::Rank;
use super::step::Step;
use super::waiting::WaitingQueue;
use super::{PlannedSequence, Progress, Sequence, SequenceId, StepPlan};

/// A short prompt may overtake a longer one that waits, but not for ever.
pub const MAX_TIMES_PASSED: u32 = 32;

/// Limits of a step.
#[derive(Clone, Copy, Debug)]
pub struct SchedulerConfig {
    /// Sequences that run at the same time; no more than `max_num_batched_tokens` count.
    pub max_num_seqs: usize,
    /// Tokens that go through the model in one step; longer prompts are cut into chunks.
    pub max_num_batched_tokens: usize,
    /// No layer of the model looks further back than this many tokens.
    pub window: Option<usize>,
}

/// Sequences, waiting and running, and the blocks they hold.
#[derive(Debug)]
pub struct Scheduler {
    pub(super) config: SchedulerConfig,
    pub(super) pool: BlockPool,
    pub(super) waiting: WaitingQueue,
    pub(super) running: BTreeMap<Rank, Sequence>,
    priorities: HashMap<SequenceId, i32>,
    prefix_stats: PrefixStats,
}

/// Tokens that were looked up in the prefix cache since the start, and those that it had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrefixStats {
    pub queries: u64,
    pub hits: u64,
}

impl Scheduler {
    /// # Panics
    /// If a limit is zero.
    pub fn new(mut config: SchedulerConfig, pool: BlockPool) -> Self {
        assert!(config.max_num_seqs > 0 && config.max_num_batched_tokens > 0, "limits above zero");
        // So that each running sequence can have a token of every step.
        config.max_num_seqs = config.max_num_seqs.min(config.max_num_batched_tokens);
        Self {
            config,
            pool,
            waiting: WaitingQueue::default(),
            running: BTreeMap::new(),
            priorities: HashMap::new(),
            prefix_stats: PrefixStats::default(),
        }
    }

    pub fn pool(&self) -> &BlockPool {
        &self.pool
    }

    pub fn num_waiting(&self) -> usize {
        self.waiting.len()
    }

    pub fn num_running(&self) -> usize {
        self.running.len()
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    pub fn prefix_stats(&self) -> PrefixStats {
        self.prefix_stats
    }

    /// Queues a sequence. Its tokens, generated ones included, must never outgrow the pool.
    pub fn add(&mut self, sequence: Sequence) {
        debug_assert!(!sequence.tokens.is_empty(), "an empty prompt computes nothing");
        self.priorities.insert(sequence.id, sequence.priority);
        self.wait(sequence);
    }

    /// Takes a sequence out at any time and frees its blocks. Unknown ids are ignored.
    pub fn remove(&mut self, id: SequenceId) {
        let Some(priority) = self.priorities.remove(&id) else { return };
        if let Some(mut sequence) = self.running.remove(&(priority, id)) {
            let salt = Arc::clone(sequence.salt());
            sequence.block_table.release(&mut self.pool, salt);
        } else {
            self.waiting.remove((priority, id));
        }
    }

    /// The tokens of running sequences that wait for nothing but the next one: those for which a
    /// guess at what follows is of use.
    pub fn decoding(&self) -> impl Iterator<Item = (SequenceId, &[u32])> {
        let caught_up = self.running.values().filter(|sequence| sequence.num_pending_tokens() == 1);
        caught_up.map(|sequence| (sequence.id, sequence.tokens.as_slice()))
    }

    /// A guess at a sequence's next tokens, for the next step alone. The step computes as many of
    /// them as budget and blocks allow; a wrong guess costs nothing but that.
    pub fn suggest(&mut self, id: SequenceId, drafts: Vec<u32>) {
        let rank = self.priorities.get(&id).map(|priority| (*priority, id));
        if let Some(sequence) = rank.and_then(|rank| self.running.get_mut(&rank)) {
            sequence.drafts = drafts;
        }
    }

    /// Plans the next step.
    pub fn schedule(&mut self) -> StepPlan {
        let mut step = Step::new(self.config.max_num_batched_tokens);
        self.make_way_for_priority(&mut step);
        self.give_each_a_token(&mut step);
        self.share_the_rest(&mut step);
        self.add_drafts(&mut step);
        let sequences = step
            .counts
            .iter()
            .filter_map(|(rank, counts)| Some(planned(self.running.get(rank)?, counts.known, counts.drafts)));
        let sequences = sequences.collect();
        StepPlan { sequences, preempted: step.preempted, started: step.started }
    }

    /// Takes note that `plan` has run and what came of it. Sequences removed meanwhile are skipped.
    pub fn complete(&mut self, plan: &StepPlan, progress: &[Progress]) {
        let mut progress: HashMap<SequenceId, &Progress> = progress.iter().map(|one| (one.id, one)).collect();
        for planned in &plan.sequences {
            let Some(priority) = self.priorities.get(&planned.id) else { continue };
            let Some(sequence) = self.running.get_mut(&(*priority, planned.id)) else { continue };
            sequence.drafts.clear();
            sequence.num_computed_tokens = planned.first_position + planned.num_known();
            if let Some(progress) = progress.remove(&planned.id) {
                sequence.num_computed_tokens += progress.num_accepted_drafts;
                sequence.tokens.extend_from_slice(&progress.tokens);
            }
        }
    }

    /// Puts a sequence without blocks among those that wait.
    pub(super) fn wait(&mut self, sequence: Sequence) {
        let mut need = sequence.tokens.len();
        if sequence.reads_cache() {
            let prefix = self.pool.cached_prefix(sequence.salt(), &sequence.tokens);
            need -= (prefix.num_blocks() * self.pool.block_size()).min(need - 1);
        }
        self.waiting.insert(sequence, need);
    }

    /// Takes the last by rank out of the running set; its blocks are free then.
    pub(super) fn preempt_last(&mut self, step: &mut Step) {
        if let Some((_, sequence)) = self.running.pop_last() {
            step.preempted.push(sequence.id);
            self.put_back(sequence);
        }
    }

    /// Takes a sequence's blocks from it and lets it wait.
    pub(super) fn put_back(&mut self, mut sequence: Sequence) {
        let salt = Arc::clone(sequence.salt());
        sequence.block_table.release(&mut self.pool, salt);
        sequence.num_computed_tokens = 0;
        sequence.num_stored_tokens = 0;
        sequence.drafts.clear();
        self.wait(sequence);
    }

    pub(super) fn count_prefix(&mut self, queries: usize, hits: usize) {
        self.prefix_stats.queries += queries as u64;
        self.prefix_stats.hits += hits as u64;
    }
}

fn planned(sequence: &Sequence, known: usize, num_drafts: usize) -> PlannedSequence {
    let first_position = sequence.num_computed_tokens;
    let end = first_position + known;
    let mut tokens = sequence.tokens[first_position..end].to_vec();
    tokens.extend_from_slice(&sequence.drafts[..num_drafts]);
    PlannedSequence {
        id: sequence.id,
        first_position,
        tokens,
        num_drafts,
        num_stored: sequence.num_stored_tokens.saturating_sub(first_position).min(known),
        block_table: sequence.block_table.indices(),
        samples: end == sequence.tokens.len(),
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
