//! Puts values back in place of the tokens of one conversation. Tokens of others are not in its map and stay.

use std::fmt;
use std::sync::Arc;

use super::entries::Entries;
use super::stream_restorer::{StreamRestorer, TextKind};
use super::token_match::TokenMap;

/// Restores texts; cheap to clone.
#[derive(Clone)]
pub struct Restorer {
    map: Arc<TokenMap>,
}

impl Restorer {
    pub(crate) fn new(entries: &Entries) -> Self {
        Self { map: Arc::new(TokenMap::new(entries)) }
    }

    /// Whether there is anything to restore.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// `text` with values in place of tokens. One pass: what a value holds is not looked at again.
    pub fn restore(&self, text: &str) -> String {
        self.whole(text, TextKind::Plain)
    }

    /// The same for a text that is JSON, like the arguments of a tool call: values are escaped as the strings around
    /// them need it.
    pub fn restore_json(&self, json: &str) -> String {
        self.whole(json, TextKind::Json)
    }

    /// For a text that comes in pieces: one for each choice and each tool call.
    pub fn stream(&self, kind: TextKind) -> StreamRestorer {
        StreamRestorer::new(Arc::clone(&self.map), kind)
    }

    fn whole(&self, text: &str, kind: TextKind) -> String {
        let mut stream = self.stream(kind);
        let mut restored = stream.push(text);
        restored.push_str(&stream.finish());
        restored
    }
}

impl fmt::Debug for Restorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restorer").field("num_tokens", &self.map.len()).finish()
    }
}

#[cfg(test)]
#[path = "restorer_tests.rs"]
mod tests;
