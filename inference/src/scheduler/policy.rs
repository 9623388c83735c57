//! First come, first served, under a token budget, with preemption by recomputation.
//!
//! What always holds:
//! - a plan never exceeds `max_num_batched_tokens`, nor the running set `max_num_seqs`;
//! - every running sequence arrived before every waiting one, so the oldest can always take the
//!   blocks of all others and no two sequences can wait for each other;
//! - a sequence whose tokens fit the pool finishes.

use std::collections::VecDeque;

use crate::kv_cache::BlockPool;

use super::{PlannedSequence, Sequence, SequenceId, StepPlan};

/// Limits of a step.
#[derive(Clone, Copy, Debug)]
pub struct SchedulerConfig {
    /// Sequences that run at the same time.
    pub max_num_seqs: usize,
    /// Tokens that go through the model in one step; longer prompts are cut into chunks.
    pub max_num_batched_tokens: usize,
}

/// Sequences, waiting and running, and the blocks they hold.
#[derive(Debug)]
pub struct Scheduler {
    config: SchedulerConfig,
    pool: BlockPool,
    waiting: VecDeque<Sequence>,
    running: Vec<Sequence>,
}

impl Scheduler {
    /// # Panics
    /// If a limit is zero.
    pub fn new(config: SchedulerConfig, pool: BlockPool) -> Self {
        assert!(config.max_num_seqs > 0 && config.max_num_batched_tokens > 0, "limits above zero");
        Self { config, pool, waiting: VecDeque::new(), running: Vec::new() }
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

    /// Queues a sequence behind all others. Its tokens, generated ones included, must never
    /// outgrow the pool.
    pub fn add(&mut self, sequence: Sequence) {
        debug_assert!(!sequence.tokens.is_empty(), "an empty prompt computes nothing");
        self.waiting.push_back(sequence);
    }

    /// Takes a sequence out at any time and frees its blocks. Unknown ids are ignored.
    pub fn remove(&mut self, id: SequenceId) {
        if let Some(index) = self.running.iter().position(|sequence| sequence.id == id) {
            self.running.remove(index).block_table.release(&mut self.pool);
        } else if let Some(index) = self.waiting.iter().position(|sequence| sequence.id == id) {
            self.waiting.remove(index);
        }
    }

    /// Plans the next step: running sequences first, in order of arrival, then waiting ones.
    pub fn schedule(&mut self) -> StepPlan {
        let mut plan = StepPlan::default();
        let mut budget = self.config.max_num_batched_tokens;
        self.schedule_running(&mut plan, &mut budget);
        if plan.preempted.is_empty() {
            self.admit_waiting(&mut plan, &mut budget);
        }
        plan
    }

    /// Takes note that `plan` has run: its tokens are computed, and each sampled token joins its
    /// sequence. Sequences removed meanwhile are skipped.
    pub fn complete(&mut self, plan: &StepPlan, sampled: &[(SequenceId, u32)]) {
        for planned in &plan.sequences {
            if let Some(sequence) = self.running.iter_mut().find(|other| other.id == planned.id) {
                sequence.num_computed_tokens = planned.first_position + planned.tokens.len();
            }
        }
        for (id, token) in sampled {
            if let Some(sequence) = self.running.iter_mut().find(|other| other.id == *id) {
                sequence.tokens.push(*token);
            }
        }
    }

    fn schedule_running(&mut self, plan: &mut StepPlan, budget: &mut usize) {
        let mut index = 0;
        while index < self.running.len() && *budget > 0 {
            let count = self.running[index].num_pending_tokens().min(*budget);
            if count == 0 || !self.make_room(index, count, plan) {
                break;
            }
            plan.sequences.push(planned(&self.running[index], count));
            *budget -= count;
            index += 1;
        }
    }

    /// Gets blocks for the next `count` tokens of a running sequence, at the cost of the youngest.
    /// `false` if the sequence itself was the youngest and gave way.
    fn make_room(&mut self, index: usize, count: usize, plan: &mut StepPlan) -> bool {
        loop {
            let sequence = &mut self.running[index];
            let num_tokens = sequence.num_computed_tokens + count;
            if sequence.block_table.grow(&mut self.pool, num_tokens) {
                return true;
            }
            self.preempt_youngest(plan);
            if index >= self.running.len() {
                return false;
            }
        }
    }

    fn preempt_youngest(&mut self, plan: &mut StepPlan) {
        if let Some(mut sequence) = self.running.pop() {
            sequence.block_table.release(&mut self.pool);
            sequence.num_computed_tokens = 0;
            plan.preempted.push(sequence.id);
            self.waiting.push_front(sequence);
        }
    }

    fn admit_waiting(&mut self, plan: &mut StepPlan, budget: &mut usize) {
        while *budget > 0 && self.running.len() < self.config.max_num_seqs {
            let Some(mut sequence) = self.waiting.pop_front() else { break };
            let count = sequence.num_pending_tokens().min(*budget);
            // Room for the whole prompt, not only its first chunk, or it would soon be preempted.
            let fits = self.pool.blocks_for(sequence.tokens.len()) <= self.pool.num_free();
            if !fits || !sequence.block_table.grow(&mut self.pool, count) {
                self.waiting.push_front(sequence);
                break;
            }
            plan.sequences.push(planned(&sequence, count));
            *budget -= count;
            self.running.push(sequence);
        }
    }
}

fn planned(sequence: &Sequence, count: usize) -> PlannedSequence {
    let first_position = sequence.num_computed_tokens;
    let end = first_position + count;
    PlannedSequence {
        id: sequence.id,
        first_position,
        tokens: sequence.tokens[first_position..end].to_vec(),
        block_table: sequence.block_table.indices(),
        samples: end == sequence.tokens.len(),
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
