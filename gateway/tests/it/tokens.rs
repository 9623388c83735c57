//! `/tokenize` and `/detokenize`: answered by the model's own server inside the border, and by nobody outside.

use serde_json::{Value, json};

use crate::gateway::{Answer, TestGateway, border};
use crate::upstream::{Reply, Upstream};

const TOKENS: &str = r#"{"count":2,"max_model_len":64,"tokens":[5,6],"token_strs":null}"#;
const IIN: &str = "мой ИИН 901123300258";

async fn post(gateway: &TestGateway, path: &str, body: &Value) -> Answer {
    gateway.send("POST", path, &gateway.key, body.to_string()).await
}

#[tokio::test]
async fn a_server_inside_is_asked_beside_its_api_and_its_answer_passes_as_it_is() {
    let (outside, inside) = (Upstream::start(Reply::Json(TOKENS)).await, Upstream::start(Reply::Json(TOKENS)).await);
    let own = "[[routes]]\nmodel = \"own\"\ntargets = [{ provider = \"home\", model = \"small\" }]\n";
    // Nobody looks at what never leaves, so that nothing of it is forbidden either.
    let config = border(&outside.base_url, &inside.base_url, own) + "[privacy.entities]\niin = \"block\"\n";
    let gateway = TestGateway::start(&config).await;
    let messages = json!([{ "role": "user", "content": IIN }]);
    for (model, path, body) in [
        ("own", "/tokenize", json!({ "prompt": IIN, "return_token_strs": true })),
        ("home/small", "/tokenize", json!({ "messages": messages, "add_generation_prompt": true })),
        ("own", "/detokenize", json!({ "tokens": [5, 6] })),
    ] {
        inside.set(Reply::Json(if path == "/tokenize" { TOKENS } else { "{\"prompt\":\"сә\"}" }));
        let mut body = body;
        body["model"] = json!(model);
        let answer = post(&gateway, path, &body).await;
        assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "local"), "{}", answer.body);
        assert_eq!((answer.header("x-shekara-reason"), answer.header("x-shekara-pii-action")), ("primary", "none"));
        assert_eq!((answer.header("x-shekara-synthetic"), answer.header("x-shekara-data-class")), ("", "personal"));
        let sent = inside.take_received().remove(0);
        assert!(sent.starts_with(&format!("POST {path} ")) && sent.contains(r#""model":"small""#), "{sent}");
        for (name, value) in body.as_object().unwrap().iter().filter(|(name, _)| *name != "model") {
            assert!(sent.contains(&format!("\"{name}\":{value}")), "{name}: {sent}");
        }
    }
    inside.set(Reply::Json("{}"));
    let broken = post(&gateway, "/tokenize", &json!({ "model": "own", "prompt": "x" })).await;
    assert_eq!((broken.status, broken.code().as_str()), (502, "provider_broken_response"));
    let audit = gateway.audit().await;
    assert_eq!((audit.len(), audit[0].endpoint.as_str(), audit[0].status), (4, "POST /tokenize", 200));
    assert_eq!((audit[2].endpoint.as_str(), audit[2].prompt_tokens), ("POST /detokenize", None));
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn a_model_outside_is_not_asked_whatever_the_text() {
    let (outside, inside) = (Upstream::start(Reply::Json(TOKENS)).await, Upstream::start(Reply::Json(TOKENS)).await);
    let rest = "unreadable = \"allow\"\nfallback = [{ provider = \"home\", model = \"small\" }]";
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, rest)).await;
    for model in ["chat", "cloud/big"] {
        for (path, body) in [
            ("/tokenize", json!({ "model": model, "prompt": "a lighthouse" })),
            ("/tokenize", json!({ "model": model, "messages": [{ "role": "user", "content": IIN }] })),
            ("/detokenize", json!({ "model": model, "tokens": [1, 2] })),
        ] {
            let answer = post(&gateway, path, &body).await;
            assert_eq!((answer.status, answer.code().as_str()), (422, "tokenizer_not_local"), "{}", answer.body);
            assert_eq!(answer.json()["error"]["param"], "model");
            assert_eq!(answer.header("x-should-retry"), "false");
        }
    }
    assert!(outside.received().is_empty() && inside.received().is_empty());
}

