//! Tokens to text, one token at a time, in constant time each.
//!
//! Byte-level vocabularies (Llama 3, Qwen) decode byte by byte: text goes out as soon as its last
//! character is whole. Others are decoded in a sliding window that moves on whenever its text is
//! whole. The deltas joined are the decoding of all tokens, short of an unfinished last character.

use std::sync::{Arc, OnceLock};

use super::tokenizer::ModelTokenizer;

/// A window that has not become whole text by then never will.
const MAX_PENDING: usize = 16;

/// Turns one answer's tokens into text.
pub(super) struct Detokenizer {
    tokenizer: Arc<ModelTokenizer>,
    state: State,
}

enum State {
    /// At most three bytes of an unfinished character.
    Bytes(Vec<u8>),
    Window {
        /// Tokens decoded together: `ids[..read]` have been emitted, and give context.
        ids: Vec<u32>,
        read: usize,
    },
}

impl Detokenizer {
    pub(super) fn new(tokenizer: Arc<ModelTokenizer>) -> Self {
        let state = if tokenizer.is_byte_level() {
            State::Bytes(Vec::new())
        } else {
            State::Window { ids: Vec::new(), read: 0 }
        };
        Self { tokenizer, state }
    }

    /// Text that `token` completes, perhaps none.
    pub(super) fn push(&mut self, token: u32) -> String {
        if self.tokenizer.is_special(token) {
            return String::new();
        }
        match &mut self.state {
            State::Bytes(pending) => {
                if let Some(text) = self.tokenizer.token(token) {
                    append_bytes(&text, pending);
                }
                take_whole_characters(pending)
            }
            State::Window { ids, read } => {
                ids.push(token);
                let before = self.tokenizer.decode(&ids[..*read]);
                let text = self.tokenizer.decode(ids);
                let unfinished = text.ends_with('\u{fffd}') || text.len() <= before.len();
                if unfinished && ids.len() - *read < MAX_PENDING {
                    return String::new();
                }
                let delta = text.get(before.len()..).unwrap_or_default().to_owned();
                // What was emitted just now stays as context for the next token.
                ids.drain(..*read);
                *read = ids.len();
                delta
            }
        }
    }
}

/// Bytes of a byte-level token: GPT-2 writes each byte as a printable character.
fn append_bytes(token: &str, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    for character in token.chars() {
        let Some(byte) = byte_of(character) else {
            // An added token that is not written that way.
            bytes.truncate(start);
            bytes.extend_from_slice(token.as_bytes());
            return;
        };
        bytes.push(byte);
    }
}

fn byte_of(character: char) -> Option<u8> {
    static BYTES: OnceLock<Vec<Option<u8>>> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| {
        let mut bytes = vec![None; 0x100 + 68];
        let mut next = 0x100;
        for byte in 0..=255u8 {
            let printable = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
            let code = if printable {
                usize::from(byte)
            } else {
                next += 1;
                next - 1
            };
            bytes[code] = Some(byte);
        }
        bytes
    });
    bytes.get(character as usize).copied().flatten()
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
