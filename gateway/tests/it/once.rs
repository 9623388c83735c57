//! Writes of `/admin/v1` under an `Idempotency-Key`: done once, answered alike, whoever asks again and wherever.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::gateway::{Answer, Place, TestGateway, border, finish};
use crate::invoices::{BILLING, DAYS_MS, SUPPLIER, started as started_billing};
use crate::upstream::{Reply, Upstream};

const HOUR_MS: i64 = 60 * 60 * 1_000;

async fn started() -> (Upstream, TestGateway) {
    started_at(Place::default()).await
}

async fn started_at(place: Place) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start_at(&border(&upstream.base_url, &upstream.base_url, ""), place).await;
    (upstream, gateway)
}

/// What is asked for, under a name, by a key.
async fn act(gateway: &TestGateway, (key, name): (&str, &str), (method, path): (&str, &str), body: &str) -> Answer {
    let request = gateway.client.request(method.parse().unwrap(), format!("{}/admin/v1/{path}", gateway.url));
    finish(request.bearer_auth(key).header("idempotency-key", name).body(body.to_owned())).await
}

async fn own(gateway: &TestGateway, name: &str, what: (&str, &str), body: Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    act(gateway, (&gateway.admin_key, name), what, &body).await
}

async fn list(gateway: &TestGateway, path: &str) -> Vec<Value> {
    let list = gateway.send("GET", &format!("/admin/v1/{path}"), &gateway.admin_key, "").await;
    list.json()["data"].as_array().unwrap().clone()
}

async fn replays(gateway: &TestGateway) -> usize {
    gateway.audit().await.iter().filter(|record| record.reason.as_deref() == Some("replay")).count()
}

fn assert_replayed(again: &Answer, first: &Answer) {
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotent-replayed"), "true");
    for header in ["etag", "content-type"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
}

#[tokio::test]
async fn a_write_is_done_once_and_its_answer_said_again() {
    let (_upstream, gateway) = started().await;
    let body = json!({ "id": "clinic", "name": "Clinic" });
    let first = own(&gateway, "t-1", ("POST", "tenants"), body.clone()).await;
    assert_eq!((first.status, first.header("etag"), first.header("idempotent-replayed")), (201, "\"1\"", ""));
    assert_replayed(&own(&gateway, "t-1", ("POST", "tenants"), body).await, &first);
    // Spaces and the order of names mean nothing.
    let same = act(&gateway, (&gateway.admin_key, "t-1"), ("POST", "tenants"), r#"{"name":"Clinic",  "id":"clinic"}"#);
    assert_replayed(&same.await, &first);
    let patch = json!({ "name": "new" });
    let changed = own(&gateway, "t-2", ("PATCH", "tenants/clinic"), patch.clone()).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    assert_replayed(&own(&gateway, "t-2", ("PATCH", "tenants/clinic"), patch).await, &changed);
    let tenant = gateway.send("GET", "/admin/v1/tenants/clinic", &gateway.admin_key, "").await.json();
    assert_eq!(tenant["version"], 2);
    let off = own(&gateway, "t-3", ("PUT", "switches/route/chat"), Value::Null).await;
    assert_eq!(own(&gateway, "t-4", ("DELETE", "switches/route/chat"), Value::Null).await.status, 200);
    assert_replayed(&own(&gateway, "t-3", ("PUT", "switches/route/chat"), Value::Null).await, &off);
    let on = own(&gateway, "t-4", ("DELETE", "switches/route/chat"), Value::Null).await;
    assert_eq!((on.status, on.header("idempotent-replayed")), (200, "true"));
    assert_eq!(list(&gateway, "switches").await, Vec::<Value>::new());
    // Each act has one record of its own, each replay one that says so.
    assert_eq!(replays(&gateway).await, 5);
    let records = gateway.audit().await;
    let about: Vec<_> = records.iter().filter(|record| record.object.as_deref() == Some("tenant clinic")).collect();
    assert_eq!(about.iter().filter(|record| record.reason.is_none()).count(), 2);
    assert_eq!(about.iter().filter(|record| record.reason.is_some()).count(), 3);
    // Reading has nothing to do with it.
    let read = own(&gateway, "t-1", ("GET", "tenants/clinic"), Value::Null).await;
    assert_eq!((read.status, read.header("idempotent-replayed")), (200, ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_at_once_one_makes_the_key() {
    let (_upstream, gateway) = started().await;
    let before = list(&gateway, "keys").await.len();
    let body = json!({ "name": "app", "tenant": "bank", "project": "support" });
    let answers = join_all((0..20).map(|_| own(&gateway, "k-1", ("POST", "keys"), body.clone()))).await;
    let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty() && made.iter().all(|answer| answer.body == made[0].body));
    for other in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!((other.status, other.code().as_str()), (409, "request_in_progress"), "{}", other.body);
        assert_ne!(other.header("retry-after"), "");
    }
    assert_eq!(list(&gateway, "keys").await.len(), before + 1);
    let again = own(&gateway, "k-1", ("POST", "keys"), body).await;
    assert_replayed(&again, made[0]);
    let key = again.json()["key"].as_str().unwrap().to_owned();
    let talk = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] });
    assert_eq!(gateway.chat_as(&key, &talk).await.status, 200);
    assert!(!holds(gateway.data_folder(), &key), "a key's text lies in the data folder");
}

