//! The blocks of one sequence's context, in order.

use super::{BlockId, BlockPool};

/// Blocks that a sequence holds. It must end in [`BlockTable::release`]: blocks of a table that is
/// merely dropped are lost to the pool, which the scheduler's property tests would see.
#[derive(Debug, Default)]
pub struct BlockTable {
    blocks: Vec<BlockId>,
}

impl BlockTable {
    pub fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Indices of the blocks in the cache's memory.
    pub fn indices(&self) -> Vec<u32> {
        self.blocks.iter().map(BlockId::index).collect()
    }

    /// Makes room for `num_tokens` tokens in all. Takes nothing and says `false` if the pool has
    /// too few free blocks.
    #[must_use]
    pub fn grow(&mut self, pool: &mut BlockPool, num_tokens: usize) -> bool {
        let missing = pool.blocks_for(num_tokens).saturating_sub(self.blocks.len());
        match pool.take(missing) {
            Some(blocks) => {
                self.blocks.extend(blocks);
                true
            }
            None => false,
        }
    }

    /// Gives all blocks back.
    pub fn release(&mut self, pool: &mut BlockPool) {
        pool.give_back(std::mem::take(&mut self.blocks));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn grows_by_whole_blocks_and_all_or_nothing() {
        let mut pool = BlockPool::new(4, 16);
        let mut table = BlockTable::default();
        assert!(table.grow(&mut pool, 17));
        assert_eq!((table.num_blocks(), pool.num_free()), (2, 2));
        assert!(table.grow(&mut pool, 32));
        assert_eq!(pool.num_free(), 2);
        assert!(!table.grow(&mut pool, 65));
        assert_eq!((table.num_blocks(), pool.num_free()), (2, 2));
        table.release(&mut pool);
        assert_eq!((table.num_blocks(), pool.num_free()), (0, 4));
    }

    proptest! {
        #[test]
        fn no_block_is_shared_lost_or_made_up(
            num_blocks in 1u32..20,
            steps in prop::collection::vec((0usize..6, 0usize..80, any::<bool>()), 0..200),
        ) {
            let mut pool = BlockPool::new(num_blocks, 4);
            let mut tables: Vec<BlockTable> = (0..6).map(|_| BlockTable::default()).collect();
            for (index, num_tokens, release) in steps {
                if release {
                    tables[index].release(&mut pool);
                } else {
                    let before = pool.num_free();
                    let grown = tables[index].grow(&mut pool, num_tokens);
                    prop_assert!(grown || pool.num_free() == before);
                }
                let held: Vec<u32> = tables.iter().flat_map(BlockTable::indices).collect();
                let distinct: HashSet<u32> = held.iter().copied().collect();
                prop_assert_eq!(distinct.len(), held.len());
                prop_assert!(held.iter().all(|block| *block < num_blocks));
                prop_assert_eq!(held.len() + pool.num_free(), num_blocks as usize);
            }
        }
    }
}
