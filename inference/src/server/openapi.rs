//! `/openapi.json`: what is served, for programs and for people. Written by hand; tests hold it against the server.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};

/// With this build's version. A document that does not parse would be served as null; a test makes sure that it does.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    if let Some(info) = document.get_mut("info") {
        info["version"] = json!(env!("CARGO_PKG_VERSION"));
    }
    Bytes::from(document.to_string())
});

pub(super) async fn document() -> ([(HeaderName, HeaderValue); 1], Bytes) {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], DOCUMENT.clone())
}
