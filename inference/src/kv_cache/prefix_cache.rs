//! Which full block holds which tokens after which context.
//!
//! A block is found by its *whole* key: the content it continues and its own tokens are compared,
//! not only their hash, and every chain begins with a salt. So no hash collision, not even one
//! made on purpose, leads to another context or another tenant's keys and values.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

/// Names a block's content: its tokens and all before them. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentId(u64);

/// What a block continues.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// The beginning of a prompt. Only equal salts share anything; usually the salt is the tenant.
    Start(Arc<str>),
    After(ContentId),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct BlockKey {
    pub(super) context: Context,
    pub(super) tokens: Box<[u32]>,
}

/// Randomly keyed hashes, so that nobody outside can aim for collisions; tests cut bits off.
#[derive(Clone, Debug)]
struct KeyHasher {
    state: RandomState,
    mask: u64,
}

struct MaskedHasher<H> {
    inner: H,
    mask: u64,
}

impl BuildHasher for KeyHasher {
    type Hasher = MaskedHasher<<RandomState as BuildHasher>::Hasher>;
    fn build_hasher(&self) -> Self::Hasher {
        MaskedHasher { inner: self.state.build_hasher(), mask: self.mask }
    }
}

impl<H: Hasher> Hasher for MaskedHasher<H> {
    fn finish(&self) -> u64 {
        self.inner.finish() & self.mask
    }
    fn write(&mut self, bytes: &[u8]) {
        self.inner.write(bytes);
    }
}

/// At most one entry per block of the pool.
#[derive(Debug)]
pub(super) struct PrefixCache {
    entries: HashMap<Arc<BlockKey>, Entry, KeyHasher>,
    next_content: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) block: u32,
    pub(super) content: ContentId,
}

impl PrefixCache {
    /// `hash_mask` is all ones but in tests.
    pub(super) fn new(hash_mask: u64) -> Self {
        let hasher = KeyHasher { state: RandomState::new(), mask: hash_mask };
        Self { entries: HashMap::with_hasher(hasher), next_content: 0 }
    }

    pub(super) fn find(&self, key: &BlockKey) -> Option<Entry> {
        self.entries.get(key).copied()
    }

    /// Remembers `block` under `key`, unless another block has the same content already. The key
    /// comes back if it was taken.
    pub(super) fn insert(&mut self, key: BlockKey, block: u32) -> (ContentId, Option<Arc<BlockKey>>) {
        if let Some(entry) = self.find(&key) {
            return (entry.content, None);
        }
        let content = ContentId(self.next_content);
        self.next_content += 1;
        let key = Arc::new(key);
        self.entries.insert(Arc::clone(&key), Entry { block, content });
        (content, Some(key))
    }

    pub(super) fn remove(&mut self, key: &BlockKey) {
        self.entries.remove(key);
    }
}
