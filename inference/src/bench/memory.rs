//! What a shape needs before anything of it is made.

use crate::engine::EngineSettings;
use crate::kernels::cpu::KvDtype;
use crate::model_runner::MAX_LOGIT_ROWS;
use crate::models::{Decoder, DecoderConfig, Workspace};

pub use crate::model_runner::available_bytes;

/// Of a weight in bf16.
const WEIGHT_BYTES: u64 = 2;

/// Bytes, by what takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryNeed {
    pub weights: u64,
    pub cache: u64,
    pub workspace: u64,
    /// While weights are packed.
    pub loading: u64,
}

impl MemoryNeed {
    /// Of a model in bf16 with `tokens` in its cache, loaded by `threads`.
    pub fn new(config: &DecoderConfig, settings: &EngineSettings, tokens: usize, threads: usize) -> Self {
        let shape = config.attention.kv_shape(settings.block_size);
        let block_bytes = (shape.block_bytes(KvDtype::F16) * config.num_layers) as u64;
        let rows = settings.max_num_batched_tokens;
        // Each thread has one tensor as it was made and as it becomes.
        let largest = WEIGHT_BYTES * Decoder::largest_tensor(config);
        Self {
            weights: WEIGHT_BYTES * Decoder::num_parameters(config),
            cache: tokens.div_ceil(settings.block_size) as u64 * block_bytes,
            workspace: Workspace::bytes_for(config, rows, rows.min(MAX_LOGIT_ROWS)) as u64,
            loading: 2 * largest * threads.min(config.num_layers) as u64,
        }
    }

    pub fn total(&self) -> u64 {
        let Self { weights, cache, workspace, loading } = *self;
        weights + cache + workspace.max(loading)
    }
}
