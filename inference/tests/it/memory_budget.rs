//! Models share a budget of memory: idle ones give way, and come back when they are asked for.

use serde_json::json;
use shekara_inference::catalog::{LoadingSettings, ModelState};

use crate::catalog::{Stage, content_of};
use crate::support::{Models, Numbers, copy_folder, fixture, request};

fn loading(memory_bytes: u64) -> LoadingSettings {
    LoadingSettings {
        memory_bytes: Some(memory_bytes),
        quiet_ms: 1_000,
        incomplete_ms: 60_000,
        ..LoadingSettings::default()
    }
}

/// What one of the small models takes.
fn bytes_of(name: &str) -> u64 {
    let stage = Stage::new(Models::new(&[name]), LoadingSettings::default());
    stage.server.model(name).info.reserved_bytes
}

/// Three models of the same size, and room for `count` of them.
fn three(count: u64) -> Stage {
    let models = Models::new(&[]);
    for name in ["a", "b", "c"] {
        copy_folder(&fixture("llama-tiny"), &models.path(name));
    }
    Stage::new(models, loading(bytes_of("llama-tiny") * count + 1_000))
}

fn states(stage: &Stage) -> Vec<String> {
    ["a", "b", "c"].iter().map(|id| stage.state(id).0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_recently_used_idle_model_gives_way_and_comes_back_on_demand() {
    let stage = three(2);
    // At the start nobody takes another's place.
    assert_eq!(states(&stage), ["ready", "ready", "unloaded"]);
    let listed = stage.server.get("/v1/models").await.body;
    assert_eq!(listed["data"].as_array().expect("a list").len(), 3);
    for (ask, expected) in [
        ("b", ["ready", "ready", "unloaded"]),
        ("c", ["unloaded", "ready", "ready"]),
        ("b", ["unloaded", "ready", "ready"]),
        ("a", ["ready", "ready", "unloaded"]),
    ] {
        let answer = stage.server.chat(&request(ask, "x", 2)).await;
        assert_eq!(answer.status, 200, "{ask}: {}", answer.body);
        assert_eq!(states(&stage), expected, "after {ask}");
    }
    let pin = json!({"id": "b", "action": "pin"});
    assert_eq!(stage.server.ask("/admin/v1/models", &pin).await.status, 202);
    assert_eq!(stage.server.chat(&request("a", "x", 2)).await.status, 200);
    assert_eq!(stage.server.chat(&request("c", "x", 2)).await.status, 200);
    assert_eq!(states(&stage), ["unloaded", "ready", "ready"], "b is pinned");
    let budget = stage.server.catalog.budget();
    assert!(budget.reserved_bytes() <= budget.total_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_model_is_waited_for_and_never_cut() {
    let stage = three(1);
    let mut long = request("a", "x", 1_500);
    long["ignore_eos"] = json!(true);
    let stream = stage.server.open(&long).await;
    let asked = tokio::spawn({
        let server = stage.server.clone();
        async move { server.chat(&request("b", "x", 2)).await }
    });
    let body = http_body_util::BodyExt::collect(stream.into_body()).await.expect("a body").to_bytes();
    let text = String::from_utf8(body.to_vec()).expect("text");
    assert!(text.contains(r#""finish_reason":"length""#) && !content_of(&text).is_empty());
    let answer = asked.await.expect("no panic");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(states(&stage), ["unloaded", "ready", "unloaded"]);
}

/// Models come and go under everybody's feet, and nobody notices.
#[tokio::test(flavor = "multi_thread")]
async fn clients_of_more_models_than_fit_are_all_answered() {
    let stage = three(2);
    let expected = stage.server.chat(&request("a", "hi", 8)).await.content().to_owned();
    let client = |seed: u64| {
        let (server, expected) = (stage.server.clone(), expected.clone());
        tokio::spawn(async move {
            let mut numbers = Numbers(seed);
            for _ in 0..5 {
                let id = ["a", "b", "c"][numbers.below(3)];
                let answer = server.chat(&request(id, "hi", 8)).await;
                assert_eq!(answer.status, 200, "{id}: {}", answer.body);
                // All three have the same weights.
                assert_eq!(answer.content(), expected);
            }
        })
    };
    for client in futures_util::future::join_all((0..12).map(client)).await {
        client.expect("no panic");
    }
    let budget = stage.server.catalog.budget();
    assert!(budget.reserved_bytes() <= budget.total_bytes());
    assert!(states(&stage).iter().filter(|state| *state == "ready").count() <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_fit_says_what_it_needs() {
    let models = Models::new(&["llama-tiny"]);
    let stage = Stage::new(models, loading(100_000));
    let (state, reason) = stage.state("llama-tiny");
    assert!(state == "failed" && reason.contains("needs ") && reason.contains(" free of 97.7 KiB"), "{reason}");
    assert_eq!(stage.server.chat(&request("llama-tiny", "x", 1)).await.error(), (404, "model_not_found", "model"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_autoload_or_in_time_it_is_503() {
    let models = Models::new(&[]);
    for name in ["a", "b", "c"] {
        copy_folder(&fixture("llama-tiny"), &models.path(name));
    }
    let one = bytes_of("llama-tiny") + 1_000;
    let stage = Stage::new(models, LoadingSettings { autoload: false, ..loading(one) });
    assert_eq!(stage.state("b").0, "failed");
    assert!(stage.state("b").1.contains("needs "));
    let stage = three(1);
    let quick = LoadingSettings { wait_ms: 50, max_waiting: 1, ..loading(one) };
    let stage = Stage::new(stage.models, quick);
    let mut long = request("a", "x", 100_000);
    long["ignore_eos"] = json!(true);
    let stream = stage.server.open(&long).await;
    let answer = stage.server.chat(&request("b", "x", 2)).await;
    // The tiny model may be through with its whole context before that.
    if answer.status != 200 {
        assert_eq!(answer.error(), (503, "model_loading", ""));
        assert!(answer.headers.contains_key("retry-after"));
    }
    drop(stream);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_does_not_fit_beside_the_old_one_takes_its_place_and_no_request_fails() {
    let stage = three(1);
    for name in ["b", "c"] {
        std::fs::remove_dir_all(stage.models.path(name)).expect("remove");
    }
    stage.settle();
    let before = stage.server.model("a").info.revision.clone();
    let mut long = request("a", "x", 1_500);
    long["ignore_eos"] = json!(true);
    let stream = stage.server.open(&long).await;
    let path = stage.models.path("a");
    std::fs::remove_dir_all(&path).expect("remove");
    copy_folder(&fixture("llama-tiny"), &path);
    stage.settle();
    // The old one has a stream to finish, then the new one comes; meanwhile requests wait.
    let answers = (0..8).map(|_| {
        let server = stage.server.clone();
        tokio::spawn(async move { server.chat(&request("a", "x", 2)).await })
    });
    let answers = futures_util::future::join_all(answers.collect::<Vec<_>>());
    let (body, answers) = tokio::join!(http_body_util::BodyExt::collect(stream.into_body()), answers);
    let text = String::from_utf8(body.expect("a body").to_bytes().to_vec()).expect("text");
    assert!(text.contains(r#""finish_reason":"length""#) && text.ends_with("data: [DONE]\n\n"));
    for answer in answers {
        let answer = answer.expect("no panic");
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let revised =
        |state: Option<ModelState>| matches!(state, Some(ModelState::Ready(model)) if model.info().revision != before);
    stage.server.catalog.wait_until(|catalog| revised(catalog.model("a"))).await;
}
