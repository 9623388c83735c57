//! Tokens to text, one token at a time, in constant time each.
//!
//! Byte-level vocabularies (Llama 3, Qwen) decode byte by byte: text goes out as soon as its last
//! character is whole. Others are decoded in a sliding window that moves on whenever its text is
//! whole; their tokens of single bytes are put together like the former. The deltas joined are the
//! decoding of all tokens, short of an unfinished last character; where bytes make no characters,
//! only those bytes read as U+FFFD.

use std::sync::Arc;

use super::tokenizer::{ModelTokenizer, append_bytes};

/// A window that has not become whole text by then never will.
const MAX_PENDING: usize = 16;

/// Which special tokens an answer's text shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownTokens {
    /// These alone: marks that a format needs to be read.
    Only(Vec<u32>),
    All,
}

impl ShownTokens {
    fn shows(&self, token: u32) -> bool {
        match self {
            Self::Only(tokens) => tokens.contains(&token),
            Self::All => true,
        }
    }
}

/// Turns one answer's tokens into text.
pub(super) struct Detokenizer {
    tokenizer: Arc<ModelTokenizer>,
    shown: ShownTokens,
    state: State,
}

enum State {
    /// At most three bytes of an unfinished character.
    Bytes(Vec<u8>),
    Window {
        /// Tokens decoded together: `ids[..read]` have been emitted, and give context.
        ids: Vec<u32>,
        read: usize,
        /// At most three bytes of an unfinished character, of tokens of single bytes.
        bytes: Vec<u8>,
    },
}

impl Detokenizer {
    pub(super) fn new(tokenizer: Arc<ModelTokenizer>, shown: ShownTokens) -> Self {
        let state = if tokenizer.is_byte_level() {
            State::Bytes(Vec::new())
        } else {
            State::Window { ids: Vec::new(), read: 0, bytes: Vec::new() }
        };
        Self { tokenizer, shown, state }
    }

    /// Text that `token` completes, perhaps none.
    pub(super) fn push(&mut self, token: u32) -> String {
        let is_special = self.tokenizer.is_special(token);
        if is_special && !self.shown.shows(token) {
            return String::new();
        }
        match &mut self.state {
            State::Bytes(pending) => {
                if let Some(text) = self.tokenizer.token(token) {
                    append_bytes(&text, pending);
                }
                take_whole_characters(pending)
            }
            State::Window { ids, read, bytes } if is_special => {
                // Decoding leaves it out; what follows begins anew.
                ids.clear();
                *read = 0;
                end_of_bytes(bytes) + &self.tokenizer.token(token).unwrap_or_default()
            }
            State::Window { ids, read, bytes } => {
                if let Some(byte) = self.tokenizer.fallback_byte(token) {
                    let before = self.tokenizer.decode(&ids[..*read]);
                    let held = self.tokenizer.decode(ids).get(before.len()..).unwrap_or_default().to_owned();
                    // Whatever it is, it is no beginning of a text, where spaces are left out.
                    *ids = self.tokenizer.letter_byte().into_iter().collect();
                    *read = ids.len();
                    bytes.push(byte);
                    return held + &take_whole_characters(bytes);
                }
                let broken = end_of_bytes(bytes);
                ids.push(token);
                let before = self.tokenizer.decode(&ids[..*read]);
                let text = self.tokenizer.decode(ids);
                let unfinished = text.ends_with('\u{fffd}') || text.len() <= before.len();
                if unfinished && ids.len() - *read < MAX_PENDING {
                    return broken;
                }
                let delta = text.get(before.len()..).unwrap_or_default().to_owned();
                // What was emitted just now stays as context for the next token.
                ids.drain(..*read);
                *read = ids.len();
                broken + &delta
            }
        }
    }
}

/// What is left of a character that no byte finished.
fn end_of_bytes(pending: &mut Vec<u8>) -> String {
    let is_broken = !std::mem::take(pending).is_empty();
    if is_broken { char::REPLACEMENT_CHARACTER.into() } else { String::new() }
}

/// Removes and returns everything but an unfinished last character; bytes that can never become
/// a character read as U+FFFD, exactly as in `String::from_utf8_lossy`.
fn take_whole_characters(pending: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut rest = pending.as_slice();
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                rest = &[];
                break;
            }
            Err(error) => {
                let (valid, after) = rest.split_at(error.valid_up_to());
                text.push_str(&String::from_utf8_lossy(valid));
                rest = after;
                let Some(invalid) = error.error_len() else { break };
                text.push(char::REPLACEMENT_CHARACTER);
                rest = &rest[invalid..];
            }
        }
    }
    *pending = rest.to_vec();
    text
}

#[cfg(test)]
#[path = "detokenizer_tests.rs"]
mod tests;
