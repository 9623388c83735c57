//! A GGUF file's tokenizer, rebuilt from its metadata as a `tokenizer.json`.
//!
//! Byte-level BPE names the way it splits texts (`tokenizer.ggml.pre`), which the `tokenizers` crate
//! wants spelled out. SentencePiece vocabularies have scores in the place of merges: the merges are
//! all ways to put two tokens together to a third, by its score, as transformers derives them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::weights::GgufMetadata;

use super::FrontendError;
use super::gguf_splits::{Split, split};

/// Kinds of tokens by `tokenizer.ggml.token_type`.
const UNKNOWN: i64 = 2;
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
/// Longer tokens are runs of one character; nothing is merged to them but by their halves.
const MAX_MERGED_CHARS: usize = 64;

/// The text of `tokenizer.json`.
///
/// # Errors
/// If the file has no tokenizer, or one that is not supported.
pub(super) fn tokenizer_json(metadata: &GgufMetadata) -> Result<Vec<u8>, FrontendError> {
    let bad = |reason: String| FrontendError::BadGgufTokenizer { reason };
    let tokens = metadata.texts("tokenizer.ggml.tokens").filter(|tokens| !tokens.is_empty());
    let tokens = tokens.ok_or_else(|| bad("tokenizer.ggml.tokens is missing".to_owned()))?;
    let kinds = metadata.integers("tokenizer.ggml.token_type").unwrap_or_default();
    let parts = Parts { metadata, tokens, kinds };
    let tokenizer = match metadata.text("tokenizer.ggml.model").unwrap_or_default() {
        "gpt2" => parts.byte_level()?,
        "llama" => parts.sentence_piece()?,
        other => return Err(bad(format!("tokenizer.ggml.model {other} is not supported"))),
    };
    serde_json::to_vec(&tokenizer).map_err(|error| bad(error.to_string()))
}

/// The special tokens that templates may name.
pub(super) fn special_tokens(metadata: &GgufMetadata) -> Map<String, Value> {
    let tokens = metadata.texts("tokenizer.ggml.tokens").unwrap_or_default();
    let keys = [("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding"), ("unk_token", "unknown")];
    let text = |key: &str| {
        let id = metadata.integer(&format!("tokenizer.ggml.{key}_token_id"))?;
        tokens.get(usize::try_from(id).ok()?)
    };
    keys.iter().filter_map(|(name, key)| Some(((*name).to_owned(), json!(text(key)?)))).collect()
}

struct Parts<'a> {
    metadata: &'a GgufMetadata,
    tokens: &'a [String],
    kinds: &'a [i64],
}

