//! The model's tokenizer, and prompts in which users cannot forge its special tokens.

use std::path::Path;

use tokenizers::{DecoderWrapper, Tokenizer};

use super::FrontendError;

/// A noncharacter, put inside special tokens that stand in a user's text: the rendered prompt is
/// cut there, so that neither half is read as the token. It never reaches the model.
const CUT: char = '\u{fdd0}';

/// A loaded tokenizer.
pub(super) struct ModelTokenizer {
    tokenizer: Tokenizer,
    special_texts: Vec<String>,
    special_ids: Vec<u32>,
    byte_level: bool,
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
        Self { tokenizer, special_texts, special_ids, byte_level }
    }

    /// Whether tokens stand for bytes, so that each can be decoded on its own.
    pub(super) fn is_byte_level(&self) -> bool {
        self.byte_level
    }

    pub(super) fn is_special(&self, id: u32) -> bool {
        self.special_ids.binary_search(&id).is_ok()
    }

    pub(super) fn token(&self, id: u32) -> Option<String> {
        self.tokenizer.id_to_token(id)
    }

    /// Text of `ids` without special tokens.
    pub(super) fn decode(&self, ids: &[u32]) -> String {
        self.tokenizer.decode(ids, true).unwrap_or_default()
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

    /// Tokens of a rendered prompt.
    pub(super) fn encode(&self, prompt: &str) -> Result<Vec<u32>, tokenizers::Error> {
        let mut ids = Vec::new();
        for piece in prompt.split(CUT) {
            ids.extend_from_slice(self.tokenizer.encode_fast(piece, false)?.get_ids());
        }
        Ok(ids)
    }
}
