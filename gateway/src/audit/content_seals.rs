//! What ties kept content to its record: hashes of its ciphertext. They say nothing of a text, however short, since each
//! sealing is under a key and salt of its own; and whoever changes what is kept, with the keys or without, changes them.

use serde::{Deserialize, Serialize};

use super::Digest;

/// Of what is kept of a request and its answer, as it lies in the database. Absent where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentSeals {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Digest>,
}

impl ContentSeals {
    pub fn is_empty(&self) -> bool {
        self.request.is_none() && self.answer.is_none()
    }
}