/// Whether a text stands in any file of a folder.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        std::fs::read(&path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn a_name_is_of_one_request_and_of_one_caller() {
    let (_upstream, gateway) = started().await;
    let made = own(&gateway, "n-1", ("POST", "tenants"), json!({ "id": "clinic" })).await;
    assert_eq!(made.status, 201);
    for (what, body) in [
        (("POST", "tenants"), json!({ "id": "other" })),
        (("POST", "projects"), json!({ "id": "clinic" })),
        (("PATCH", "tenants/clinic"), json!({ "id": "clinic" })),
        (("POST", "tenants?x=1"), json!({ "id": "clinic" })),
    ] {
        let other = own(&gateway, "n-1", what, body).await;
        assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"), "{what:?}");
        assert_eq!(other.json()["error"]["param"], "Idempotency-Key");
    }
    assert_eq!(list(&gateway, "tenants").await.len(), 2);
    let admin = json!({ "name": "second", "role": "admin", "tenant": "bank", "project": "support" });
    let second = gateway.send("POST", "/admin/v1/keys", &gateway.admin_key, admin.to_string()).await.json();
    let second = second["key"].as_str().unwrap();
    let theirs = act(&gateway, (second, "n-1"), ("POST", "tenants"), r#"{"id":"clinic"}"#).await;
    assert_eq!((theirs.status, theirs.code().as_str()), (409, "tenant_exists"));
    let theirs = act(&gateway, (second, "n-1"), ("POST", "tenants"), r#"{"id":"ministry"}"#).await;
    assert_eq!(theirs.status, 201, "{}", theirs.body);
    // A key that opens nothing here learns nothing.
    let application = act(&gateway, (&gateway.key, "n-1"), ("POST", "tenants"), r#"{"id":"clinic"}"#).await;
    assert_eq!((application.status, application.header("idempotent-replayed")), (403, ""));
    for wrong in ["", &"x".repeat(256)] {
        let refused = own(&gateway, wrong, ("POST", "tenants"), json!({ "id": "x" })).await;
        assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("Idempotency-Key")));
    }
    assert_eq!(own(&gateway, &"x".repeat(255), ("POST", "tenants"), json!({ "id": "x" })).await.status, 201);
}

