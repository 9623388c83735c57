//! Runs one step on the CPU.

use std::sync::Arc;

use rayon::prelude::*;

use crate::kv_cache::tensors::KvTensors;
use crate::layers::{BatchSequence, TokenBatch};
use crate::models::{Decoder, Workspace};
use crate::sampling::{SamplingParams, TokenCounts, sample};
use crate::scheduler::{SequenceId, StepPlan};

/// What the engine needs from whatever computes tokens; tests put something simpler in its place.
pub trait StepRunner: Send {
    /// Computes the plan's tokens and draws the next one of every sequence that `samples`.
    /// `draws` answers how a sequence wants its token drawn.
    fn execute<'a>(
        &mut self,
        plan: &StepPlan,
        draws: &(dyn Fn(SequenceId) -> Option<(&'a SamplingParams, &'a TokenCounts)> + Sync),
    ) -> Vec<(SequenceId, u32)>;
}

/// A decoder with its cache and buffers.
pub struct ModelRunner {
    decoder: Decoder,
    cache: KvTensors,
    workspace: Workspace,
    block_size: usize,
    threads: Arc<rayon::ThreadPool>,
}

impl ModelRunner {
    pub fn new(decoder: Decoder, cache: KvTensors, block_size: usize, threads: Arc<rayon::ThreadPool>) -> Self {
        Self { decoder, cache, workspace: Workspace::default(), block_size, threads }
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
    fn execute<'a>(
        &mut self,
        plan: &StepPlan,
        draws: &(dyn Fn(SequenceId) -> Option<(&'a SamplingParams, &'a TokenCounts)> + Sync),
    ) -> Vec<(SequenceId, u32)> {
        let batch = batch(plan, self.block_size);
        let vocab_size = self.decoder.config().vocab_size;
        let threads = self.threads.clone();
        let logits = self.logits(&batch);
        let sampling: Vec<_> = plan.sequences.iter().filter(|planned| planned.samples).collect();
        threads.install(|| {
            let rows = logits.par_chunks_mut(vocab_size).zip(&sampling);
            rows.filter_map(|(logits, planned)| {
                let (params, counts) = draws(planned.id)?;
                let position = planned.first_position + planned.tokens.len();
                Some((planned.id, sample(params, counts, position, logits)))
            })
            .collect()
        })
    }
}

fn batch(plan: &StepPlan, block_size: usize) -> TokenBatch {
    let mut batch = TokenBatch::default();
    for planned in &plan.sequences {
        let sequence = BatchSequence {
            num_rows: planned.tokens.len(),
            first_position: planned.first_position,
            block_table: planned.block_table.clone(),
            num_cached_rows: 0,
            num_logit_rows: usize::from(planned.samples),
        };
        batch.push(&planned.tokens, sequence, block_size);
    }
    batch
}
