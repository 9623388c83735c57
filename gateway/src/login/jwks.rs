//! A provider's public keys (RFC 7517). Those that could not have signed an ID token are left out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::Value;

use super::jws::Algorithm;

/// Further ones are not looked at.
const MAX_KEYS: usize = 64;
const P256_BYTES: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Keys(Vec<Key>);

#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// Uncompressed.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// `None` for what is no set of keys. A key of a kind that is not known here is nobody's fault.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let set: KeySet = serde_json::from_slice(bytes).ok()?;
        let known = set.keys.into_iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value(key).ok());
        Some(Self(known.filter_map(Key::read).collect()))
    }

    /// The one of this name for this algorithm; without a name the only one that there is.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut fitting = self.0.iter().filter(|key| key.algorithm() == algorithm);
        match id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }

    #[cfg(test)]
    pub(super) fn find_any(&self, id: &str) -> &Key {
        self.0.iter().find(|key| key.id.as_deref() == Some(id)).unwrap()
    }
}

impl Key {
    fn read(jwk: Jwk) -> Option<Self> {
        let is_for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
            && jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok();
        let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => {
                let number = |bytes: Vec<u8>| bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
                Material::Rsa { modulus: number(bytes(jwk.n)?), exponent: number(bytes(jwk.e)?) }
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(jwk.x)?, bytes(jwk.y)?);
                let is_whole = x.len() == P256_BYTES && y.len() == P256_BYTES;
                is_whole.then(|| Material::P256([&[4], x.as_slice(), y.as_slice()].concat()))?
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(jwk.x)?),
            _ => return None,
        };
        let key = Self { id: jwk.kid, material };
        let is_for_ours = jwk.alg.is_none_or(|name| Algorithm::parse(&name) == Some(key.algorithm()));
        (is_for_signatures && is_for_ours).then_some(key)
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let by = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
        };
        match &self.material {
            Material::Rsa { modulus, exponent } => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            Material::P256(point) => by(&ECDSA_P256_SHA256_FIXED, point),
            Material::Ed25519(point) => by(&ED25519, point),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_for_other_things_are_left_out() {
        let ec = |rest: &str| {
            format!(
                r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"{rest}}}]}}"#
            )
        };
        let number = |text: &str| Keys::read(text.as_bytes()).map(|keys| keys.0.len());
        for (rest, kept) in [
            ("", 1),
            (r#","use":"sig","alg":"ES256","kid":"1""#, 1),
            (r#","use":"enc""#, 0),
            (r#","alg":"ES384""#, 0),
            (r#","key_ops":["verify"]"#, 1),
            (r#","key_ops":["encrypt"]"#, 0),
            (r#","kid":7"#, 0),
        ] {
            assert_eq!(number(&ec(rest)), Some(kept), "{rest}");
        }
        assert_eq!(
            number(r#"{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},7]}"#),
            Some(0)
        );
        assert_eq!(number("[]"), None);
        assert_eq!(number("{}"), None);
    }

    #[test]
    fn a_token_without_a_name_for_its_key_needs_a_provider_with_one() {
        let key = |id: &str| {
            format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}"#)
        };
        let read = |keys: &[String]| Keys::read(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap();
        let (one, two) = (read(&[key("a")]), read(&[key("a"), key("b")]));
        assert!(one.find(None, Algorithm::EdDsa).is_some() && one.find(None, Algorithm::Es256).is_none());
        assert!(two.find(None, Algorithm::EdDsa).is_none() && two.find(Some("b"), Algorithm::EdDsa).is_some());
        assert!(two.find(Some("c"), Algorithm::EdDsa).is_none());
    }
}
