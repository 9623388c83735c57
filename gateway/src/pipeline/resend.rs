//! What makes two requests the same one, sent again: a name that the client gave it (`Idempotency-Key`), or the very same
//! bytes from an SDK that says that it tries again (`x-stainless-retry-count`).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use sha2::{Digest, Sha256};
use shekara_protocol::error::ApiError;
use shekara_protocol::json::walk;

use super::admission::DATA_CLASS_HEADER;
use super::call::{Call, off_thread};
use crate::pii::Uploads;

const NAME_HEADER: &str = "idempotency-key";
const RETRY_HEADER: &str = "x-stainless-retry-count";
const MAX_NAME_BYTES: usize = 255;

pub(super) type Hash = [u8; 32];

/// A request that may come twice.
#[derive(Debug)]
pub(super) struct Resend {
    /// Two with the same are the same request, or mean to be.
    pub(super) id: Hash,
    /// What it asks for, whatever its name.
    pub(super) fingerprint: Hash,
    /// The client's name for it; its answer is kept.
    pub(super) name: Option<Bytes>,
    /// It follows another that may still run.
    pub(super) may_join: bool,
}

impl Resend {
    /// # Errors
    /// 400: the name is empty, too long or given twice.
    pub(super) async fn of(call: &Call) -> Result<Option<Self>, ApiError> {
        let key = &call.authenticated.context().key;
        let num_bytes = call.body.len() + call.uploads.num_bytes();
        let begun = || {
            let hasher = Sha256::new().chain_update((key.tenant.len() as u64).to_le_bytes());
            hasher.chain_update(&key.tenant).chain_update(&key.id).chain_update([0])
        };
        let asked = || {
            let mut hasher = Sha256::new().chain_update(call.api.as_str()).chain_update([0]);
            for class in call.headers.get_all(DATA_CLASS_HEADER) {
                hasher.update(class.as_bytes());
                hasher.update([0]);
            }
            hasher
        };
        if let Some(name) = idempotency_name(&call.headers)? {
            let (mut asked, body, uploads) = (asked(), call.body.clone(), call.uploads.clone());
            let hashed = move || {
                match canonical(&body) {
                    Some(value) => hash_value(&mut asked, &value),
                    None => asked.update(&body),
                }
                with_uploads(asked, &uploads)
            };
            let asked = off_thread(num_bytes, hashed).await?;
            let id = begun().chain_update(b"named\0").chain_update(&name).finalize().into();
            let (fingerprint, may_join) = (asked.finalize().into(), true);
            return Ok(Some(Self { id, fingerprint, name: Some(name), may_join }));
        }
        let Some(count) = call.headers.get(RETRY_HEADER) else { return Ok(None) };
        let (asked, body, uploads) = (asked(), call.body.clone(), call.uploads.clone());
        let hashed = move || with_uploads(asked.chain_update(&body), &uploads).finalize().into();
        let fingerprint: Hash = off_thread(num_bytes, hashed).await?;
        let id = begun().chain_update(b"unnamed\0").chain_update(fingerprint).finalize().into();
        let count = count.to_str().ok().and_then(|count| count.parse::<u32>().ok());
        Ok(Some(Self { id, fingerprint, name: None, may_join: count.is_some_and(|count| count > 0) }))
    }
}

/// The client's name for a request.
///
/// # Errors
/// 400: it is empty, too long or given twice.
pub fn idempotency_name(headers: &HeaderMap) -> Result<Option<Bytes>, ApiError> {
    let mut names = headers.get_all(NAME_HEADER).iter();
    let Some(name) = names.next() else { return Ok(None) };
    if names.next().is_some() || !(1..=MAX_NAME_BYTES).contains(&name.len()) {
        let message = format!("The header Idempotency-Key must stand once and have 1 to {MAX_NAME_BYTES} bytes.");
        return Err(ApiError::invalid("Idempotency-Key", message));
    }
    Ok(Some(Bytes::copy_from_slice(name.as_bytes())))
}

/// `None` for what is no JSON, or could be read in two ways: it is what it is.
pub(super) fn canonical(body: &[u8]) -> Option<Value> {
    walk(body, |_, _| {}).ok()?;
    serde_json::from_slice(body).ok()
}

/// The same for two values that differ in the order of keys alone. Every part has its kind and length in front.
pub(super) fn hash_value(hasher: &mut Sha256, value: &Value) {
    let mut part = |kind: u8, bytes: &[u8]| {
        hasher.update([kind]);
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    match value {
        Value::Null => part(b'0', &[]),
        Value::Bool(is) => part(b'b', &[u8::from(*is)]),
        Value::Number(number) => part(b'n', number.to_string().as_bytes()),
        Value::String(text) => part(b's', text.as_bytes()),
        Value::Array(list) => {
            part(b'a', &(list.len() as u64).to_le_bytes());
            for value in list {
                hash_value(hasher, value);
            }
        }
        Value::Object(fields) => {
            part(b'o', &(fields.len() as u64).to_le_bytes());
            for (name, value) in fields.iter().collect::<BTreeMap<_, _>>() {
                hash_value(hasher, &Value::String(name.clone()));
                hash_value(hasher, value);
            }
        }
    }
}

/// Files are the same where their bytes are; their names and types stand in the body. Without any, nothing is added.
fn with_uploads(mut hasher: Sha256, uploads: &Uploads) -> Sha256 {
    for upload in uploads.iter() {
        for bytes in [upload.field.as_bytes(), &upload.bytes] {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
    }
    hasher
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(body: &str) -> Hash {
        let mut hasher = Sha256::new();
        hash_value(&mut hasher, &canonical(body.as_bytes()).unwrap());
        hasher.finalize().into()
    }

    #[test]
    fn spaces_and_the_order_of_keys_mean_nothing_and_all_else_does() {
        let own = hash(r#"{"a":1,"b":{"c":[1,"2"],"d":null}}"#);
        assert_eq!(own, hash(r#"{ "b": {"d":null, "c":[1,"\u0032"]}, "a": 1 }"#));
        for other in [
            r#"{"a":1,"b":{"c":["2",1],"d":null}}"#,
            r#"{"a":1,"b":{"c":[1,2],"d":null}}"#,
            r#"{"a":1,"b":{"c":[1,"2"]},"d":null}"#,
            r#"{"a":1.0,"b":{"c":[1,"2"],"d":null}}"#,
            r#"{"a":1,"b":{"c":[[1,"2"]],"d":null}}"#,
        ] {
            assert_ne!(own, hash(other), "{other}");
        }
        assert!(canonical(br#"{"a":1,"a":2}"#).is_none());
    }

    #[test]
    fn a_name_stands_once_and_has_a_length() {
        let with = |names: &[&str]| {
            let mut headers = HeaderMap::new();
            for name in names {
                headers.append(NAME_HEADER, name.parse().unwrap());
            }
            idempotency_name(&headers)
        };
        assert_eq!(with(&[]).unwrap(), None);
        assert_eq!(with(&["k1"]).unwrap().unwrap(), "k1");
        for wrong in [&["k1", "k1"][..], &[""], &[&"k".repeat(256)]] {
            assert_eq!(with(wrong).unwrap_err().param.as_deref(), Some("Idempotency-Key"));
        }
    }
}
