//! Signs what a webhook gets, as the Standard Webhooks specification wants it (github.com/standard-webhooks): HMAC-SHA-256
//! over `id.timestamp.body`, so that a receiver knows who sent it, when, and that nothing was changed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Before a key that is written in base64.
const PREFIX: &str = "whsec_";
/// The specification's least.
const MIN_BYTES: usize = 24;

/// Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    #[error("behind whsec_ stands no base64")]
    NotBase64,
    #[error("it has fewer than {MIN_BYTES} bytes")]
    Short,
}

impl SigningKey {
    /// Of `whsec_` and base64, or of any other text, whose bytes are then the key.
    ///
    /// # Errors
    /// It is too short, or no base64.
    pub fn from_text(text: &str) -> Result<Self, WeakKey> {
        let key = match text.strip_prefix(PREFIX) {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| WeakKey::NotBase64)?,
            None => text.as_bytes().to_vec(),
        };
        if key.len() < MIN_BYTES { Err(WeakKey::Short) } else { Ok(Self(key)) }
    }

    /// The value of `webhook-signature`. `timestamp` is that of sending, in Unix seconds.
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_own_example_agrees() {
        let key = SigningKey::from_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(!format!("{key:?}").contains("MfKQ"));
    }

    #[test]
    fn a_key_is_base64_or_its_own_bytes_and_not_short() {
        assert!(SigningKey::from_text("0123456789abcdefghijklmn").is_ok());
        for (text, error) in
            [("short", WeakKey::Short), ("whsec_MfKQ", WeakKey::Short), ("whsec_***", WeakKey::NotBase64)]
        {
            assert_eq!(SigningKey::from_text(text).err(), Some(error));
        }
    }
}
