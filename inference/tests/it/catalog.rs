//! The models directory as it changes: folders come, are exchanged, go, and never cost a request.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shekara_inference::catalog::{Catalog, CatalogSettings, LoadingSettings, ModelState, NextRevision};

use crate::support::{Models, Server, copy_folder, fixture, request, settings, write_parrot};

/// A catalog over a directory, with a clock that stands still until it is told.
pub struct Stage {
    pub models: Models,
    pub server: Server,
    now_ms: Arc<AtomicU64>,
}

impl Stage {
    pub fn new(models: Models, loading: LoadingSettings) -> Self {
        let now_ms = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&now_ms);
        let clock = Arc::new(move || Duration::from_millis(told.load(Ordering::SeqCst)));
        let settings = CatalogSettings { loading, ..settings().into() };
        let catalog = Catalog::open_at(models.directory.path(), settings, clock).expect("the directory opens");
        catalog.load_all();
        Self { models, server: Server::of(catalog), now_ms }
    }

    /// Looks, as the watch does when something has changed, and loads what is due.
    pub fn look(&self) {
        self.server.catalog.reconcile();
        self.server.catalog.load_all();
    }

    pub fn after(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
        self.look();
    }

    /// Looks now and once everything has stood still.
    pub fn settle(&self) {
        self.look();
        self.after(QUIET_MS);
    }

    pub fn state(&self, id: &str) -> (String, String) {
        let Some(state) = self.server.catalog.model(id) else { return ("none".to_owned(), String::new()) };
        (state.name().to_owned(), state.reason().unwrap_or_default().to_owned())
    }

    pub fn next(&self, id: &str) -> Option<NextRevision> {
        self.server.catalog.model_status(id).and_then(|status| status.next)
    }

    pub async fn says(&self, id: &str) -> String {
        let answer = self.server.chat(&request(id, "hi", 100)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.content().to_owned()
    }
}

pub const QUIET_MS: u64 = 1_000;
const INCOMPLETE_MS: u64 = 60_000;
const FIRST: &str = "Zürich 🎉!";
const SECOND: &str = "abc";

pub fn loading() -> LoadingSettings {
    LoadingSettings { quiet_ms: QUIET_MS, incomplete_ms: INCOMPLETE_MS, ..LoadingSettings::default() }
}

