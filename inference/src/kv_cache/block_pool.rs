//! The pool of cache blocks. Bookkeeping only: a block is a number here.
//!
//! What always holds: a block is free or has as many shares as there are [`BlockId`]s of it, since
//! those are neither copied nor made outside the pool. A free block may still hold a cached
//! content; it is forgotten when the block is taken for something else.

use std::sync::Arc;

use super::free_queue::FreeQueue;
use super::prefix_cache::{BlockKey, PrefixCache};
use super::{ContentId, Context};

/// A share in a block, held by whoever has the value; giving it back to the pool consumes it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct BlockId(u32);

impl BlockId {
    /// Index of the block in the cache's memory.
    pub fn index(&self) -> u32 {
        self.0
    }
}

#[derive(Clone, Debug, Default)]
struct Block {
    shares: u32,
    /// Set while the prefix cache knows the block.
    key: Option<Arc<BlockKey>>,
}

/// A prompt's beginning that the cache holds: blocks in order. Valid until the pool changes.
#[derive(Clone, Debug, Default)]
pub struct CachedPrefix {
    blocks: Vec<(u32, ContentId)>,
    /// How many of them nobody holds: taking them uses up free blocks.
    pub num_free: usize,
}

impl CachedPrefix {
    pub fn num_blocks(&self) -> usize {
        self.blocks.len()
    }
}

/// All blocks of one model's cache.
#[derive(Debug)]
pub struct BlockPool {
    blocks: Vec<Block>,
    free: FreeQueue,
    cache: PrefixCache,
    block_size: usize,
}

impl BlockPool {
    /// A pool of `num_blocks` blocks of `block_size` tokens.
    ///
    /// # Panics
    /// If `block_size` is zero.
    pub fn new(num_blocks: u32, block_size: usize) -> Self {
        Self::with_hash_mask(num_blocks, block_size, u64::MAX)
    }

    /// A pool whose prefix cache keeps only the bits of `hash_mask` of each hash: with zero, all
    /// contents collide.
    ///
    /// # Panics
    /// If `block_size` is zero.
    pub fn with_hash_mask(num_blocks: u32, block_size: usize, hash_mask: u64) -> Self {
        assert!(block_size > 0, "a block holds at least one token");
        Self {
            blocks: vec![Block::default(); num_blocks as usize],
            free: FreeQueue::full(num_blocks),
            cache: PrefixCache::new(hash_mask),
            block_size,
        }
    }

    pub fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Blocks that nobody holds, those with cached contents included.
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
        self.blocks.len() * self.block_size
    }

    /// The longest chain of cached full blocks at the beginning of `tokens`.
    pub fn cached_prefix(&self, salt: &Arc<str>, tokens: &[u32]) -> CachedPrefix {
        let mut prefix = CachedPrefix::default();
        let mut context = Context::Start(Arc::clone(salt));
        for tokens in tokens.chunks_exact(self.block_size) {
            let Some(entry) = self.cache.find(&BlockKey { context, tokens: tokens.into() }) else { break };
            prefix.num_free += usize::from(self.blocks[entry.block as usize].shares == 0);
            prefix.blocks.push((entry.block, entry.content));
            context = Context::After(entry.content);
        }
        prefix
    }

    /// Takes `count` blocks, or none if fewer are free.
    pub(super) fn take(&mut self, count: usize) -> Option<Vec<BlockId>> {
        if count > self.free.len() {
            return None;
        }
        Some((0..count).filter_map(|_| self.take_one()).collect())
    }

    fn take_one(&mut self) -> Option<BlockId> {
        let index = self.free.pop_front()?;
        let block = &mut self.blocks[index as usize];
        if let Some(key) = block.key.take() {
            self.cache.remove(&key);
        }
        block.shares = 1;
        Some(BlockId(index))
    }

    /// A share in each block of a prefix that was found since the pool last changed.
    pub(super) fn take_cached(&mut self, prefix: &CachedPrefix) -> Vec<(BlockId, ContentId)> {
        let share = |(index, content): &(u32, ContentId)| {
            let block = &mut self.blocks[*index as usize];
            if block.shares == 0 {
                self.free.remove(*index);
            }
            block.shares += 1;
            (BlockId(*index), *content)
        };
        prefix.blocks.iter().map(share).collect()
    }

    /// Lets others find a full block by what it holds. Another block may hold the same already;
    /// then that one stays the one to be found.
    pub(super) fn publish(&mut self, block: &BlockId, context: Context, tokens: &[u32]) -> ContentId {
        debug_assert_eq!(tokens.len(), self.block_size, "only full blocks are shared");
        let (content, key) = self.cache.insert(BlockKey { context, tokens: tokens.into() }, block.0);
        if key.is_some() {
            self.blocks[block.0 as usize].key = key;
        }
        content
    }

    /// The last of `blocks` will be taken first: a beginning is of more use than an end.
    pub(super) fn give_back(&mut self, blocks: impl DoubleEndedIterator<Item = BlockId>) {
        for BlockId(index) in blocks.rev() {
            let block = &mut self.blocks[index as usize];
            block.shares -= 1;
            if block.shares > 0 {
                continue;
            }
            if block.key.is_some() {
                self.free.push_back(index);
            } else {
                self.free.push_front(index);
            }
        }
    }

    /// Shares of each block, for tests of those who hold them.
    #[cfg(test)]
    pub(crate) fn shares(&self) -> Vec<u32> {
        self.blocks.iter().map(|block| block.shares).collect()
    }
}
