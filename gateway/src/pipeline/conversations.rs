//! What is remembered between the requests of one conversation: that it must stay inside, and which values its tokens
//! stand for. In memory, bounded; tokens also sealed in the store where a key for that is configured.

use std::fmt;
use std::sync::Arc;

use crate::config;
use crate::pii::masking::{Conversation, Entries, MaskingSecret, NONCE_BYTES, Vault, VaultLimits, seal, unseal};
use crate::pii::{History, StickyConversations};
use crate::store::{Store, StoreError};

/// Shared by all requests.
pub struct Conversations {
    pub secret: MaskingSecret,
    pub vault: Vault,
    pub sticky: StickyConversations,
    ttl_ms: u64,
    /// Whether tokens are also kept, sealed, in the store.
    at_rest: bool,
}

/// Marks of conversations are small, so more of them are kept than conversations with values.
const MARKS_PER_CONVERSATION: usize = 16;

impl Conversations {
    pub fn new(settings: &config::Conversations, secret: MaskingSecret) -> Self {
        let ttl_ms = u64::try_from(settings.ttl.as_millis()).unwrap_or(u64::MAX);
        let max_conversations = settings.max_conversations;
        Self {
            secret,
            vault: Vault::new(VaultLimits { max_conversations, ttl_ms, ..VaultLimits::default() }),
            sticky: StickyConversations::new(max_conversations.saturating_mul(MARKS_PER_CONVERSATION), ttl_ms),
            ttl_ms,
            at_rest: settings.vault_key.is_some(),
        }
    }

    /// Brings the conversation of a request into memory, where the store has something of it.
    ///
    /// # Errors
    /// The store cannot be read, or what it has cannot be opened. What would be masked must then stay.
    pub async fn open(
        &self,
        store: &dyn Store,
        tenant: &str,
        history: &History,
        now_ms: u64,
    ) -> Result<(), ConversationLost> {
        // A history that is repeated gives the same tokens anew; only a name stands for what is not repeated.
        if !self.at_rest || !history.is_named() {
            return Ok(());
        }
        let id = self.secret.conversation(tenant, history.masking_key());
        if self.vault.entries(&id, now_ms).is_some() {
            return Ok(());
        }
        if let Some(sealed) = store.sealed_conversation(id, now_ms).await? {
            let entries: Entries = unseal(&self.secret, &id, &sealed).map_err(|_| ConversationLost::Unreadable)?;
            let mut conversation = Conversation::with_entries(&self.secret, id, Arc::new(entries));
            self.vault.save(&mut conversation, now_ms).map_err(|_| ConversationLost::Full)?;
        }
        Ok(())
    }

    /// Writes a conversation to the store, behind the request's back: without it, the same values get the same tokens
    /// again, and only tokens that nobody repeats are lost with the process.
    pub fn keep(&self, store: &Arc<dyn Store>, conversation: &Conversation, nonce: [u8; NONCE_BYTES], now_ms: u64) {
        if !self.at_rest {
            return;
        }
        let id = *conversation.id();
        let Ok(sealed) = seal(&self.secret, &id, conversation.entries(), nonce) else {
            tracing::error!("a conversation's tokens could not be sealed; they are in memory only");
            return;
        };
        let (store, expires_at_ms) = (Arc::clone(store), now_ms.saturating_add(self.ttl_ms));
        tokio::spawn(async move {
            if let Err(error) = store.keep_sealed_conversation(id, sealed, expires_at_ms).await {
                tracing::error!(%error, "a conversation's tokens could not be kept; they are in memory only");
            }
        });
    }
}

/// Why a conversation's tokens are not known.
#[derive(Debug, thiserror::Error)]
pub enum ConversationLost {
    #[error("failed to read a conversation's tokens: {0}")]
    Store(#[from] StoreError),
    #[error("failed to open a conversation's tokens: another key, or changed bytes")]
    Unreadable,
    #[error("failed to keep a conversation's tokens: the vault is full")]
    Full,
}

impl fmt::Debug for Conversations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversations").field("sticky", &self.sticky).finish_non_exhaustive()
    }
}
