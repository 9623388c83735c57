//! How a step's tokens are shared out.
//!
//! First each running sequence gets one token, so that every stream moves in every step. Of the
//! rest, three quarters go to whoever needs least, running or waiting, so that a short prompt does
//! not queue behind long ones, and one quarter goes by rank, so that a flood of short prompts
//! cannot hold up a long one for ever. What is left then goes into drafts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::policy::MAX_TIMES_PASSED;
use super::sequence::Rank;
use super::{Scheduler, Sequence, SequenceId};

/// By rank goes this fraction of what each one's single token leaves.
const RANK_FRACTION: usize = 4;
/// Long prompts are let in only while this fraction of the blocks stays free for short ones.
const RESERVE_FRACTION: usize = 16;

/// Tokens of one sequence in a step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) known: usize,
    pub(super) drafts: usize,
}

/// A plan in the making.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) counts: BTreeMap<Rank, Counts>,
    pub(super) preempted: Vec<SequenceId>,
    pub(super) started: Vec<(SequenceId, usize)>,
    budget: usize,
    /// What the quick lane can serve in one step; a longer prompt is long.
    quick_share: usize,
    /// A running sequence had to give way for want of blocks: nobody new is let in.
    short_of_blocks: bool,
}

impl Step {
    pub(super) fn new(budget: usize) -> Self {
        let (preempted, started) = (Vec::new(), Vec::new());
        Self { counts: BTreeMap::new(), preempted, started, budget, quick_share: 0, short_of_blocks: false }
    }

    fn grant(&mut self, rank: Rank, count: usize) {
        self.counts.entry(rank).or_default().known += count;
        self.budget -= count;
    }

    fn granted(&self, rank: Rank) -> usize {
        self.counts.get(&rank).map_or(0, |counts| counts.known)
    }
}

impl Scheduler {
    /// A waiting sequence of better priority takes the place of running ones of worse priority, if
    /// that lets it in.
    pub(super) fn make_way_for_priority(&mut self, step: &mut Step) {
        while let Some(first) = self.waiting.first() {
            let priority = first.priority;
            if self.running.last_key_value().is_none_or(|(rank, _)| rank.0 <= priority) {
                return;
            }
            let need = self.blocks_needed(first);
            let worse = self.running.range((priority.saturating_add(1), SequenceId(0))..);
            let held: usize = worse.map(|(_, sequence)| sequence.block_table.num_blocks()).sum();
            let unclaimed = self.unclaimed_blocks();
            let has_room = self.running.len() < self.config.max_num_seqs && need <= unclaimed;
            if has_room || need > unclaimed + held {
                return;
            }
            self.preempt_last(step);
        }
    }

    /// One token for each running sequence, at the cost of the last by rank where blocks run out.
    pub(super) fn give_each_a_token(&mut self, step: &mut Step) {
        let ranks: Vec<Rank> = self.running.keys().copied().collect();
        for rank in ranks {
            while let Some(sequence) = self.running.get_mut(&rank) {
                let computed = sequence.num_computed_tokens;
                if let Some(window) = self.config.window {
                    sequence.block_table.give_back_before(&mut self.pool, (computed + 1).saturating_sub(window));
                }
                if sequence.block_table.grow(&mut self.pool, computed + 1) {
                    sequence.block_table.publish(&mut self.pool, &sequence.tokens[..=computed]);
                    step.grant(rank, 1);
                    break;
                }
                step.short_of_blocks = true;
                self.preempt_last(step);
            }
        }
    }

    /// The quick lane, then the rest by rank.
    pub(super) fn share_the_rest(&mut self, step: &mut Step) {
        let kept = step.budget / RANK_FRACTION;
        step.quick_share = step.budget - kept;
        self.serve_by_need(step, kept);
        let ranks: Vec<Rank> = self.running.keys().copied().collect();
        for rank in ranks {
            self.extend(step, rank, 0);
        }
        while let Some(rank) = self.waiting.first().map(Sequence::rank) {
            if !self.let_in(step, rank, 0) {
                break;
            }
        }
    }

    /// Spends the budget down to `kept` on whoever needs least.
    fn serve_by_need(&mut self, step: &mut Step, kept: usize) {
        let need = |(rank, sequence): (&Rank, &Sequence)| {
            let need = sequence.num_pending_tokens() - step.granted(*rank);
            (need > 0).then_some((rank.0, need, rank.1))
        };
        let mut running: Vec<_> = self.running.iter().filter_map(need).collect();
        running.sort_unstable();
        let mut running = running.into_iter().peekable();
        let mut admitting = true;
        while step.budget > kept {
            let candidate = self.waiting_candidate().filter(|_| admitting);
            match (running.peek(), candidate) {
                (Some((priority, need, id)), waiting)
                    if waiting.is_none_or(|(rank, other)| (*priority, *need, *id) <= (rank.0, other, rank.1)) =>
                {
                    self.extend(step, (*priority, *id), kept);
                    running.next();
                }
                (_, Some((rank, _))) => {
                    admitting = self.let_in(step, rank, kept);
                }
                (_, None) => return,
            }
        }
    }

    /// Who is let in next by need: the shortest, unless the first by rank was passed too often.
    fn waiting_candidate(&self) -> Option<(Rank, usize)> {
        let first = self.waiting.first()?;
        let (rank, need) = self.waiting.shortest()?;
        Some(if first.times_passed >= MAX_TIMES_PASSED { (first.rank(), need) } else { (rank, need) })
    }

