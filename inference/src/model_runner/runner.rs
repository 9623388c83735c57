//! Runs one step on the CPU.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::kv_cache::tensors::KvTensors;
use crate::layers::{BatchSequence, TokenBatch};
use crate::models::{Adapter, Decoder, Workspace};
use crate::sampling::{Draw, SequenceSampler};
use crate::scheduler::{PlannedSequence, SequenceId, StepPlan};

/// Rows whose logits are in memory at the same time, unless one sequence alone needs more.
pub const MAX_LOGIT_ROWS: usize = 64;

/// The samplers of all sequences that an engine knows.
pub type Samplers = HashMap<SequenceId, SequenceSampler>;

/// What the engine needs from whatever computes tokens; tests put something simpler in its place.
pub trait StepRunner: Send {
    /// Computes the plan's tokens and draws what follows in every sequence that `samples`.
    fn execute(&mut self, plan: &StepPlan, samplers: &mut Samplers) -> Vec<(SequenceId, Draw)>;

    /// From here on a sequence's tokens are computed with an adapter.
    fn adapt(&mut self, _: SequenceId, _: Arc<Adapter>) {}

    /// A sequence has ended.
    fn forget(&mut self, _: SequenceId) {}

    /// No layer looks further back than this many tokens.
    fn window(&self) -> Option<usize> {
        None
    }
}

/// A decoder with its cache and buffers.
pub struct ModelRunner {
    decoder: Decoder,
    cache: KvTensors,
    workspace: Workspace,
    block_size: usize,
    threads: Arc<rayon::ThreadPool>,
    adapters: HashMap<SequenceId, Arc<Adapter>>,
}

/// One sequence's rows whose logits are wanted, counted among all such rows of the step.
struct Job<'a> {
    planned: &'a PlannedSequence,
    sampler: &'a mut SequenceSampler,
    prompt: Range<usize>,
    draw: Range<usize>,
}

impl ModelRunner {
    /// Claims the memory of steps of up to `max_rows` tokens.
    pub fn new(
        decoder: Decoder,
        cache: KvTensors,
        block_size: usize,
        max_rows: usize,
        threads: Arc<rayon::ThreadPool>,
    ) -> Self {
        let mut workspace = Workspace::default();
        workspace.reserve(decoder.config(), max_rows, max_rows.min(MAX_LOGIT_ROWS));
        Self { decoder, cache, workspace, block_size, threads, adapters: HashMap::new() }
    }

    /// Runs a batch and returns its logits, `[rows that want logits, vocab_size]`.
    pub fn logits(&mut self, batch: &TokenBatch) -> &mut [f32] {
        let Self { decoder, cache, workspace, threads, .. } = self;
        threads.install(move || {
            decoder.forward(batch, cache, workspace);
            decoder.logits(0..batch.num_logit_rows(), workspace)
        })
    }
}

impl StepRunner for ModelRunner {
    fn execute(&mut self, plan: &StepPlan, samplers: &mut Samplers) -> Vec<(SequenceId, Draw)> {
        let batch = batch(plan, samplers, (&self.adapters, self.block_size));
        let mut jobs = jobs(plan, samplers);
        let Self { decoder, cache, workspace, threads, .. } = self;
        threads.install(|| {
            decoder.forward(&batch, cache, workspace);
            let mut draws = Vec::with_capacity(jobs.len());
            let mut rest = jobs.as_mut_slice();
            while !rest.is_empty() {
                let (slice, after) = rest.split_at_mut(slice_len(rest));
                for job in slice.iter_mut() {
                    observe_prompt(decoder, workspace, job);
                }
                draws.extend(draw(decoder, workspace, slice));
                rest = after;
            }
            draws
        })
    }

    fn adapt(&mut self, id: SequenceId, adapter: Arc<Adapter>) {
        self.adapters.insert(id, adapter);
    }

    fn forget(&mut self, id: SequenceId) {
        self.adapters.remove(&id);
    }

    fn window(&self) -> Option<usize> {
        self.decoder.config().kv_window()
    }
}

