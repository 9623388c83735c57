//! Stored responses: kept, found, gone on from and forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use crate::gateway::{Answer, Place, TestGateway, border, finish, one_provider};
use crate::replays::is_on_disk;
use crate::upstream::{Reply, Upstream};

async fn started(reply: Reply) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(reply).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    (upstream, gateway)
}

async fn respond(gateway: &TestGateway, body: Value) -> Answer {
    let mut whole = json!({ "model": "chat" });
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    gateway.send("POST", "/v1/responses", &gateway.key, whole.to_string()).await
}

async fn get(gateway: &TestGateway, path: &str) -> Answer {
    gateway.send("GET", path, &gateway.key, "").await
}

fn id_of(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

/// Roles and texts of the last request that went out.
fn sent(upstream: &Upstream) -> Vec<(String, String)> {
    let record = upstream.take_received().pop().unwrap();
    let body: Value = serde_json::from_str(record.split_once('\n').unwrap().1).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    body["messages"].as_array().unwrap().iter().map(|turn| (text(&turn["role"]), text(&turn["content"]))).collect()
}

fn turns<const N: usize>(turns: [(&str, &str); N]) -> Vec<(String, String)> {
    turns.map(|(role, text)| (role.to_owned(), text.to_owned())).to_vec()
}

#[tokio::test]
async fn a_request_goes_on_from_an_answer_without_its_instructions() {
    let (upstream, gateway) = started(Reply::Text("one two")).await;
    let first = respond(&gateway, json!({ "input": "a", "instructions": "Be brief." })).await;
    assert_eq!((&first.json()["store"], &first.json()["previous_response_id"]), (&json!(true), &json!(null)));
    let body = json!({ "input": [{ "role": "user", "content": "b" }], "previous_response_id": id_of(&first) });
    let second = respond(&gateway, body).await;
    assert_eq!(second.json()["previous_response_id"], first.json()["id"]);
    assert_eq!(sent(&upstream), turns([("user", "a"), ("assistant", "one two"), ("user", "b")]));
    let streamed = json!({ "input": "c", "stream": true, "previous_response_id": id_of(&second) });
    let third = respond(&gateway, streamed).await;
    let last = third.body.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    let fourth = respond(&gateway, json!({ "input": "d", "previous_response_id": last["response"]["id"] })).await;
    let (a, b) = ([("user", "a"), ("assistant", "one two")], [("user", "b"), ("assistant", "one two")]);
    let c = [("user", "c"), ("assistant", "one two")];
    assert_eq!(sent(&upstream), turns([a[0], a[1], b[0], b[1], c[0], c[1], ("user", "d")]));

    let items = get(&gateway, &format!("/v1/responses/{}/input_items?order=asc", id_of(&fourth))).await.json();
    let items = items["data"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["content"], &items[6]["content"]), (7, &json!("a"), &json!("d")));
    assert!(items.iter().all(|item| item["id"].is_string() && item["type"] == "message"), "{items:?}");
    let page = get(&gateway, &format!("/v1/responses/{}/input_items?limit=2", id_of(&fourth))).await.json();
    assert_eq!((&page["has_more"], &page["first_id"]), (&json!(true), &items[6]["id"]), "{page}");
    let path = format!("/v1/responses/{}/input_items?after={}", id_of(&fourth), items[1]["id"].as_str().unwrap());
    assert_eq!(get(&gateway, &path).await.json()["data"].as_array().unwrap().len(), 1);
    // Every request has its record, these too.
    assert!(gateway.audit().await.iter().any(|record| record.endpoint == "GET /v1/responses/{id}/input_items"));
}

#[tokio::test]
async fn an_answer_is_found_as_it_was_given_by_its_own_project_alone_and_deleted() {
    let (_upstream, mut gateway) = started(Reply::Text("one two")).await;
    let answer = respond(&gateway, json!({ "input": "a" })).await;
    let path = format!("/v1/responses/{}", id_of(&answer));
    assert_eq!(get(&gateway, &path).await.body, answer.body);
    let own = gateway.key.clone();
    let next = json!({ "input": "b", "previous_response_id": id_of(&answer) });
    // `key_of` makes keys of another project; the first is of the same tenant.
    for tenant in ["bank", "clinic"] {
        gateway.key = gateway.key_of(tenant).await;
        let hidden = get(&gateway, &path).await;
        assert_eq!((hidden.status, hidden.code().as_str()), (404, "response_not_found"));
        assert_eq!(gateway.send("DELETE", &path, &gateway.key, "").await.status, 404);
        let refused = respond(&gateway, next.clone()).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "previous_response_not_found"));
        assert_eq!(refused.json()["error"]["param"], "previous_response_id");
    }
    gateway.key = own;
    let chained = respond(&gateway, next.clone()).await;
    let deleted = gateway.send("DELETE", &path, &gateway.key, "").await.json();
    assert_eq!(deleted, json!({ "id": answer.json()["id"], "object": "response", "deleted": true }));
    assert_eq!(get(&gateway, &path).await.status, 404);
    assert_eq!(respond(&gateway, next).await.code(), "previous_response_not_found");
    let after = json!({ "input": "c", "previous_response_id": id_of(&chained) });
    assert_eq!(respond(&gateway, after).await.code(), "previous_response_not_found", "a part of it is gone");
}

