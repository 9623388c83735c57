//! Streams of tokens against the decoding of all of them.

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenizers::Tokenizer;

use super::super::tokenizer::byte_of;
use super::*;

/// One token per byte, and an added one that is not written in bytes.
fn byte_level() -> Arc<ModelTokenizer> {
    let mut vocabulary = serde_json::Map::new();
    for character in (0..0x100 + 68).filter_map(char::from_u32) {
        if let Some(byte) = byte_of(character) {
            vocabulary.insert(character.to_string(), json!(byte));
        }
    }
    let added = json!([
        {"id": 256, "content": "<әріп>", "special": false, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
        {"id": 257, "content": "<|end|>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}
    ]);
    let decoder = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    load(&json!({"version": "1.0", "added_tokens": added, "pre_tokenizer": decoder, "decoder": decoder,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []}}))
}

/// SentencePiece with byte fallback, as Llama 2 has it.
fn sentence_piece() -> Arc<ModelTokenizer> {
    let mut vocabulary = serde_json::Map::new();
    for byte in 0..256u32 {
        vocabulary.insert(format!("<0x{byte:02X}>"), json!(byte));
    }
    for (index, piece) in ["▁", "м", "и", "р", "▁Hello", "!", "a"].into_iter().enumerate() {
        vocabulary.insert(piece.to_owned(), json!(256 + index));
    }
    let decoder = json!({"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]});
    load(&json!({"version": "1.0", "decoder": decoder,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": [], "byte_fallback": true}}))
}

fn load(value: &Value) -> Arc<ModelTokenizer> {
    let tokenizer: Tokenizer = value.to_string().parse().expect("a valid tokenizer");
    Arc::new(ModelTokenizer::new(tokenizer))
}

fn stream(tokenizer: &Arc<ModelTokenizer>, ids: &[u32]) -> Vec<String> {
    let mut detokenizer = Detokenizer::new(tokenizer.clone(), ShownTokens::Only(Vec::new()));
    ids.iter().map(|id| detokenizer.push(*id)).collect()
}

#[test]
fn characters_come_out_whole_and_at_once() {
    let ids: Vec<u32> = "Ә👋!".bytes().map(u32::from).collect();
    let deltas = stream(&byte_level(), &ids);
    assert_eq!(deltas, ["", "Ә", "", "", "", "👋", "!"]);
}

#[test]
fn special_tokens_have_no_text_and_added_ones_their_own() {
    assert_eq!(stream(&byte_level(), &[65, 257, 256, 66]), ["A", "", "<әріп>", "B"]);
}

#[test]
fn byte_fallback_waits_for_the_last_byte() {
    let mut ids = vec![260];
    ids.extend("👋".bytes().map(u32::from));
    ids.extend([256, 257, 258, 259, 261]);
    let deltas = stream(&sentence_piece(), &ids);
    assert_eq!(deltas, ["Hello", "", "", "", "👋", " ", "м", "и", "р", "!"]);
}

/// What a run of bytes reads as, wherever a token of text ends it.
fn lossy(ids: &[u32]) -> String {
    let pieces = ["\u{2581}", "м", "и", "р", "\u{2581}Hello", "!", "a"];
    let runs = ids.chunk_by(|one, next| (*one < 256) == (*next < 256));
    let texts = runs.map(|run| match run.first() {
        Some(0..256) => String::from_utf8_lossy(&run.iter().map(|&id| id as u8).collect::<Vec<_>>()).into_owned(),
        _ => run.iter().map(|&id| pieces[id as usize - 256]).collect::<String>().replace('\u{2581}', " "),
    });
    texts.collect()
}

proptest! {
    #[test]
    fn any_bytes_stream_to_their_whole_decoding(ids in prop::collection::vec(0u32..258, 0..60)) {
        let tokenizer = byte_level();
        let joined = stream(&tokenizer, &ids).concat();
        let whole = tokenizer.decode(&ids);
        // Only an unfinished last character may be missing.
        prop_assert!(joined == whole || format!("{joined}\u{fffd}") == whole, "{:?} {:?}", joined, whole);
    }

    #[test]
    fn any_bytes_among_tokens_of_text_lose_nothing(
        ids in prop::collection::vec(prop_oneof![0u32..256, 0x80u32..0xc0, 0xc3u32..0xf0, 256u32..263], 0..40),
    ) {
        let joined = stream(&sentence_piece(), &ids).concat();
        let whole = lossy(&ids);
        let whole = if ids.first().is_some_and(|&id| id >= 256) { whole.strip_prefix(' ').unwrap_or(&whole) } else { &whole };
        prop_assert!(joined == whole || format!("{joined}\u{fffd}") == whole, "{:?} {:?}", joined, whole);
    }

    #[test]
    fn any_text_streams_to_itself_at_every_split(text in "[a-zа-яәғқңөұүһі👋🚚 \n]{0,30}", split in 0usize..200) {
        let ids: Vec<u32> = text.bytes().map(u32::from).collect();
        let deltas = stream(&byte_level(), &ids);
        prop_assert_eq!(deltas.concat(), text.as_str());
        let seen = deltas[..split.min(deltas.len())].concat();
        prop_assert!(text.starts_with(&seen), "a character was cut");
    }
}
