//! A conversation's entries at rest: ChaCha20-Poly1305 under a key of this conversation alone, bound to tenant and
//! conversation. Opening gives all of it or nothing.
//!
//! Format: version, nonce, ciphertext of a JSON list of entries, tag.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use super::entries::{Entries, Entry, Writing};
use super::key::{ConversationId, MaskingSecret};
use super::token::Token;
use crate::pii::Entity;

pub const NONCE_BYTES: usize = 12;
const VERSION: u8 = 1;

/// Why sealed entries were not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    #[error("failed to open a conversation's tokens: unknown format")]
    Format,
    #[error("failed to open a conversation's tokens: wrong key, other conversation, or changed bytes")]
    NotAuthentic,
    #[error("failed to open a conversation's tokens: an entry that this version does not know")]
    Content,
}

/// The ring crate says no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to seal a conversation's tokens")]
pub struct SealError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEntry {
    token: String,
    entity: Entity,
    key: String,
    writings: Vec<Writing>,
    base: Option<String>,
}

/// `nonce` is random and never used twice.
///
/// # Errors
/// The cipher refuses; not known to happen.
pub fn seal(
    secret: &MaskingSecret,
    id: &ConversationId,
    entries: &Entries,
    nonce: [u8; NONCE_BYTES],
) -> Result<Vec<u8>, SealError> {
    let stored: Vec<StoredEntry> = entries.all().map(StoredEntry::from).collect();
    let mut text = serde_json::to_vec(&stored).map_err(|_| SealError)?;
    cipher(secret, id)
        .ok_or(SealError)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound_to(id), &mut text)
        .map_err(|_| SealError)?;
    let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + text.len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.append(&mut text);
    Ok(sealed)
}

/// # Errors
/// Anything but what [`seal`] made for this secret and conversation.
pub fn unseal(secret: &MaskingSecret, id: &ConversationId, sealed: &[u8]) -> Result<Entries, UnsealError> {
    let (&version, rest) = sealed.split_first().ok_or(UnsealError::Format)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(UnsealError::Format)?;
    if version != VERSION {
        return Err(UnsealError::Format);
    }
    let mut text = text.to_vec();
    let opened = cipher(secret, id)
        .ok_or(UnsealError::NotAuthentic)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), bound_to(id), &mut text)
        .map_err(|_| UnsealError::NotAuthentic)?;
    let stored: Vec<StoredEntry> = serde_json::from_slice(opened).map_err(|_| UnsealError::Content)?;
    let mut entries = Entries::default();
    for entry in stored {
        entries.insert(entry.opened().ok_or(UnsealError::Content)?).map_err(|_| UnsealError::Content)?;
    }
    Ok(entries)
}

fn cipher(secret: &MaskingSecret, id: &ConversationId) -> Option<LessSafeKey> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, &secret.sealing_key(id)).ok()?;
    Some(LessSafeKey::new(key))
}

fn bound_to(id: &ConversationId) -> Aad<Vec<u8>> {
    let mut bound = vec![VERSION];
    bound.extend_from_slice(id.tenant_hash());
    bound.extend_from_slice(id.conversation_hash());
    Aad::from(bound)
}

impl From<&Entry> for StoredEntry {
    fn from(entry: &Entry) -> Self {
        Self {
            token: entry.token.as_str().to_owned(),
            entity: entry.entity,
            key: entry.key.clone(),
            writings: entry.writings.clone(),
            base: entry.base.clone(),
        }
    }
}

impl StoredEntry {
    fn opened(self) -> Option<Entry> {
        let token = Token::parse(&self.token)?;
        let has_value = !self.writings.is_empty();
        has_value.then_some(Entry {
            token,
            entity: self.entity,
            key: self.key,
            writings: self.writings,
            base: self.base,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::masking::{Conversation, Span};

    const NONCE: [u8; NONCE_BYTES] = [3; NONCE_BYTES];

    fn secret() -> MaskingSecret {
        MaskingSecret::new([7; 32])
    }

    fn conversation() -> Conversation {
        let mut conversation = Conversation::new(&secret(), secret().conversation("bank", "c1"));
        let text = "Иванову +77011234567 Иванов";
        let spans = [(Entity::Person, 0..14), (Entity::Phone, 15..27), (Entity::Person, 28..40)]
            .map(|(entity, range)| Span { entity, range });
        conversation.mask_text(text, &spans).unwrap();
        conversation
    }

    fn sealed(conversation: &Conversation) -> Vec<u8> {
        seal(&secret(), conversation.id(), conversation.entries(), NONCE).unwrap()
    }

    #[test]
    fn what_was_sealed_comes_back_and_masks_as_before() {
        let mut before = conversation();
        let bytes = sealed(&before);
        assert!(!bytes.windows(11).any(|window| window == b"77011234567"));
        let entries = unseal(&secret(), before.id(), &bytes).unwrap();
        let mut after = Conversation::with_entries(&secret(), *before.id(), entries.into());
        let text = "8 701 123 45 67";
        let spans = [Span { entity: Entity::Phone, range: 0..text.len() }];
        assert_eq!(before.mask_text(text, &spans).unwrap().text, after.mask_text(text, &spans).unwrap().text);
        let masked = after.mask_text("Ивановым", &[Span { entity: Entity::Person, range: 0..16 }]).unwrap();
        assert_eq!(after.restorer().restore(&masked.text), "Иванов");
        assert_eq!(after.entries().len(), 2);
    }

    #[test]
    fn every_changed_byte_every_cut_and_every_other_key_is_an_error() {
        let conversation = conversation();
        let bytes = sealed(&conversation);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(unseal(&secret(), conversation.id(), &changed).is_err(), "{at}");
            assert!(unseal(&secret(), conversation.id(), &bytes[..at]).is_err(), "{at}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(unseal(&secret(), conversation.id(), &longer).unwrap_err(), UnsealError::NotAuthentic);
        for other in [secret().conversation("clinic", "c1"), secret().conversation("bank", "c2")] {
            assert_eq!(unseal(&secret(), &other, &bytes).unwrap_err(), UnsealError::NotAuthentic);
        }
        let other_secret = MaskingSecret::new([8; 32]);
        assert_eq!(unseal(&other_secret, conversation.id(), &bytes).unwrap_err(), UnsealError::NotAuthentic);
    }
}
