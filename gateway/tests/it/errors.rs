//! Bad input: OpenAI's error shape, the field named, nothing lost.

use serde_json::json;

use crate::gateway::{TestGateway, finish, one_provider};
use crate::upstream::{Reply, Upstream};

const CHAT: &str = "/v1/chat/completions";

async fn started(rest: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, rest)).await;
    (upstream, gateway)
}

#[tokio::test]
async fn every_mistake_has_its_status_code_and_field() {
    let (upstream, gateway) = started("").await;
    let cases = [
        ("{", 400, "invalid_json", None),
        ("", 400, "invalid_json", None),
        ("[]", 400, "", None),
        (r#"["chat",[{"role":"user","content":"hi"}]]"#, 400, "", None),
        (r#"{"model":"chat","messages":[["user","hi"]]}"#, 400, "invalid_type", Some("messages[0]")),
        (r#"{"messages":[{"role":"user","content":"x"}]}"#, 400, "missing_required_parameter", Some("model")),
        (r#"{"model":7,"messages":[{"role":"user","content":"x"}]}"#, 400, "invalid_type", Some("model")),
        (r#"{"model":"chat"}"#, 400, "missing_required_parameter", Some("messages")),
        (r#"{"model":"chat","messages":[]}"#, 400, "empty_array", Some("messages")),
        (r#"{"model":"chat","messages":"x"}"#, 400, "invalid_type", Some("messages")),
        (
            r#"{"model":"chat","messages":[{"role":"user","content":1}]}"#,
            400,
            "invalid_type",
            Some("messages[0].content"),
        ),
        (
            r#"{"model":"chat","messages":[{"role":"boss","content":"x"}]}"#,
            400,
            "invalid_type",
            Some("messages[0].role"),
        ),
        (
            r#"{"model":"chat","messages":[{"role":"user","content":"x"}],"stream":"yes"}"#,
            400,
            "invalid_type",
            Some("stream"),
        ),
        (r#"{"model":"nope","messages":[{"role":"user","content":"x"}]}"#, 404, "model_not_found", Some("model")),
        (r#"{"model":"nobody/x","messages":[{"role":"user","content":"x"}]}"#, 404, "model_not_found", Some("model")),
        (r#"{"model":"local/x","messages":[{"role":"user","content":"x"}]}"#, 404, "model_not_found", Some("model")),
    ];
    for (body, status, code, param) in cases {
        let answer = gateway.send("POST", CHAT, &gateway.key, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        let error = &answer.json()["error"];
        assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{body}: {error}");
        assert_eq!(error["param"].as_str(), param, "{body}: {error}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 10));
        assert!(answer.header("content-type").starts_with("application/json"));
        assert!(answer.header("x-request-id").starts_with("req_"));
    }
    assert!(upstream.received().is_empty());
    assert_eq!(gateway.audit().await.len(), cases.len());
}

#[tokio::test]
async fn keys_are_needed_in_any_of_three_headers() {
    let (_upstream, gateway) = started("").await;
    let body = json!({ "model": "chat", "messages": [{ "role": "user", "content": "x" }] }).to_string();
    let post = || gateway.client.post(format!("{}{CHAT}", gateway.url)).body(body.clone());
    for (name, value) in [
        ("authorization", format!("Bearer {}", gateway.key)),
        ("x-api-key", gateway.key.clone()),
        ("api-key", gateway.key.clone()),
    ] {
        assert_eq!(finish(post().header(name, value)).await.status, 200, "{name}");
    }
    let mut forged = gateway.key.clone();
    forged.pop();
    for request in [post(), post().bearer_auth("sk-sh-nothing"), post().bearer_auth(&forged), post().bearer_auth("")] {
        let answer = finish(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_api_key"));
        assert!(!answer.body.contains(&forged));
    }
    let wrong_role = finish(post().bearer_auth(&gateway.admin_key)).await;
    assert_eq!((wrong_role.status, wrong_role.code().as_str()), (403, "wrong_key_role"));
    let record = gateway.audit().await.pop().unwrap();
    assert_eq!((record.status, record.error_code.as_deref()), (403, Some("wrong_key_role")));
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_the_connection_survives_its_sender() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let config = format!("[server]\nmax_body_bytes = 1000\n{}", one_provider(&upstream.base_url, ""));
    let gateway = TestGateway::start(&config).await;
    let answer = gateway.ask("chat", &"x".repeat(5_000)).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    assert!(upstream.received().is_empty());
    assert_eq!(gateway.ask("chat", "short").await.status, 200);
}

#[tokio::test]
async fn unknown_paths_and_methods_have_the_same_shape() {
    let (_upstream, gateway) = started("").await;
    let missing = gateway.send("GET", "/v1/nothing/901123300258", &gateway.key, "").await;
    assert_eq!((missing.status, missing.code().as_str()), (404, "unknown_url"));
    assert!(!missing.body.contains("901123"));
    for path in ["/v1/models/%ff", "/v1/models/%00"] {
        assert_eq!(gateway.send("GET", path, &gateway.key, "").await.code(), "model_not_found");
    }
    for path in ["/admin/v1/audit?after=abc", "/admin/v1/audit?limit=-1"] {
        assert_eq!(
            gateway.send("GET", path, &gateway.admin_key, "").await.json()["error"]["type"],
            "invalid_request_error"
        );
    }
    let method = gateway.send("GET", CHAT, &gateway.key, "").await;
    assert_eq!((method.status, method.code().as_str()), (405, "method_not_allowed"));
}

#[tokio::test]
async fn more_requests_than_places_get_429_and_draining_gives_503() {
    let upstream = Upstream::start(Reply::Silence).await;
    let config = format!("[server]\nmax_in_flight = 1\n{}", one_provider(&upstream.base_url, ""));
    let gateway = TestGateway::start(&config).await;
    let first = gateway.client.post(format!("{}{CHAT}", gateway.url)).bearer_auth(&gateway.key);
    let body = json!({ "model": "chat", "messages": [{ "role": "user", "content": "x" }] }).to_string();
    let first = tokio::spawn(first.body(body).send());
    while upstream.received().is_empty() {
        tokio::task::yield_now().await;
    }
    let second = gateway.ask("chat", "x").await;
    assert_eq!(
        (second.status, second.code().as_str(), second.header("retry-after")),
        (429, "rate_limit_exceeded", "1")
    );
    first.abort();
    upstream.client_left().await;
    upstream.set(Reply::Text("fine"));
    while gateway.ask("chat", "x").await.status == 429 {}
    gateway.gateway.drain.drain(std::time::Duration::ZERO).await;
    let late = gateway.ask("chat", "x").await;
    assert_eq!((late.status, late.code().as_str()), (503, "shutting_down"));
    assert!(!late.header("retry-after").is_empty());
    assert_eq!(gateway.send("GET", "/readyz", "", "").await.status, 503);
    assert_eq!(gateway.send("GET", "/healthz", "", "").await.status, 200);
}
