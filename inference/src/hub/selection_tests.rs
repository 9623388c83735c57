//! Selection: which files of a repository are taken.

use super::*;

fn files(names: &[&str]) -> Vec<RemoteFile> {
    let file = |name: &&str| RemoteFile { name: FileName::parse(name).expect("a name"), size: Some(1), checksum: None };
    names.iter().map(file).collect()
}

fn chosen(names: &[&str], pattern: Option<&str>) -> Vec<String> {
    let selection = Selection::of(&files(names), pattern).expect("clear");
    selection.files.into_iter().map(|file| file.name.to_string()).collect()
}

#[test]
fn only_what_a_model_needs_is_taken() {
    let all = [
        ".gitattributes",
        "README.md",
        "LICENSE",
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "model.safetensors",
        "pytorch_model.bin",
        "model.pt",
        "modeling_own.py",
        "onnx/model.onnx",
        "original/model.safetensors",
        "consolidated.safetensors",
        "1_Pooling/config.json",
        "2_Dense/model.safetensors",
        "2_Dense/pytorch_model.bin",
        "modules.json",
        "training_args.bin",
        "tf_model.h5",
        "rust_model.ot",
        "x_Pooling/config.json",
    ];
    let expected = [
        "1_Pooling/config.json",
        "2_Dense/model.safetensors",
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "modules.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
    ];
    assert_eq!(chosen(&all, None), expected);
}

#[test]
fn an_index_says_which_shards() {
    let all = files(&[
        "config.json",
        WEIGHT_INDEX,
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "consolidated.safetensors",
    ]);
    let selection = Selection::of(&all, None).expect("clear");
    assert!(selection.has_index);
    assert_eq!(selection.files[0].name.as_str(), WEIGHT_INDEX);
    assert_eq!(selection.files.len(), 2);
    let named = |index: &str| shards(index.as_bytes(), &all).map(|found| found.len());
    let two = r#"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors",
        "c": "model-00001-of-00002.safetensors"}}"#;
    assert_eq!(named(two).expect("two"), 2);
    for bad in [
        "{}",
        "[",
        r#"{"weight_map": {}}"#,
        r#"{"weight_map": {"a": 1}}"#,
        r#"{"weight_map": {"a": "../x.safetensors"}}"#,
        r#"{"weight_map": {"a": "missing.safetensors"}}"#,
        r#"{"weight_map": {"a": "pytorch_model.bin"}}"#,
        r#"{"weight_map": {"a": "/x.safetensors"}}"#,
    ] {
        assert!(named(bad).is_err(), "{bad}");
    }
}

#[test]
fn without_a_single_file_or_an_index_all_tensors_are_weights() {
    assert_eq!(
        chosen(&["config.json", "b.safetensors", "a.safetensors", "adapter_model.safetensors"], None),
        ["config.json", "a.safetensors", "b.safetensors"]
    );
    assert!(matches!(Selection::of(&files(&["config.json", "pytorch_model.bin"]), None), Err(PullError::NoWeights)));
}

#[test]
fn one_gguf_is_chosen_by_name_or_quantisation() {
    let all =
        ["m-Q4_K_M.gguf", "m-Q4_K_S.gguf", "m-Q8_0.gguf", "m-IQ4_XS.gguf", "mmproj-m.gguf", "README.md", "config.json"];
    assert_eq!(chosen(&all, Some("q4_k_m")), ["m-Q4_K_M.gguf"]);
    assert_eq!(chosen(&all, Some("Q8_0")), ["m-Q8_0.gguf"]);
    assert_eq!(chosen(&all, Some("*q8*")), ["m-Q8_0.gguf"]);
    assert_eq!(chosen(&all, Some("m-Q4_K_S.gguf")), ["m-Q4_K_S.gguf"]);
    assert_eq!(chosen(&["only.gguf", "README.md"], None), ["only.gguf"]);
    // Safetensors are taken unless a file is asked for.
    assert_eq!(chosen(&["x.gguf", "config.json", "model.safetensors"], None), ["config.json", "model.safetensors"]);
    let error = |names: &[&str], pattern| Selection::of(&files(names), pattern).expect_err("refused").to_string();
    assert!(error(&all, None).contains("m-Q4_K_M.gguf"));
    assert!(error(&all, Some("Q4_K")).contains("m-Q8_0.gguf"));
    assert!(error(&all, Some("*Q4*")).contains("m-Q4_K_S.gguf"));
    assert!(error(&["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"], None).contains("parts"));
    assert!(error(&["model.safetensors"], Some("Q8_0")).contains("gguf"));
}

#[test]
fn globs_match_whole_names() {
    for (pattern, name, fits) in [
        ("*", "", true),
        ("a*c", "abbc", true),
        ("a*c", "abcd", false),
        ("?", "", false),
        ("**x", "aax", true),
        ("a*b*c", "aXbXbXc", true),
    ] {
        assert_eq!(matches_glob(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
    }
}
