//! The model's tokenizer, and prompts in which users cannot forge its special tokens.

use std::path::Path;
use std::sync::OnceLock;

use shekara_protocol::chat::{TokenLogprob, TopLogprob};
use tokenizers::{DecoderWrapper, Tokenizer};

use crate::sampling::TokenLogprobs;
use crate::sampling::grammar::{GrammarError, Vocabulary};
use crate::weights::GgufMetadata;

use super::FrontendError;
use super::gguf_tokenizer::tokenizer_json;

/// A noncharacter, put inside special tokens that stand in a user's text: the rendered prompt is
/// cut there, so that neither half is read as the token. It never reaches the model.
const CUT: char = '\u{fdd0}';

/// A loaded tokenizer.
pub(super) struct ModelTokenizer {
    tokenizer: Tokenizer,
    special_texts: Vec<String>,
    special_ids: Vec<u32>,
    byte_level: bool,
    /// Of a tokenizer that writes what it has no token for as tokens of bytes, `<0x0A>`: the one of a letter.
    letter_byte: Option<u32>,
}

impl ModelTokenizer {
    /// # Errors
    /// If `tokenizer.json` is missing or malformed.
    pub(super) fn load(directory: &Path) -> Result<Self, FrontendError> {
        let path = directory.join("tokenizer.json");
        if !path.exists() {
            return Err(FrontendError::NoTokenizer { path });
        }
        let tokenizer = Tokenizer::from_file(&path)
            .map_err(|error| FrontendError::BadTokenizer { path, reason: error.to_string() })?;
        Ok(Self::new(tokenizer))
    }

    /// # Errors
    /// If the metadata has no tokenizer, or one that is malformed or not supported.
    pub(super) fn of_gguf(metadata: &GgufMetadata) -> Result<Self, FrontendError> {
        let json = tokenizer_json(metadata)?;
        let bad = |error: tokenizers::Error| FrontendError::BadGgufTokenizer { reason: error.to_string() };
        Tokenizer::from_bytes(json).map_err(bad).map(Self::new)
    }

    pub(super) fn new(mut tokenizer: Tokenizer) -> Self {
        // Some files carry the settings of their training.
        let _ = tokenizer.with_truncation(None);
        tokenizer.with_padding(None);
        let mut special_texts = Vec::new();
        let mut special_ids = Vec::new();
        for (id, token) in tokenizer.get_added_tokens_decoder() {
            if token.special {
                special_ids.push(id);
                special_texts.push(token.content);
            }
        }
        special_ids.sort_unstable();
        let byte_level = matches!(tokenizer.get_decoder(), Some(DecoderWrapper::ByteLevel(_)));
        // Whether such tokens are bytes or the text that they are written as, only decoding tells.
        let is_decoded = |id: &u32| tokenizer.decode(&[*id], true).is_ok_and(|text| text == "a");
        let letter_byte = tokenizer.token_to_id("<0x61>").filter(is_decoded);
        Self { tokenizer, special_texts, special_ids, byte_level, letter_byte }
    }

    /// Whether tokens stand for bytes, so that each can be decoded on its own.
    pub(super) fn is_byte_level(&self) -> bool {
        self.byte_level
    }

    /// A token that stands for the byte of a letter, where tokens of bytes stand beside those of text.
    pub(super) fn letter_byte(&self) -> Option<u32> {
        self.letter_byte
    }

    /// The byte that a token stands for, where tokens of bytes stand beside those of text.
    pub(super) fn fallback_byte(&self, id: u32) -> Option<u8> {
        self.letter_byte?;
        written_byte(&self.token(id)?)
    }

    pub(super) fn is_special(&self, id: u32) -> bool {
        self.special_ids.binary_search(&id).is_ok()
    }

    /// The special token that is written so.
    pub(super) fn special_id(&self, text: &str) -> Option<u32> {
        self.tokenizer.token_to_id(text).filter(|id| self.is_special(*id))
    }

    /// A token as the vocabulary writes it.
    pub(super) fn token(&self, id: u32) -> Option<String> {
        self.tokenizer.id_to_token(id)
    }

    /// Text of `ids` without special tokens.
    pub(super) fn decode(&self, ids: &[u32]) -> String {
        self.tokenizer.decode(ids, true).unwrap_or_default()
    }

    /// Text of `ids`, special tokens included.
    pub(super) fn decode_all(&self, ids: &[u32]) -> String {
        self.tokenizer.decode(ids, false).unwrap_or_default()
    }

