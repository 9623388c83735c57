//! What somebody wants explained: a text, the messages of a conversation, or a whole request.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Exactly one of `text`, `texts` and `request`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanInput {
    text: Option<String>,
    /// Messages that follow each other.
    texts: Option<Vec<String>>,
    /// The body of a request, of any endpoint.
    request: Option<Box<RawValue>>,
    /// The route whose policy is asked; without it, what holds for all.
    pub route: Option<String>,
}

/// None or several of the fields are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give exactly one of 'text', 'texts' and 'request'")]
pub struct AmbiguousInput;

impl ScanInput {
    /// One text.
    #[must_use]
    pub fn of_text(text: String) -> Self {
        Self { text: Some(text), texts: None, request: None, route: None }
    }

    /// The body that is scanned: texts stand as messages of a conversation.
    ///
    /// # Errors
    /// None or several of the fields are set.
    pub fn body(&self) -> Result<Vec<u8>, AmbiguousInput> {
        let messages = |texts: &[String]| {
            let list: Vec<_> = texts.iter().map(|text| json!({ "content": text })).collect();
            json!({ "messages": list }).to_string().into_bytes()
        };
        match (&self.text, &self.texts, &self.request) {
            (Some(text), None, None) => Ok(messages(std::slice::from_ref(text))),
            (None, Some(texts), None) => Ok(messages(texts)),
            (None, None, Some(request)) => Ok(request.get().as_bytes().to_vec()),
            _ => Err(AmbiguousInput),
        }
    }
}
