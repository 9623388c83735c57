//! A model's tokens as bytes, and the tokenizer's view that the grammar engine needs.
//!
//! Always holds: ids without bytes (a model's padding above its tokenizer) and special tokens are outside every
//! grammar that does not name them; a text tokenized here decodes to the same bytes.

use std::sync::Arc;

use llguidance::toktrie::{TokEnv, TokRxInfo, TokTrie, TokenizerEnv};

use super::error::GrammarError;

const MAX_TOKENS: usize = 1 << 21;
const MAX_TOKEN_BYTES: usize = 1000;

/// The bytes of each token; special tokens by their name.
pub struct Vocabulary {
    words: Vec<Vec<u8>>,
    end_tokens: Vec<u32>,
}

impl Vocabulary {
    /// `vocab_size` is the model's, which may exceed the tokenizer's: ids that are never set are never allowed.
    /// `end_tokens` end a text; they need not have been set as special tokens.
    pub fn new(vocab_size: usize, end_tokens: &[u32]) -> Result<Self, GrammarError> {
        let invalid = |problem| GrammarError::InvalidVocabulary { problem };
        if vocab_size > MAX_TOKENS {
            return Err(invalid("too many tokens"));
        }
        if end_tokens.is_empty() {
            return Err(invalid("no end-of-sequence token"));
        }
        if end_tokens.iter().any(|&token| token as usize >= vocab_size) {
            return Err(invalid("an end-of-sequence token is outside the vocabulary"));
        }
        Ok(Self { words: vec![Vec::new(); vocab_size], end_tokens: end_tokens.to_vec() })
    }

    /// Says that `token` stands for `bytes`; ids outside the vocabulary and unusable tokens are left out.
    pub fn set(&mut self, token: u32, bytes: &[u8]) {
        // The engine marks special tokens with 0xFF, a byte that no UTF-8 text holds.
        let usable = bytes.len() <= MAX_TOKEN_BYTES && !bytes.contains(&TokTrie::SPECIAL_TOKEN_MARKER);
        if let Some(word) = self.words.get_mut(token as usize) {
            *word = if usable { bytes.to_vec() } else { Vec::new() };
        }
    }

    /// Says that `token` is special: no grammar produces it except by `<[id]>` or `<|name|>` in a Lark source.
    pub fn set_special(&mut self, token: u32, name: &str) {
        if let Some(word) = self.words.get_mut(token as usize) {
            *word = [&[TokTrie::SPECIAL_TOKEN_MARKER], name.as_bytes()].concat();
            word.truncate(MAX_TOKEN_BYTES);
        }
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub fn end_tokens(&self) -> &[u32] {
        &self.end_tokens
    }

    pub(super) fn into_environment(mut self, tokenize: Tokenize) -> TokEnv {
        for &token in &self.end_tokens {
            let word = &mut self.words[token as usize];
            if word.first() != Some(&TokTrie::SPECIAL_TOKEN_MARKER) {
                *word = format!("?<|end-{token}|>").into_bytes();
                word[0] = TokTrie::SPECIAL_TOKEN_MARKER;
            }
        }
        let info = TokRxInfo::new(self.words.len() as u32, self.end_tokens[0]);
        let trie = TokTrie::from(&info, &self.words).with_eos_tokens(&self.end_tokens);
        Arc::new(Environment { trie, tokenize })
    }
}

pub(super) type Tokenize = Box<dyn Fn(&[u8]) -> Vec<u32> + Send + Sync>;

struct Environment {
    trie: TokTrie,
    tokenize: Tokenize,
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    /// The model's own tokens for a text; whatever the tokenizer would alter is cut greedily instead.
    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| {
            let tokens = (self.tokenize)(text.as_bytes());
            let same = tokens.iter().all(|&token| !self.trie.is_special_token(token))
                && self.trie.decode_raw(&tokens) == text.as_bytes();
            if same { tokens } else { self.trie.greedy_tokenize(text.as_bytes()) }
        })
    }
}
