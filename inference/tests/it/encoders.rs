//! Every kind of encoder against Hugging Face transformers, through the HTTP API, alone and in a batch.
//!
//! What `scripts/make_golden_encoders.py` made: texts shorter and longer than any window, up to the last position.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Models, Server, copy_folder, fixture, settings};

const COSINE: f64 = 0.9999;
const SCORE: f64 = 1e-3;
const LOGIT: f64 = 0.01;

fn folder() -> PathBuf {
    fixture("encoders")
}

fn golden(name: &str) -> Value {
    let text = std::fs::read(folder().join(name).join("golden.json")).expect("a golden");
    serde_json::from_slice(&text).expect("JSON")
}

/// Names of all models of a kind.
fn names(kind: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("fixtures");
    let names = entries.map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<String> = names.filter(|name| golden(name)["kind"] == kind).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

fn models(names: &[String]) -> Models {
    let models = Models::new(&[]);
    for name in names {
        copy_folder(&folder().join(name), &models.path(name));
    }
    models
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap_or_else(|_| panic!("{value}"))
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The vectors of inputs, as the server writes them.
async fn vectors(server: &Server, name: &str, input: &Value) -> Vec<Value> {
    let request = json!({"model": name, "input": input, "truncate_prompt_tokens": -1});
    let answer = server.ask("/v1/embeddings", &request).await;
    assert_eq!(answer.status, 200, "{name}: {}", answer.body);
    let data = answer.body["data"].as_array().expect("data");
    data.iter().map(|one| one["embedding"].clone()).collect()
}

/// How far a model's vectors are from the reference: the smallest cosine, and the largest difference.
async fn distance(server: &Server, name: &str, golden: &Value) -> (f64, f64) {
    let cases = golden["cases"].as_array().expect("cases");
    let texts: Value = cases.iter().map(|case| case["text"].clone()).collect();
    let together = vectors(server, name, &texts).await;
    let tokens: Value = cases.iter().map(|case| case["tokens"].clone()).collect();
    assert!(vectors(server, name, &tokens).await == together, "{name}: texts and their tokens differ");
    let (mut closest, mut furthest) = (1.0, 0.0);
    for (case, vector) in cases.iter().zip(together) {
        let alone = vectors(server, name, &case["text"]).await;
        assert!(alone[0] == vector, "{name}: alone and batched differ");
        let (found, expected) = (numbers(&vector), numbers(&case["vector"]));
        closest = f64::min(closest, cosine(&found, &expected));
        let differences = found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs());
        furthest = differences.fold(furthest, f64::max);
    }
    (closest, furthest)
}

#[tokio::test]
async fn sentence_vectors_agree_with_transformers() {
    let names = names("embed");
    let models = models(&names);
    let server = models.serve(settings());
    for name in &names {
        let (closest, furthest) = distance(&server, name, &golden(name)).await;
        assert!(closest > COSINE && furthest < 2e-3, "{name}: cosine {closest}, {furthest} off");
    }
}

/// A model's scores of its golden's documents, in the order of the request.
async fn scores(server: &Server, name: &str, query: &Value, documents: &[Value]) -> Vec<f64> {
    let request = json!({"model": name, "query": query, "documents": documents, "truncate_prompt_tokens": -1});
    let answer = server.ask("/v1/rerank", &request).await;
    assert_eq!(answer.status, 200, "{name}: {}", answer.body);
    let mut scores = vec![f64::NAN; documents.len()];
    let mut last = f64::INFINITY;
    for result in answer.body["results"].as_array().expect("results") {
        let score = result["relevance_score"].as_f64().expect("a score");
        assert!(score <= last, "{name}: not in order");
        last = score;
        scores[result["index"].as_u64().expect("an index") as usize] = score;
    }
    scores
}

#[tokio::test]
async fn scores_of_pairs_agree_with_transformers() {
    let names = [names("rank"), names("choose")].concat();
    let models = models(&names);
    let server = models.serve(settings());
    for name in &names {
        let golden = golden(name);
        let cases = golden["cases"].as_array().expect("cases");
        let documents: Vec<Value> = cases.iter().map(|case| case["document"].clone()).collect();
        let together = scores(&server, name, &cases[0]["query"], &documents).await;
        for (index, case) in cases.iter().enumerate() {
            let alone = scores(&server, name, &case["query"], &documents[index..=index]).await;
            assert!(alone[0].to_bits() == together[index].to_bits(), "{name}: alone and batched differ");
            let expected = case["score"].as_f64().expect("a score");
            assert!((together[index] - expected).abs() < SCORE, "{name}: {} not {expected}", together[index]);
        }
    }
}

/// The logits of each text's tokens.
async fn logits(server: &Server, name: &str, texts: &Value) -> Vec<Value> {
    let request = json!({"model": name, "input": texts, "return_logits": true});
    let answer = server.ask("/classify", &request).await;
    assert_eq!(answer.status, 200, "{name}: {}", answer.body);
    answer.body["data"].as_array().expect("data").iter().map(|one| one["logits"].clone()).collect()
}

/// The largest difference of a logit from the reference.
async fn logit_distance(server: &Server, name: &str, golden: &Value) -> f64 {
    let cases = golden["cases"].as_array().expect("cases");
    let texts: Value = cases.iter().map(|case| case["text"].clone()).collect();
    let together = logits(server, name, &texts).await;
    let mut furthest = 0.0;
    for (case, found) in cases.iter().zip(together) {
        let alone = logits(server, name, &case["text"]).await;
        assert!(alone[0] == found, "{name}: alone and batched differ");
        let rows = |value: &Value| value.as_array().expect("rows").iter().flat_map(numbers).collect::<Vec<f64>>();
        let (found, expected) = (rows(&found), rows(&case["logits"]));
        assert_eq!(found.len(), expected.len(), "{name}");
        let differences = found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs());
        furthest = differences.fold(furthest, f64::max);
    }
    furthest
}

