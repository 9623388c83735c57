//! Every path of the public API that takes a caller's text.

use serde_json::{Value, json};

use crate::pictures::form;

/// An endpoint and the shape in which it takes a text.
pub struct Endpoint {
    pub path: &'static str,
    /// Whether this gateway answers it today. What it answers goes through the same checks as chat.
    pub is_served: bool,
    pub body: fn(&str) -> Value,
    /// It takes a form with a file of this name; the body's fields are the form's.
    pub file: Option<&'static str>,
}

impl Endpoint {
    /// Content type and bytes of a request with a text; a form has it in its file too, and in that one's name.
    pub fn request(&self, text: &str) -> (&'static str, Vec<u8>) {
        let body = (self.body)(text);
        let Some(file) = self.file else { return ("application/json", body.to_string().into_bytes()) };
        let fields = body.as_object().unwrap().iter();
        let fields: Vec<(&str, &str)> = fields.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        let (name, bytes) = (format!("{text}.gif"), format!("GIF89a {text}"));
        let file = (file, name.as_str(), "image/gif", bytes.as_bytes());
        ("multipart/form-data; boundary=b0", form(&fields, &[file]))
    }
}

macro_rules! endpoint {
    ($path:literal, $served:literal, $body:expr) => {
        Endpoint { path: $path, is_served: $served, body: $body, file: None }
    };
    ($path:literal, form with $file:literal, $body:expr) => {
        Endpoint { path: $path, is_served: true, body: $body, file: Some($file) }
    };
}

/// A new endpoint joins by turning `is_served` to true: until then a test fails as soon as the gateway answers it. One
/// that is not in the list yet is added with a body that carries the text where its callers put theirs.
pub const ENDPOINTS: [Endpoint; 18] = [
    endpoint!("/v1/chat/completions", true, |text| {
        json!({ "model": "chat", "messages": [{ "role": "user", "content": text }] })
    }),
    endpoint!("/v1/completions", true, |text| json!({ "model": "chat", "prompt": text, "suffix": text })),
    endpoint!("/v1/responses", true, |text| json!({ "model": "chat", "instructions": text, "input": text })),
    endpoint!("/v1/embeddings", true, |text| json!({ "model": "chat", "input": [text] })),
    endpoint!("/v1/rerank", true, |text| json!({ "model": "chat", "query": "who?", "documents": [text] })),
    endpoint!("/v1/messages", true, |text| {
        json!({ "model": "chat", "max_tokens": 9, "system": text, "messages": [{ "role": "user", "content": text }] })
    }),
    endpoint!("/tokenize", true, |text| json!({ "model": "chat", "prompt": text })),
    endpoint!("/v1/tokenize", false, |text| json!({ "model": "chat", "prompt": text })),
    endpoint!("/detokenize", true, |text| json!({ "model": "chat", "tokens": [1], "note": text })),
    endpoint!("/v1/moderations", true, |text| json!({ "model": "chat", "input": text })),
    endpoint!("/v1/images/generations", true, |text| json!({ "model": "chat", "prompt": text })),
    endpoint!("/v1/images/edits", form with "image", |text| json!({ "model": "chat", "prompt": text })),
    endpoint!("/v1/images/variations", form with "image", |text| json!({ "model": "chat", "user": text })),
    endpoint!("/v1/audio/speech", true, |text| json!({ "model": "chat", "voice": "a", "input": text })),
    endpoint!("/v1/audio/transcriptions", form with "file", |text| json!({ "model": "chat", "prompt": text })),
    endpoint!("/v1/audio/translations", form with "file", |text| json!({ "model": "chat", "prompt": text, text: "x" })),
    endpoint!("/v1/files", form with "file", |text| json!({ "purpose": "batch", "expires_after[anchor]": text })),
    endpoint!(
        "/v1/batches",
        true,
        |text| json!({ "input_file_id": "f", "endpoint": text, "metadata": { "note": text } })
    ),
];
