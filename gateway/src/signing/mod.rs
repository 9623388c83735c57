//! Ed25519 keys and signatures: a seed that signs and public keys that check.
//!
//! The private half never leaves [`Signer`] and never shows in `Debug`. Signing is deterministic (RFC 8032), so it needs
//! no randomness. What is signed with one key must be told apart by its first bytes: labels begin with
//! `shekara-label-v1`, audit objects are JSON that names what it is in a member `shekara_audit_…`.

pub(crate) mod hex;

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use hex::{bytes_of_hex, hex};

/// `SubjectPublicKeyInfo` of an Ed25519 key up to the key itself (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Signs texts.
pub struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// Names a public key: the first 8 bytes of its SHA-256, in hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

/// The half of a key that anyone may have; written as the base64 of its 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// The keys whose signatures are believed: the one in force and those before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicKeys(BTreeMap<KeyId, PublicKey>);

/// 64 bytes, written in base64url without padding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the seed of a signing key is 64 hex digits")]
pub struct BadSeed;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an Ed25519 public key is 32 bytes in base64")]
pub struct BadPublicKey;

impl Signer {
    /// A signer of this seed; the same seed always makes the same key.
    #[expect(clippy::expect_used, reason = "every 32 bytes are a seed")]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("every 32 bytes are a seed");
        let mut public = [0; 32];
        for (byte, from) in public.iter_mut().zip(pair.public_key().as_ref()) {
            *byte = *from;
        }
        Self { pair, public: PublicKey(public) }
    }

    /// A signer of a seed in hex, as `openssl rand -hex 32` makes one.
    ///
    /// # Errors
    /// The text is not 64 hex digits.
    pub fn from_hex_seed(text: &str) -> Result<Self, BadSeed> {
        bytes_of_hex(text.trim()).map(|seed| Self::from_seed(&seed)).ok_or(BadSeed)
    }

    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    pub fn key_id(&self) -> KeyId {
        self.public.id()
    }

    pub fn sign(&self, text: &[u8]) -> Signature {
        let mut value = [0; 64];
        for (byte, from) in value.iter_mut().zip(self.pair.sign(text).as_ref()) {
            *byte = *from;
        }
        Signature(value)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, …)", self.key_id())
    }
}

impl PublicKey {
    /// # Errors
    /// The text is not the base64 of 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, BadPublicKey> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| BadPublicKey)?;
        bytes.try_into().map(Self).map_err(|_| BadPublicKey)
    }

    pub fn id(&self) -> KeyId {
        let mut id = [0; 8];
        for (byte, from) in id.iter_mut().zip(Sha256::digest(self.0)) {
            *byte = from;
        }
        KeyId(id)
    }

    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// As OpenSSL and most libraries read it.
    pub fn to_pem(&self) -> String {
        let spki = STANDARD.encode([&SPKI_PREFIX[..], &self.0[..]].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n")
    }

    pub fn holds(&self, text: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(text, &signature.0).is_ok()
    }
}

impl PublicKeys {
    pub fn by_id(&self, id: KeyId) -> Option<&PublicKey> {
        self.0.get(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.values()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Signature {
    /// Stands where a signature is to come.
    pub(crate) const NONE: Self = Self([0; 64]);

    /// `None` unless the text is the base64url of 64 bytes, without padding.
    pub fn read(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl KeyId {
    /// `None` unless the text is 16 hex digits.
    pub fn read(text: &str) -> Option<Self> {
        bytes_of_hex(text).map(Self)
    }
}

impl FromIterator<PublicKey> for PublicKeys {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.id(), key)).collect())
    }
}

impl Extend<PublicKey> for PublicKeys {
    fn extend<I: IntoIterator<Item = PublicKey>>(&mut self, keys: I) {
        self.0.extend(keys.into_iter().map(|key| (key.id(), key)));
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("a key's id is 16 hex digits"))
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_base64(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Self::read(&String::deserialize(deserializer)?);
        read.ok_or_else(|| de::Error::custom("a signature is 64 bytes in base64url without padding"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_holds_under_its_key_alone() {
        let (signer, other) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let signature = signer.sign(b"text");
        assert!(signer.public_key().holds(b"text", &signature));
        assert!(!signer.public_key().holds(b"texT", &signature));
        assert!(!other.public_key().holds(b"text", &signature));
    }

    #[test]
    fn keys_and_signatures_come_back_from_json() {
        let signer = Signer::from_seed(&[3; 32]);
        let written = (signer.key_id(), signer.public_key(), signer.sign(b"x"));
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<(KeyId, PublicKey, Signature)>(&text).unwrap(), written);
    }
}
