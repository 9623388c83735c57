//! The secrets of masking, and the names that conversations have outside of memory. Everything is derived from one
//! secret of 32 bytes by HMAC-SHA256, each for its own purpose, so that none tells anything about another.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::token::Token;
use crate::pii::Entity;
use crate::pii::placeholder::{self, Core};

/// What tokens and sealed conversations are keyed with.
#[derive(Clone)]
pub struct MaskingSecret([u8; 32]);

/// A conversation of a tenant, as keyed hashes: what a store may see of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationId {
    tenant: [u8; 32],
    conversation: [u8; 32],
}

/// Mints the tokens of one conversation.
#[derive(Clone)]
pub(crate) struct TokenKey([u8; 32]);

/// Each digest is tried at so many places.
const CORES_PER_DIGEST: usize = 4;
/// More digests than this are never needed: three of four cores will do.
const MAX_DIGESTS: u32 = 64;

impl MaskingSecret {
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// From a secret that people keep: at least 32 characters of any kind. `None` for less.
    pub fn from_text(text: &str) -> Option<Self> {
        const MIN_CHARACTERS: usize = 32;
        let enough = text.trim().chars().count() >= MIN_CHARACTERS;
        enough.then(|| Self(mac(&[0; 32], &[b"masking secret", text.trim().as_bytes()])))
    }

    /// The conversation that a tenant calls `conversation`.
    pub fn conversation(&self, tenant: &str, conversation: &str) -> ConversationId {
        let tenant = mac(&self.0, &[b"masking tenant", tenant.as_bytes()]);
        ConversationId {
            tenant,
            conversation: mac(&self.0, &[b"masking conversation", &tenant, conversation.as_bytes()]),
        }
    }

    pub(crate) fn token_key(&self, id: &ConversationId) -> TokenKey {
        TokenKey(mac(&self.0, &[b"masking tokens", &id.tenant, &id.conversation]))
    }

    pub(crate) fn sealing_key(&self, id: &ConversationId) -> [u8; 32] {
        mac(&self.0, &[b"masking vault", &id.tenant, &id.conversation])
    }
}

impl ConversationId {
    /// Stands for the tenant.
    pub fn tenant_hash(&self) -> &[u8; 32] {
        &self.tenant
    }

    /// Stands for the conversation of this tenant.
    pub fn conversation_hash(&self) -> &[u8; 32] {
        &self.conversation
    }
}

impl TokenKey {
    /// The token of a value: the first whose core is free. The order of trials depends on key and value alone.
    pub(crate) fn mint(&self, entity: Entity, value: &str, mut is_free: impl FnMut(Core) -> bool) -> Option<Token> {
        let name = placeholder::entity_name(entity);
        for counter in 0..MAX_DIGESTS {
            let parts = [entity.as_str().as_bytes(), &counter.to_le_bytes(), value.as_bytes()];
            let digest = mac(&self.0, &parts);
            let cores = digest.chunks_exact(32 / CORES_PER_DIGEST).filter_map(|chunk| {
                let bits = u64::from_le_bytes(chunk.try_into().ok()?);
                placeholder::core_from(bits)
            });
            if let Some(core) = cores.into_iter().find(|&core| is_free(core)) {
                return Some(Token::new(name, core));
            }
        }
        None
    }
}

/// HMAC over parts, each with its length in front.
fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for MaskingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskingSecret(..)")
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConversationId(..)")
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_depend_on_all_of_tenant_conversation_entity_and_value() {
        let secret = MaskingSecret::new([7; 32]);
        let mint = |secret: &MaskingSecret, tenant: &str, conversation: &str, entity, value: &str| {
            let id = secret.conversation(tenant, conversation);
            secret.token_key(&id).mint(entity, value, |_| true).unwrap().core()
        };
        let own = mint(&secret, "bank", "c1", Entity::Phone, "77011234567");
        assert_eq!(own, mint(&MaskingSecret::new([7; 32]), "bank", "c1", Entity::Phone, "77011234567"));
        for other in [
            mint(&MaskingSecret::new([8; 32]), "bank", "c1", Entity::Phone, "77011234567"),
            mint(&secret, "clinic", "c1", Entity::Phone, "77011234567"),
            mint(&secret, "bank", "c2", Entity::Phone, "77011234567"),
            mint(&secret, "bankc1", "", Entity::Phone, "77011234567"),
            mint(&secret, "bank", "c1", Entity::Iin, "77011234567"),
            mint(&secret, "bank", "c1", Entity::Phone, "77011234568"),
        ] {
            assert_ne!(own, other);
        }
    }

    #[test]
    fn a_core_that_is_not_free_gives_way_to_the_next() {
        let secret = MaskingSecret::new([7; 32]);
        let key = secret.token_key(&secret.conversation("bank", "c1"));
        let first = key.mint(Entity::Phone, "1", |_| true).unwrap();
        let second = key.mint(Entity::Phone, "1", |core| core != first.core()).unwrap();
        assert_ne!(first, second);
        assert_eq!(second, key.mint(Entity::Phone, "1", |core| core != first.core()).unwrap());
        assert_eq!(key.mint(Entity::Phone, "1", |_| false), None);
    }
}
