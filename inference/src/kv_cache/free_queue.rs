//! Free blocks in the order in which they will be taken: a doubly linked list in two arrays.
//!
//! Least recently freed first, so that cached contents live as long as they can; every operation
//! is constant time (after the free queue of vLLM's block pool).

const NONE: u32 = u32::MAX;

/// A queue of block indices below a fixed number, each at most once.
#[derive(Debug)]
pub(super) struct FreeQueue {
    /// `[num_blocks + 1]`; the last entry is the list's head and end.
    next: Vec<u32>,
    previous: Vec<u32>,
    len: usize,
}

impl FreeQueue {
    /// A queue of all blocks, low numbers first, so that fresh memory is touched late.
    pub(super) fn full(num_blocks: u32) -> Self {
        let size = num_blocks as usize + 1;
        let mut queue = Self { next: vec![NONE; size], previous: vec![NONE; size], len: 0 };
        queue.next[num_blocks as usize] = num_blocks;
        queue.previous[num_blocks as usize] = num_blocks;
        (0..num_blocks).for_each(|block| queue.push_back(block));
        queue
    }

    fn head(&self) -> u32 {
        (self.next.len() - 1) as u32
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn contains(&self, block: u32) -> bool {
        self.next[block as usize] != NONE
    }

    pub(super) fn push_back(&mut self, block: u32) {
        self.insert_after(self.previous[self.head() as usize], block);
    }

    /// For blocks whose contents nobody can ask for: they go before all others.
    pub(super) fn push_front(&mut self, block: u32) {
        self.insert_after(self.head(), block);
    }

    pub(super) fn pop_front(&mut self) -> Option<u32> {
        let first = self.next[self.head() as usize];
        (first != self.head()).then(|| {
            self.remove(first);
            first
        })
    }

    /// Takes a block out of the middle.
    pub(super) fn remove(&mut self, block: u32) {
        debug_assert!(self.contains(block), "only a queued block can be removed");
        let (before, after) = (self.previous[block as usize], self.next[block as usize]);
        self.next[before as usize] = after;
        self.previous[after as usize] = before;
        self.next[block as usize] = NONE;
        self.previous[block as usize] = NONE;
        self.len -= 1;
    }

    fn insert_after(&mut self, before: u32, block: u32) {
        debug_assert!(!self.contains(block), "a block is free once");
        let after = self.next[before as usize];
        self.next[before as usize] = block;
        self.previous[block as usize] = before;
        self.next[block as usize] = after;
        self.previous[after as usize] = block;
        self.len += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_deque(steps in prop::collection::vec((0u32..8, 0u8..4), 0..200)) {
            let mut queue = FreeQueue::full(8);
            let mut model: VecDeque<u32> = (0..8).collect();
            for (block, action) in steps {
                match action {
                    0 => prop_assert_eq!(queue.pop_front(), model.pop_front()),
                    1 if model.contains(&block) => {
                        queue.remove(block);
                        model.retain(|other| *other != block);
                    }
                    2 if !model.contains(&block) => {
                        queue.push_back(block);
                        model.push_back(block);
                    }
                    3 if !model.contains(&block) => {
                        queue.push_front(block);
                        model.push_front(block);
                    }
                    _ => {}
                }
                prop_assert_eq!(queue.len(), model.len());
                prop_assert_eq!(queue.contains(block), model.contains(&block));
            }
        }
    }
}
