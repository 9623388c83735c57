//! An item at rest: ChaCha20-Poly1305 under a key of this sealing alone, bound to everything else that its row says.
//! Opening gives all of it or nothing, and nothing for a row that was moved, renamed or given more time.
//!
//! Format: version, id of the master, salt, nonce, ciphertext, tag.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::item::{Item, Row};
use super::keys::{ContentKeys, KeyId, MasterKey};

const VERSION: u8 = 1;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
/// Random bytes that one sealing takes.
pub const RANDOM_BYTES: usize = SALT_BYTES + NONCE_BYTES;
const HEAD_BYTES: usize = 1 + KeyId::BYTES + RANDOM_BYTES;

/// The ring crate says no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to seal content")]
pub struct SealError;

/// Why a row was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("failed to open kept content: unknown format")]
    Format,
    #[error("failed to open kept content: sealed under a key that is not known here ([content] key, old_keys)")]
    UnknownKey,
    #[error("failed to open kept content: changed bytes, or a row that was moved")]
    NotAuthentic,
}

/// `random` is fresh and never used twice.
///
/// # Errors
/// The cipher refuses; not known to happen.
pub fn seal(keys: &ContentKeys, item: Item, random: [u8; RANDOM_BYTES]) -> Result<Row, SealError> {
    let Item { owner, subjects, kind, name, mut content, expires_at_ms } = item;
    let (key, tenant) = (keys.current(), owner.tenant.as_str());
    let name: Vec<&[u8]> = name.iter().map(Vec::as_slice).collect();
    let mut row = Row {
        address: key.address(tenant, kind, &name),
        user_hash: subjects.user.map(|user| key.subject(tenant, "user", &user)),
        conversation_hash: subjects.conversation.map(|name| key.subject(tenant, "conversation", &name)),
        owner,
        kind,
        sealed: Vec::new(),
        expires_at_ms,
    };
    let (salt, nonce) = random.split_at(SALT_BYTES);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
    let cipher = cipher(key, &row.owner.tenant, salt).ok_or(SealError)?;
    cipher.seal_in_place_append_tag(nonce, bound_to(&row, key.id()), &mut content).map_err(|_| SealError)?;
    row.sealed = [&[VERSION][..], key.id().as_bytes(), &random, &content].concat();
    Ok(row)
}

/// # Errors
/// Anything but a row that [`seal`] made under one of `keys`.
pub fn open(keys: &ContentKeys, row: &Row) -> Result<Vec<u8>, OpenError> {
    let (head, content) = row.sealed.split_first_chunk::<HEAD_BYTES>().ok_or(OpenError::Format)?;
    let (&version, rest) = head.split_first().ok_or(OpenError::Format)?;
    let (id, random) = rest.split_first_chunk::<{ KeyId::BYTES }>().ok_or(OpenError::Format)?;
    if version != VERSION {
        return Err(OpenError::Format);
    }
    let key = keys.by_id(KeyId::new(*id)).ok_or(OpenError::UnknownKey)?;
    let (salt, nonce) = random.split_at(SALT_BYTES);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Format)?;
    let cipher = cipher(key, &row.owner.tenant, salt).ok_or(OpenError::NotAuthentic)?;
    let mut content = content.to_vec();
    let opened = cipher.open_in_place(nonce, bound_to(row, key.id()), &mut content);
    let length = opened.map_err(|_| OpenError::NotAuthentic)?.len();
    content.truncate(length);
    Ok(content)
}

fn cipher(key: &MasterKey, tenant: &str, salt: &[u8]) -> Option<LessSafeKey> {
    Some(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key.sealing_key(tenant, salt)).ok()?))
}

/// All that a row says in the clear, each part with its length in front.
fn bound_to(row: &Row, key: KeyId) -> Aad<Vec<u8>> {
    let hash = |hash: &Option<[u8; 32]>| hash.map(Vec::from).unwrap_or_default();
    let parts: [&[u8]; 9] = [
        key.as_bytes(),
        row.kind.as_str().as_bytes(),
        row.owner.tenant.as_bytes(),
        row.owner.project.as_bytes(),
        row.owner.key_id.as_bytes(),
        &row.address,
        &hash(&row.user_hash),
        &hash(&row.conversation_hash),
        &row.expires_at_ms.to_le_bytes(),
    ];
    let mut bound = vec![VERSION];
    for part in parts {
        bound.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bound.extend_from_slice(part);
    }
    Aad::from(bound)
}

#[cfg(test)]
#[path = "sealed_tests.rs"]
mod tests;
