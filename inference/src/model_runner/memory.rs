//! How much memory the cache gets.

use crate::kernels::cpu::{KvDtype, KvShape};

/// Without a setting the cache gets at most this much.
const DEFAULT_BYTES: u64 = 1 << 30;
/// And at most this fraction of what is free.
const FREE_FRACTION: u64 = 4;

/// What the cache may take.
#[derive(Clone, Copy, Debug)]
pub struct CacheBudget {
    /// From the settings; without it, 1 GiB or a quarter of the free memory, whichever is less.
    pub kv_cache_bytes: Option<u64>,
    /// Sequences that run at once.
    pub max_num_seqs: usize,
    /// Longest context of one sequence, in tokens.
    pub max_context: usize,
}

/// The number of blocks, and how it came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachePlan {
    pub num_blocks: u32,
    /// Bytes of one block over all layers.
    pub block_bytes: u64,
}

impl CachePlan {
    /// Never more than all sequences at full length could use, never less than one block.
    pub fn new(budget: CacheBudget, shape: KvShape, dtype: KvDtype, num_layers: usize) -> Self {
        let block_bytes = (shape.block_bytes(dtype) * num_layers) as u64;
        let bytes = budget.kv_cache_bytes.unwrap_or_else(default_bytes);
        let useful = budget.max_context.div_ceil(shape.block_size).saturating_mul(budget.max_num_seqs);
        let num_blocks = (bytes / block_bytes).clamp(1, useful as u64);
        Self { num_blocks: u32::try_from(num_blocks).unwrap_or(u32::MAX), block_bytes }
    }

    pub fn total_bytes(&self) -> u64 {
        u64::from(self.num_blocks) * self.block_bytes
    }
}

fn default_bytes() -> u64 {
    available_bytes().map_or(DEFAULT_BYTES, |free| DEFAULT_BYTES.min(free / FREE_FRACTION))
}

/// `MemAvailable` of Linux; elsewhere unknown.
fn available_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: KvShape = KvShape { num_kv_heads: 2, head_dim: 16, block_size: 16 };

    #[test]
    fn the_budget_is_kept_and_no_more_than_useful_is_taken() {
        let budget = CacheBudget { kv_cache_bytes: Some(100_000), max_num_seqs: 4, max_context: 1000 };
        let plan = CachePlan::new(budget, SHAPE, KvDtype::F16, 3);
        assert_eq!(plan.block_bytes, 2 * 2 * 16 * 16 * 2 * 3);
        assert_eq!(u64::from(plan.num_blocks), 100_000 / plan.block_bytes);
        let small = CacheBudget { max_context: 16, ..budget };
        assert_eq!(CachePlan::new(small, SHAPE, KvDtype::F16, 3).num_blocks, 4);
        let nothing = CacheBudget { kv_cache_bytes: Some(0), ..budget };
        assert_eq!(CachePlan::new(nothing, SHAPE, KvDtype::F32, 3).num_blocks, 1);
    }
}
