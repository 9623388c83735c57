//! `/openapi.json`: what is served, for programs and for people. Written by hand; tests hold it against the router and the
//! requests that it describes.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

/// With this build's version. A document that does not parse would be served as null; a test makes sure that it does.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    if let Some(info) = document.get_mut("info") {
        info["version"] = json!(env!("CARGO_PKG_VERSION"));
    }
    Bytes::from(document.to_string())
});

/// It says nothing of this gateway's own configuration, so that nobody needs a key for it.
pub async fn openapi() -> ([(HeaderName, HeaderValue); 1], Bytes) {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], DOCUMENT.clone())
}
