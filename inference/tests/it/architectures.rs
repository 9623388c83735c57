//! Every architecture against Hugging Face transformers, through the HTTP API, alone and in a batch.
//!
//! What `scripts/make_golden_models.py` made: prompts shorter and longer than any window, the log
//! probability of each token of the prompt and of 24 that follow greedily.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shekara_inference::engine::EngineSettings;
use shekara_inference::kernels::cpu::KvDtype;
use shekara_inference::weights::ActivationDtype;

use crate::support::{Answer, Models, Server, copy_folder, fixture, settings};

/// Of a log probability, in nats.
pub const TOLERANCE: f64 = 0.01;
const PATH: &str = "/v1/completions";

pub struct Case {
    prompt: Vec<u32>,
    greedy: Vec<u32>,
    /// Of every token but the first.
    logprobs: Vec<f64>,
}

impl Case {
    fn whole(&self) -> Vec<u32> {
        [self.prompt.as_slice(), &self.greedy].concat()
    }
}

fn folder() -> PathBuf {
    fixture("architectures")
}

/// All but those that need a setting of their own.
fn names() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("fixtures");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8")).collect();
    names.retain(|name| name != "phi3-short");
    names.sort();
    names
}

fn cases(name: &str) -> Vec<Case> {
    read_cases(&folder().join(name).join("golden.json"))
}

pub fn read_cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read(path).expect("a golden");
    let golden: Value = serde_json::from_slice(&text).expect("JSON");
    let cases = golden["cases"].as_array().expect("cases");
    let ids = |value: &Value| serde_json::from_value(value.clone()).expect("token ids");
    cases
        .iter()
        .map(|case| Case {
            prompt: ids(&case["tokens"]),
            greedy: ids(&case["greedy"]),
            logprobs: serde_json::from_value(case["logprobs"].clone()).expect("numbers"),
        })
        .collect()
}

/// A models directory of these fixtures, with the tokenizer that all share.
fn models(names: &[String]) -> Models {
    let models = Models::new(&[]);
    for name in names {
        add(&models, name, name);
    }
    models
}

pub fn add(models: &Models, name: &str, as_name: &str) -> PathBuf {
    let path = models.path(as_name);
    copy_folder(&folder().join(name), &path);
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(fixture("llama-tiny").join(file), path.join(file)).expect("copy");
    }
    path
}

/// Keys and values as exact as the reference's.
pub fn exact() -> EngineSettings {
    EngineSettings { kv_cache_dtype: KvDtype::F32, activation_dtype: ActivationDtype::Int16, ..settings() }
}

fn choices(answer: &Answer) -> &Vec<Value> {
    answer.body["choices"].as_array().unwrap_or_else(|| panic!("{}", answer.body))
}

fn numbers(choice: &Value) -> Vec<f64> {
    let rows = choice["logprobs"]["token_logprobs"].as_array().unwrap_or_else(|| panic!("{choice}"));
    rows.iter().filter_map(Value::as_f64).collect()
}

/// The log probabilities of whole sequences, read in one request.
async fn scored(server: &Server, name: &str, sequences: &[Vec<u32>]) -> Vec<Vec<f64>> {
    let request = json!({"model": name, "prompt": sequences, "echo": true, "max_tokens": 0, "logprobs": 0});
    choices(&server.ask(PATH, &request).await).iter().map(numbers).collect()
}

/// What follows the prompts greedily, and its log probabilities.
async fn continued(server: &Server, name: &str, prompts: &[Vec<u32>], count: usize) -> Vec<(String, Vec<f64>)> {
    let request = json!({"model": name, "prompt": prompts, "max_tokens": count, "temperature": 0, "logprobs": 0,
        "ignore_eos": true});
    let answer = server.ask(PATH, &request).await;
    let text = |choice: &Value| choice["text"].as_str().expect("a text").to_owned();
    choices(&answer).iter().map(|choice| (text(choice), numbers(choice))).collect()
}

fn largest_error(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f64::max)
}

/// How far a model's log probabilities are from the reference, at most.
pub async fn distance(server: &Server, name: &str, cases: &[Case]) -> f64 {
    let sequences: Vec<_> = cases.iter().map(Case::whole).collect();
    let found = scored(server, name, &sequences).await;
    let errors = found.iter().zip(cases).map(|(found, case)| largest_error(found, &case.logprobs));
    errors.fold(0.0, f64::max)
}

