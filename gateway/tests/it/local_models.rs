//! Routes of local models follow the models directory, and operators see and steer the models.

#![cfg(feature = "local-engine")]

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use shekara_gateway::providers::EngineService;
use shekara_gateway::routing::LocalModels;
use shekara_inference::catalog::{Catalog, ModelStatus};
use shekara_inference::engine::EngineSettings;
use shekara_inference::server::{AdminAccess, ServerState, router};

use crate::gateway::TestGateway;

const IIN: &str = "901123300258";

fn copy_model(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inference/tests/fixtures/llama-tiny");
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

async fn started(models: &Path) -> (TestGateway, Arc<Catalog>) {
    let directory = models.to_owned();
    let catalog = tokio::task::spawn_blocking(move || Catalog::load(&directory, EngineSettings::default()));
    let catalog = catalog.await.unwrap().unwrap();
    let engine = router(ServerState::new(Arc::clone(&catalog)).with_admin(AdminAccess::Local));
    let gateway = TestGateway::start_with("", Some(EngineService::new(engine)), LocalModels::default()).await;
    (gateway, catalog)
}

#[tokio::test]
async fn a_model_that_comes_is_a_route_and_one_that_goes_is_none() {
    let models = tempfile::tempdir().unwrap();
    copy_model(&models.path().join("tiny"));
    let (gateway, _catalog) = started(models.path()).await;
    assert_eq!((gateway.ask("tiny", "hello").await.status), 404);
    let detector = Arc::clone(&gateway.gateway.snapshot().detector);
    gateway.gateway.follow_local(&LocalModels::new(["tiny".to_owned()], []));
    assert_eq!((gateway.ask("tiny", "hello").await.status), 200);
    assert_eq!((gateway.ask("local/tiny", "hello").await.status), 200);
    let snapshot = gateway.gateway.snapshot();
    assert!(Arc::ptr_eq(&detector, &snapshot.detector), "only routes are made anew");
    // The same again is no change.
    gateway.gateway.follow_local(&LocalModels::new(["tiny".to_owned()], []));
    assert!(Arc::ptr_eq(&snapshot, &gateway.gateway.snapshot()));
    let other = LocalModels::new(["other".to_owned()], []);
    gateway.gateway.follow_local(&other.clone().with_away(["tiny".to_owned()]));
    let away = gateway.ask("tiny", "hello").await;
    assert_eq!((away.status, away.code().as_str()), (503, "model_not_served"));
    assert_eq!(gateway.send("GET", "/readyz", "", "").await.status, 200, "what is away is not waited for");
    gateway.gateway.follow_local(&LocalModels::new(["other".to_owned()], ["tiny".to_owned()]));
    assert_eq!(gateway.send("GET", "/readyz", "", "").await.status, 503, "what is loaded at the start is");
    gateway.gateway.follow_local(&LocalModels::default());
    assert_eq!((gateway.ask("tiny", "hello").await.status), 404);
}

#[tokio::test]
async fn operators_see_and_steer_the_models_with_the_admin_key_alone() {
    let models = tempfile::tempdir().unwrap();
    copy_model(&models.path().join("tiny"));
    let (gateway, catalog) = started(models.path()).await;
    let path = "/admin/v1/models";
    assert_eq!(gateway.send("GET", path, &gateway.key, "").await.status, 403);
    assert_eq!(gateway.send("GET", path, "", "").await.status, 401);
    let listed = gateway.send("GET", path, &gateway.admin_key, "").await;
    assert_eq!((listed.status, listed.json()["data"][0]["state"].as_str()), (200, Some("ready")));
    let unload = json!({ "id": "tiny", "action": "unload" }).to_string();
    assert_eq!(gateway.send("POST", path, &gateway.key, unload.clone()).await.status, 403);
    assert_eq!(gateway.send("POST", path, &gateway.admin_key, unload).await.status, 202);
    catalog.wait_until(|catalog| catalog.model("tiny").is_some_and(|model| model.name() == "unloaded")).await;
    let wrong = gateway.send("POST", path, &gateway.admin_key, r#"{"id":"tiny","action":"x"}"#).await;
    assert_eq!((wrong.status, wrong.json()["error"]["param"].as_str()), (400, Some("action")));
    let unknown = gateway.send("POST", path, &gateway.admin_key, r#"{"id":"nobody","action":"load"}"#).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "model_not_found"));
}

#[tokio::test]
async fn without_an_engine_there_are_no_models_to_see() {
    let gateway = TestGateway::start("").await;
    let answer = gateway.send("GET", "/admin/v1/models", &gateway.admin_key, "").await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "no_local_engine"));
}

/// A small model with an adapter, under the name `tiny`.
fn copy_adapted_model(models: &Path) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inference/tests/fixtures");
    let (model, adapter) = (models.join("tiny"), models.join("tiny/adapters/support"));
    std::fs::create_dir_all(&adapter).unwrap();
    let tokenizer = fixtures.join("llama-tiny");
    for (from, to, names) in [
        (fixtures.join("architectures/qwen3"), &model, ["config.json", "model.safetensors"]),
        (tokenizer, &model, ["tokenizer.json", "tokenizer_config.json"]),
        (fixtures.join("adapters/qwen3/support"), &adapter, ["adapter_config.json", "adapter_model.safetensors"]),
    ] {
        for name in names {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

#[tokio::test]
async fn an_adapter_is_a_route_of_its_own_and_goes_with_its_folder() {
    let models = tempfile::tempdir().unwrap();
    copy_adapted_model(models.path());
    let (gateway, catalog) = started(models.path()).await;
    let served = || LocalModels::new(catalog.list().into_iter().filter(ModelStatus::is_served).map(|one| one.id), []);
    gateway.gateway.follow_local(&served());
    let text = json!([{ "role": "user", "content": "hello" }]);
    let said = async |model: &str| {
        let body = json!({ "model": model, "messages": text, "max_tokens": 8, "temperature": 0, "ignore_eos": true });
        gateway.chat(body).await
    };
    let (of_model, of_adapter) = (said("tiny").await, said("tiny:support").await);
    assert_eq!((of_model.status, of_adapter.status), (200, 200), "{}", of_adapter.body);
    assert_eq!((of_adapter.header("x-shekara-model"), of_adapter.header("x-shekara-zone")), ("tiny:support", "local"));
    assert_ne!(of_model.text(), of_adapter.text());
    assert_eq!(said("local/tiny:support").await.text(), of_adapter.text());
    // Personal data stays with it: it is inside the border.
    let sensitive = gateway.ask("tiny:support", &format!("ИИН {IIN}")).await;
    assert_eq!((sensitive.status, sensitive.header("x-shekara-model")), (200, "tiny:support"));
    let listed = gateway.send("GET", "/v1/models", &gateway.key, "").await.json();
    assert!(listed["data"].as_array().unwrap().iter().any(|model| model["id"] == "tiny:support"), "{listed}");
    assert_eq!(gateway.send("GET", "/v1/models/tiny:support", &gateway.key, "").await.status, 200);
    std::fs::remove_dir_all(models.path().join("tiny/adapters")).unwrap();
    let is_gone = || catalog.list().iter().all(|model| model.id != "tiny:support");
    let _watch = catalog.watch().unwrap();
    catalog.wait_until(|_| is_gone()).await;
    gateway.gateway.follow_local(&served());
    assert_eq!((said("tiny").await.status, said("tiny:support").await.status), (200, 404));
}
