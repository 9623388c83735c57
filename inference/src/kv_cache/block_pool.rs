//! The pool of cache blocks. Bookkeeping only: a block is a number here.
//!
//! What always holds: every block is either free or held by exactly one [`BlockTable`], since
//! [`BlockId`]s are neither copied nor made outside the pool.
//!
//! [`BlockTable`]: super::BlockTable

/// A block, held by whoever has the value; giving it back to the pool consumes it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct BlockId(u32);

impl BlockId {
    /// Index of the block in the cache's memory.
    pub fn index(&self) -> u32 {
        self.0
    }
}

/// All blocks of one model's cache that no sequence holds.
#[derive(Debug)]
pub struct BlockPool {
    free: Vec<BlockId>,
    num_blocks: usize,
    block_size: usize,
}

impl BlockPool {
    /// A pool of `num_blocks` blocks of `block_size` tokens.
    ///
    /// # Panics
    /// If `block_size` is zero.
    pub fn new(num_blocks: u32, block_size: usize) -> Self {
        assert!(block_size > 0, "a block holds at least one token");
        // Taken from the back, so low numbers go first and fresh memory is touched late.
        let free = (0..num_blocks).rev().map(BlockId).collect();
        Self { free, num_blocks: num_blocks as usize, block_size }
    }

    pub fn num_blocks(&self) -> usize {
        self.num_blocks
    }

    pub fn num_free(&self) -> usize {
        self.free.len()
    }

    /// Tokens of one block.
    pub fn block_size(&self) -> usize {
        self.block_size
    }

    /// Blocks that `num_tokens` tokens fill, the last one perhaps in part.
    pub fn blocks_for(&self, num_tokens: usize) -> usize {
        num_tokens.div_ceil(self.block_size)
    }

    /// Tokens that the whole pool can hold.
    pub fn capacity_in_tokens(&self) -> usize {
        self.num_blocks * self.block_size
    }

    /// Takes `count` blocks, or none if fewer are free.
    pub(super) fn take(&mut self, count: usize) -> Option<Vec<BlockId>> {
        let rest = self.free.len().checked_sub(count)?;
        Some(self.free.split_off(rest))
    }

    pub(super) fn give_back(&mut self, blocks: Vec<BlockId>) {
        self.free.extend(blocks.into_iter().rev());
        debug_assert!(self.free.len() <= self.num_blocks, "a block was given back twice");
    }
}
