//! Requests that come twice: answered once, whichever way they come.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use http_body_util::BodyExt;
use serde_json::{Value, json};
use shekara_gateway::audit::Outcome;
use shekara_gateway::content::MasterKey;

use crate::gateway::{Answer, Place, TestGateway, border, finish, one_provider};
use crate::upstream::{Reply, Upstream};

const HOUR_MS: i64 = 3_600_000;
const FIRST: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Сәлем\"}}]}\n\n";

async fn started(reply: Reply, rest: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(reply).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, rest)).await;
    (upstream, gateway)
}

fn hello(stream: bool) -> Value {
    json!({ "model": "chat", "stream": stream, "messages": [{ "role": "user", "content": "hi" }] })
}

fn request(gateway: &TestGateway, path: &str, header: (&str, &str), body: &Value) -> reqwest::RequestBuilder {
    let request = gateway.client.post(format!("{}{path}", gateway.url)).bearer_auth(&gateway.key);
    request.header("content-type", "application/json").header(header.0, header.1).body(body.to_string())
}

async fn named(gateway: &TestGateway, name: &str, body: &Value) -> Answer {
    finish(request(gateway, "/v1/chat/completions", ("idempotency-key", name), body)).await
}

fn is_replay(answer: &Answer) -> bool {
    (answer.header("x-shekara-reason"), answer.header("x-shekara-attempts")) == ("replay", "0")
}

