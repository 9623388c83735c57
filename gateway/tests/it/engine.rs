//! The gateway with the real engine in its process.

#![cfg(feature = "local-engine")]

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use shekara_gateway::providers::EngineService;
use shekara_gateway::routing::LocalModels;
use shekara_inference::catalog::Catalog;
use shekara_inference::engine::EngineSettings;
use shekara_inference::server::{ServerState, router};

use crate::gateway::TestGateway;
use crate::pictures;
use crate::upstream::{Reply, Upstream};

const MODEL: &str = "qwen3-tiny";

async fn started(outside: &Upstream) -> TestGateway {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inference/tests/fixtures");
    let catalog = tokio::task::spawn_blocking(move || Catalog::load(&folder, EngineSettings::default()));
    let catalog: Arc<Catalog> = catalog.await.unwrap().unwrap();
    let engine = EngineService::new(router(ServerState::new(catalog)));
    let config = format!(
        "[privacy]\ndefault_local = \"{MODEL}\"\n\
         [[providers]]\nname = \"cloud\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"cloud\", model = \"big\" }}]\n",
        outside.base_url
    );
    TestGateway::start_with(&config, Some(engine), LocalModels::new([MODEL.to_owned()], ["still-loading".to_owned()]))
        .await
}

fn sensitive(extra: &serde_json::Value) -> serde_json::Value {
    let mut body = json!({ "model": "chat", "max_tokens": 6, "temperature": 0,
        "messages": [{ "role": "user", "content": "ИИН 901123300258" }] });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_sensitive_request_is_answered_by_the_engine_plain_and_streamed() {
    let outside = Upstream::start(Reply::Text("outside")).await;
    let gateway = started(&outside).await;
    let plain = gateway.chat(sensitive(&json!({}))).await;
    assert_eq!((plain.status, plain.header("x-shekara-reason")), (200, "pii"), "{}", plain.body);
    assert_eq!((plain.header("x-shekara-provider"), plain.header("x-shekara-model")), ("local", MODEL));
    let streamed = gateway.chat(sensitive(&json!({ "stream": true }))).await;
    assert!(streamed.body.ends_with("data: [DONE]\n\n"), "{}", streamed.body);
    assert!(!streamed.body.contains("\"usage\":{"), "usage was not asked for: {}", streamed.body);
    assert!(outside.received().is_empty());
    let audit = gateway.audit().await;
    assert_eq!(
        (audit[0].prompt_tokens, audit[0].completion_tokens),
        (audit[1].prompt_tokens, audit[1].completion_tokens)
    );
    assert_eq!(audit[0].completion_tokens, Some(6));
}

#[tokio::test]
async fn every_local_model_is_a_route_and_its_own_limits_are_the_callers() {
    let outside = Upstream::start(Reply::Text("outside")).await;
    let gateway = started(&outside).await;
    let long = "много слов ".repeat(5_000);
    for model in [MODEL, "local/qwen3-tiny"] {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": long }] });
        let answer = gateway.chat(body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "context_length_exceeded"), "{}", answer.body);
        assert_eq!(answer.json()["error"]["param"], "messages");
        let wrong = json!({ "model": model, "temperature": 9, "messages": [{ "role": "user", "content": "x" }] });
        let answer = gateway.chat(wrong).await;
        assert_eq!((answer.status, answer.json()["error"]["param"].as_str()), (400, Some("temperature")));
    }
}

#[tokio::test]
async fn a_model_that_is_being_loaded_is_503_and_not_unknown() {
    let outside = Upstream::start(Reply::Text("outside")).await;
    let gateway = started(&outside).await;
    for model in ["still-loading", "local/still-loading"] {
        let answer = gateway.ask(model, "hello").await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "model_not_served"), "{}", answer.body);
        assert!(!answer.header("retry-after").is_empty());
        assert_eq!(gateway.ask(model, "ИИН 901123300258").await.code(), "no_local_model");
    }
    assert_eq!(gateway.ask("local/never-there", "hello").await.status, 404);
    assert_eq!(gateway.send("GET", "/readyz", "", "").await.status, 503);
}

#[tokio::test]
async fn what_the_local_model_cannot_do_is_422_and_never_sent_out() {
    let outside = Upstream::start(Reply::Text("outside")).await;
    let gateway = started(&outside).await;
    let image = json!([{ "type": "image_url", "image_url": { "url": "https://x.kz/a.png" } }]);
    for extra in [
        json!({ "messages": [{ "role": "user", "content": format!("ИИН 901123300258 {}", "слово ".repeat(9_000)) }] }),
        json!({ "modalities": ["text", "audio"] }),
        json!({ "messages": [{ "role": "user", "content": image }] }),
        json!({ "tools": [{ "type": "web_search" }] }),
    ] {
        let answer = gateway.chat(sensitive(&extra)).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "no_capable_local_model"), "{}", answer.body);
        assert_eq!(answer.header("x-should-retry"), "false");
    }
    let tools = json!({ "tools": [{ "type": "function", "function": { "name": "f", "parameters": {} } }] });
    assert_eq!(gateway.chat(sensitive(&tools)).await.status, 200);
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn the_engine_counts_tokens_and_refuses_images_by_name() {
    let outside = Upstream::start(Reply::Text("outside")).await;
    let gateway = started(&outside).await;
    let ask = async |model: &str, content: serde_json::Value| {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": content }] });
        gateway.send("POST", "/v1/messages/count_tokens", &gateway.key, body.to_string()).await
    };
    let (short, long) = (ask(MODEL, json!("hi")).await, ask(MODEL, json!("hi there, and so on and on")).await);
    let count = |answer: &crate::gateway::Answer| answer.json()["input_tokens"].as_u64().unwrap_or_default();
    assert_eq!(short.status, 200, "{}", short.body);
    assert!(0 < count(&short) && count(&short) < count(&long), "{} {}", short.body, long.body);
    let body = json!({ "model": MODEL, "max_tokens": 1, "messages": [{ "role": "user", "content": "hi" }] });
    let answer = gateway.send("POST", "/v1/messages", &gateway.key, body.to_string()).await.json();
    let usage = &answer["usage"];
    let read = usage["input_tokens"].as_u64().unwrap() + usage["cache_read_input_tokens"].as_u64().unwrap();
    assert_eq!(count(&short), read, "{answer}");
    let kept = ask("chat", json!("ИИН 901123300258")).await;
    assert_eq!((kept.status, kept.header("x-shekara-reason")), (200, "pii"), "{}", kept.body);
    let source = json!({ "type": "base64", "media_type": "image/png", "data": "AAAA" });
    let image = json!([{ "type": "image", "source": source }]);
    let refused = ask(MODEL, image).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("messages[0]"), "{}", refused.body);
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn the_engine_makes_no_pictures_and_none_leaves_for_want_of_one() {
    let outside = Upstream::start(Reply::Text("outside")).await;
    let gateway = started(&outside).await;
    let fields = [("model", "chat"), ("prompt", "a lighthouse")];
    let answer =
        pictures::send(&gateway, pictures::EDITS, &fields, &[("image", "a.gif", "image/gif", b"GIF89a")]).await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "no_capable_local_model"), "{}", answer.body);
    assert!(outside.received().is_empty());
}