#[tokio::test]
async fn logits_of_tokens_agree_with_transformers() {
    let names = names("tag");
    let models = models(&names);
    let server = models.serve(settings());
    for name in &names {
        let furthest = logit_distance(&server, name, &golden(name)).await;
        assert!(furthest < LOGIT, "{name}: {furthest} off");
    }
}

/// Changes a file of JSON.
fn change(path: &Path, change: impl Fn(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
    change(&mut value);
    std::fs::write(path, value.to_string()).expect("write");
}

#[tokio::test]
async fn a_knob_left_out_is_seen_in_the_golden() {
    type Change = fn(&mut Value);
    let knobs: [(&str, &str, &str, Change); 9] = [
        ("bert", "1_Pooling/config.json", "pooling", |config| {
            *config = json!({"pooling_mode_mean_tokens": true});
        }),
        ("bert-dense", "config.json", "activation", |config| config["hidden_act"] = json!("relu")),
        ("xlm-roberta", "1_Pooling/config.json", "second pooling", |config| {
            *config = json!({"pooling_mode_lasttoken": true, "pooling_mode_mean_tokens": true});
        }),
        ("modernbert", "config.json", "window", |config| config["local_attention"] = json!(512)),
        ("modernbert", "config.json", "second rotation", |config| {
            config["rope_parameters"]["sliding_attention"]["rope_theta"] = json!(160_000.0);
        }),
        ("nomic-bert", "config.json", "rotation", |config| {
            config["rope_parameters"]["rope_theta"] = json!(1e6);
        }),
        ("gte-new", "config.json", "stretched rotation", |config| config["rope_scaling"] = Value::Null),
        ("gte", "config.json", "gate", |config| config["hidden_act"] = json!("silu")),
        ("qwen3-embedding", "1_Pooling/config.json", "last token", |config| {
            *config = json!({"pooling_mode_cls_token": true});
        }),
    ];
    let models = Models::new(&[]);
    for (index, (name, file, _, knob)) in knobs.iter().enumerate() {
        let path = models.path(&format!("{name}-{index}"));
        copy_folder(&folder().join(name), &path);
        change(&path.join(file), knob);
    }
    let server = models.serve(settings());
    for (index, (name, _, knob, _)) in knobs.iter().enumerate() {
        let (closest, _) = distance(&server, &format!("{name}-{index}"), &golden(name)).await;
        assert!(closest < COSINE, "{name} without its {knob} has the cosine {closest}");
    }
}

#[tokio::test]
async fn distances_of_deberta_are_seen_in_the_golden() {
    type Change = fn(&mut Value);
    let knobs: [(&str, Change); 3] = [
        ("content to distance", |config| config["pos_att_type"] = json!(["p2c"])),
        ("distance to content", |config| config["pos_att_type"] = json!("c2p")),
        ("norm of distances", |config| config["norm_rel_ebd"] = json!("none")),
    ];
    let models = Models::new(&[]);
    for (index, (_, knob)) in knobs.iter().enumerate() {
        let path = models.path(&format!("deberta-{index}"));
        copy_folder(&folder().join("deberta-v2-ner"), &path);
        change(&path.join("config.json"), knob);
    }
    let server = models.serve(settings());
    for (index, (knob, _)) in knobs.iter().enumerate() {
        let furthest = logit_distance(&server, &format!("deberta-{index}"), &golden("deberta-v2-ner")).await;
        assert!(furthest > 10.0 * LOGIT, "without {knob} logits are only {furthest} off");
    }
}