#[tokio::test]
async fn what_is_not_to_be_stored_is_not() {
    let (_upstream, gateway) = started(Reply::Text("one two")).await;
    let unstored = respond(&gateway, json!({ "input": "planted words", "store": false })).await;
    assert_eq!(unstored.json()["store"], false);
    assert_eq!(get(&gateway, &format!("/v1/responses/{}", id_of(&unstored))).await.status, 404);
    let conversation = respond(&gateway, json!({ "input": "a", "conversation": "conv_1" })).await;
    assert_eq!(conversation.json()["error"]["param"], "conversation");
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let off = TestGateway::start(&one_provider(&upstream.base_url, "[content]\nresponses = false")).await;
    let answer = respond(&off, json!({ "input": "a", "store": true })).await;
    assert_eq!(answer.json()["store"], false);
    let next = respond(&off, json!({ "input": "b", "previous_response_id": id_of(&answer) })).await;
    assert_eq!((next.status, &next.json()["error"]["param"]), (400, &json!("previous_response_id")));
}

#[tokio::test]
async fn stored_answers_are_sealed_outlive_the_process_and_expire() {
    let upstream = Upstream::start(Reply::Text("planted answer")).await;
    let toml = one_provider(&upstream.base_url, "[content]\nresponses_ttl_s = 3600");
    let gateway = TestGateway::start(&toml).await;
    let answer = respond(&gateway, json!({ "input": "planted question" })).await;
    let (folder, key) = gateway.stop().await;
    assert!(!["planted question", "planted answer"].iter().any(|text| is_on_disk(folder.path(), text)));
    let clock = Arc::new(AtomicI64::new(0));
    let place = Place { folder: Some(folder), clock: Arc::clone(&clock), ..Place::default() };
    let mut gateway = TestGateway::start_at(&toml, place).await;
    gateway.key = key;
    let path = format!("/v1/responses/{}", id_of(&answer));
    assert_eq!(get(&gateway, &path).await.body, answer.body);
    clock.store(3_600_000, Ordering::SeqCst);
    assert_eq!(get(&gateway, &path).await.status, 404);
}

#[tokio::test]
async fn errors_name_the_items_that_the_caller_sent() {
    let (_upstream, gateway) = started(Reply::Text("fine")).await;
    let first = respond(&gateway, json!({ "input": "a" })).await;
    let input = json!([{ "role": "user", "content": "b" }, { "role": "user" }]);
    let wrong = respond(&gateway, json!({ "input": input, "previous_response_id": id_of(&first) })).await;
    assert_eq!((wrong.status, &wrong.json()["error"]["param"]), (400, &json!("input[1].content")), "{}", wrong.body);
    let none = respond(&gateway, json!({ "previous_response_id": id_of(&first) })).await;
    assert_eq!(none.json()["error"]["param"], "input");
}

/// What came before is scanned again, and what no text tells is remembered: also by another process.
#[tokio::test]
async fn a_chain_whose_earlier_turn_had_to_stay_stays() {
    let (outside, inside) = (Upstream::start(Reply::Text("fine")).await, Upstream::start(Reply::Text("fine")).await);
    let toml = border(&outside.base_url, &inside.base_url, "");
    let mut gateway = TestGateway::start(&toml).await;
    let declared = gateway.client.post(format!("{}/v1/responses", gateway.url)).bearer_auth(&gateway.key);
    let declared = declared.header("x-shekara-data-class", "personal");
    let declared = finish(declared.body(json!({ "model": "chat", "input": "hi" }).to_string())).await;
    let iin = respond(&gateway, json!({ "input": "мой ИИН 901123300258" })).await;
    let harmless = respond(&gateway, json!({ "input": "hi" })).await;
    assert_eq!(harmless.header("x-shekara-zone"), "external");
    outside.take_received();
    for (first, reason) in [(&declared, "data-class"), (&iin, "pii")] {
        let mut last = id_of(first);
        for turn in 0..3 {
            let body = json!({ "input": format!("and then {turn}?"), "previous_response_id": last });
            let next = respond(&gateway, body).await;
            assert_eq!((next.header("x-shekara-zone"), next.header("x-shekara-reason")), ("local", reason));
            last = id_of(&next);
            if turn == 1 {
                let key = gateway.key.clone();
                let place = Place { folder: Some(gateway.stop().await.0), ..Place::default() };
                gateway = TestGateway::start_at(&toml, place).await;
                gateway.key = key;
            }
        }
    }
    assert!(outside.received().is_empty());
    let next = respond(&gateway, json!({ "input": "and then?", "previous_response_id": id_of(&harmless) })).await;
    assert_eq!(next.header("x-shekara-zone"), "external");
    let now = respond(&gateway, json!({ "input": "ИИН 901123300258", "previous_response_id": id_of(&next) })).await;
    assert_eq!(now.header("x-shekara-zone"), "local");
}

#[tokio::test]
async fn a_chain_with_masked_values_goes_out_masked_again() {
    let (outside, inside) = (Upstream::start(Reply::Echo).await, Upstream::start(Reply::Echo).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "mask = true")).await;
    let first = respond(&gateway, json!({ "input": "Пишите на aigul.sadykova7@mail.kz" })).await;
    assert!(first.body.contains("aigul.sadykova7@mail.kz"), "{}", first.body);
    let next = respond(&gateway, json!({ "input": "Куда?", "previous_response_id": id_of(&first) })).await;
    assert_eq!(next.header("x-shekara-pii-action"), "masked", "{}", next.body);
    let crossed = outside.received();
    assert!(crossed.len() == 2 && !crossed.concat().contains("sadykova"), "{crossed:?}");
    assert!(inside.received().is_empty());
}
