//! Ed25519 keys and signatures: a seed that signs and public keys that check.
//!
//! The private half never leaves this type and never shows in `Debug`. Signing is deterministic (RFC 8032), so it needs
//! no randomness.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::output::bytes_of_hex;
use super::{Label, OutputSha256, SignedLabel, Unsignable};

/// The `alg` of every signature.
pub(super) const ALGORITHM: &str = "Ed25519";
/// `SubjectPublicKeyInfo` of an Ed25519 key up to the key itself (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Signs labels.
pub struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// Names a public key: the first 8 bytes of its SHA-256, in hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

/// The half of a key that anyone may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// The keys whose signatures are believed: the one in force and those before it.
#[derive(Debug, Clone, Default)]
pub struct PublicKeys(BTreeMap<KeyId, PublicKey>);

/// A detached signature and the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub key_id: KeyId,
    value: [u8; 64],
}

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

    /// Signs what a label says about an output that a tenant received.
    ///
    /// # Errors
    /// A field of the label, or the tenant, cannot be signed.
    pub fn sign(&self, label: Label, output: OutputSha256, tenant: &str) -> Result<SignedLabel, Unsignable> {
        let text = label.signed_text(&output, tenant)?;
        let mut value = [0; 64];
        for (byte, from) in value.iter_mut().zip(self.pair.sign(text.as_bytes()).as_ref()) {
            *byte = *from;
        }
        Ok(SignedLabel { label, output_sha256: output, signature: Signature { key_id: self.key_id(), value } })
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

    /// The 32 bytes in base64 with padding.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// As OpenSSL and most libraries read it.
    pub fn to_pem(&self) -> String {
        let spki = STANDARD.encode([&SPKI_PREFIX[..], &self.0[..]].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n")
    }

    pub(super) fn holds(&self, text: &str, signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(text.as_bytes(), &signature.value).is_ok()
    }
}

impl PublicKeys {
    pub fn by_id(&self, id: KeyId) -> Option<&PublicKey> {
        self.0.get(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.values()
    }
}

impl FromIterator<PublicKey> for PublicKeys {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.id(), key)).collect())
    }
}

impl Signature {
    /// `None` unless `value` is the base64url of 64 bytes, without padding.
    pub(super) fn read(key_id: KeyId, value: &str) -> Option<Self> {
        let value = URL_SAFE_NO_PAD.decode(value).ok()?.try_into().ok()?;
        Some(Self { key_id, value })
    }
}

impl KeyId {
    /// `None` unless the text is 16 hex digits.
    pub(super) fn read(text: &str) -> Option<Self> {
        bytes_of_hex(text).map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Signature", 3)?;
        object.serialize_field("alg", ALGORITHM)?;
        object.serialize_field("key_id", &self.key_id)?;
        object.serialize_field("value", &URL_SAFE_NO_PAD.encode(self.value))?;
        object.end()
    }
}