/// Puts a folder in the place of another, as a careful person does.
pub fn exchange(path: &Path, write: impl FnOnce(&Path)) {
    let beside = path.with_file_name(".new");
    write(&beside);
    let _ = std::fs::remove_dir_all(path.with_file_name(".old"));
    std::fs::rename(path, path.with_file_name(".old")).expect("rename");
    std::fs::rename(&beside, path).expect("rename");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_comes_is_loaded_once_it_stands_still_and_one_that_goes_is_unloaded() {
    let stage = Stage::new(Models::new(&[]), loading());
    assert_eq!(stage.server.chat(&request("parrot", "hi", 9)).await.status, 404);
    write_parrot(&stage.models.path("parrot"), FIRST);
    stage.look();
    assert_eq!(stage.server.get("/readyz").await.status, 503);
    assert_eq!(stage.state("parrot"), ("waiting".to_owned(), "its files are still changing".to_owned()));
    assert_eq!(stage.server.chat(&request("parrot", "hi", 9)).await.error(), (503, "model_loading", ""));
    stage.after(QUIET_MS - 1);
    assert_eq!(stage.state("parrot").0, "waiting");
    // A late file starts the wait anew.
    std::fs::write(stage.models.path("parrot").join("generation_config.json"), "{}").expect("write");
    stage.after(1);
    stage.after(QUIET_MS - 1);
    assert_eq!(stage.state("parrot").0, "waiting");
    stage.after(1);
    assert_eq!(stage.says("parrot").await, FIRST);
    // Another that comes does not make the server look broken.
    std::fs::create_dir(stage.models.path("empty")).expect("create");
    stage.look();
    assert_eq!((stage.state("empty").0.as_str(), stage.server.get("/readyz").await.status.as_u16()), ("waiting", 200));
    std::fs::remove_dir(stage.models.path("empty")).expect("remove");
    std::fs::remove_dir_all(stage.models.path("parrot")).expect("remove");
    stage.look();
    assert_eq!(stage.says("parrot").await, FIRST, "gone for a moment is not gone");
    stage.after(QUIET_MS);
    stage.server.catalog.wait_until(|catalog| catalog.model("parrot").is_none()).await;
    assert_eq!(stage.server.chat(&request("parrot", "hi", 9)).await.error(), (404, "model_not_found", "model"));
    assert_eq!(stage.server.catalog.budget().reserved_bytes(), 0);
    assert_eq!(stage.server.get("/v1/models").await.body["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_copy_is_waited_for_and_one_that_ends_halfway_is_broken_in_the_end() {
    let stage = Stage::new(Models::new(&[]), loading());
    let (from, to) = (fixture("llama-tiny"), stage.models.path("slow"));
    std::fs::create_dir(&to).expect("create");
    stage.settle();
    assert_eq!(stage.state("slow"), ("waiting".to_owned(), "the folder is empty".to_owned()));
    let weights = std::fs::read(from.join("model.safetensors")).expect("fixture");
    for part in [weights.len() / 3, weights.len() / 2, weights.len()] {
        std::fs::copy(from.join("config.json"), to.join("config.json")).expect("copy");
        std::fs::write(to.join("model.safetensors"), &weights[..part]).expect("write");
        stage.settle();
        let (state, reason) = stage.state("slow");
        assert_eq!(state, "waiting", "{part}: {reason}");
        let expected = if part < weights.len() { "truncated" } else { "tokenizer.json is missing" };
        assert!(reason.contains(expected), "{reason}");
        assert_eq!(stage.server.chat(&request("slow", "hi", 9)).await.error(), (503, "model_loading", ""));
    }
    // Nobody goes on: after a while it counts as broken, and says of what.
    stage.after(INCOMPLETE_MS);
    let (state, reason) = stage.state("slow");
    assert!(state == "failed" && reason.contains("tokenizer.json is missing"), "{state} {reason}");
    // Somebody does after all.
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(from.join(name), to.join(name)).expect("copy");
    }
    stage.settle();
    assert_eq!(stage.state("slow").0, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_put_another_revision_in_place_is_noticed() {
    let models = Models::new(&[]);
    write_parrot(&models.path("parrot"), FIRST);
    write_parrot(&models.path(".a"), FIRST);
    write_parrot(&models.path(".b"), SECOND);
    std::os::unix::fs::symlink(".a", models.path("linked")).expect("link");
    let stage = Stage::new(models, loading());
    let path = stage.models.path("parrot");
    assert_eq!((stage.says("parrot").await, stage.says("linked").await), (FIRST.to_owned(), FIRST.to_owned()));
    exchange(&path, |path| write_parrot(path, SECOND));
    stage.settle();
    assert_eq!(stage.says("parrot").await, SECOND);
    // Removed and copied anew, the way many do it, with a look in between.
    std::fs::remove_dir_all(&path).expect("remove");
    stage.look();
    write_parrot(&path, FIRST);
    stage.look();
    assert_eq!(stage.says("parrot").await, SECOND);
    stage.after(QUIET_MS);
    assert_eq!(stage.says("parrot").await, FIRST);
    // One file written over.
    std::fs::copy(stage.models.path(".b").join("model.safetensors"), path.join("model.safetensors")).expect("copy");
    stage.settle();
    assert_eq!(stage.says("parrot").await, SECOND);
    // A link that leads elsewhere now.
    std::fs::remove_file(stage.models.path("linked")).expect("remove");
    std::os::unix::fs::symlink(".b", stage.models.path("linked")).expect("link");
    stage.settle();
    assert_eq!(stage.says("linked").await, SECOND);
    // Nothing else is: what does not make a model may change.
    let before = stage.server.model("parrot").info.created;
    std::fs::write(path.join("README.md"), "about").expect("write");
    stage.settle();
    assert_eq!((stage.server.model("parrot").info.created, stage.next("parrot")), (before, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_fails_leaves_the_old_one_serving_and_says_so() {
    let models = Models::new(&["qwen3-tiny"]);
    write_parrot(&models.path("parrot"), FIRST);
    let stage = Stage::new(models, loading());
    let path = stage.models.path("parrot");
    exchange(&path, |path| copy_folder(&fixture("llama-tiny"), path));
    let weights = std::fs::File::options().write(true).open(path.join("model.safetensors")).expect("open");
    weights.set_len(1_000).expect("truncate");
    stage.settle();
    assert!(matches!(stage.next("parrot"), Some(NextRevision::Waiting { reason }) if reason.contains("header")));
    assert_eq!((stage.state("parrot").0, stage.says("parrot").await), ("ready".to_owned(), FIRST.to_owned()));
    stage.after(INCOMPLETE_MS);
    assert!(matches!(stage.next("parrot"), Some(NextRevision::Failed { reason }) if reason.contains("header")));
    assert_eq!(stage.says("parrot").await, FIRST);
    let listed = stage.server.get("/admin/v1/models").await.body;
    let line = listed["data"].as_array().expect("a list").iter().find(|line| line["id"] == "parrot").expect("listed");
    assert_eq!((line["state"].as_str(), line["next_revision"]["state"].as_str()), (Some("ready"), Some("failed")));
    // What cannot become sound by waiting fails at once.
    std::fs::copy(fixture("llama-tiny").join("model.safetensors"), path.join("model.safetensors")).expect("copy");
    let config = std::fs::read_to_string(path.join("config.json")).expect("readable");
    std::fs::write(path.join("config.json"), config.replace("LlamaForCausalLM", "MambaForCausalLM")).expect("write");
    stage.settle();
    assert!(matches!(stage.next("parrot"), Some(NextRevision::Failed { reason }) if reason.contains("Mamba")));
    // Mended, it takes over.
    std::fs::write(path.join("config.json"), config).expect("write");
    stage.settle();
    assert_eq!(stage.next("parrot"), None);
    assert_ne!(stage.says("parrot").await, FIRST);
    // And one that comes back to what is served needs no loading.
    assert_eq!(stage.state("qwen3-tiny").0, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_finished_by_the_revision_that_began_it() {
    let stage = Stage::new(Models::new(&["llama-tiny"]), loading());
    let mut long = request("llama-tiny", "x", 2_000);
    long["ignore_eos"] = json!(true);
    let expected = stage.server.chat(&long).await.content().to_owned();
    let old = stage.server.model("llama-tiny").info.revision.clone();
    let mut stream = stage.server.open(&long).await;
    stream.body_mut().frame().await.expect("a frame").expect("no error");
    exchange(&stage.models.path("llama-tiny"), |path| write_parrot(path, SECOND));
    stage.settle();
    assert_ne!(stage.server.model("llama-tiny").info.revision, old);
    assert_eq!(stage.says("llama-tiny").await, SECOND);
    let status = stage.server.catalog.model_status("llama-tiny").expect("known");
    assert!(status.num_draining <= 1);
    let body = stream.into_body().collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(body.to_vec()).expect("text");
    assert!(text.ends_with("data: [DONE]\n\n") && text.contains(r#""finish_reason":"length""#));
    let said: String = content_of(&text);
    assert!(expected.ends_with(&said), "the stream went on otherwise than it began");
    // With the last answer the old revision's memory is back.
    let reserved = stage.server.model("llama-tiny").info.reserved_bytes;
    stage.server.catalog.wait_until(|catalog| catalog.budget().reserved_bytes() == reserved).await;
}

/// All content of a stream's events.
pub fn content_of(events: &str) -> String {
    let data = events.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let chunk = |data: &str| serde_json::from_str::<Value>(data).expect("JSON");
    let chunks = data.map(chunk);
    chunks.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_goes_finishes_what_it_has_and_is_seen_to_drain() {
    let stage = Stage::new(Models::new(&["llama-tiny"]), loading());
    let mut long = request("llama-tiny", "x", 100_000);
    long["ignore_eos"] = json!(true);
    let stream = stage.server.open(&long).await;
    std::fs::remove_dir_all(stage.models.path("llama-tiny")).expect("remove");
    stage.settle();
    assert_eq!(stage.server.chat(&request("llama-tiny", "x", 1)).await.status, 404);
    drop(stream);
    stage.server.catalog.wait_until(|catalog| catalog.model("llama-tiny").is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checksums_of_the_manifest_are_held() {
    let models = Models::new(&["llama-tiny", "qwen3-tiny"]);
    let bytes = std::fs::read(models.path("llama-tiny").join("model.safetensors")).expect("readable").len();
    let entry = |id: &str, size: usize, sum: &str| {
        format!(
            "[[model]]\nid = \"{id}\"\nfiles = [{{ path = \"model.safetensors\", size = {size}, sha256 = \"{sum}\" }}]\n"
        )
    };
    let manifest = models.path("models.toml");
    std::fs::write(&manifest, entry("llama-tiny", bytes, &"0".repeat(64))).expect("write");
    let stage = Stage::new(models, loading());
    let (state, reason) = stage.state("llama-tiny");
    assert!(state == "failed" && reason.contains("sha256"), "{state} {reason}");
    assert_eq!(stage.state("qwen3-tiny").0, "ready");
    std::fs::write(&manifest, entry("llama-tiny", bytes + 1, "")).expect("write");
    // Another manifest is a reason to try again.
    stage.settle();
    let (state, reason) = stage.state("llama-tiny");
    assert!(state == "waiting" && reason.contains(&format!("has {bytes} of {} bytes", bytes + 1)), "{state} {reason}");
    std::fs::remove_file(&manifest).expect("remove");
    stage.settle();
    assert_eq!(stage.state("llama-tiny").0, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_load_unload_reload_and_pin() {
    let stage = Stage::new(Models::new(&["llama-tiny"]), loading());
    let ask = |action: &str| {
        let body = json!({"id": "llama-tiny", "action": action});
        let server = stage.server.clone();
        async move { server.ask("/admin/v1/models", &body).await }
    };
    let before = stage.server.model("llama-tiny");
    let answer = ask("unload").await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    drop(before);
    stage.server.catalog.wait_until(|catalog| matches!(catalog.model("llama-tiny"), Some(ModelState::Unloaded))).await;
    // An operator's word stands: neither requests nor new files bring it back.
    assert_eq!(stage.server.chat(&request("llama-tiny", "x", 1)).await.error(), (503, "model_unloaded", ""));
    std::fs::write(stage.models.path("llama-tiny").join("generation_config.json"), "{}").expect("write");
    stage.settle();
    assert_eq!(stage.state("llama-tiny").0, "unloaded");
    assert_eq!(ask("load").await.status, 202);
    stage.look();
    let loaded = stage.server.model("llama-tiny");
    assert_eq!(ask("load").await.body["state"], "ready");
    stage.look();
    assert!(Arc::ptr_eq(&loaded, &stage.server.model("llama-tiny")));
    assert_eq!(ask("reload").await.status, 202);
    stage.look();
    assert!(!Arc::ptr_eq(&loaded, &stage.server.model("llama-tiny")));
    assert_eq!(ask("pin").await.body["pinned"], true);
    assert_eq!(ask("unpin").await.body["pinned"], false);
    assert_eq!(ask("explode").await.error(), (400, "invalid_value", "action"));
    let unknown = stage.server.ask("/admin/v1/models", &json!({"id": "nobody", "action": "load"})).await;
    assert_eq!(unknown.error(), (404, "model_not_found", "id"));
    let line = &stage.server.get("/admin/v1/models").await.body["data"][0];
    let size = stage.models.path("llama-tiny").join("model.safetensors").metadata().expect("there").len();
    assert_eq!((line["state"].as_str(), line["dtype"].as_str()), (Some("ready"), Some("bf16")));
    assert!(line["weight_bytes"].as_u64().expect("a number") <= size && line["blocks"]["total"].as_u64() > Some(0));
    assert!(line["loaded_at"].as_u64() > Some(0) && line["last_used_at"].as_u64() >= line["loaded_at"].as_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_noticed_by_themselves() {
    let models = Models::new(&[]);
    let loading = LoadingSettings { quiet_ms: 100, rescan_ms: 3_600_000, ..LoadingSettings::default() };
    let settings = CatalogSettings { loading, ..settings().into() };
    let catalog = Catalog::load(models.directory.path(), settings).expect("the directory opens");
    let server = Server::of(catalog.clone());
    let watch = catalog.watch().expect("a thread");
    let is = |state: &'static str| {
        move |catalog: &Catalog| catalog.model("parrot").map_or("none", |model| model.name()) == state
    };
    write_parrot(&models.path("parrot"), FIRST);
    catalog.wait_until(is("ready")).await;
    let first = server.model("parrot").info.revision.clone();
    // In place, one file of an existing folder.
    write_parrot(&models.path(".b"), SECOND);
    std::fs::copy(models.path(".b").join("model.safetensors"), models.path("parrot").join("model.safetensors"))
        .expect("copy");
    catalog
        .wait_until(
            |catalog| matches!(catalog.model("parrot"), Some(ModelState::Ready(model)) if model.info().revision != first),
        )
        .await;
    assert_eq!(server.chat(&request("parrot", "hi", 100)).await.content(), SECOND);
    std::fs::remove_dir_all(models.path("parrot")).expect("remove");
    catalog.wait_until(is("none")).await;
    drop(watch);
}

/// Sixteen clients that never stop asking while the model under them is exchanged again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn swaps_under_load_lose_no_request_and_cut_no_stream() {
    const SWAPS: usize = 8;
    let models = Models::new(&["llama-tiny"]);
    let loading = LoadingSettings { quiet_ms: 150, rescan_ms: 1_000, ..LoadingSettings::default() };
    let settings = CatalogSettings { loading, ..settings().into() };
    let catalog = Catalog::load(models.directory.path(), settings).expect("the directory opens");
    let server = Server::of(catalog.clone());
    let _watch = catalog.watch().expect("a thread");
    let mut ask = request("llama-tiny", "Сәлем", 60);
    ask["ignore_eos"] = json!(true);
    // Equal requests to one revision have equal answers, so that a mixture would be seen.
    let first = server.chat(&ask).await.content().to_owned();
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let client = |index: usize| {
        let (server, ask, is_over) = (server.clone(), ask.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut answers = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                if index.is_multiple_of(4) {
                    let answer = server.chat(&ask).await;
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    assert_eq!(answer.finish_reason(), "length");
                    answers.push(answer.content().to_owned());
                } else {
                    let streamed = server.stream(&ask).await;
                    assert_eq!(streamed.finish_reason(), "length");
                    answers.push(streamed.deltas().concat());
                }
            }
            answers
        })
    };
    let clients: Vec<_> = (0..16).map(client).collect();
    for swap in 0..SWAPS {
        let before = server.model("llama-tiny").info.revision.clone();
        let (path, source) = (models.path("llama-tiny"), if swap % 2 == 0 { "qwen3-tiny" } else { "llama-tiny" });
        match swap % 3 {
            0 => exchange(&path, |path| copy_folder(&fixture(source), path)),
            1 => {
                std::fs::remove_dir_all(&path).expect("remove");
                copy_folder(&fixture(source), &path);
            }
            _ => {
                for entry in std::fs::read_dir(fixture(source)).expect("fixture") {
                    let entry = entry.expect("entry");
                    std::fs::copy(entry.path(), path.join(entry.file_name())).expect("copy");
                }
            }
        }
        let is_swapped = |catalog: &Catalog| {
            matches!(catalog.model("llama-tiny"), Some(ModelState::Ready(model)) if model.info().revision != before)
                && catalog.model_status("llama-tiny").is_some_and(|status| status.next.is_none())
        };
        catalog.wait_until(is_swapped).await;
    }
    is_over.store(true, Ordering::SeqCst);
    let last = server.chat(&ask).await.content().to_owned();
    let answers: Vec<String> =
        join_all(clients).await.into_iter().flat_map(|client| client.expect("no panic")).collect();
    assert!(answers.len() >= 16);
    let distinct: std::collections::BTreeSet<&String> = answers.iter().chain([&first, &last]).collect();
    assert!(distinct.len() <= 2, "an answer of neither revision: {distinct:?}");
    // Every revision before the last has given its memory back.
    let reserved = server.model("llama-tiny").info.reserved_bytes;
    catalog.wait_until(|catalog| catalog.budget().reserved_bytes() == reserved).await;
}
