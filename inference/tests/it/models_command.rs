//! `shekara-inference models …` as a process: what it prints and how it ends.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use shekara_inference::hub::KnownModels;
use shekara_inference::models::encoder::is_encoder;
use shekara_inference::models::supported_architectures;
use shekara_inference::models::whisper::WhisperConfig;

use crate::hub_stub::{COMMIT, Hub, TOKEN};
use crate::pull::{names, tiny};
use crate::support::Models;

fn command(arguments: &[&str], models_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shekara-inference"));
    command.arg("models").args(arguments).arg("--models-dir").arg(models_dir);
    for name in
        ["HF_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "SHEKARA_MODELS_DIR", "RUST_LOG"]
    {
        command.env_remove(name);
    }
    command
}

/// Waits for a process while the test's own servers answer it.
async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("it starts")).await.expect("no panic")
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pull_list_and_verify_go_together() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    hub.gate();
    let token_file = directory.path().join("token");
    std::fs::write(&token_file, format!("{TOKEN}\n")).expect("write");
    let models_dir = directory.path().join("models");
    let mut pull = command(&["pull", "org/tiny", "--endpoint", &hub.endpoint()], &models_dir);
    pull.env("HF_TOKEN_PATH", &token_file);
    let pulled = output(pull).await;
    let (out, err) = texts(&pulled);
    assert!(pulled.status.success(), "{err}");
    assert!(out.starts_with(&format!("tiny\tpulled\torg/tiny@{COMMIT}, ")) && out.contains("apache-2.0"), "{out}");
    // Not on a terminal: lines, and no control characters of a bar.
    assert!(err.contains("model.safetensors") && err.contains("100 %") && !err.contains('\r'), "{err}");
    assert!(!out.contains(TOKEN) && !err.contains(TOKEN));

    let (out, _) = texts(&output(command(&["list"], &models_dir)).await);
    assert!(out.starts_with("tiny\tok\tLlamaForCausalLM, context ") && out.contains("org/tiny@0123456789ab"), "{out}");
    let (out, _) = texts(&output(command(&["list", "--json"], &models_dir)).await);
    let list: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(list["models"][0]["licence"], "apache-2.0");
    let verified = output(command(&["verify", "tiny"], &models_dir)).await;
    assert!(verified.status.success());
    assert_eq!(texts(&verified).0, "tiny\tok\tLlamaForCausalLM, checksums match\n");

    // One bit of the weights: the folder can be loaded, but is not what was pulled.
    let path = models_dir.join("tiny/model.safetensors");
    let mut bytes = std::fs::read(&path).expect("readable");
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).expect("write");
    let broken = output(command(&["verify", "--json"], &models_dir)).await;
    assert!(!broken.status.success());
    let verdict: Value = serde_json::from_str(&texts(&broken).0).expect("JSON");
    assert_eq!((&verdict["broken"], &verdict["models"][0]["status"]), (&1.into(), &"broken".into()));
    assert!(verdict["models"][0]["reason"].as_str().expect("a reason").contains("model.safetensors"));
    // Pulling again mends it.
    let mut pull = command(&["pull", "org/tiny", "--endpoint", &hub.endpoint()], &models_dir);
    pull.env("HF_TOKEN", TOKEN);
    assert!(output(pull).await.status.success());
    assert!(output(command(&["verify"], &models_dir)).await.status.success());
    assert_eq!(names(&models_dir), ["models.toml", "tiny"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_and_an_unknown_name_end_with_a_message() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    hub.gate();
    let refused = output(command(&["pull", "org/tiny", "--endpoint", &hub.endpoint()], directory.path())).await;
    let (out, err) = texts(&refused);
    assert!(!refused.status.success() && out.is_empty());
    assert!(err.contains("failed to pull org/tiny") && err.contains("gated") && err.contains("HF_TOKEN"), "{err}");
    let unknown = output(command(&["pull", "qwen3-9"], directory.path())).await;
    assert!(!unknown.status.success());
    assert!(texts(&unknown).1.contains("qwen3-0.6b"), "{}", texts(&unknown).1);
    for name in ["../x/y", "a/b/c", "org/.."] {
        assert!(!output(command(&["pull", name], directory.path())).await.status.success(), "{name}");
    }
    assert_eq!(names(directory.path()), Vec::<String>::new());
}

#[test]
fn verify_names_what_is_missing_and_what_is_broken() {
    let models = Models::new(&["llama-tiny", "qwen3-tiny"]);
    let run = |arguments: &[&str]| command(arguments, models.directory.path()).output().expect("it starts");
    let sound = run(&["verify"]);
    assert!(sound.status.success());
    assert!(texts(&sound).0.contains("llama-tiny\tok\tLlamaForCausalLM, no checksums recorded"));
    assert!(!run(&["verify", "nothing"]).status.success());
    std::fs::write(models.path("qwen3-tiny").join("config.json"), "{}").expect("write");
    let broken = run(&["verify"]);
    assert!(!broken.status.success());
    let (out, err) = texts(&broken);
    assert!(out.contains("llama-tiny\tok") && out.contains("qwen3-tiny\tbroken\t"), "{out}");
    assert!(err.contains("1 of 2 models are broken"), "{err}");
    assert!(run(&["verify", "llama-tiny"]).status.success(), "the other was not asked for");
    let record = "[[model]]\nid = \"gone\"\nsource = \"a/b\"\nrevision = \"c\"\nfiles = []\n";
    std::fs::write(models.path("models.toml"), record).expect("write");
    let missing = run(&["verify", "gone"]);
    assert!(!missing.status.success());
    assert!(texts(&missing).0.contains("its folder is missing"));
    std::fs::write(models.path("models.toml"), "[[model").expect("write");
    assert!(!run(&["verify"]).status.success());
    assert!(run(&["list"]).status.success());
}

#[test]
fn the_catalogue_is_shown_and_every_architecture_in_it_is_served() {
    let directory = tempfile::tempdir().expect("temporary folder");
    let run = |arguments: &[&str]| texts(&command(arguments, directory.path()).output().expect("it starts")).0;
    let table = run(&["list", "--available"]);
    let list: Value = serde_json::from_str(&run(&["list", "--available", "--json"])).expect("JSON");
    let list = list["models"].as_array().expect("a list");
    let supported = supported_architectures();
    for known in KnownModels::load().all() {
        assert!(table.contains(&known.name) && table.contains(&known.source), "{}", known.name);
        let of_text = supported.contains(&known.architecture.as_str()) || is_encoder(&known.architecture);
        let served = of_text || known.architecture == WhisperConfig::ARCHITECTURE;
        assert!(served || known.not_yet.is_some(), "{}: {} is not in the table", known.name, known.architecture);
    }
    assert_eq!(list.len(), KnownModels::load().all().len());
    assert!(list.len() >= 24);
    assert!(list.iter().all(|model| model["memory_bytes"]["q4_k"].as_u64() < model["memory_bytes"]["bf16"].as_u64()));
}

#[test]
fn the_demo_is_what_is_recorded_of_it() {
    let models_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let verified = command(&["verify", "demo"], &models_dir).output().expect("it starts");
    let (out, err) = texts(&verified);
    assert!(
        verified.status.success() && out.contains("checksums match"),
        "{out}{err}: models.toml records models/demo"
    );
}

#[test]
fn bench_measures_a_shape_and_refuses_what_it_does_not_know() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shekara-inference"));
        command.arg("bench").args(arguments).env_remove("RUST_LOG").output().expect("it starts")
    };
    let small = [
        "--dummy-weights",
        "--shape",
        "small",
        "--prompt-tokens",
        "20",
        "--new-tokens",
        "4",
        "--batch",
        "1,3",
        "--runs",
        "1",
        "--threads",
        "2",
    ];
    let table = run(&small);
    let (out, err) = texts(&table);
    assert!(table.status.success(), "{err}");
    assert!(out.contains("prefill") && out.contains("decode") && out.lines().count() == 5, "{out}");
    let found = run(&[&small[..], &["--json"]].concat());
    let result: Value = serde_json::from_slice(&found.stdout).expect("JSON");
    assert_eq!((&result["shape"], &result["threads"]), (&"small".into(), &2.into()));
    for (row, batch) in [(0, 1), (1, 3)] {
        assert_eq!(result["rows"][row]["batch"], batch);
        assert!(result["rows"][row]["prefill_tokens_per_s"].as_f64() > Some(0.0));
    }
    let unknown = run(&["--dummy-weights", "--shape", "llama-9"]);
    assert!(!unknown.status.success() && texts(&unknown).1.contains("llama-3.1-8b"));
    assert!(!run(&["--shape", "small"]).status.success(), "there are no real weights to measure");
    assert!(!run(&["--dummy-weights", "--shape", "small", "--prompt-tokens", "99999"]).status.success());
    assert!(!run(&["--dummy-weights", "--shape", "small", "--batch", "0"]).status.success());
}