/// What the tokens of a greedy continuation read as.
async fn text_of(server: &Server, name: &str, tokens: &[u32]) -> String {
    let answer = server.ask("/detokenize", &json!({"model": name, "tokens": tokens})).await;
    answer.body["prompt"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

pub async fn check(server: &Server, name: &str, cases: &[Case]) {
    let error = distance(server, name, cases).await;
    assert!(error < TOLERANCE, "{name}: {error} from the reference");
    let prompts: Vec<_> = cases.iter().map(|case| case.prompt.clone()).collect();
    let batched = continued(server, name, &prompts, cases[0].greedy.len()).await;
    for ((case, prompt), batched) in cases.iter().zip(prompts).zip(batched) {
        let alone = continued(server, name, std::slice::from_ref(&prompt), case.greedy.len()).await;
        assert!(alone[0] == batched, "{name}: alone and batched differ");
        // What ends amid a character is shown without its last tokens.
        let expected = text_of(server, name, &case.greedy).await;
        let text = &batched.0;
        assert!(expected.starts_with(text.trim_end_matches('\u{fffd}')), "{name}: {text:?} is not {expected:?}");
        let known = &case.logprobs[prompt.len() - 1..];
        let error = largest_error(&batched.1, &known[..batched.1.len()]);
        assert!(batched.1.len() > case.greedy.len() / 2 && error < TOLERANCE, "{name}: {error} from the reference");
        let whole = [case.whole()];
        let scored_alone = scored(server, name, &whole).await;
        let error = largest_error(&scored_alone[0], &case.logprobs);
        assert!(error < TOLERANCE, "{name}: {error} from the reference alone");
    }
}

#[tokio::test]
async fn every_architecture_agrees_with_transformers() {
    let names = names();
    let models = models(&names);
    let server = models.serve(exact());
    let mut failed = Vec::new();
    for name in &names {
        let (server, cases) = (server.clone(), cases(name));
        let task = tokio::spawn({
            let name = name.clone();
            async move { check(&server, &name, &cases).await }
        });
        if task.await.is_err() {
            failed.push(name.clone());
        }
    }
    assert!(failed.is_empty(), "{} of {}: {failed:?}", failed.len(), names.len());
}

/// Changes a model's `config.json`.
fn change(path: &Path, change: impl Fn(&mut Value)) {
    let path = path.join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).expect("a config")).expect("JSON");
    change(&mut config);
    std::fs::write(path, config.to_string()).expect("write");
}

#[tokio::test]
async fn a_knob_left_out_is_seen_in_the_golden() {
    type Change = fn(&mut Value);
    let knobs: [(&str, &str, Change); 12] = [
        ("mistral", "window", |config| config["sliding_window"] = Value::Null),
        ("gemma2", "scores' cap", |config| config["attn_logit_softcapping"] = Value::Null),
        ("gemma2", "logits' cap", |config| config["final_logit_softcapping"] = Value::Null),
        ("gemma3", "second rotation", |config| {
            config["rope_parameters"]["sliding_attention"]["rope_theta"] = json!(1e6);
        }),
        ("granite", "residuals' factor", |config| config["residual_multiplier"] = json!(1.0)),
        ("llama-yarn", "yarn", |config| config["rope_parameters"] = json!({"rope_type": "default", "rope_theta": 1e4})),
        ("smollm3", "layers without rotation", |config| config["no_rope_layers"] = json!([1, 1, 1, 1])),
        ("glm4", "part that is rotated", |config| config["partial_rotary_factor"] = json!(1.0)),
        ("cohere", "norm of queries and keys", |config| config["use_qk_norm"] = json!(false)),
        ("qwen3-moe", "weights that sum to one", |config| config["norm_topk_prob"] = json!(false)),
        ("deepseek-v3", "groups of experts", |config| config["n_group"] = json!(1)),
        ("gpt-oss", "clamp", |config| config["swiglu_limit"] = json!(100.0)),
    ];
    let models = Models::new(&[]);
    for (index, (name, _, knob)) in knobs.iter().enumerate() {
        change(&add(&models, name, &format!("{name}-{index}")), knob);
    }
    let server = models.serve(exact());
    for (index, (name, knob, _)) in knobs.iter().enumerate() {
        let error = distance(&server, &format!("{name}-{index}"), &cases(name)).await;
        assert!(error > 10.0 * TOLERANCE, "{name} without its {knob} is only {error} from the reference");
    }
}

#[tokio::test]
async fn how_far_a_model_is_served_decides_between_two_lists_of_frequencies() {
    let models = models(&["phi3-short".to_owned()]);
    let cases = cases("phi3-short");
    let within = models.serve(EngineSettings { max_context: Some(256), ..exact() });
    assert!(distance(&within, "phi3-short", &cases).await < TOLERANCE);
    let beyond = models.serve(exact());
    assert!(distance(&beyond, "phi3-short", &cases).await > 10.0 * TOLERANCE);
}
