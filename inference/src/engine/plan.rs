//! What an engine will take of the machine's memory, known before anything of the model is read.

use crate::kv_cache::BlockPool;
use crate::model_runner::{CacheBudget, CachePlan, MAX_LOGIT_ROWS};
use crate::models::{DecoderConfig, Workspace};

use super::EngineSettings;

/// A model's configuration as it will be served, and the sizes of what stands beside its weights.
#[derive(Clone, Debug)]
pub struct EnginePlan {
    pub config: DecoderConfig,
    pub cache: CachePlan,
    pub workspace_bytes: u64,
}

impl EnginePlan {
    /// `weight_bytes` are still to be taken of what is free now.
    pub fn new(mut config: DecoderConfig, weight_bytes: u64, settings: &EngineSettings) -> Self {
        // Some rotations depend on how far the model is served.
        config.max_positions = settings.max_context.unwrap_or(usize::MAX).min(config.max_positions);
        let max_rows = settings.max_num_batched_tokens;
        let workspace_bytes = Workspace::bytes_for(&config, max_rows, max_rows.min(MAX_LOGIT_ROWS)) as u64;
        let budget = CacheBudget {
            kv_cache_bytes: settings.kv_cache_bytes,
            max_num_seqs: settings.max_num_seqs,
            max_context: config.max_positions,
            workspace_bytes: workspace_bytes.saturating_add(weight_bytes),
        };
        let shape = config.attention.kv_shape(settings.block_size);
        let cache = CachePlan::new(budget, shape, settings.kv_cache_dtype, config.num_layers);
        Self { config, cache, workspace_bytes }
    }

    /// Bytes beside the weights.
    pub fn memory_bytes(&self) -> u64 {
        self.cache.total_bytes().saturating_add(self.workspace_bytes)
    }

    pub(super) fn pool(&self, settings: &EngineSettings) -> BlockPool {
        BlockPool::new(self.cache.num_blocks, settings.block_size)
    }
}