    /// More tokens for a running sequence, as far as its needs, the budget above `kept` and free
    /// blocks go.
    fn extend(&mut self, step: &mut Step, rank: Rank, kept: usize) {
        let Some(sequence) = self.running.get_mut(&rank) else { return };
        let granted = step.granted(rank);
        let wanted = (sequence.num_pending_tokens() - granted).min(step.budget.saturating_sub(kept));
        let start = sequence.num_computed_tokens + granted;
        let room = sequence.block_table.num_slots(&self.pool) + self.pool.num_free() * self.pool.block_size();
        let count = wanted.min(room.saturating_sub(start));
        if count > 0 && sequence.block_table.grow(&mut self.pool, start + count) {
            sequence.block_table.publish(&mut self.pool, &sequence.tokens[..start + count]);
            step.grant(rank, count);
        }
    }

    /// Lets a waiting sequence run if there is a place and room for its whole prompt, not only its
    /// first chunk, or it would soon be preempted.
    fn let_in(&mut self, step: &mut Step, rank: Rank, kept: usize) -> bool {
        let budget = step.budget.saturating_sub(kept);
        if step.short_of_blocks || budget == 0 || self.running.len() >= self.config.max_num_seqs {
            return false;
        }
        let Some(mut sequence) = self.waiting.remove(rank) else { return false };
        let blocks = self.blocks_needed(&sequence);
        let is_long = sequence.tokens.len() > step.quick_share;
        let reserve = if is_long && !self.running.is_empty() { self.pool.num_blocks() / RESERVE_FRACTION } else { 0 };
        if blocks + reserve > self.unclaimed_blocks() {
            self.wait(sequence);
            return false;
        }
        self.adopt_prefix(&mut sequence);
        let count = sequence.num_pending_tokens().min(budget);
        if !sequence.block_table.grow(&mut self.pool, sequence.num_computed_tokens + count) {
            // Behind a window a long cached prefix can be more than what is held at once later.
            self.put_back(sequence);
            return false;
        }
        // At once: whoever finds these blocks runs no sooner than in this very step, which stores
        // all keys and values of a layer before any are read.
        let end = sequence.num_computed_tokens + count;
        sequence.block_table.publish(&mut self.pool, &sequence.tokens[..end]);
        if sequence.num_cached_tokens.is_none() {
            sequence.num_cached_tokens = Some(sequence.num_computed_tokens);
            step.started.push((sequence.id, sequence.num_computed_tokens));
        }
        self.running.insert(rank, sequence);
        step.grant(rank, count);
        self.note_passed(rank);
        true
    }

    /// The first by rank was passed if somebody else got in.
    fn note_passed(&mut self, rank: Rank) {
        let passed = self.waiting.first().map(Sequence::rank).filter(|first| first.0 == rank.0 && *first < rank);
        if let Some(sequence) = passed.and_then(|first| self.waiting.get_mut(first)) {
            sequence.times_passed += 1;
        }
    }

    fn adopt_prefix(&mut self, sequence: &mut Sequence) {
        if !sequence.reads_cache() {
            return;
        }
        let prefix = self.pool.cached_prefix(sequence.salt(), &sequence.tokens);
        sequence.block_table.adopt(&mut self.pool, &prefix);
        let stored = prefix.num_blocks() * self.pool.block_size();
        sequence.num_stored_tokens = stored;
        // The last token is computed in any case: the next one is drawn from what it gives.
        sequence.num_computed_tokens = stored.min(sequence.tokens.len() - 1);
        if let Some(window) = self.config.window {
            let first_seen = (sequence.num_computed_tokens + 1).saturating_sub(window);
            sequence.block_table.give_back_before(&mut self.pool, first_seen);
        }
        if sequence.num_cached_tokens.is_none() {
            self.count_prefix(sequence.tokens.len(), sequence.num_computed_tokens);
        }
    }

    /// Free blocks that a sequence takes up when it is let in and has run its known tokens.
    fn blocks_needed(&self, sequence: &Sequence) -> usize {
        let all = self.blocks_held_at_once(sequence.tokens.len());
        if !sequence.reads_cache() {
            return all;
        }
        let salt: &Arc<str> = sequence.salt();
        let prefix = self.pool.cached_prefix(salt, &sequence.tokens);
        all.saturating_sub(prefix.num_blocks()) + prefix.num_free
    }

    /// Free blocks less those that running sequences will need for the tokens they have.
    fn unclaimed_blocks(&self) -> usize {
        let claims = self.running.values().map(|sequence| {
            self.blocks_held_at_once(sequence.tokens.len()).saturating_sub(sequence.block_table.num_blocks())
        });
        self.pool.num_free().saturating_sub(claims.sum())
    }

    /// The most blocks that `num_tokens` tokens hold at the same time: behind a window they are
    /// given back chunk by chunk.
    fn blocks_held_at_once(&self, num_tokens: usize) -> usize {
        let kept = self.config.window.map_or(num_tokens, |window| {
            num_tokens.min(window + self.config.max_num_batched_tokens + self.pool.block_size())
        });
        self.pool.blocks_for(kept)
    }

    /// Drafts of sequences whose next token is sampled, from what is left.
    pub(super) fn add_drafts(&mut self, step: &mut Step) {
        let Self { running, pool, .. } = self;
        for (rank, counts) in &mut step.counts {
            let Some(sequence) = running.get_mut(rank) else { continue };
            let end = sequence.num_computed_tokens + counts.known;
            if end < sequence.tokens.len() {
                continue;
            }
            let room = sequence.block_table.num_slots(pool) + pool.num_free() * pool.block_size();
            let count = sequence.drafts.len().min(step.budget).min(room.saturating_sub(end));
            if count > 0 && sequence.block_table.grow(pool, end + count) {
                counts.drafts = count;
                step.budget -= count;
            }
        }
    }
}
