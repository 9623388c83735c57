//! GGUF files against transformers with the same weights dequantised, through the HTTP API.
//!
//! What `scripts/make_gguf_models.py` made with gguf-py, which names tensors and takes blocks apart
//! independently of the engine.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shekara_inference::engine::EngineSettings;
use shekara_inference::kernels::cpu::KvDtype;
use shekara_inference::weights::ActivationDtype;

use crate::architectures::{TOLERANCE, check, distance, exact, read_cases};
use crate::support::{Models, fixture};

/// How far logarithms of probabilities may be off where inputs or the cache are rounded to eight bits. Models as small as
/// these, of random weights, are off by up to 0.43 and 0.62; real ones have wider sums for errors to cancel in.
const NEAR: f64 = 1.0;

fn names() -> Vec<String> {
    let entries = std::fs::read_dir(fixture("gguf")).expect("fixtures");
    let paths = entries.map(|entry| entry.expect("entry").path());
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "gguf"));
    let stem = |path: PathBuf| path.file_stem().and_then(|stem| stem.to_str()).expect("UTF-8").to_owned();
    let mut names: Vec<String> = files.map(stem).collect();
    names.sort();
    names
}

fn file(name: &str) -> PathBuf {
    fixture("gguf").join(format!("{name}.gguf"))
}

fn golden(name: &str) -> PathBuf {
    fixture("gguf").join(format!("{name}.golden.json"))
}

/// Texts and what the original tokenizer makes of them, where a golden has some.
fn tokenized(name: &str) -> Vec<Value> {
    let text = std::fs::read(golden(name)).expect("a golden");
    let golden: Value = serde_json::from_slice(&text).expect("JSON");
    golden["tokenized"].as_array().cloned().unwrap_or_default()
}

/// As files of the directory, or each alone in a folder.
fn all_files(names: &[String]) -> Models {
    let models = Models::new(&[]);
    for (index, name) in names.iter().enumerate() {
        if index % 2 == 0 {
            std::fs::copy(file(name), models.path(&format!("{name}.gguf"))).expect("copy");
        } else {
            std::fs::create_dir(models.path(name)).expect("create");
            std::fs::copy(file(name), models.path(name).join("any-name.gguf")).expect("copy");
        }
    }
    models
}

#[tokio::test]
async fn every_file_agrees_with_its_weights_dequantised() {
    let names = names();
    assert!(names.len() > 20);
    let server = all_files(&names).serve(exact());
    let mut failed = Vec::new();
    for name in &names {
        let (server, cases) = (server.clone(), read_cases(&golden(name)));
        let splits_characters = !tokenized(name).is_empty();
        let task = tokio::spawn({
            let name = name.clone();
            async move {
                if splits_characters {
                    // Random tokens are bytes of no characters, which read one way as they come and another
                    // way together.
                    assert!(distance(&server, &name, &cases).await < TOLERANCE, "{name}");
                } else {
                    check(&server, &name, &cases).await;
                }
            }
        });
        if task.await.is_err() {
            failed.push(name.clone());
        }
    }
    assert!(failed.is_empty(), "{} of {}: {failed:?}", failed.len(), names.len());
}

#[tokio::test]
async fn rounded_activations_and_a_cache_in_bf16_stay_near() {
    let names = names();
    let models = all_files(&names);
    let settings = [
        EngineSettings { activation_dtype: ActivationDtype::Int8, ..exact() },
        EngineSettings { kv_cache_dtype: KvDtype::Bf16, ..exact() },
    ];
    for settings in settings {
        let server = models.serve(settings.clone());
        let mut errors = Vec::new();
        for name in &names {
            let error = distance(&server, name, &read_cases(&golden(name))).await;
            assert!(error < NEAR, "{name}: {error} with {settings:?}");
            errors.push(error);
        }
        // They are rounded, after all.
        assert!(errors.iter().any(|error| *error > TOLERANCE), "{errors:?}");
    }
}

#[tokio::test]
async fn texts_become_the_tokens_of_the_original_tokenizer_and_back() {
    let mut seen = 0;
    for name in names() {
        let texts = tokenized(&name);
        if texts.is_empty() {
            continue;
        }
        let models = Models::new(&[]);
        std::fs::copy(file(&name), models.path("model.gguf")).expect("copy");
        let server = models.serve(exact());
        for case in texts {
            let answer = server.ask("/tokenize", &json!({"model": "model", "prompt": case["text"]})).await;
            assert_eq!(answer.body["tokens"], case["tokens"], "{name}: {}", case["text"]);
            let ids = case["tokens"].as_array().expect("tokens")[1..].to_vec();
            let answer = server.ask("/detokenize", &json!({"model": "model", "tokens": ids})).await;
            assert_eq!(answer.body["prompt"], case["text"], "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 10);
}

#[tokio::test]
async fn a_chat_goes_through_the_template_of_the_file() {
    let models = Models::new(&[]);
    std::fs::copy(file("qwen3"), models.path("model.gguf")).expect("copy");
    let server = models.serve(exact());
    let request = json!({"model": "model", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4});
    let answer = server.ask("/v1/chat/completions", &request).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", by characters but for three special ones.
    assert!(answer.usage("prompt_tokens") > 8);
}

/// A copy of a file with some bytes changed.
fn broken(models: &Models, name: &str, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file("qwen3")).expect("a file");
    change(&mut bytes);
    std::fs::write(models.path(name), bytes).expect("write");
}

/// Puts a text in the place of another of the same length.
fn replace(bytes: &mut [u8], from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect("found");
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
}

#[test]
fn broken_files_are_told_with_their_reason_and_the_rest_serves() {
    let models = Models::new(&[]);
    std::fs::copy(file("qwen3"), models.path("sound.gguf")).expect("copy");
    broken(&models, "short.gguf", |bytes| bytes.truncate(bytes.len() - 100));
    broken(&models, "empty.gguf", Vec::clear);
    broken(&models, "family.gguf", |bytes| replace(bytes, "qwen3", "qwenX"));
    broken(&models, "tensor.gguf", |bytes| replace(bytes, "blk.1.attn_q.weight", "blk.1.attn_x.weight"));
    broken(&models, "words.gguf", |bytes| replace(bytes, "gpt-2", "gpt-x"));
    broken(&models, "template.gguf", |bytes| replace(bytes, "tokenizer.chat_template", "tokenizer.chat_xemplate"));
    broken(&models, "nan.gguf", |bytes| {
        let length = bytes.len();
        bytes[length - 64..].fill(0xff);
    });
    std::fs::create_dir(models.path("several")).expect("create");
    for name in ["a.gguf", "b.gguf"] {
        std::fs::copy(file("qwen3"), Path::new(&models.path("several")).join(name)).expect("copy");
    }
    std::fs::copy(file("qwen3"), models.path("part-00001-of-00002.gguf")).expect("copy");
    let server = models.serve(exact());
    server.model("sound");
    for (name, reason) in [
        ("short", "truncated"),
        ("empty", "not a valid GGUF file"),
        ("family", "architecture qwenX is not supported; supported are llama"),
        ("tensor", "self_attn.q_proj.weight is missing"),
        ("words", "tokenizer.ggml.pre gpt-x is not supported"),
        ("template", "chat template"),
        ("nan", "not finite"),
        ("several", "several .gguf files"),
        ("part", "part-00002-of-00002.gguf cannot be read"),
    ] {
        let failure = server.failure(name);
        assert!(failure.contains(reason), "{name}: {failure}");
    }
}
