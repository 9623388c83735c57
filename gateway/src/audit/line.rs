//! A line of the trail: one object, written as canonical JSON, read back only if it is written so.
//!
//! What is signed of a line is its canonical JSON without the member `signature`.

use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Digest;
use super::canonical::{NotCanonical, canonical};
use crate::signing::{KeyId, PublicKeys, Signature, Signer};

/// A text that is no line of the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("the line is not an object of a known shape")]
    Shape,
    #[error("the line is not canonical JSON")]
    NotCanonical,
}

/// A line with a signature over itself.
pub(super) trait Signed: Serialize {
    fn key_id(&self) -> KeyId;
    fn signature(&self) -> &Signature;
    fn set_signature(&mut self, signature: Signature);

    /// The text that the signature is over.
    fn signed_text(&self) -> Result<String, NotCanonical> {
        let mut value = serde_json::to_value(self).map_err(|_| NotCanonical::NotJson)?;
        value.as_object_mut().ok_or(NotCanonical::NotAnObject)?.remove("signature");
        canonical(&value)
    }

    /// The hash of what is signed: how the next of its kind names this one.
    fn signed_hash(&self) -> Result<Digest, NotCanonical> {
        Ok(Digest::of(self.signed_text()?.as_bytes()))
    }

    fn sign(mut self, signer: &Signer) -> Result<Self, NotCanonical>
    where
        Self: Sized,
    {
        let signature = signer.sign(self.signed_text()?.as_bytes());
        self.set_signature(signature);
        Ok(self)
    }

    fn authenticity(&self, keys: &PublicKeys) -> Authenticity {
        let Some(key) = keys.by_id(self.key_id()) else { return Authenticity::UnknownKey };
        match self.signed_text() {
            Ok(text) if key.holds(text.as_bytes(), self.signature()) => Authenticity::Genuine,
            _ => Authenticity::Forged,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Authenticity {
    Genuine,
    /// Nothing is known of the key that it names.
    UnknownKey,
    Forged,
}

pub(super) fn write<T: Serialize>(value: &T) -> Result<String, NotCanonical> {
    canonical(&serde_json::to_value(value).map_err(|_| NotCanonical::NotJson)?)
}

pub(super) fn read<T: Serialize + DeserializeOwned>(line: &str) -> Result<T, LineError> {
    let value: T = serde_json::from_str(line).map_err(|_| LineError::Shape)?;
    match write(&value) {
        Ok(written) if written == line => Ok(value),
        _ => Err(LineError::NotCanonical),
    }
}

/// The version of a kind of line: 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VersionOne;

impl Serialize for VersionOne {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(1)
    }
}

impl<'de> Deserialize<'de> for VersionOne {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            1 => Ok(Self),
            _ => Err(de::Error::custom("an unknown version")),
        }
    }
}
