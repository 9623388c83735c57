//! `/v1/embeddings` and `/v1/rerank`: screened like chat, and vectors come from the alias' own model or not at all.

use serde_json::{Value, json};

use crate::gateway::{Answer, TestGateway, border, one_provider};
use crate::upstream::{Reply, Upstream};

const VECTORS: &str = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.6,0.8]}],
    "model":"big","usage":{"prompt_tokens":3,"total_tokens":3}}"#;
const RANKING: &str = r#"{"id":"r","results":[{"index":0,"relevance_score":0.7}],"usage":{"total_tokens":5}}"#;

async fn embed(gateway: &TestGateway, input: Value) -> Answer {
    let body = json!({ "model": "chat", "input": input, "encoding_format": "float" }).to_string();
    gateway.send("POST", "/v1/embeddings", &gateway.key, body).await
}

#[tokio::test]
async fn a_clean_text_is_embedded_outside_as_it_came() {
    let (outside, inside) = (Upstream::start(Reply::Json(VECTORS)).await, Upstream::start(Reply::Json(VECTORS)).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "max_output_tokens = 7")).await;
    let answer = embed(&gateway, json!(["где моя посылка?", "the weather"])).await;
    assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "primary"), "{}", answer.body);
    assert_eq!(answer.json(), serde_json::from_str::<Value>(VECTORS).unwrap());
    // Vectors are no generated text.
    assert_eq!(answer.header("x-shekara-synthetic"), "");
    let sent = outside.received();
    assert!(sent.len() == 1 && sent[0].starts_with("POST /v1/embeddings"), "{sent:?}");
    let expected = r#"{"model":"big","input":["где моя посылка?","the weather"],"encoding_format":"float"}"#;
    assert!(sent[0].ends_with(expected), "{sent:?}");
    let audit = gateway.audit().await;
    assert_eq!((audit[0].endpoint.as_str(), audit[0].prompt_tokens), ("POST /v1/embeddings", Some(3)));
}

#[tokio::test]
async fn sensitive_input_of_an_outside_alias_is_refused_and_never_embedded_elsewhere() {
    let (outside, inside) = (Upstream::start(Reply::Json(VECTORS)).await, Upstream::start(Reply::Json(VECTORS)).await);
    for rest in ["", "mask = true"] {
        let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, rest)).await;
        // Token ids are texts that nobody here can read.
        for input in
            [json!("мой ИИН 901123300258"), json!(["ok", "тел. 87011234567"]), json!([15, 7]), json!([[1], [2]])]
        {
            let answer = embed(&gateway, input).await;
            assert_eq!((answer.status, answer.code().as_str()), (422, "embedding_not_local"), "{}", answer.body);
            assert_eq!(answer.header("x-should-retry"), "false");
        }
    }
    assert!(outside.received().is_empty() && inside.received().is_empty());
}

#[tokio::test]
async fn an_inside_alias_embeds_sensitive_input_itself() {
    let inside = Upstream::start(Reply::Json(VECTORS)).await;
    let local = one_provider(&inside.base_url, "").replace("base_url", "zone = \"local\"\nbase_url");
    let gateway = TestGateway::start(&local).await;
    for (input, reason) in [(json!("мой ИИН 901123300258"), "pii"), (json!([15, 7]), "unreadable")] {
        let answer = embed(&gateway, input).await;
        assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, reason), "{}", answer.body);
    }
    assert!(inside.received()[0].contains("901123300258"));
}

#[tokio::test]
async fn vectors_come_from_one_model_whatever_happens() {
    let (failing, other) =
        (Upstream::start(Reply::Status(500, "{}")).await, Upstream::start(Reply::Json(VECTORS)).await);
    let provider = |name: &str, url: &str| {
        format!("[[providers]]\nname = \"{name}\"\nkind = \"openai-compatible\"\nbase_url = \"{url}\"\n")
    };
    let config = [
        "[local]\nenabled = false\n".to_owned(),
        provider("first", &failing.base_url),
        provider("second", &other.base_url),
        "[[routes]]\nmodel = \"chat\"\ntargets = [{ provider = \"first\", model = \"a\" }, \
         { provider = \"second\", model = \"b\", weight = 99 }]\nfallback = [{ provider = \"second\", model = \"c\" }]\n"
            .to_owned(),
    ];
    let gateway = TestGateway::start(&config.concat()).await;
    let answer = embed(&gateway, json!("hello")).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "provider_error"), "{}", answer.body);
    assert_eq!((failing.received().len(), other.received().len()), (1, 0));
    failing.set(Reply::Json(r#"{"object":"list","data":[]}"#));
    assert_eq!(embed(&gateway, json!("hello")).await.code(), "provider_broken_response");
}

#[tokio::test]
async fn documents_are_ranked_outside_only_when_all_are_clean() {
    let (outside, inside) = (Upstream::start(Reply::Json(RANKING)).await, Upstream::start(Reply::Json(RANKING)).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
    let rank = |document: &str| json!({ "model": "chat", "query": "weather", "documents": [document] }).to_string();
    let clean = gateway.send("POST", "/v1/rerank", &gateway.key, rank("it rains")).await;
    assert_eq!((clean.status, clean.json()["results"][0]["index"].as_u64()), (200, Some(0)), "{}", clean.body);
    assert!(outside.take_received()[0].starts_with("POST /v1/rerank"));
    let sensitive = gateway.send("POST", "/v1/rerank", &gateway.key, rank("ИИН 901123300258")).await;
    assert_eq!((sensitive.status, sensitive.header("x-shekara-reason")), (200, "pii"), "{}", sensitive.body);
    assert!(outside.received().is_empty() && inside.received().len() == 1);
}

#[tokio::test]
async fn malformed_requests_are_named_and_reach_nobody() {
    let outside = Upstream::start(Reply::Json(VECTORS)).await;
    let gateway = TestGateway::start(&one_provider(&outside.base_url, "")).await;
    for (path, body, param) in [
        ("/v1/embeddings", json!({ "model": "chat" }), "input"),
        ("/v1/embeddings", json!({ "model": "chat", "input": [""] }), "input[0]"),
        ("/v1/rerank", json!({ "model": "chat", "query": "x", "documents": [] }), "documents"),
    ] {
        let answer = gateway.send("POST", path, &gateway.key, body.to_string()).await;
        assert_eq!((answer.status, answer.json()["error"]["param"].as_str()), (400, Some(param)), "{}", answer.body);
    }
    let nobody = json!({ "model": "nobody", "input": "x" }).to_string();
    assert_eq!(gateway.send("POST", "/v1/embeddings", &gateway.key, nobody).await.status, 404);
    assert!(outside.received().is_empty());
}