fn batch(
    plan: &StepPlan,
    samplers: &Samplers,
    (adapters, block_size): (&HashMap<SequenceId, Arc<Adapter>>, usize),
) -> TokenBatch {
    let mut batch = TokenBatch::default();
    for planned in &plan.sequences {
        let sampler = samplers.get(&planned.id);
        let sequence = BatchSequence {
            num_rows: planned.tokens.len(),
            first_position: planned.first_position,
            block_table: planned.block_table.clone(),
            num_cached_rows: planned.num_stored,
            num_logit_rows: sampler.map_or(0, |sampler| num_logit_rows(planned, sampler)),
        };
        batch.push(&planned.tokens, sequence, block_size);
        if let Some(adapter) = adapters.get(&planned.id) {
            batch.adapt(adapter);
        }
    }
    batch
}

fn num_logit_rows(planned: &PlannedSequence, sampler: &SequenceSampler) -> usize {
    let of_prompt = sampler.num_prompt_rows(planned.first_position, planned.num_known());
    if of_prompt > 0 { planned.tokens.len() } else { num_draw_rows(planned) }
}

fn num_draw_rows(planned: &PlannedSequence) -> usize {
    if planned.samples { planned.num_drafts + 1 } else { 0 }
}

fn jobs<'a>(plan: &'a StepPlan, samplers: &'a mut Samplers) -> Vec<Job<'a>> {
    let mut samplers: HashMap<SequenceId, &mut SequenceSampler> =
        samplers.iter_mut().map(|(id, sampler)| (*id, sampler)).collect();
    let mut end = 0;
    let job = |planned: &'a PlannedSequence| {
        let sampler = samplers.remove(&planned.id)?;
        let start = end;
        end += num_logit_rows(planned, sampler);
        let prompt = start..start + sampler.num_prompt_rows(planned.first_position, planned.num_known());
        let draw = end - num_draw_rows(planned)..end;
        (end > start).then_some(Job { planned, sampler, prompt, draw })
    };
    plan.sequences.iter().filter_map(job).collect()
}

/// How many of the first jobs have their drawing rows in one piece that is not too large.
fn slice_len(jobs: &[Job<'_>]) -> usize {
    let start = jobs[0].draw.start;
    let fits = |pair: &&[Job<'_>]| pair[0].draw.end == pair[1].draw.start && pair[1].draw.end - start <= MAX_LOGIT_ROWS;
    1 + jobs.windows(2).take_while(fits).count()
}

fn observe_prompt(decoder: &Decoder, workspace: &mut Workspace, job: &mut Job<'_>) {
    let vocab_size = decoder.config().vocab_size;
    for start in job.prompt.clone().step_by(MAX_LOGIT_ROWS) {
        let end = job.prompt.end.min(start + MAX_LOGIT_ROWS);
        let logits = decoder.logits(start..end, workspace);
        for (row, logits) in (start..end).zip(logits.chunks_exact(vocab_size)) {
            job.sampler.observe_prompt(job.planned.first_position + row - job.prompt.start, logits);
        }
    }
}

/// Draws for all jobs of a slice side by side.
fn draw(decoder: &Decoder, workspace: &mut Workspace, jobs: &mut [Job<'_>]) -> Vec<(SequenceId, Draw)> {
    let rows = jobs[0].draw.start..jobs[jobs.len() - 1].draw.end;
    if rows.is_empty() {
        return Vec::new();
    }
    let vocab_size = decoder.config().vocab_size;
    let mut logits = decoder.logits(rows, workspace);
    let mut parts = Vec::with_capacity(jobs.len());
    for job in jobs.iter_mut().filter(|job| !job.draw.is_empty()) {
        let (part, rest) = logits.split_at_mut(job.draw.len() * vocab_size);
        logits = rest;
        parts.push((job, part));
    }
    let parts = parts.into_par_iter().map(|(job, logits)| {
        let planned = job.planned;
        let position = planned.first_position + planned.num_known();
        let drafts = &planned.tokens[planned.num_known()..];
        (planned.id, job.sampler.draw(position, drafts, logits))
    });
    parts.collect()
}