impl Parts<'_> {
    fn byte_level(&self) -> Result<Value, FrontendError> {
        let name = self.metadata.text("tokenizer.ggml.pre").unwrap_or("default");
        let split = split(name).ok_or_else(|| FrontendError::BadGgufTokenizer {
            reason: format!("tokenizer.ggml.pre {name} is not supported"),
        })?;
        let Split { steps, ignores_merges, adds_first, normalizes } = split;
        let byte_level = |splits: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": splits});
        let mut sequence = steps.pre_tokenizers();
        sequence.push(byte_level(steps.splits_as_gpt2()));
        let model = json!({
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": ignores_merges,
            "vocab": self.vocabulary(), "merges": self.metadata.texts("tokenizer.ggml.merges").unwrap_or_default(),
        });
        let mut tokenizer = self.frame(adds_first);
        tokenizer["model"] = model;
        tokenizer["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": sequence});
        tokenizer["decoder"] = byte_level(true);
        if normalizes {
            tokenizer["normalizer"] = json!({"type": "NFC"});
        }
        Ok(tokenizer)
    }

    fn sentence_piece(&self) -> Result<Value, FrontendError> {
        let scores = self.metadata.floats("tokenizer.ggml.scores").unwrap_or_default();
        if scores.len() != self.tokens.len() {
            let reason = format!("{} scores of {} tokens", scores.len(), self.tokens.len());
            return Err(FrontendError::BadGgufTokenizer { reason });
        }
        let unknown = self.kinds.iter().position(|kind| *kind == UNKNOWN).and_then(|id| self.tokens.get(id));
        let model = json!({
            "type": "BPE", "dropout": null, "unk_token": unknown, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
            "vocab": self.vocabulary(), "merges": self.merges(scores),
        });
        let prefix = self.metadata.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true);
        let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
        let mut normalizers = vec![replace];
        let mut decoders = vec![
            json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "}),
            json!({"type": "ByteFallback"}),
            json!({"type": "Fuse"}),
        ];
        if prefix {
            normalizers.insert(0, json!({"type": "Prepend", "prepend": "▁"}));
            decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
        }
        let mut tokenizer = self.frame(true);
        tokenizer["model"] = model;
        tokenizer["normalizer"] = json!({"type": "Sequence", "normalizers": normalizers});
        tokenizer["decoder"] = json!({"type": "Sequence", "decoders": decoders});
        Ok(tokenizer)
    }

    fn vocabulary(&self) -> Map<String, Value> {
        self.tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect()
    }

    /// All that is the same for every kind of tokenizer.
    fn frame(&self, adds_first: bool) -> Value {
        let added = self.tokens.iter().zip(self.kinds).enumerate();
        let added =
            added.filter(|(_, (text, kind))| matches!(**kind, UNKNOWN | CONTROL | USER_DEFINED) && !text.is_empty());
        let added: Vec<Value> = added
            .map(|(id, (text, kind))| {
                json!({"id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": *kind != USER_DEFINED})
            })
            .collect();
        json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
            "pre_tokenizer": null, "post_processor": self.post_processor(adds_first), "decoder": null, "model": null})
    }

    /// Puts the beginning-of-sequence token before texts, where the model wants it.
    fn post_processor(&self, by_default: bool) -> Value {
        let adds = |key: &str, default: bool| {
            self.metadata.flag(&format!("tokenizer.ggml.add_{key}_token")).unwrap_or(default)
        };
        let token = |key: &str, adds: bool| {
            let id = self.metadata.integer(&format!("tokenizer.ggml.{key}_token_id")).filter(|_| adds)?;
            Some((id, self.tokens.get(usize::try_from(id).ok()?)?))
        };
        let (first, last) = (token("bos", adds("bos", by_default)), token("eos", adds("eos", false)));
        if first.is_none() && last.is_none() {
            return Value::Null;
        }
        let special = |text: &String| json!({"SpecialToken": {"id": text, "type_id": 0}});
        let around = |sequence: Value| -> Vec<Value> {
            let before = first.map(|(_, text)| special(text));
            before.into_iter().chain([sequence]).chain(last.map(|(_, text)| special(text))).collect()
        };
        let known: Map<String, Value> = [first, last]
            .into_iter()
            .flatten()
            .map(|(id, text)| (text.clone(), json!({"id": text, "ids": [id], "tokens": [text]})))
            .collect();
        let single = around(json!({"Sequence": {"id": "A", "type_id": 0}}));
        let mut pair = single.clone();
        pair.extend(around(json!({"Sequence": {"id": "B", "type_id": 1}})));
        json!({"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": known})
    }

    /// Every way to make a token of two others, best score first.
    fn merges(&self, scores: &[f32]) -> Vec<[&str; 2]> {
        let ids: HashMap<&str, usize> =
            self.tokens.iter().enumerate().map(|(id, token)| (token.as_str(), id)).collect();
        let is_text = |id: usize| !matches!(self.kinds.get(id), Some(&(UNKNOWN | CONTROL | USER_DEFINED | 6)));
        let mut merges = Vec::new();
        for (id, token) in self.tokens.iter().enumerate() {
            if !is_text(id) || token.chars().count() > MAX_MERGED_CHARS {
                continue;
            }
            for (at, _) in token.char_indices().skip(1) {
                let (left, right) = token.split_at(at);
                if let (Some(left_id), Some(right_id)) = (ids.get(left), ids.get(right)) {
                    merges.push((scores[id], id, [*left_id, *right_id], [left, right]));
                }
            }
        }
        merges.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        merges.into_iter().map(|(_, _, _, pair)| pair).collect()
    }
}

#[cfg(test)]
#[path = "gguf_tokenizer_tests.rs"]
mod tests;
