//! LoRA adapters: what PEFT says, in any batch, and as their folders come and go.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shekara_inference::catalog::{Catalog, CatalogSettings, LoadingSettings, ModelSettings, ModelState, NextRevision};
use shekara_inference::engine::EngineSettings;
use shekara_inference::weights::Quantization;

use crate::architectures::{Case, TOLERANCE, add, check, distance, exact, read_cases};
use crate::batching::{requests, same_alone_and_together};
use crate::catalog::{QUIET_MS, Stage, content_of, exchange, loading};
use crate::support::{Models, Server, copy_folder, fixture, request, settings};

const MODEL: &str = "qwen3";
const SUPPORT: &str = "qwen3:support";
const FORMAL: &str = "qwen3:formal";
const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

fn made(model: &str, name: &str) -> PathBuf {
    fixture("adapters").join(model).join(name)
}

/// Puts an adapter in a model's folder.
fn put(models: &Models, (model, name): (&str, &str), (as_model, as_name): (&str, &str)) -> PathBuf {
    let path = models.path(as_model).join("adapters").join(as_name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("create");
    copy_folder(&made(model, name), &path);
    path
}

/// A model and its two adapters.
fn with_adapters(model: &str) -> Models {
    let models = Models::new(&[]);
    add(&models, model, model);
    for name in ["support", "formal"] {
        put(&models, (model, name), (model, name));
    }
    models
}

fn plain() -> Models {
    let models = Models::new(&[]);
    add(&models, MODEL, MODEL);
    models
}

fn cases(model: &str, name: &str) -> Vec<Case> {
    read_cases(&made(model, name).join("golden.json"))
}

fn base_cases(model: &str) -> Vec<Case> {
    read_cases(&fixture("architectures").join(model).join("golden.json"))
}

/// A request whose answer is as long as it may be.
fn long(model: &str, max_tokens: usize) -> Value {
    let mut long = request(model, "Where is my parcel? It was to come on Monday.", max_tokens);
    long["ignore_eos"] = json!(true);
    long
}

fn change(path: &Path, change: impl Fn(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON");
    change(&mut value);
    std::fs::write(path, value.to_string()).expect("write");
}

#[tokio::test]
async fn every_adapter_agrees_with_peft_and_matters() {
    for model in ["qwen3", "phi3", "gpt-neox"] {
        let server = with_adapters(model).serve(exact());
        let (support, formal) = (format!("{model}:support"), format!("{model}:formal"));
        let (of_support, of_formal) = (cases(model, "support"), cases(model, "formal"));
        check(&server, model, &base_cases(model)).await;
        check(&server, &support, &of_support).await;
        check(&server, &formal, &of_formal).await;
        for (id, cases) in [(model, &of_support), (model, &of_formal), (&support, &of_formal), (&formal, &of_support)] {
            let error = distance(&server, id, cases).await;
            assert!(error > 10.0 * TOLERANCE, "{id} is only {error} from another");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn adapters_and_none_agree_with_peft_in_one_batch() {
    let (model, support, formal) = (base_cases(MODEL), cases(MODEL, "support"), cases(MODEL, "formal"));
    let server = with_adapters(MODEL).serve(exact());
    let steps = server.model(MODEL).engine.stats().steps;
    let all = [(MODEL, &model), (SUPPORT, &support), (FORMAL, &formal), (SUPPORT, &support), (MODEL, &model)];
    let errors = join_all(all.map(|(id, cases)| distance(&server, id, cases))).await;
    assert!(errors.iter().all(|error| *error < TOLERANCE), "{errors:?}");
    let stats = server.idle(MODEL).await;
    assert!(stats.steps - steps < stats.computed_tokens, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_have_the_same_bits_with_adapters_and_without_in_any_company() {
    let models = with_adapters(MODEL);
    let mut requests = requests(MODEL);
    for (request, id) in requests.iter_mut().zip([MODEL, SUPPORT, FORMAL].into_iter().cycle()) {
        request["model"] = json!(id);
    }
    same_alone_and_together(&models, MODEL, &requests, 40).await;
    // And a model is what it was before it had any.
    let (with, without) = (models.serve(settings()), plain().serve(settings()));
    let answers = join_all(requests.iter().map(|request| with.chat(request))).await;
    for (request, answer) in requests.iter().zip(answers).step_by(3) {
        assert_eq!(answer.body["choices"], without.chat(request).await.body["choices"]);
    }
}

#[tokio::test]
async fn they_work_over_rounded_weights_and_gguf_files() {
    let models = with_adapters(MODEL);
    let one = ModelSettings { quantize: Some(Quantization::Q8_0), ..ModelSettings::default() };
    let rounded = CatalogSettings { engine: exact(), models: [(MODEL.to_owned(), one)].into(), ..exact().into() };
    std::fs::create_dir(models.path("gguf")).expect("create");
    std::fs::copy(fixture("gguf").join("qwen3.gguf"), models.path("gguf").join("model.gguf")).expect("copy");
    put(&models, (MODEL, "support"), ("gguf", "support"));
    let server = models.serve(rounded);
    let (of_model, of_support) = (base_cases(MODEL), cases(MODEL, "support"));
    for id in [MODEL, "gguf"] {
        let adapted = format!("{id}:support");
        // What rounding costs the model itself is what it may cost with an adapter.
        let cost = distance(&server, id, &of_model).await;
        let error = distance(&server, &adapted, &of_support).await;
        assert!(error < 3.0 * cost + TOLERANCE, "{adapted}: {error}, and {cost} without it");
        assert!(distance(&server, id, &of_support).await > 3.0 * error, "{adapted}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prefixes_are_found_by_the_same_adapter_only() {
    let models = with_adapters(MODEL);
    let stage = Stage::new(models, loading());
    let server = &stage.server;
    let ask = |id: &str| {
        let mut ask = request(id, &"Where is my parcel? ".repeat(10), 4);
        ask["ignore_eos"] = json!(true);
        async move { server.chat(&ask).await }
    };
    let mut said = Vec::new();
    for id in [MODEL, SUPPORT, FORMAL] {
        let first = ask(id).await;
        assert_eq!(first.cached_tokens(), 0, "{id}: {}", first.body);
        let again = ask(id).await;
        assert!(again.cached_tokens() > 16 && again.content() == first.content(), "{id}");
        said.push(first.content().to_owned());
    }
    assert!(said[0] != said[1] && said[1] != said[2], "{said:?}");
    // Under the same name, other weights; and then the first ones again, which are another revision still.
    for (name, expected) in [("formal", &said[2]), ("support", &said[1])] {
        let path = stage.models.path(MODEL).join("adapters/support");
        exchange(&path, |path| copy_folder(&made(MODEL, name), path));
        stage.settle();
        let answer = ask(SUPPORT).await;
        assert_eq!((answer.cached_tokens(), answer.content()), (0, expected.as_str()));
        assert!(ask(MODEL).await.cached_tokens() > 16, "the model's own prefixes stay");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_come_are_exchanged_and_go_while_their_model_serves_on() {
    let stage = Stage::new(plain(), loading());
    let base = stage.server.model(MODEL);
    let reserved = stage.server.catalog.budget().reserved_bytes();
    let of_base = stage.server.chat(&long(MODEL, 30)).await.content().to_owned();
    assert_eq!(stage.server.chat(&long(SUPPORT, 5)).await.error(), (404, "model_not_found", "model"));
    let path = put(&stage.models, (MODEL, "support"), (MODEL, "support"));
    stage.look();
    assert_eq!(stage.state(SUPPORT), ("waiting".to_owned(), "its files are still changing".to_owned()));
    assert_eq!(stage.server.chat(&long(SUPPORT, 5)).await.error(), (503, "model_loading", ""));
    stage.after(QUIET_MS);
    let first = stage.server.chat(&long(SUPPORT, 30)).await.content().to_owned();
    assert_ne!(first, of_base);
    assert!(stage.server.catalog.budget().reserved_bytes() > reserved);

    // What a stream has begun with it ends with.
    let expected = stage.server.chat(&long(SUPPORT, 500)).await.content().to_owned();
    let mut stream = stage.server.open(&long(SUPPORT, 500)).await;
    stream.body_mut().frame().await.expect("a frame").expect("no error");
    exchange(&path, |path| copy_folder(&made(MODEL, "formal"), path));
    stage.look();
    assert_eq!(stage.server.chat(&long(SUPPORT, 30)).await.content(), first, "not before it stands still");
    stage.after(QUIET_MS);
    let second = stage.server.chat(&long(SUPPORT, 30)).await.content().to_owned();
    assert!(second != first && second != of_base);
    let body = stream.into_body().collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(body.to_vec()).expect("text");
    assert!(text.ends_with("data: [DONE]\n\n") && expected.ends_with(&content_of(&text)));

    // A revision that is broken leaves the one before in service.
    let weights = std::fs::File::options().write(true).open(path.join(WEIGHTS)).expect("open");
    weights.set_len(1_000).expect("truncate");
    stage.settle();
    let next = stage.next(SUPPORT);
    assert!(matches!(&next, Some(NextRevision::Waiting { reason }) if reason.contains("header")), "{next:?}");
    assert_eq!(stage.server.chat(&long(SUPPORT, 30)).await.content(), second);
    exchange(&path, |path| copy_folder(&made(MODEL, "support"), path));
    stage.settle();
    assert_eq!((stage.next(SUPPORT), stage.server.chat(&long(SUPPORT, 30)).await.content()), (None, first.as_str()));

    std::fs::remove_dir_all(&path).expect("remove");
    stage.look();
    assert_eq!(stage.server.chat(&long(SUPPORT, 5)).await.status, 200, "gone for a moment is not gone");
    stage.after(QUIET_MS);
    assert_eq!(stage.server.chat(&long(SUPPORT, 5)).await.error(), (404, "model_not_found", "model"));
    stage.server.catalog.wait_until(|catalog| catalog.budget().reserved_bytes() == reserved).await;
    // All the while nothing happened to the model.
    assert!(Arc::ptr_eq(&base, &stage.server.model(MODEL)));
    assert_eq!((stage.next(MODEL), stage.server.chat(&long(MODEL, 30)).await.content()), (None, of_base.as_str()));
}

/// What is done to a sound adapter, and what is said of it then.
type Damage = (&'static str, fn(&Path), &'static str);

const DAMAGES: [Damage; 14] = [
    ("no-config", |path| std::fs::remove_file(path.join(CONFIG)).expect("remove"), "adapter_config.json is missing"),
    ("no-weights", |path| std::fs::remove_file(path.join(WEIGHTS)).expect("remove"), "safetensors is missing"),
    (
        "pickle",
        |path| std::fs::rename(path.join(WEIGHTS), path.join("adapter_model.bin")).expect("rename"),
        "adapter_model.bin may run code",
    ),
    ("no-json", |path| std::fs::write(path.join(CONFIG), "{").expect("write"), "not a JSON object"),
    ("cut", |path| cut(&path.join(WEIGHTS)), "truncated"),
    ("not-a-number", |path| spoil(&path.join(WEIGHTS)), "not finite"),
    ("dora", |path| change(&path.join(CONFIG), |config| config["use_dora"] = json!(true)), "DoRA"),
    ("bias", |path| change(&path.join(CONFIG), |config| config["bias"] = json!("all")), "bias"),
    (
        "whole-modules",
        |path| change(&path.join(CONFIG), |config| config["modules_to_save"] = json!(["lm_head"])),
        "modules_to_save",
    ),
    ("other-rank", |path| change(&path.join(CONFIG), |config| config["r"] = json!(5)), "shape"),
    (
        "fewer-targets",
        |path| change(&path.join(CONFIG), |config| config["target_modules"] = json!(["q_proj"])),
        "target_modules does not name",
    ),
    (
        "more-layers",
        |path| change(&path.join(CONFIG), |config| config["layers_to_transform"] = json!([0, 1])),
        "target_modules does not name",
    ),
    ("of-another", |path| replace(path, &made("phi3", "support")), "has shape [4, 48]"),
    ("with:colon", |_| {}, "must not contain ':'"),
];

fn cut(path: &Path) {
    let length = path.metadata().expect("there").len();
    std::fs::File::options().write(true).open(path).expect("open").set_len(length - 8).expect("cut");
}

/// Writes a value that is not a number over the last one.
fn spoil(path: &Path) {
    let mut bytes = std::fs::read(path).expect("readable");
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(path, bytes).expect("write");
}

fn replace(path: &Path, by: &Path) {
    std::fs::remove_dir_all(path).expect("remove");
    copy_folder(by, path);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_one_says_why_and_hinders_nobody() {
    let models = with_adapters(MODEL);
    for (name, damage, _) in DAMAGES {
        damage(&put(&models, (MODEL, "support"), (MODEL, name)));
    }
    std::fs::create_dir(models.path(MODEL).join("adapters/empty")).expect("create");
    std::fs::write(models.path(MODEL).join("adapters/file"), "no folder").expect("write");
    // A reader has no use for adapters.
    copy_folder(&fixture("encoders/bert"), &models.path("bert"));
    put(&models, (MODEL, "support"), ("bert", "support"));
    let stage = Stage::new(models, loading());
    for (name, _, expected) in DAMAGES.into_iter().chain([("empty", DAMAGES[0].1, "the folder is empty")]) {
        let (state, reason) = stage.state(&format!("{MODEL}:{name}"));
        assert!(state == "failed" && reason.contains(expected), "{name}: {state}, {reason}");
        let answer = stage.server.chat(&long(&format!("{MODEL}:{name}"), 2)).await;
        assert_eq!(answer.error(), (404, "model_not_found", "model"), "{name}");
    }
    let (state, reason) = stage.state("bert:support");
    assert!(state == "failed" && reason.contains("does not generate text"), "{reason}");
    for id in [MODEL, SUPPORT, FORMAL] {
        assert_eq!(stage.server.chat(&long(id, 2)).await.status, 200, "{id}");
    }
    let listed = stage.server.get("/v1/models").await.body;
    let ids: Vec<&str> =
        listed["data"].as_array().expect("a list").iter().filter_map(|model| model["id"].as_str()).collect();
    assert_eq!(ids, ["bert", MODEL, FORMAL, SUPPORT]);
    // One that is mended is served.
    let path = stage.models.path(MODEL).join("adapters/dora");
    change(&path.join(CONFIG), |config| config["use_dora"] = json!(false));
    stage.settle();
    assert_eq!(stage.state("qwen3:dora").0, "ready");
    // One that is still being copied is waited for.
    let slow = stage.models.path(MODEL).join("adapters/slow");
    std::fs::create_dir(&slow).expect("create");
    std::fs::copy(made(MODEL, "support").join(WEIGHTS), slow.join(WEIGHTS)).expect("copy");
    stage.settle();
    assert_eq!(stage.state("qwen3:slow"), ("waiting".to_owned(), "adapter_config.json is missing".to_owned()));
    std::fs::copy(made(MODEL, "support").join(CONFIG), slow.join(CONFIG)).expect("copy");
    stage.settle();
    assert_eq!(stage.state("qwen3:slow").0, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn they_go_and_come_with_their_model() {
    let stage = Stage::new(with_adapters(MODEL), loading());
    let of_support = stage.server.chat(&long(SUPPORT, 30)).await.content().to_owned();
    let unload = json!({"id": MODEL, "action": "unload"});
    assert_eq!(stage.server.ask("/admin/v1/models", &unload).await.status, 202);
    stage.server.catalog.wait_until(|catalog| catalog.budget().reserved_bytes() == 0).await;
    assert_eq!(stage.state(SUPPORT).0, "unloaded");
    assert_eq!(stage.server.chat(&long(SUPPORT, 2)).await.error(), (503, "model_unloaded", ""));
    // What changes meanwhile is seen when it is loaded again.
    std::fs::remove_dir_all(stage.models.path(MODEL).join("adapters/formal")).expect("remove");
    put(&stage.models, (MODEL, "formal"), (MODEL, "later"));
    stage.settle();
    assert_eq!(stage.server.ask("/admin/v1/models", &json!({"id": MODEL, "action": "load"})).await.status, 202);
    stage.look();
    assert_eq!(stage.server.chat(&long(SUPPORT, 30)).await.content(), of_support);
    assert_eq!(stage.server.chat(&long("qwen3:later", 30)).await.status, 200);
    assert_eq!(stage.server.chat(&long(FORMAL, 2)).await.status, 404);

    // Another revision of the model takes them over; one that they do not fit is served without them.
    let before = stage.server.model(MODEL);
    std::fs::write(stage.models.path(MODEL).join("generation_config.json"), "{}").expect("write");
    stage.settle();
    assert!(!Arc::ptr_eq(&before, &stage.server.model(MODEL)));
    assert_eq!(stage.server.chat(&long(SUPPORT, 30)).await.content(), of_support);
    let phi3 = fixture("architectures/phi3");
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(phi3.join(name), stage.models.path(MODEL).join(name)).expect("copy");
    }
    stage.settle();
    assert_eq!(stage.state(MODEL).0, "ready");
    let (state, reason) = stage.state(SUPPORT);
    assert!(state == "failed" && reason.contains("has shape [4, 64]"), "{state}: {reason}");
    put(&stage.models, ("phi3", "support"), (MODEL, "fitting"));
    stage.settle();
    assert_eq!(stage.state("qwen3:fitting").0, "ready");
    std::fs::remove_dir_all(stage.models.path(MODEL)).expect("remove");
    stage.settle();
    assert_eq!(stage.server.chat(&long("qwen3:fitting", 2)).await.status, 404);
    drop(before);
    stage.server.catalog.wait_until(|catalog| catalog.budget().reserved_bytes() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_shared_with_models_and_what_gave_way_comes_back_with_its_adapters() {
    let sizes = Stage::new(with_adapters(MODEL), LoadingSettings::default());
    let bytes = |id: &str| sizes.server.model(id).info.reserved_bytes;
    let (base, adapters) = (bytes(MODEL), bytes(SUPPORT) + bytes(FORMAL));
    assert_eq!(sizes.server.catalog.budget().reserved_bytes(), base + adapters);
    let two = || {
        let models = with_adapters(MODEL);
        add(&models, MODEL, "other");
        models
    };
    let budget = |bytes| LoadingSettings { memory_bytes: Some(bytes), ..loading() };
    // Room for one of the models with adapters: whoever names one makes the other go.
    let stage = Stage::new(two(), budget(base + adapters));
    let other = |stage: &Stage| stage.state("other").0;
    assert_eq!((stage.state(SUPPORT).0.as_str(), other(&stage).as_str()), ("unloaded", "ready"));
    let listed = stage.server.get("/v1/models").await.body;
    assert_eq!(listed["data"].as_array().expect("a list").len(), 4, "all of them are served on demand");
    for _ in 0..2 {
        assert_eq!(stage.server.chat(&long(SUPPORT, 2)).await.status, 200);
        assert_eq!((stage.state(FORMAL).0.as_str(), other(&stage).as_str()), ("ready", "unloaded"));
        assert_eq!(stage.server.chat(&long("other", 2)).await.status, 200);
        assert_eq!((stage.state(FORMAL).0.as_str(), other(&stage).as_str()), ("unloaded", "ready"));
    }
    // Room for both models and not for adapters, which at the start take nobody's place.
    let stage = Stage::new(two(), budget(2 * base + 100));
    let (state, reason) = stage.state(SUPPORT);
    assert!(state == "failed" && reason.contains("needs "), "{state}: {reason}");
    assert_eq!((stage.state(MODEL).0.as_str(), other(&stage).as_str()), ("ready", "ready"));
    std::fs::remove_dir_all(stage.models.path("other")).expect("remove");
    stage.settle();
    let is_ready = |catalog: &Catalog, id: &str| matches!(catalog.model(id), Some(ModelState::Ready(_)));
    stage.server.catalog.wait_until(|catalog| is_ready(catalog, SUPPORT) && is_ready(catalog, FORMAL)).await;
    // Their number and size are bounded.
    let few = LoadingSettings { max_adapters: 1, ..loading() };
    assert_eq!(Stage::new(with_adapters(MODEL), few).state(SUPPORT).0, "none");
    let small = LoadingSettings { max_adapter_bytes: 1_000, ..loading() };
    let stage = Stage::new(with_adapters(MODEL), small);
    assert!(stage.state(SUPPORT).1.contains("more than the 1000"), "{:?}", stage.state(SUPPORT));
}

#[tokio::test]
async fn every_endpoint_takes_their_ids_and_says_them_again() {
    let server = with_adapters(MODEL).serve(settings());
    let listed = server.get("/v1/models").await.body;
    let parents: Vec<(&str, Option<&str>)> = listed["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|model| (model["id"].as_str().expect("an id"), model["parent"].as_str()))
        .collect();
    assert_eq!(parents, [(MODEL, None), (FORMAL, Some(MODEL)), (SUPPORT, Some(MODEL))]);
    assert_eq!(server.get(&format!("/v1/models/{SUPPORT}")).await.body["parent"], MODEL);
    assert_eq!(server.get("/v1/models/qwen3:nobody").await.status, 404);
    let messages = json!([{"role": "user", "content": "hi"}]);
    for (path, body) in [
        ("/v1/chat/completions", json!({"model": SUPPORT, "messages": messages, "max_tokens": 3})),
        ("/v1/completions", json!({"model": SUPPORT, "prompt": "hi", "max_tokens": 3})),
        ("/v1/responses", json!({"model": SUPPORT, "input": "hi", "max_output_tokens": 16})),
        ("/v1/messages", json!({"model": SUPPORT, "messages": messages, "max_tokens": 3})),
    ] {
        let answer = server.ask(path, &body).await;
        assert_eq!((answer.status.as_u16(), &answer.body["model"]), (200, &json!(SUPPORT)), "{path}: {}", answer.body);
        let unknown = body.to_string().replace(SUPPORT, "qwen3:nobody");
        let unknown = server.ask(path, &serde_json::from_str(&unknown).expect("JSON")).await;
        assert_eq!(unknown.status, 404, "{path}");
    }
    let events = server.events("/v1/chat/completions", &long(SUPPORT, 3)).await;
    let chunk: Value = serde_json::from_str(&events[0].data).expect("JSON");
    assert_eq!(chunk["model"], SUPPORT);
    let tokens = |model: Value| {
        let mut body = json!({"prompt": "Where is my parcel?", "model": model});
        body.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        let server = server.clone();
        async move { server.ask("/tokenize", &body).await.body["tokens"].clone() }
    };
    let of_model = tokens(json!(MODEL)).await;
    assert!(of_model.is_array());
    assert_eq!(tokens(json!(SUPPORT)).await, of_model);
    assert_eq!(tokens(Value::Null).await, of_model, "the only model, whatever adapters it has");
    let embedding = server.ask("/v1/embeddings", &json!({"model": SUPPORT, "input": "hi"})).await;
    assert_eq!(embedding.error().1, "unsupported_model");
}

#[tokio::test]
async fn operators_see_them_and_steer_their_models() {
    let models = with_adapters(MODEL);
    let broken = put(&models, (MODEL, "support"), (MODEL, "broken"));
    cut(&broken.join(WEIGHTS));
    let server = models.serve(settings());
    for _ in 0..3 {
        assert_eq!(server.chat(&long(SUPPORT, 2)).await.status, 200);
    }
    let listed = server.get("/admin/v1/models").await.body;
    let lines = listed["data"].as_array().expect("a list");
    let line = |id: &str| lines.iter().find(|line| line["id"] == id).unwrap_or_else(|| panic!("{id}"));
    let support = line(SUPPORT);
    assert_eq!((&support["state"], &support["parent"]), (&json!("ready"), &json!(MODEL)));
    assert_eq!(
        (&support["rank"], &support["dtype"], &line(FORMAL)["dtype"]),
        (&json!(4), &json!("f32"), &json!("bf16"))
    );
    assert_eq!(support["reserved_bytes"], support["weight_bytes"]);
    assert!(support["last_used_at"].as_u64() >= support["loaded_at"].as_u64() && support["blocks"].is_null());
    assert_eq!(line("qwen3:broken")["state"], "failed");
    let sum: u64 = lines.iter().filter_map(|line| line["reserved_bytes"].as_u64()).sum();
    assert_eq!(listed["memory"]["reserved_bytes"], sum);
    for action in ["load", "unload", "reload", "pin"] {
        let answer = server.ask("/admin/v1/models", &json!({"id": SUPPORT, "action": action})).await;
        assert_eq!(answer.error(), (400, "invalid_value", "id"), "{action}");
    }
    let unknown = server.ask("/admin/v1/models", &json!({"id": "qwen3:nobody", "action": "load"})).await;
    assert_eq!(unknown.status, 404);
    let response = server.send(axum::http::Request::get("/metrics").body("".into()).expect("a request")).await;
    let text = response.into_body().collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(text.to_vec()).expect("UTF-8");
    for row in [
        format!("shekara:adapter_requests_total{{model_name=\"{SUPPORT}\",parent=\"{MODEL}\"}} 3"),
        format!("shekara:adapter_requests_total{{model_name=\"{FORMAL}\",parent=\"{MODEL}\"}} 0"),
        "# TYPE shekara:adapter_requests_total counter".to_owned(),
    ] {
        assert!(text.lines().any(|line| line == row), "{row} in {text}");
    }
    assert_eq!(text.matches("vllm:num_requests_running{").count(), 1, "an engine is counted once");

    let run = |command: &str| {
        let mut process = Command::new(env!("CARGO_BIN_EXE_shekara-inference"));
        process.args(["models", command, "--models-dir"]).arg(models.directory.path()).env_remove("RUST_LOG");
        process.output().expect("it starts")
    };
    let listed = run("list");
    let listed = String::from_utf8(listed.stdout).expect("UTF-8");
    assert!(listed.contains("qwen3:support\tok\tadapter of rank 4\n"), "{listed}");
    assert!(listed.contains("qwen3:broken\tbroken\t") && listed.contains("truncated"), "{listed}");
    let verified = run("verify");
    assert!(!verified.status.success());
    std::fs::remove_dir_all(broken).expect("remove");
    assert!(run("verify").status.success());
}

/// Clients that never stop asking while an adapter under them is exchanged again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exchanges_under_load_lose_no_request_and_mix_nothing() {
    const EXCHANGES: usize = 6;
    let models = with_adapters(MODEL);
    let loading = LoadingSettings { quiet_ms: 100, rescan_ms: 1_000, ..LoadingSettings::default() };
    let engine = EngineSettings { max_num_seqs: 4, ..settings() };
    let catalog = Catalog::load(models.directory.path(), CatalogSettings { loading, ..engine.into() });
    let catalog = catalog.expect("the directory opens");
    let server = Server::of(Arc::clone(&catalog));
    let _watch = catalog.watch().expect("a thread");
    let base = server.model(MODEL);
    let mut of_either = BTreeSet::new();
    for id in [SUPPORT, FORMAL] {
        of_either.insert(server.chat(&long(id, 40)).await.content().to_owned());
    }
    let of_base = server.chat(&long(MODEL, 40)).await.content().to_owned();
    assert_eq!(of_either.len(), 2);
    let is_over = Arc::new(AtomicBool::new(false));
    let client = |index: usize| {
        let (server, is_over) = (server.clone(), Arc::clone(&is_over));
        let (id, expected) = if index.is_multiple_of(4) {
            (MODEL, BTreeSet::from([of_base.clone()]))
        } else {
            (SUPPORT, of_either.clone())
        };
        tokio::spawn(async move {
            let mut count = 0;
            while !is_over.load(Ordering::SeqCst) {
                let content = if index.is_multiple_of(2) {
                    let answer = server.chat(&long(id, 40)).await;
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    answer.content().to_owned()
                } else {
                    server.stream(&long(id, 40)).await.deltas().concat()
                };
                assert!(expected.contains(&content), "{id}: an answer of no revision: {content}");
                count += 1;
            }
            count
        })
    };
    let clients: Vec<_> = (0..8).map(client).collect();
    let path = models.path(MODEL).join("adapters/support");
    for round in 0..EXCHANGES {
        let before = server.model(SUPPORT).info.revision.clone();
        let source = made(MODEL, if round % 2 == 0 { "formal" } else { "support" });
        if round % 3 == 0 {
            replace(&path, &source);
        } else {
            exchange(&path, |path| copy_folder(&source, path));
        }
        let is_exchanged = |catalog: &Catalog| match catalog.model(SUPPORT) {
            Some(ModelState::Ready(model)) => model.info().revision != before,
            _ => false,
        };
        catalog.wait_until(is_exchanged).await;
    }
    is_over.store(true, Ordering::SeqCst);
    for client in join_all(clients).await {
        assert!(client.expect("no panic") > 0);
    }
    assert!(Arc::ptr_eq(&base, &server.model(MODEL)), "the model was never loaded again");
    // The memory of what was exchanged is back.
    let sum: u64 = [MODEL, SUPPORT, FORMAL].map(|id| server.model(id).info.reserved_bytes).into_iter().sum();
    catalog.wait_until(|catalog| catalog.budget().reserved_bytes() == sum).await;
    server.idle(MODEL).await;
}
