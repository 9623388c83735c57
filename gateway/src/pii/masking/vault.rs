//! Tokens of all conversations, in memory: each lives for a time after its last use, their number and size are bounded,
//! and the one that was used longest ago goes first. Nothing is lost by that but time: tokens follow from the key.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::conversation::Conversation;
use super::entries::{Entries, EntryError};
use super::key::{ConversationId, MaskingSecret};

/// How much a vault keeps, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultLimits {
    pub max_conversations: usize,
    /// Of all conversations together.
    pub max_bytes: usize,
    /// After the last use.
    pub ttl_ms: u64,
}

/// Why a conversation was not kept. The request then stays inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    #[error("failed to keep a conversation's tokens: they are larger than the vault")]
    Full,
    #[error("failed to keep a conversation's tokens: another request of it has used the same token")]
    Conflict,
    #[error("failed to keep a conversation's tokens: too many requests change them at once")]
    Busy,
}

/// Safe to use from many threads.
pub struct Vault {
    limits: VaultLimits,
    shelf: Mutex<Shelf>,
}

/// Requests of one conversation at once whose changes are brought together.
const MAX_ATTEMPTS: usize = 32;

#[derive(Default)]
struct Shelf {
    slots: HashMap<ConversationId, Slot>,
    /// By last use, the oldest first.
    by_use: BTreeMap<u64, ConversationId>,
    num_uses: u64,
    bytes: usize,
}

struct Slot {
    entries: Arc<Entries>,
    use_number: u64,
    expires_at_ms: u64,
}

impl Default for VaultLimits {
    fn default() -> Self {
        Self { max_conversations: 10_000, max_bytes: 256 << 20, ttl_ms: 24 * 3_600 * 1_000 }
    }
}

impl Vault {
    pub fn new(limits: VaultLimits) -> Self {
        Self { limits, shelf: Mutex::default() }
    }

    /// The conversation with what the vault has of it.
    pub fn open(&self, secret: &MaskingSecret, id: ConversationId, now_ms: u64) -> Conversation {
        match self.entries(&id, now_ms) {
            Some(entries) => Conversation::with_entries(secret, id, entries),
            None => Conversation::new(secret, id),
        }
    }

    /// What the vault has of a conversation.
    pub fn entries(&self, id: &ConversationId, now_ms: u64) -> Option<Arc<Entries>> {
        let mut shelf = self.shelf();
        shelf.drop_expired(now_ms);
        shelf.touch(id, now_ms.saturating_add(self.limits.ttl_ms))
    }

    /// Keeps what a conversation has learned, together with what other requests of it have learned meanwhile.
    ///
    /// # Errors
    /// It is too large, or two requests disagree.
    pub fn save(&self, conversation: &mut Conversation, now_ms: u64) -> Result<Arc<Entries>, VaultError> {
        let expires_at_ms = now_ms.saturating_add(self.limits.ttl_ms);
        for _ in 0..MAX_ATTEMPTS {
            let own = Arc::new(conversation.entries().clone());
            if own.bytes() > self.limits.max_bytes {
                return Err(VaultError::Full);
            }
            let mut shelf = self.shelf();
            shelf.drop_expired(now_ms);
            let kept = shelf.touch(conversation.id(), expires_at_ms);
            let is_own = match (&kept, conversation.base()) {
                (Some(kept), Some(base)) => Arc::ptr_eq(kept, base),
                (kept, _) => kept.is_none(),
            };
            if is_own {
                shelf.put(*conversation.id(), Arc::clone(&own), expires_at_ms);
                shelf.evict(&self.limits);
                drop(shelf);
                conversation.set_base(Arc::clone(&own));
                return Ok(own);
            }
            drop(shelf);
            conversation.rebase(kept).map_err(|error| match error {
                EntryError::Full => VaultError::Full,
                EntryError::Conflict => VaultError::Conflict,
            })?;
        }
        Err(VaultError::Busy)
    }

    /// Forgets a conversation.
    pub fn remove(&self, id: &ConversationId) {
        self.shelf().remove(id);
    }

    /// Forgets what has not been used for too long.
    pub fn drop_expired(&self, now_ms: u64) {
        self.shelf().drop_expired(now_ms);
    }

    pub fn num_conversations(&self) -> usize {
        self.shelf().slots.len()
    }

    /// About what the tokens take in memory.
    pub fn bytes(&self) -> usize {
        self.shelf().bytes
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn touch(&mut self, id: &ConversationId, expires_at_ms: u64) -> Option<Arc<Entries>> {
        let slot = self.slots.get_mut(id)?;
        self.by_use.remove(&slot.use_number);
        self.num_uses += 1;
        slot.use_number = self.num_uses;
        slot.expires_at_ms = slot.expires_at_ms.max(expires_at_ms);
        self.by_use.insert(slot.use_number, *id);
        Some(Arc::clone(&slot.entries))
    }

    fn put(&mut self, id: ConversationId, entries: Arc<Entries>, expires_at_ms: u64) {
        self.remove(&id);
        self.num_uses += 1;
        self.bytes += entries.bytes();
        self.by_use.insert(self.num_uses, id);
        self.slots.insert(id, Slot { entries, use_number: self.num_uses, expires_at_ms });
    }

    fn remove(&mut self, id: &ConversationId) {
        if let Some(slot) = self.slots.remove(id) {
            self.by_use.remove(&slot.use_number);
            self.bytes -= slot.entries.bytes();
        }
    }

    /// All have the same time to live, so those used longest ago expire first.
    fn drop_expired(&mut self, now_ms: u64) {
        while let Some(oldest) = self.oldest()
            && self.slots.get(&oldest).is_none_or(|slot| slot.expires_at_ms <= now_ms)
        {
            self.remove(&oldest);
        }
    }

    /// Never drops the last one, which was used just now.
    fn evict(&mut self, limits: &VaultLimits) {
        while self.slots.len() > 1 && (self.slots.len() > limits.max_conversations || self.bytes > limits.max_bytes) {
            let Some(oldest) = self.oldest() else { return };
            self.remove(&oldest);
        }
    }

    fn oldest(&self) -> Option<ConversationId> {
        self.by_use.first_key_value().map(|(_, id)| *id)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
