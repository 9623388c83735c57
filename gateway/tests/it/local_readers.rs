//! Models of the engine that read texts: embedders behind the gateway, and a classifier behind its rules.

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
use crate::upstream::{Reply, Upstream};

/// The label of a random model stands at every third token, and it is never sure.
const PRIVACY: &str = "[privacy]\nscan_timeout_ms = 60000\nclassifier_timeout_ms = 60000\n";
const THRESHOLDS: &str = "[privacy.thresholds]\nperson = 30\n";

async fn started(outside: &Upstream, privacy: &str) -> TestGateway {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inference/tests/fixtures/encoders");
    let catalog = tokio::task::spawn_blocking(move || Catalog::load(&folder, EngineSettings::default()));
    let catalog: Arc<Catalog> = catalog.await.unwrap().unwrap();
    let engine = EngineService::new(router(ServerState::new(catalog)));
    let config = format!(
        "{privacy}[[providers]]\nname = \"cloud\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"cloud\", model = \"big\" }}]\n",
        outside.base_url
    );
    let models = ["bert", "bert-reranker", "bert-ner"].map(str::to_owned);
    TestGateway::start_with(&config, Some(engine), LocalModels::new(models, [])).await
}

#[tokio::test]
async fn local_models_embed_and_rank_what_is_sensitive() {
    let outside = Upstream::start(Reply::Text("outside")).await;
    let gateway = started(&outside, "").await;
    let embed = json!({ "model": "bert", "input": ["мой ИИН 901123300258", "the river"] }).to_string();
    let answer = gateway.send("POST", "/v1/embeddings", &gateway.key, embed).await;
    assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "pii"), "{}", answer.body);
    assert_eq!(answer.json()["data"][1]["embedding"].as_array().map(Vec::len), Some(32));
    let rank = json!({ "model": "bert-reranker", "query": "ИИН 901123300258", "documents": ["a", "b"] }).to_string();
    let answer = gateway.send("POST", "/v1/rerank", &gateway.key, rank).await;
    assert_eq!(answer.json()["results"].as_array().map(Vec::len), Some(2), "{}", answer.body);
    let answer = gateway.ask("bert", "hello").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "unsupported_model"), "{}", answer.body);
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn a_classifier_finds_names_that_no_rule_knows() {
    let outside = Upstream::start(Reply::Text("outside")).await;
    let gateway = started(&outside, &format!("{PRIVACY}classifier = \"bert-ner\"\n{THRESHOLDS}")).await;
    // The model would find something here too, but there is no word that could be a name.
    let clean = gateway.ask("chat", "the river bank opens").await;
    assert_eq!((clean.status, clean.header("x-shekara-reason")), (200, "primary"), "{}", clean.body);
    let named = gateway.ask("chat", "the River bank opens").await;
    assert_eq!((named.status, named.code().as_str()), (503, "no_local_model"), "{}", named.body);
    assert!(named.header("x-shekara-pii").contains("person="), "{:?}", named.headers);
    assert_eq!(outside.received().len(), 1);
}

#[tokio::test]
async fn a_classifier_that_does_not_answer_keeps_everything_inside_that_it_would_be_asked_about() {
    let outside = Upstream::start(Reply::Text("outside")).await;
    for wrong in ["nobody", "bert"] {
        let gateway = started(&outside, &format!("{PRIVACY}classifier = \"{wrong}\"\n")).await;
        assert_eq!(gateway.ask("chat", "the river bank opens").await.status, 200);
        assert_eq!(gateway.ask("chat", "the River bank opens").await.code(), "no_local_model");
    }
    assert_eq!(outside.received().len(), 2);
}