#[tokio::test]
async fn an_answer_is_given_again_byte_for_byte_and_uses_nothing() {
    for (path, more) in [
        ("/v1/chat/completions", json!({ "messages": [{ "role": "user", "content": "hi" }] })),
        ("/v1/responses", json!({ "input": "hi" })),
        ("/v1/messages", json!({ "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }] })),
    ] {
        for stream in [false, true] {
            let (upstream, gateway) = started(Reply::Text("one two three"), "").await;
            let mut body = json!({ "model": "chat", "stream": stream });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let ask = || finish(request(&gateway, path, ("idempotency-key", "k1"), &body));
            let (first, second) = (ask().await, ask().await);
            assert!(first.status == 200 && !is_replay(&first), "{}", first.body);
            assert!(is_replay(&second) && second.status == 200, "{path}: {:?}", second.headers);
            assert_eq!(first.body, second.body, "{path}");
            for name in ["content-type", "x-shekara-model", "x-shekara-zone", "x-shekara-synthetic"] {
                assert_eq!(first.header(name), second.header(name), "{name}");
            }
            assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
            assert_eq!(upstream.received().len(), 1, "{path}");
            let records = gateway.audit().await;
            let told: Vec<_> = records
                .iter()
                .map(|record| (record.outcome, record.attempts, record.prompt_tokens, record.completion_tokens))
                .collect();
            let expected = [(1, Some(7), Some(2)), (0, Some(0), Some(0))];
            assert_eq!(told, expected.map(|(attempts, prompt, said)| (Outcome::Completed, attempts, prompt, said)));
            assert_eq!(records[1].reason.as_deref(), Some("replay"));
        }
    }
}

#[tokio::test]
async fn vectors_are_replayed_too() {
    let vectors = r#"{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.5]}]}"#;
    let (upstream, gateway) = started(Reply::Json(vectors), "").await;
    let body = json!({ "model": "chat", "input": "hi" });
    let ask = || finish(request(&gateway, "/v1/embeddings", ("idempotency-key", "k1"), &body));
    let (first, second) = (ask().await, ask().await);
    assert_eq!((first.body.as_str(), &first.body), (vectors, &second.body));
    assert!(is_replay(&second) && upstream.received().len() == 1);
}

#[tokio::test]
async fn another_request_under_the_same_name_is_refused_in_the_endpoints_shape() {
    let (upstream, gateway) = started(Reply::Text("fine"), "").await;
    named(&gateway, "k1", &hello(false)).await;
    let same = r#"{"messages": [{"content":"hi","role":"user"}], "stream":false, "model":"chat"}"#;
    let same = request(&gateway, "/v1/chat/completions", ("idempotency-key", "k1"), &json!(null)).body(same);
    assert!(is_replay(&finish(same).await));
    let other = named(&gateway, "k1", &hello(true)).await;
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"), "{}", other.body);
    assert_eq!(other.header("x-should-retry"), "false");
    let body = json!({ "model": "chat", "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }] });
    let elsewhere = finish(request(&gateway, "/v1/messages", ("idempotency-key", "k1"), &body)).await;
    assert_eq!((elsewhere.status, &elsewhere.json()["type"]), (422, &json!("error")), "{}", elsewhere.body);
    let long = named(&gateway, &"k".repeat(256), &hello(false)).await;
    assert_eq!((long.status, &long.json()["error"]["param"]), (400, &json!("Idempotency-Key")));
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn keys_and_tenants_have_names_of_their_own() {
    let (upstream, mut gateway) = started(Reply::Text("fine"), "").await;
    named(&gateway, "k1", &hello(false)).await;
    for tenant in ["bank", "clinic"] {
        gateway.key = gateway.key_of(tenant).await;
        assert!(!is_replay(&named(&gateway, "k1", &hello(false)).await), "{tenant}");
    }
    assert_eq!(upstream.received().len(), 3);
}

#[tokio::test]
async fn errors_and_broken_streams_are_not_kept() {
    for (reply, stream) in [
        (Reply::Status(500, "{}"), false),
        (Reply::Status(400, r#"{"error":{"message":"no","type":"invalid_request_error"}}"#), false),
        (Reply::Events(FIRST), true),
    ] {
        let (upstream, gateway) = started(reply, "").await;
        let first = named(&gateway, "k1", &hello(stream)).await;
        assert!(first.status >= 400 || first.body.contains("event: error"), "{}", first.body);
        upstream.set(Reply::Text("fine"));
        let second = named(&gateway, "k1", &hello(stream)).await;
        assert!(second.status == 200 && !is_replay(&second) && second.body.contains("fine"), "{}", second.body);
    }
}

/// Waits until the upstream has been asked.
async fn asked(upstream: &Upstream) {
    while upstream.received().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn twins_hear_one_answer_from_its_beginning() {
    for header in [("idempotency-key", "k1"), ("x-stainless-retry-count", "1")] {
        for stream in [false, true] {
            let (upstream, gateway) = started(Reply::Held("one two three"), "").await;
            let body = hello(stream);
            let ask = || tokio::spawn(finish(request(&gateway, "/v1/chat/completions", header, &body)));
            let first = ask();
            asked(&upstream).await;
            let others = [ask(), ask()];
            // All are there before the upstream says anything.
            while gateway.gateway.num_listeners() < 3 {
                tokio::task::yield_now().await;
            }
            upstream.release();
            let first = first.await.unwrap();
            for other in others {
                let other = other.await.unwrap();
                assert!(is_replay(&other), "{:?}", other.headers);
                assert_eq!(first.body, other.body);
            }
            assert!(first.status == 200 && !is_replay(&first), "{}", first.body);
            assert_eq!(upstream.received().len(), 1);
            let records = gateway.audit().await;
            let mut told: Vec<_> = records.iter().map(|record| (record.attempts, record.prompt_tokens)).collect();
            told.sort_unstable();
            assert_eq!(told, [(0, Some(0)), (0, Some(0)), (1, Some(7))]);
            assert!(records.iter().all(|record| record.outcome == Outcome::Completed), "{records:?}");
        }
    }
}

#[tokio::test]
async fn the_same_request_that_is_no_retry_is_another_one() {
    let (upstream, gateway) = started(Reply::Held("fine"), "").await;
    let ask = |count: &'static str| {
        let header = ("x-stainless-retry-count", count);
        tokio::spawn(finish(request(&gateway, "/v1/chat/completions", header, &hello(false))))
    };
    let (first, second) = (ask("0"), ask("0"));
    while upstream.received().len() < 2 {
        tokio::task::yield_now().await;
    }
    upstream.release();
    upstream.release();
    for answer in [first, second] {
        assert!(!is_replay(&answer.await.unwrap()));
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_nothing_while_another_listens() {
    let (upstream, gateway) = started(Reply::Open(FIRST), "").await;
    let open = || async {
        let sent = request(&gateway, "/v1/chat/completions", ("idempotency-key", "k1"), &hello(true)).send();
        let mut response = http::Response::<reqwest::Body>::from(sent.await.unwrap());
        let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        (response, first)
    };
    let ((first, begin), (second, same)) = (open().await, open().await);
    assert_eq!(begin, same);
    drop(first);
    let (third, again) = open().await;
    assert_eq!(begin, again);
    assert_eq!(upstream.received().len(), 1);
    drop(second);
    let left = upstream.client_left();
    tokio::pin!(left);
    tokio::select! {
        biased;
        () = &mut left => panic!("it ended while somebody listened"),
        () = std::future::ready(()) => {}
    }
    drop(third);
    left.await;
    let mut records = gateway.audit().await;
    while records.iter().filter(|record| record.outcome == Outcome::Aborted).count() < 3 {
        tokio::task::yield_now().await;
        records = gateway.audit().await;
    }
    assert_eq!(records.len(), 3);
}

#[tokio::test]
async fn an_answer_too_long_to_be_joined_is_a_conflict() {
    let words: &'static str = "word ".repeat(2_000).leak();
    let flood: &'static str = FIRST.repeat(50).leak();
    let (upstream, gateway) = started(Reply::Open(flood), "[content]\nmax_item_bytes = 1000").await;
    let sent = request(&gateway, "/v1/chat/completions", ("idempotency-key", "k1"), &hello(true)).send().await.unwrap();
    let mut sent = http::Response::<reqwest::Body>::from(sent);
    let mut bytes = 0;
    while bytes < 2_000 {
        bytes += sent.body_mut().frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    let twin = named(&gateway, "k1", &hello(true)).await;
    assert_eq!((twin.status, twin.code().as_str()), (409, "request_in_progress"), "{}", twin.body);
    drop(sent);
    upstream.client_left().await;
    // Nor is it kept: the name is free again, and its answer passes on whole.
    upstream.set(Reply::Text(words));
    for _ in 0..2 {
        let mut answer = named(&gateway, "k1", &hello(false)).await;
        while answer.status == 409 {
            answer = named(&gateway, "k1", &hello(false)).await;
        }
        assert!(!is_replay(&answer) && answer.text() == words);
    }
}

#[tokio::test]
async fn what_was_masked_is_kept_as_the_client_saw_it_and_cannot_be_read_on_the_disk() {
    let (outside, inside) = (Upstream::start(Reply::Echo).await, Upstream::start(Reply::Echo).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "mask = true")).await;
    let secret = "aigul.sadykova7@mail.kz";
    let body = json!({ "model": "chat", "user": "planted-user", "messages": [{ "role": "user", "content": secret }] });
    let answers = [named(&gateway, "planted-name", &body).await, named(&gateway, "planted-name", &body).await];
    for answer in &answers {
        assert_eq!((answer.text().as_str(), answer.header("x-shekara-pii-action")), (secret, "masked"));
    }
    assert!(is_replay(&answers[1]) && outside.received().len() == 1 && inside.received().is_empty());
    let (folder, _) = gateway.stop().await;
    for planted in [secret, "planted-user", "planted-name", "Сәлем"] {
        assert!(!is_on_disk(folder.path(), planted), "{planted}");
    }
    assert!(is_on_disk(folder.path(), "replay"), "nothing was kept");
}

pub fn is_on_disk(folder: &std::path::Path, planted: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_on_disk(&path, planted);
        }
        let bytes = std::fs::read(path).unwrap();
        memchr::memmem::find(&bytes, planted.as_bytes()).is_some()
    })
}

#[tokio::test]
async fn replays_outlive_the_process_and_the_key_and_then_expire() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let toml = one_provider(&upstream.base_url, "[content]\nidempotency_ttl_s = 7200");
    let keys = |fills: &[u8]| fills.iter().map(|fill| MasterKey::new([*fill; 32])).collect::<Vec<_>>();
    let gateway = TestGateway::start_at(&toml, Place { content_keys: keys(&[1]), ..Place::default() }).await;
    let first = named(&gateway, "k1", &hello(true)).await;
    let (mut folder, key) = gateway.stop().await;
    let clock = Arc::new(AtomicI64::new(0));
    for fills in [&[1][..], &[2, 1], &[2]] {
        let place =
            Place { folder: Some(folder), clock: Arc::clone(&clock), content_keys: keys(fills), ..Place::default() };
        let mut gateway = TestGateway::start_at(&toml, place).await;
        gateway.key.clone_from(&key);
        let again = named(&gateway, "k1", &hello(true)).await;
        // Under a new key alone nothing is found, and the request is asked anew.
        assert_eq!(
            (is_replay(&again), again.body == first.body),
            (fills.contains(&1), fills.contains(&1)),
            "{fills:?}"
        );
        if !fills.contains(&1) {
            clock.store(HOUR_MS, Ordering::SeqCst);
            assert!(is_replay(&named(&gateway, "k1", &hello(true)).await));
            clock.store(2 * HOUR_MS, Ordering::SeqCst);
            // The newest is stored behind its request.
            let mut deleted = 0;
            while deleted < 2 {
                deleted += gateway.gateway.shelf.delete_expired(gateway.gateway.now_ms()).await.unwrap();
                tokio::task::yield_now().await;
            }
            assert_eq!(deleted, 2);
            assert!(!is_replay(&named(&gateway, "k1", &hello(true)).await));
        }
        folder = gateway.stop().await.0;
    }
}

#[tokio::test]
async fn content_is_erased_by_whom_it_is_about() {
    let (upstream, gateway) = started(Reply::Text("fine"), "").await;
    let of = |user: &str, conversation: &str| {
        let mut body = hello(false);
        (body["user"], body["metadata"]) = (json!(user), json!({ "conversation_id": conversation }));
        body
    };
    let bodies = [of("u1", "c1"), of("u1", "c2"), of("u2", "c2")];
    let names = ["k0", "k1", "k2"];
    let erase = async |query: &str| {
        let path = format!("/admin/v1/content?{query}");
        gateway.send("DELETE", &path, &gateway.admin_key, "").await
    };
    let kept = || async {
        let mut kept = Vec::new();
        for (name, body) in names.iter().zip(&bodies) {
            kept.push(is_replay(&named(&gateway, name, body).await));
        }
        kept
    };
    assert_eq!(kept().await, [false; 3]);
    for (query, replays, left) in [
        ("tenant=bank&user=nobody", 0, [true; 3]),
        ("tenant=clinic", 0, [true; 3]),
        ("tenant=bank&user=u1&conversation=c2", 1, [true, false, true]),
        ("tenant=bank&conversation=c2", 2, [true, false, false]),
        ("tenant=bank&user=u1", 2, [false, false, true]),
        ("tenant=bank", 3, [false; 3]),
    ] {
        let erased = erase(query).await.json();
        assert_eq!(erased["deleted"]["replays"], replays, "{query}: {erased}");
        assert_eq!(erased["bytes"].as_u64().unwrap() > 0, replays > 0);
        assert_eq!(kept().await, left, "{query}");
    }
    let key_id = gateway.audit().await[0].key_id.clone();
    let by_key = gateway.send("DELETE", &format!("/admin/v1/content?key={key_id}"), &gateway.admin_key, "").await;
    assert_eq!(by_key.json()["deleted"]["replays"], 3);
    for query in ["", "user=u1", "key=k&user=u1", "tennant=bank"] {
        assert_eq!(erase(query).await.status, 400, "{query}");
    }
    let path = "/admin/v1/content?tenant=bank";
    assert_eq!(gateway.send("DELETE", path, &gateway.key, "").await.status, 403);
    assert!(!upstream.received().is_empty());
}
