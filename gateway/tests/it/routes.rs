//! Aliases, readiness, and the operator's endpoints.

use serde_json::{Value, json};

use crate::gateway::{TestGateway, border, one_provider};
use crate::upstream::{Reply, Upstream};

#[tokio::test]
async fn models_lists_every_alias_and_provider_slash_model_is_one() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "max_output_tokens = 77")).await;
    let list = gateway.send("GET", "/v1/models", &gateway.key, "").await.json();
    assert_eq!(list["object"], "list");
    assert_eq!((list["data"][0]["id"].as_str(), list["data"][0]["object"].as_str()), (Some("chat"), Some("model")));
    assert_eq!(gateway.send("GET", "/v1/models/chat", &gateway.key, "").await.json()["id"], "chat");
    assert_eq!(gateway.send("GET", "/v1/models/stub/org/x", &gateway.key, "").await.json()["id"], "stub/org/x");
    assert_eq!(gateway.send("GET", "/v1/models/none", &gateway.key, "").await.status, 404);
    let answer = gateway.ask("stub/org/some-model:free", "hi").await;
    assert_eq!((answer.status, answer.header("x-shekara-model")), (200, "org/some-model:free"));
    assert!(upstream.received()[0].contains(r#""model":"org/some-model:free""#));
    gateway.ask("chat", "hi").await;
    assert!(upstream.received()[1].contains(r#""max_completion_tokens":77"#));
}

#[tokio::test]
async fn weights_divide_requests_and_say_so() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let config = one_provider(&upstream.base_url, "").replace(
        "targets = [{ provider = \"stub\", model = \"big\" }]",
        "targets = [{ provider = \"stub\", model = \"big\", weight = 1 }, { provider = \"stub\", model = \"other\", weight = 1 }]",
    );
    let gateway = TestGateway::start(&config).await;
    let mut big = 0;
    for _ in 0..60 {
        let answer = gateway.ask("chat", "hi").await;
        assert_eq!(answer.header("x-shekara-reason"), "weighted");
        big += usize::from(answer.header("x-shekara-model") == "big");
    }
    // Off by one in 10^8 runs.
    assert!((8..=52).contains(&big), "{big}");
}

#[tokio::test]
async fn ready_means_that_sensitive_requests_are_served_too() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let without = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    let answer = without.send("GET", "/readyz", "", "").await;
    assert_eq!(answer.status, 503);
    assert!(answer.json()["missing"][0].as_str().unwrap().contains("sensitive"), "{}", answer.body);
    let config = format!("[server]\nreadyz = \"any\"\n{}", border(&upstream.base_url, &upstream.base_url, ""));
    assert_eq!(TestGateway::start(&config).await.send("GET", "/readyz", "", "").await.status, 200);
}

#[tokio::test]
async fn keys_are_made_and_revoked_at_once_and_never_shown_again() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    let admin = &gateway.admin_key;
    let body =
        json!({ "name": "batch", "tenant": "clinic", "environment": "dev", "data_class": "personal" }).to_string();
    let made = gateway.send("POST", "/admin/v1/keys", admin, body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made: Value = made.json();
    let (key, id) = (made["key"].as_str().unwrap(), made["record"]["id"].as_str().unwrap());
    let chat = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] }).to_string();
    // A key whose data is personal stays inside, and here there is no inside.
    let answer = gateway.send("POST", "/v1/chat/completions", key, chat.clone()).await;
    assert_eq!(answer.code(), "no_local_model");
    let list = gateway.send("GET", "/admin/v1/keys", admin, "").await.body;
    assert!(list.contains("clinic") && !list.contains(&key[16..]), "{list}");
    assert_eq!(gateway.send("DELETE", &format!("/admin/v1/keys/{id}"), admin, "").await.status, 200);
    assert_eq!(gateway.send("POST", "/v1/chat/completions", key, chat).await.status, 401);
    assert_eq!(gateway.send("DELETE", &format!("/admin/v1/keys/{id}"), admin, "").await.status, 404);
    assert_eq!(gateway.send("GET", "/admin/v1/keys", &gateway.key, "").await.status, 403);
    assert_eq!(gateway.send("POST", "/admin/v1/keys", admin, "{}").await.status, 400);
}

#[tokio::test]
async fn a_name_outside_the_border_is_not_connected_to() {
    // `localhost` is inside; a name that resolves to nothing of ours must not be reached.
    let inside = Upstream::start(Reply::Text("inside")).await;
    let by_name = inside.base_url.replace("127.0.0.1", "localhost");
    let gateway = TestGateway::start(&border("http://127.0.0.1:9/v1", &by_name, "")).await;
    assert_eq!(gateway.ask("chat", "ИИН 901123300258").await.text(), "inside");
}
