//! All keys in memory, as hashes; the request path never waits for the store.

use std::collections::HashMap;
use std::sync::Arc;

use subtle::ConstantTimeEq;

use super::key::id_of;
use super::{KeyRecord, KeySecret, PresentedKey};

/// Why a presented key opens nothing. The caller learns no more than that it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("no key was presented")]
    Missing,
    #[error("the key is unknown")]
    Unknown,
    #[error("the key was revoked")]
    Revoked,
}

#[derive(Debug)]
pub struct Keyring {
    secret: KeySecret,
    by_id: HashMap<String, Arc<KeyRecord>>,
}

impl Keyring {
    pub fn new(secret: KeySecret, records: Vec<KeyRecord>) -> Self {
        let by_id = records.into_iter().map(|record| (record.id.clone(), Arc::new(record))).collect();
        Self { secret, by_id }
    }

    /// The key of this id, for work that it has ordered.
    ///
    /// # Errors
    /// The key is unknown or revoked.
    pub fn find(&self, id: &str) -> Result<Arc<KeyRecord>, KeyError> {
        let record = self.by_id.get(id).ok_or(KeyError::Unknown)?;
        if record.revoked { Err(KeyError::Revoked) } else { Ok(Arc::clone(record)) }
    }

    /// Finds the key by its naming part and compares the hash of the whole in constant time.
    ///
    /// # Errors
    /// The key is unknown, wrong or revoked.
    pub fn verify(&self, presented: &PresentedKey) -> Result<Arc<KeyRecord>, KeyError> {
        let record = id_of(presented.expose()).and_then(|id| self.by_id.get(id)).ok_or(KeyError::Unknown)?;
        let hash = self.secret.hash(presented.expose());
        if !bool::from(hash.ct_eq(&record.hash)) {
            return Err(KeyError::Unknown);
        }
        if record.revoked {
            return Err(KeyError::Revoked);
        }
        Ok(Arc::clone(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{DataClass, KeyRole, MintedKey, NewKey, mint};

    fn minted(fill: u8) -> MintedKey {
        let new = NewKey {
            name: "chat".into(),
            role: KeyRole::Application,
            tenant: "bank".into(),
            project: "support".into(),
            environment: "prod".into(),
            data_class: DataClass::Public,
        };
        mint(new, &KeySecret::new([7; 32]), [fill; 42], 0)
    }

    #[test]
    fn only_the_very_key_opens() {
        let (a, mut b) = (minted(1), minted(2));
        b.record.revoked = true;
        let ring = Keyring::new(KeySecret::new([7; 32]), vec![a.record.clone(), b.record]);
        let verify = |text: &str| ring.verify(&PresentedKey::new(text));
        assert_eq!(verify(&a.plaintext).unwrap().name, "chat");
        assert_eq!(verify(&b.plaintext).unwrap_err(), KeyError::Revoked);
        let mut forged = a.plaintext.clone();
        forged.replace_range(forged.len() - 1.., "z");
        for text in [forged.as_str(), "", "sk-sh-", "sk-other", &a.plaintext[..20], "ключ"] {
            assert_eq!(verify(text).unwrap_err(), KeyError::Unknown, "{text}");
        }
    }

    #[test]
    fn another_installation_does_not_know_the_key() {
        let a = minted(1);
        let ring = Keyring::new(KeySecret::new([8; 32]), vec![a.record]);
        assert!(ring.verify(&PresentedKey::new(&a.plaintext)).is_err());
    }

    #[test]
    fn nothing_of_a_key_is_shown_by_debug() {
        let a = minted(3);
        assert!(!format!("{a:?} {:?}", PresentedKey::new(&a.plaintext)).contains(&a.plaintext[16..]));
    }
}