    /// What a token adds to a text, which need not be whole characters.
    pub(super) fn token_bytes(&self, id: u32) -> Option<Vec<u8>> {
        let token = self.tokenizer.id_to_token(id)?;
        let mut bytes = Vec::new();
        if self.byte_level {
            append_bytes(&token, &mut bytes);
        } else {
            match written_byte(&token) {
                Some(byte) => bytes.push(byte),
                // SentencePiece writes a space so.
                None => bytes.extend_from_slice(token.replace('▁', " ").as_bytes()),
            }
        }
        Some(bytes)
    }

    /// All tokens as bytes, for grammars. A model may have fewer tokens than its tokenizer or more.
    pub(super) fn vocabulary(&self, vocab_size: usize, end_tokens: &[u32]) -> Result<Vocabulary, GrammarError> {
        let mut vocabulary = Vocabulary::new(vocab_size, end_tokens)?;
        for id in 0..vocab_size as u32 {
            if self.is_special(id) {
                vocabulary.set_special(id, &self.token(id).unwrap_or_default());
            } else if let Some(bytes) = self.token_bytes(id) {
                vocabulary.set(id, &bytes);
            }
        }
        Ok(vocabulary)
    }

    /// Log probabilities as clients read them.
    pub(super) fn describe(&self, logprobs: &TokenLogprobs) -> TokenLogprob {
        let top = logprobs.top.iter().map(|(id, logprob)| {
            let (token, bytes) = self.token_text(*id);
            TopLogprob { token, logprob: *logprob, bytes: Some(bytes) }
        });
        let (token, bytes) = self.token_text(logprobs.token);
        TokenLogprob { token, logprob: logprobs.logprob, bytes: Some(bytes), top_logprobs: top.collect() }
    }

    /// A token's text, as far as it is whole characters, and its bytes.
    pub(super) fn token_text(&self, id: u32) -> (String, Vec<u8>) {
        let bytes = self.token_bytes(id).unwrap_or_default();
        (String::from_utf8_lossy(&bytes).into_owned(), bytes)
    }

    /// Text of a user in which special tokens will read as plain text.
    pub(super) fn literal(&self, text: &str) -> String {
        let mut text = text.replace(CUT, "");
        for special in self.special_texts.iter().filter(|special| special.chars().count() > 1) {
            if text.contains(special.as_str()) {
                let mut cut = special.clone();
                cut.insert(special.chars().next().map_or(0, char::len_utf8), CUT);
                text = text.replace(special.as_str(), &cut);
            }
        }
        text
    }

    /// How many tokens the beginning of a text has, if those alone are too many: a text that is far too long is not
    /// tokenised to its end.
    ///
    /// # Errors
    /// If the tokenizer fails on it.
    pub(super) fn exceeds(&self, text: &str, max_tokens: usize) -> Result<Option<usize>, tokenizers::Error> {
        const BYTES_PER_TOKEN: usize = 8;
        // Where a beginning is cut, its last word may become a few tokens more.
        const SLACK: usize = 16;
        let mut len = max_tokens.max(1).saturating_mul(BYTES_PER_TOKEN);
        while len < text.len() {
            let beginning = text.get(..text.floor_char_boundary(len)).unwrap_or_default();
            let count = self.encode(beginning)?.len();
            if count > max_tokens + SLACK {
                return Ok(Some(count));
            }
            len = len.saturating_mul(2);
        }
        Ok(None)
    }

    /// Tokens of a rendered prompt.
    pub(super) fn encode(&self, prompt: &str) -> Result<Vec<u32>, tokenizers::Error> {
        let mut ids = Vec::new();
        for piece in prompt.split(CUT) {
            ids.extend_from_slice(self.tokenizer.encode_fast(piece, false)?.get_ids());
        }
        Ok(ids)
    }

    /// Tokens of a plain text; `with_special` adds those that the tokenizer puts around one, e.g. a
    /// beginning-of-sequence token.
    pub(super) fn encode_text(&self, text: &str, with_special: bool) -> Result<Vec<u32>, tokenizers::Error> {
        Ok(self.tokenizer.encode_fast(text, with_special)?.get_ids().to_vec())
    }
}

/// The byte that is written `<0x0A>`.
fn written_byte(token: &str) -> Option<u8> {
    u8::from_str_radix(token.strip_prefix("<0x")?.strip_suffix('>')?, 16).ok()
}

/// Bytes of a byte-level token: GPT-2 writes each byte as a printable character.
pub(super) fn append_bytes(token: &str, bytes: &mut Vec<u8>) {
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

pub(super) fn byte_of(character: char) -> Option<u8> {
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
