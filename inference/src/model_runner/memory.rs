//! How much memory the cache gets: what is left of the machine's after everything else is counted.

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
    /// What activations will take and have not taken yet.
    pub workspace_bytes: u64,
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
        let bytes = budget.kv_cache_bytes.unwrap_or_else(|| default_bytes(available_bytes(), budget.workspace_bytes));
        let useful = budget.max_context.div_ceil(shape.block_size).saturating_mul(budget.max_num_seqs);
        let num_blocks = (bytes / block_bytes).clamp(1, useful as u64);
        // Indices stay below the mark of a missing block.
        Self { num_blocks: u32::try_from(num_blocks).unwrap_or(u32::MAX).min(u32::MAX - 1), block_bytes }
    }

    pub fn total_bytes(&self) -> u64 {
        u64::from(self.num_blocks) * self.block_bytes
    }
}

fn default_bytes(available: Option<u64>, workspace_bytes: u64) -> u64 {
    let free = |available: u64| available.saturating_sub(workspace_bytes) / FREE_FRACTION;
    available.map_or(DEFAULT_BYTES, |available| DEFAULT_BYTES.min(free(available)))
}

/// What this process may still take: the machine's free memory or its control group's, whichever
/// is less. Known on Linux only.
pub fn available_bytes() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_available(&text));
    let number = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse().ok();
    let group =
        number("memory.max").zip(number("memory.current")).map(|(most, now): (u64, u64)| most.saturating_sub(now));
    machine.into_iter().chain(group).min()
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn mem_available(text: &str) -> Option<u64> {
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
        let budget =
            CacheBudget { kv_cache_bytes: Some(100_000), max_num_seqs: 4, max_context: 1000, workspace_bytes: 0 };
        let plan = CachePlan::new(budget, SHAPE, KvDtype::F16, 3);
        assert_eq!(plan.block_bytes, 2 * 2 * 16 * 16 * 2 * 3);
        assert_eq!(u64::from(plan.num_blocks), 100_000 / plan.block_bytes);
        let small = CacheBudget { max_context: 16, ..budget };
        assert_eq!(CachePlan::new(small, SHAPE, KvDtype::F16, 3).num_blocks, 4);
        let nothing = CacheBudget { kv_cache_bytes: Some(0), ..budget };
        assert_eq!(CachePlan::new(nothing, SHAPE, KvDtype::F32, 3).num_blocks, 1);
    }

    #[test]
    fn without_a_setting_activations_come_first() {
        assert_eq!(default_bytes(None, 5), DEFAULT_BYTES);
        assert_eq!(default_bytes(Some(1 << 40), 0), DEFAULT_BYTES);
        assert_eq!(default_bytes(Some(1000), 600), 100);
        assert_eq!(default_bytes(Some(1000), 6000), 0);
        assert_eq!(mem_available("MemFree: 1 kB\nMemAvailable:   2048 kB\n"), Some(2048 * 1024));
    }
}