#[tokio::test]
async fn what_was_refused_may_be_asked_for_again_under_its_name() {
    let (_upstream, gateway) = started().await;
    let patch = json!({ "name": "Clinic" });
    assert_eq!(own(&gateway, "r-1", ("PATCH", "tenants/clinic"), patch.clone()).await.status, 404);
    assert_eq!(own(&gateway, "r-2", ("POST", "tenants"), json!({ "id": "" })).await.status, 400);
    // A corrected request may keep its name.
    assert_eq!(own(&gateway, "r-2", ("POST", "tenants"), json!({ "id": "clinic" })).await.status, 201);
    let patched = own(&gateway, "r-1", ("PATCH", "tenants/clinic"), patch).await;
    assert_eq!((patched.status, patched.header("idempotent-replayed")), (200, ""));
    let large = format!(r#"{{"id":"{}"}}"#, "x".repeat(300 << 10));
    let refused = act(&gateway, (&gateway.admin_key, "r-3"), ("POST", "tenants"), &large).await;
    assert_eq!(refused.status, 413);
}

#[tokio::test]
async fn answers_outlive_the_gateway_and_expire() {
    let place = Place::default();
    let clock = Arc::clone(&place.clock);
    let (_upstream, gateway) = started_at(place).await;
    let admin_key = gateway.admin_key.clone();
    let body = json!({ "name": "app", "tenant": "bank", "project": "support" });
    let first = own(&gateway, "o-1", ("POST", "keys"), body.clone()).await;
    let (folder, _) = gateway.stop().await;
    let place = Place { folder: Some(folder), clock: Arc::clone(&clock), ..Place::default() };
    let (_upstream, gateway) = started_at(place).await;
    let again = act(&gateway, (&admin_key, "o-1"), ("POST", "keys"), &body.to_string()).await;
    assert_replayed(&again, &first);
    clock.fetch_add(24 * HOUR_MS - 60_000, Ordering::SeqCst);
    let again = act(&gateway, (&admin_key, "o-1"), ("POST", "keys"), &body.to_string()).await;
    assert_replayed(&again, &first);
    clock.fetch_add(120_000, Ordering::SeqCst);
    let anew = act(&gateway, (&admin_key, "o-1"), ("POST", "keys"), &body.to_string()).await;
    assert_eq!((anew.status, anew.header("idempotent-replayed")), (201, ""));
    assert_ne!(anew.json()["key"], first.json()["key"]);
    let acts = gateway.shared_store();
    assert_eq!(acts.acts().delete_expired(i64::MAX).await.unwrap(), 1);
}

/// The gateway ended between an act and its answer, or before the act: the claim says which.
#[tokio::test]
async fn a_crash_neither_doubles_an_act_nor_loses_one() {
    let place = Place::default();
    let clock = Arc::clone(&place.clock);
    let (_upstream, gateway) = started_at(place).await;
    let body = json!({ "name": "app", "tenant": "bank", "project": "support" });
    own(&gateway, "c-1", ("POST", "keys"), body.clone()).await;
    let num_keys = list(&gateway, "keys").await.len();
    let lease = gateway.gateway.now_ms() + 60_000;
    gateway.tamper(&[&format!("UPDATE admin_acts SET sealed = NULL, leased_until_ms = {lease}")]).await;
    let running = own(&gateway, "c-1", ("POST", "keys"), body.clone()).await;
    assert_eq!((running.status, running.code().as_str()), (409, "request_in_progress"));
    clock.fetch_add(61_000, Ordering::SeqCst);
    let lost = own(&gateway, "c-1", ("POST", "keys"), body.clone()).await;
    assert_eq!((lost.status, lost.code().as_str()), (409, "idempotency_answer_lost"));
    assert_eq!(lost.header("x-should-retry"), "false");
    assert_eq!(list(&gateway, "keys").await.len(), num_keys);
    gateway.tamper(&["UPDATE admin_acts SET acted = 0"]).await;
    assert_eq!(own(&gateway, "c-1", ("POST", "keys"), body.clone()).await.status, 201);
    assert_eq!(list(&gateway, "keys").await.len(), num_keys + 1);
    // What was changed by hand, or stands under another name, is not given.
    own(&gateway, "c-2", ("POST", "tenants"), json!({ "id": "clinic" })).await;
    gateway.tamper(&["UPDATE admin_acts SET sealed = (SELECT sealed FROM admin_acts ORDER BY address LIMIT 1)"]).await;
    let statuses = [
        own(&gateway, "c-1", ("POST", "keys"), body).await,
        own(&gateway, "c-2", ("POST", "tenants"), json!({ "id": "clinic" })).await,
    ];
    let unreadable: Vec<_> = statuses.iter().filter(|answer| answer.status == 409).map(Answer::code).collect();
    assert_eq!(unreadable, ["content_unreadable"]);
}

#[tokio::test]
async fn a_client_that_left_finds_what_was_done() {
    let (_upstream, gateway) = started().await;
    let body = json!({ "id": "clinic" });
    for _ in 0..20 {
        let left = tokio::time::timeout(
            std::time::Duration::from_micros(300),
            own(&gateway, "l-1", ("POST", "tenants"), body.clone()),
        );
        let _ = left.await;
    }
    let mut answer = own(&gateway, "l-1", ("POST", "tenants"), body.clone()).await;
    while answer.status == 409 && answer.code() == "request_in_progress" {
        tokio::task::yield_now().await;
        answer = own(&gateway, "l-1", ("POST", "tenants"), body.clone()).await;
    }
    assert_eq!((answer.status, &answer.json()["id"]), (201, &json!("clinic")), "{}", answer.body);
    let records = gateway.audit().await;
    let acts = records.iter().filter(|own| own.object.as_deref() == Some("tenant clinic") && own.reason.is_none());
    assert_eq!(acts.filter(|own| own.status == 201).count(), 1);
}

#[tokio::test]
async fn a_key_is_rotated_once() {
    let (_upstream, gateway) = started().await;
    let made = own(&gateway, "x-1", ("POST", "keys"), json!({ "name": "app", "tenant": "bank" })).await.json();
    let rotate = format!("keys/{}/rotate", made["record"]["id"].as_str().unwrap());
    let num_keys = list(&gateway, "keys").await.len();
    let rotated = own(&gateway, "x-2", ("POST", &rotate), Value::Null).await;
    assert_eq!(rotated.status, 201, "{}", rotated.body);
    assert_replayed(&own(&gateway, "x-2", ("POST", &rotate), Value::Null).await, &rotated);
    assert_eq!(list(&gateway, "keys").await.len(), num_keys + 1);
    assert_eq!(own(&gateway, "x-3", ("POST", &rotate), Value::Null).await.code(), "key_rotated");
}

#[tokio::test]
async fn a_month_is_closed_and_credited_once() {
    let started = started_billing(&format!("{BILLING}{SUPPLIER}")).await;
    let gateway = &started.gateway;
    gateway.ask("chat", "hi").await;
    let month = started.month();
    started.set_buyer().await;
    started.clock.store(35 * DAYS_MS, Ordering::SeqCst);
    gateway.audit().await;
    let body = json!({ "month": month });
    let closed = own(gateway, "m-1", ("POST", "invoices/close"), body.clone()).await;
    assert_eq!(closed.status, 200, "{}", closed.body);
    let number = closed.json()["closed"][0]["invoice"]["number"].as_str().unwrap().to_owned();
    assert_replayed(&own(gateway, "m-1", ("POST", "invoices/close"), body).await, &closed);
    let (path, body) = (format!("invoices/{number}/credit"), json!({ "amount": "1,50", "reason": "Скидка" }));
    let credited = own(gateway, "m-2", ("POST", &path), body.clone()).await;
    assert_eq!(credited.status, 201, "{}", credited.body);
    let again = join_all((0..5).map(|_| own(gateway, "m-2", ("POST", &path), body.clone()))).await;
    for again in &again {
        assert_replayed(again, &credited);
    }
    assert_eq!(list(gateway, "invoices").await.len(), 2);
    // Without a name, or under another, it is another credit note.
    assert_eq!(own(gateway, "m-3", ("POST", &path), body).await.status, 201);
    assert_eq!(list(gateway, "invoices").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_on_one_database_do_an_act_once() {
    let (_upstream, first) = started().await;
    let database = first.gateway.snapshot().config.store.database.clone();
    let folder = tempfile::tempdir().unwrap();
    for secret in ["keys.secret", "content.secret"] {
        std::fs::copy(first.data_folder().join(secret), folder.path().join(secret)).unwrap();
    }
    let (_upstream, second) =
        started_at(Place { folder: Some(folder), database: Some(database), ..Place::default() }).await;
    let key = first.admin_key.clone();
    let body = r#"{"name":"app","tenant":"bank","project":"support"}"#;
    let num_keys = list(&first, "keys").await.len();
    let ask = |number: usize| {
        let gateway = if number.is_multiple_of(2) { &first } else { &second };
        act(gateway, (&key, "g-1"), ("POST", "keys"), body)
    };
    let answers = join_all((0..20).map(ask)).await;
    let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty() && made.iter().all(|answer| answer.body == made[0].body));
    assert!(answers.iter().all(|answer| answer.status == 201 || answer.code() == "request_in_progress"));
    for gateway in [&first, &second] {
        assert_replayed(&act(gateway, (&key, "g-1"), ("POST", "keys"), body).await, made[0]);
    }
    assert_eq!(list(&first, "keys").await.len(), num_keys + 1);
}
