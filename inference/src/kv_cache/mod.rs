//! Paged key-value cache: which blocks exist, who holds them, and (in `tensors` alone) the memory.
//!
//! The words and rules are vLLM's: memory is cut into blocks of a fixed number of tokens, and a
//! sequence's block table lists the blocks of its context in order.

mod block_pool;
mod block_table;
pub mod tensors;

pub use block_pool::{BlockId, BlockPool};
pub use block_table::BlockTable;
