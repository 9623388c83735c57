//! The blocks of one sequence's context, in order.

use std::sync::Arc;

use crate::kernels::NO_BLOCK;

use super::{BlockId, BlockPool, CachedPrefix, Context};

/// Blocks that a sequence holds. It must end in [`BlockTable::release`]: blocks of a table that is
/// merely dropped are lost to the pool, which the scheduler's property tests would see.
#[derive(Debug)]
pub struct BlockTable {
    /// None where the block was given back because no layer looks that far any more.
    blocks: Vec<Option<BlockId>>,
    num_given_back: usize,
    num_published: usize,
    /// What the next block to be published continues.
    context: Context,
}

impl BlockTable {
    /// An empty table; only tables of equal salts share blocks.
    pub fn new(salt: Arc<str>) -> Self {
        Self { blocks: Vec::new(), num_given_back: 0, num_published: 0, context: Context::Start(salt) }
    }

    /// Blocks held at the moment.
    pub fn num_blocks(&self) -> usize {
        self.blocks.len() - self.num_given_back
    }

    /// Tokens for which there is a block, or was one.
    pub fn num_slots(&self, pool: &BlockPool) -> usize {
        self.blocks.len() * pool.block_size()
    }

    /// Indices of the blocks in the cache's memory, [`NO_BLOCK`] for those given back.
    pub fn indices(&self) -> Vec<u32> {
        self.blocks.iter().map(|block| block.as_ref().map_or(NO_BLOCK, BlockId::index)).collect()
    }

    /// Begins with blocks that the cache already holds. The table must be empty.
    pub fn adopt(&mut self, pool: &mut BlockPool, prefix: &CachedPrefix) {
        debug_assert!(self.blocks.is_empty(), "a prefix comes first");
        for (block, content) in pool.take_cached(prefix) {
            self.blocks.push(Some(block));
            self.context = Context::After(content);
        }
        self.num_published = self.blocks.len();
    }

    /// Makes room for `num_tokens` tokens in all. Takes nothing and says `false` if the pool has
    /// too few free blocks.
    #[must_use]
    pub fn grow(&mut self, pool: &mut BlockPool, num_tokens: usize) -> bool {
        let missing = pool.blocks_for(num_tokens).saturating_sub(self.blocks.len());
        match pool.take(missing) {
            Some(blocks) => {
                self.blocks.extend(blocks.into_iter().map(Some));
                true
            }
            None => false,
        }
    }

    /// Lets others find the blocks that `tokens`, the sequence's first ones, fill.
    pub fn publish(&mut self, pool: &mut BlockPool, tokens: &[u32]) {
        let full = tokens.len() / pool.block_size();
        for index in self.num_published..full.min(self.blocks.len()) {
            let Some(block) = &self.blocks[index] else { return };
            let tokens = &tokens[index * pool.block_size()..(index + 1) * pool.block_size()];
            self.context = Context::After(pool.publish(block, self.context.clone(), tokens));
            self.num_published = index + 1;
        }
    }

    /// Gives back the blocks wholly before `position`, which no layer looks at any more.
    pub fn give_back_before(&mut self, pool: &mut BlockPool, position: usize) {
        let end = (position / pool.block_size()).min(self.blocks.len());
        if end > self.num_given_back {
            pool.give_back(self.blocks[self.num_given_back..end].iter_mut().filter_map(Option::take));
            self.num_given_back = end;
        }
    }

    /// Gives all blocks back, for a new beginning with the same salt.
    pub fn release(&mut self, pool: &mut BlockPool, salt: Arc<str>) {
        let table = std::mem::replace(self, Self::new(salt));
        pool.give_back(table.blocks.into_iter().flatten());
    }
}

#[cfg(test)]
#[path = "block_table_tests.rs"]
mod tests;
