//! Tokenizers of small vocabularies, as files describe them.

use std::collections::BTreeMap;

use tokenizers::Tokenizer;

use super::*;
use crate::weights::GgufValue;

type Values = BTreeMap<String, GgufValue>;

fn texts(texts: &[&str]) -> GgufValue {
    GgufValue::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn text(text: &str) -> GgufValue {
    GgufValue::Text(text.to_owned())
}

fn metadata(values: impl IntoIterator<Item = (&'static str, GgufValue)>) -> Values {
    values.into_iter().map(|(key, value)| (format!("tokenizer.ggml.{key}"), value)).collect()
}

fn build(values: Values) -> Tokenizer {
    let json = tokenizer_json(&GgufMetadata::new(values)).expect("supported");
    Tokenizer::from_bytes(json).expect("a tokenizer")
}

fn fault(values: Values) -> String {
    tokenizer_json(&GgufMetadata::new(values)).expect_err("refused").to_string()
}

fn tokens(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    tokenizer
        .encode_fast(text, true)
        .expect("encodes")
        .get_ids()
        .iter()
        .map(|id| tokenizer.id_to_token(*id).expect("known"))
        .collect()
}

/// Letters, digits, a space, some merges and two special tokens.
fn byte_level(pre: &str) -> Values {
    let all = ["a", "b", "1", "2", "3", "4", "Ġ", "'", "S", "ab", "12", "123", "Ġab", "aab", "<s>", "<e>", "1234"];
    let mut kinds = vec![1; all.len()];
    kinds[14..16].fill(CONTROL);
    metadata([
        ("model", text("gpt2")),
        ("pre", text(pre)),
        ("tokens", texts(&all)),
        ("token_type", GgufValue::Integers(kinds)),
        ("merges", texts(&["a b", "1 2", "12 3", "Ġ ab", "123 4"])),
        ("bos_token_id", GgufValue::Integer(14)),
        ("eos_token_id", GgufValue::Integer(15)),
    ])
}

#[test]
fn each_way_of_splitting_is_its_models_own() {
    assert_eq!(tokens(&build(byte_level("gpt-2")), "ab ab1234"), ["ab", "Ġab", "1234"]);
    assert_eq!(tokens(&build(byte_level("qwen2")), "ab1234"), ["ab", "1", "2", "3", "4"]);
    assert_eq!(tokens(&build(byte_level("smollm")), "ab12"), ["ab", "1", "2"]);
    assert_eq!(tokens(&build(byte_level("falcon")), "ab1234"), ["ab", "123", "4"]);
    // Digits by threes, a first token put first, and words that are tokens not put together.
    assert_eq!(tokens(&build(byte_level("llama-bpe")), "aab1234"), ["<s>", "aab", "123", "4"]);
    assert_eq!(tokens(&build(byte_level("gpt-2")), "aab"), ["a", "ab"]);
    assert!(fault(byte_level("of-tomorrow")).contains("of-tomorrow"));
}

#[test]
fn every_known_way_makes_a_tokenizer() {
    for name in [
        "default",
        "gpt-2",
        "starcoder",
        "falcon",
        "llama-bpe",
        "dbrx",
        "qwen2",
        "qwen35",
        "stablelm2",
        "gpt-4o",
        "tekken",
        "seed-coder",
        "deepseek-v3",
        "deepseek-llm",
        "glm4",
        "refact",
        "command-r",
        "exaone4",
    ] {
        let tokenizer = build(byte_level(name));
        let ids = tokenizer.encode_fast("ab 12 'S a", false).expect("encodes");
        assert_eq!(tokenizer.decode(ids.get_ids(), true).expect("decodes"), "ab 12 'S a", "{name}");
    }
}

#[test]
fn special_tokens_are_cut_out_and_put_around_as_the_file_says() {
    let mut values = byte_level("gpt-2");
    values.insert("tokenizer.ggml.add_bos_token".to_owned(), GgufValue::Flag(true));
    values.insert("tokenizer.ggml.add_eos_token".to_owned(), GgufValue::Flag(true));
    let tokenizer = build(values);
    assert_eq!(tokens(&tokenizer, "a<e>b"), ["<s>", "a", "<e>", "b", "<e>"]);
    let named = special_tokens(&GgufMetadata::new(byte_level("gpt-2")));
    assert_eq!((named["bos_token"].as_str(), named["eos_token"].as_str()), (Some("<s>"), Some("<e>")));
}

#[test]
fn sentence_piece_merges_by_score_and_falls_back_to_bytes() {
    let mut all = vec!["<unk>".to_owned(), "<s>".to_owned(), "</s>".to_owned()];
    all.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    let pieces = ["▁", "a", "b", "c", "ab", "bc", "▁a", "abc"];
    all.extend(pieces.map(str::to_owned));
    let scores: Vec<f32> = vec![0.0; 259].into_iter().chain([-9.0, -9.0, -9.0, -9.0, -3.0, -2.0, -4.0, -5.0]).collect();
    let kinds: Vec<i64> = [2, 3, 3].into_iter().chain([6; 256]).chain([1; 8]).collect();
    let values = || {
        let mut values = metadata([("model", text("llama")), ("bos_token_id", GgufValue::Integer(1))]);
        values.insert("tokenizer.ggml.tokens".to_owned(), GgufValue::Texts(all.clone()));
        values.insert("tokenizer.ggml.scores".to_owned(), GgufValue::Floats(scores.clone()));
        values.insert("tokenizer.ggml.token_type".to_owned(), GgufValue::Integers(kinds.clone()));
        values
    };
    let tokenizer = build(values());
    assert_eq!(tokens(&tokenizer, "abc"), ["<s>", "▁a", "bc"]);
    assert_eq!(tokens(&tokenizer, "é"), ["<s>", "▁", "<0xC3>", "<0xA9>"]);
    let mut without = values();
    without.insert("tokenizer.ggml.add_space_prefix".to_owned(), GgufValue::Flag(false));
    let tokenizer = build(without);
    assert_eq!(tokens(&tokenizer, "abc"), ["<s>", "abc"]);
    let mut short = values();
    short.insert("tokenizer.ggml.scores".to_owned(), GgufValue::Floats(vec![0.0]));
    assert!(fault(short).contains("1 scores"));
}

#[test]
fn files_without_a_tokenizer_or_with_another_kind_are_refused() {
    assert!(fault(Values::new()).contains("tokens is missing"));
    assert!(fault(metadata([("tokens", texts(&["a"])), ("model", text("bert"))])).contains("bert is not supported"));
}
