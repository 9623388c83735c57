//! A route's cache: the very same request of the same tenant is answered without asking anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use crate::gateway::{Answer, Place, TestGateway, border, finish, one_provider};
use crate::replays::is_on_disk;
use crate::upstream::{Reply, Upstream};

const CACHE: &str = "cache = { ttl_s = 3600 }";
const IIN: &str = "мой ИИН 901123300258";

async fn started(rest: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(Reply::Text("planted answer")).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, rest)).await;
    (upstream, gateway)
}

fn asking(text: &str, more: &Value) -> Value {
    let mut body = json!({ "model": "chat", "messages": [{ "role": "user", "content": text }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn with(gateway: &TestGateway, header: (&str, &str), body: &Value) -> Answer {
    let request = gateway.client.post(format!("{}/v1/chat/completions", gateway.url)).bearer_auth(&gateway.key);
    finish(request.header("content-type", "application/json").header(header.0, header.1).body(body.to_string())).await
}

fn told(answer: &Answer) -> &str {
    answer.header("x-shekara-cache")
}

#[tokio::test]
async fn the_same_request_is_answered_from_the_cache_and_says_so() {
    for more in
        [json!({}), json!({ "stream": true }), json!({ "stream": true, "stream_options": { "include_usage": true } })]
    {
        let (upstream, gateway) = started(CACHE).await;
        let first = gateway.chat(asking("hi", &more)).await;
        let mut again = asking("hi", &more);
        (again["user"], again["metadata"]) = (json!("u7"), json!({ "note": "x" }));
        let second = gateway.chat(again).await;
        assert_eq!((told(&first), told(&second), upstream.received().len()), ("miss", "hit", 1), "{}", second.body);
        assert_eq!((second.header("x-shekara-reason"), second.header("x-shekara-attempts")), ("cache", "0"));
        assert_eq!(second.header("x-shekara-model"), first.header("x-shekara-model"));
        let said = second.body.split("data: ").filter_map(|data| serde_json::from_str::<Value>(data.trim()).ok());
        let label = if more["stream"] == true { said.last().unwrap() } else { second.json() }["shekara"].clone();
        assert_eq!((&label["reason"], &label["attempts"]), (&json!("cache"), &json!(0)), "{}", second.body);
        assert_eq!(label["request_id"], second.header("x-request-id"));
        assert!(label["signature"].is_object(), "{label}");
        if more["stream"] == true {
            assert!(second.body.contains("planted ") && second.body.ends_with("data: [DONE]\n\n"), "{}", second.body);
        } else {
            assert_eq!(second.text(), "planted answer");
            let check = json!({ "label": label, "response": second.json() }).to_string();
            let checked = gateway.send("POST", "/v1/labels/verify", &gateway.key, check).await;
            assert_eq!(checked.json()["valid"], true, "{}", checked.body);
        }
        let records = gateway.audit().await;
        let record = records.iter().find(|record| record.reason.as_deref() == Some("cache")).unwrap();
        assert_eq!((record.attempts, record.prompt_tokens, record.completion_tokens), (0, Some(0), Some(0)));
        let (folder, _) = gateway.stop().await;
        assert!(!is_on_disk(folder.path(), "planted "));
    }
}

#[tokio::test]
async fn whatever_shapes_an_answer_tells_it_apart() {
    let (upstream, mut gateway) = started(CACHE).await;
    gateway.chat(asking("hi", &json!({}))).await;
    let class = with(&gateway, ("x-shekara-data-class", "internal"), &asking("hi", &json!({}))).await;
    assert_eq!(told(&class), "miss");
    for (text, more) in [("hi!", json!({})), ("hi", json!({ "temperature": 0.5 })), ("hi", json!({ "unknown": 1 }))] {
        assert_eq!(told(&gateway.chat(asking(text, &more)).await), "miss", "{more}");
    }
    let own = gateway.key.clone();
    gateway.key = gateway.key_of("clinic").await;
    assert_eq!(told(&gateway.chat(asking("hi", &json!({}))).await), "miss", "another tenant");
    gateway.key = own;
    let before = upstream.received().len();
    assert_eq!(told(&gateway.chat(asking("hi", &json!({}))).await), "hit");
    assert_eq!(upstream.received().len(), before);
    let other = gateway.chat(json!({ "model": "stub/big", "messages": [{ "role": "user", "content": "hi" }] })).await;
    assert_eq!((told(&other), other.status), ("", 200), "a route without a cache");
}

#[tokio::test]
async fn callers_and_deeds_pass_it_by() {
    let (upstream, gateway) = started(CACHE).await;
    let body = asking("hi", &json!({}));
    assert_eq!(told(&with(&gateway, ("cache-control", "no-store"), &body).await), "bypass");
    assert_eq!(told(&gateway.chat(body.clone()).await), "miss", "nothing was stored");
    upstream.set(Reply::Text("newer"));
    assert_eq!(with(&gateway, ("cache-control", "no-cache"), &body).await.text(), "newer");
    assert_eq!(gateway.chat(body).await.text(), "newer", "it was stored instead");
    let tools = asking("hi", &json!({ "tools": [{ "type": "web_search" }] }));
    for _ in 0..2 {
        assert_eq!(told(&gateway.chat(tools.clone()).await), "bypass");
    }
}

#[tokio::test]
async fn errors_and_long_answers_are_not_kept_and_the_rest_expires() {
    let upstream = Upstream::start(Reply::Status(500, "{}")).await;
    let toml = one_provider(&upstream.base_url, "cache = { ttl_s = 3600, max_bytes = 2000 }");
    let clock = Arc::new(AtomicI64::new(0));
    let gateway = TestGateway::start_at(&toml, Place { clock: Arc::clone(&clock), ..Place::default() }).await;
    let ask = || gateway.chat(asking("hi", &json!({})));
    assert_eq!(ask().await.status, 502);
    for stream in [false, true] {
        upstream.set(Reply::Text("long ".repeat(1_000).leak()));
        for _ in 0..2 {
            assert_eq!(told(&gateway.chat(asking("hi", &json!({ "stream": stream }))).await), "miss");
        }
    }
    upstream.set(Reply::Text("fine"));
    assert_eq!((told(&ask().await), told(&ask().await)), ("miss", "hit"));
    clock.store(3_600_000, Ordering::SeqCst);
    assert_eq!(told(&ask().await), "miss");
}

#[tokio::test]
async fn sensitive_answers_are_kept_only_where_the_route_says_so_and_stay_on_their_side() {
    for (rest, expected) in
        [(CACHE, ["bypass", "bypass"]), ("cache = { ttl_s = 60, sensitive = true }", ["miss", "hit"])]
    {
        let (outside, inside) = (Upstream::start(Reply::Echo).await, Upstream::start(Reply::Echo).await);
        let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, rest)).await;
        for told_so in expected {
            let answer = gateway.chat(asking(IIN, &json!({}))).await;
            assert_eq!((told(&answer), answer.header("x-shekara-zone")), (told_so, "local"), "{rest}");
            assert_eq!(answer.text(), IIN);
        }
        assert!(outside.received().is_empty());
        let rest = format!("{rest}\nmask = true");
        let masking = TestGateway::start(&border(&outside.base_url, &inside.base_url, &rest)).await;
        let email = "Пишите на aigul.sadykova7@mail.kz";
        for told_so in expected {
            let answer = masking.chat(asking(email, &json!({}))).await;
            assert_eq!((told(&answer), answer.text().as_str()), (told_so, email), "{rest}");
        }
        let other = "Пишите на daniyar.omarov3@mail.kz";
        assert_eq!(masking.chat(asking(other, &json!({}))).await.text(), other);
    }
}

/// What is kept is looked at anew, by the policy that holds when it is given.
#[tokio::test]
async fn answers_from_the_cache_pass_the_filter_of_today() {
    let upstream = Upstream::start(Reply::Text("Ваша карта 4111 1111 1111 1111 готова")).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, CACHE)).await;
    gateway.chat(asking("hi", &json!({}))).await;
    let key = gateway.key.clone();
    let stricter = one_provider(&upstream.base_url, &format!("{CACHE}\nanswers = {{ card = \"mask\" }}"));
    let place = Place { folder: Some(gateway.stop().await.0), ..Place::default() };
    let mut gateway = TestGateway::start_at(&stricter, place).await;
    gateway.key = key;
    let answer = gateway.chat(asking("hi", &json!({}))).await;
    assert_eq!((told(&answer), answer.text().as_str()), ("hit", "Ваша карта [CARD] готова"));
    assert_eq!(upstream.received().len(), 1);
}
