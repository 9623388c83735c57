//! Paged key-value cache: which blocks exist, who holds them, and (in `tensors` alone) the memory.
//!
//! The words and rules are vLLM's: memory is cut into blocks of a fixed number of tokens, a
//! sequence's block table lists the blocks of its context in order, and full blocks are found
//! again by what they hold.

mod block_pool;
mod block_table;
mod free_queue;
mod prefix_cache;
pub mod tensors;

pub use crate::kernels::NO_BLOCK;
pub use block_pool::{BlockId, BlockPool, CachedPrefix};
pub use block_table::BlockTable;
pub use prefix_cache::{ContentId, Context};