#[tokio::test]
async fn requests_are_checked_bounded_and_signed_like_others() {
    let inside = Upstream::start(Reply::Json(TOKENS)).await;
    let limits = format!("[server]\nmax_body_bytes = 2000\n{}", border(&inside.base_url, &inside.base_url, ""));
    let gateway = TestGateway::start(&limits).await;
    for (path, body, param) in [
        ("/tokenize", json!({ "prompt": "x" }), Some("model")),
        ("/tokenize", json!({ "model": "home/small" }), Some("prompt")),
        ("/tokenize", json!({ "model": "home/small", "prompt": "x", "messages": [] }), Some("prompt")),
        ("/tokenize", json!({ "model": "home/small", "prompt": ["x"] }), Some("prompt")),
        ("/detokenize", json!({ "tokens": [1] }), Some("model")),
        ("/detokenize", json!({ "model": "home/small" }), Some("tokens")),
        ("/detokenize", json!({ "model": "home/small", "tokens": [-1] }), Some("tokens[0]")),
        ("/detokenize", json!([1]), None),
    ] {
        let answer = post(&gateway, path, &body).await;
        assert_eq!((answer.status, answer.json()["error"]["param"].as_str()), (400, param), "{path} {}", answer.body);
    }
    let twice =
        gateway.send("POST", "/tokenize", &gateway.key, r#"{"model":"home/small","prompt":"a","prompt":"b"}"#).await;
    assert_eq!(twice.status, 400, "{}", twice.body);
    let large = post(&gateway, "/tokenize", &json!({ "model": "home/small", "prompt": "x".repeat(2_000) })).await;
    assert_eq!(large.status, 413);
    assert_eq!(gateway.send("POST", "/tokenize", "nobody", "{}").await.status, 401);
    assert_eq!(post(&gateway, "/tokenize", &json!({ "model": "nobody", "prompt": "x" })).await.status, 404);
    assert!(inside.received().is_empty());
}

#[tokio::test]
async fn servers_that_do_it_otherwise_are_not_asked() {
    let inside = Upstream::start(Reply::Json(TOKENS)).await;
    for (preset, status) in [("vllm", 200), ("ollama", 400), ("llama-cpp", 400)] {
        let config = border(&inside.base_url, &inside.base_url, "");
        let config = config.replace("zone = \"local\"", &format!("zone = \"local\"\npreset = \"{preset}\""));
        let gateway = TestGateway::start(&config).await;
        let answer = post(&gateway, "/tokenize", &json!({ "model": "home/small", "prompt": "x" })).await;
        assert_eq!((answer.status, inside.take_received().len()), (status, usize::from(status == 200)), "{preset}");
        if status != 200 {
            assert_eq!(answer.code(), "unsupported_model");
        }
    }
}

#[cfg(feature = "local-engine")]
mod with_engine {
    use std::path::Path;
    use std::sync::Arc;

    use shekara_gateway::providers::EngineService;
    use shekara_gateway::routing::LocalModels;
    use shekara_inference::catalog::Catalog;
    use shekara_inference::engine::EngineSettings;
    use shekara_inference::server::{ServerState, router};

    use super::*;

    #[tokio::test]
    async fn the_engine_counts_for_its_own_models() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inference/tests/fixtures");
        let catalog = tokio::task::spawn_blocking(move || Catalog::load(&folder, EngineSettings::default()));
        let catalog: Arc<Catalog> = catalog.await.unwrap().unwrap();
        let engine = EngineService::new(router(ServerState::new(catalog)));
        let config =
            "[[providers]]\nname = \"unused\"\nkind = \"openai-compatible\"\nbase_url = \"http://127.0.0.1:9/v1\"\n";
        let local = LocalModels::new(["qwen3-tiny".to_owned()], []);
        let gateway = TestGateway::start_with(config, Some(engine), local).await;
        let text = json!({ "model": "qwen3-tiny", "prompt": IIN, "return_token_strs": true });
        let tokens = post(&gateway, "/tokenize", &text).await;
        assert_eq!((tokens.status, tokens.header("x-shekara-model")), (200, "qwen3-tiny"), "{}", tokens.body);
        let tokens = tokens.json();
        assert_eq!(tokens["count"].as_u64(), tokens["tokens"].as_array().map(|tokens| tokens.len() as u64));
        let back = post(&gateway, "/detokenize", &json!({ "model": "qwen3-tiny", "tokens": tokens["tokens"] })).await;
        assert!(back.json()["prompt"].as_str().unwrap().contains(IIN), "{}", back.body);
        let unknown =
            post(&gateway, "/detokenize", &json!({ "model": "qwen3-tiny", "tokens": [4_000_000_000_u32] })).await;
        assert_eq!(
            (unknown.status, unknown.json()["error"]["param"].as_str()),
            (400, Some("tokens")),
            "{}",
            unknown.body
        );
    }
}
