//! Batches: every line is a request of its key like any other, and nothing of it is lost on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};

use shekara_gateway::content::Kind;
use shekara_gateway::jobs::batches::Batch;

use crate::files::{upload, uploaded};
use crate::gateway::{Answer, Place, TestGateway, border, finish, one_provider};
use crate::replays::is_on_disk;
use crate::upstream::{Reply, Upstream};

const CHAT: &str = "/v1/chat/completions";

/// A line that says `text` on route `model`.
pub fn line(custom_id: &str, model: &str, text: &str) -> Value {
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": text }] });
    json!({ "custom_id": custom_id, "method": "POST", "url": CHAT, "body": body })
}

fn jsonl(lines: &[Value]) -> String {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    lines.join("\n") + "\n"
}

async fn get(gateway: &TestGateway, path: &str) -> Answer {
    gateway.send("GET", path, &gateway.key, "").await
}

pub async fn ordered(gateway: &TestGateway, endpoint: &str, file: &str) -> Value {
    let id = uploaded(gateway, "batch", ("in.jsonl", file.as_bytes())).await;
    let order = json!({ "input_file_id": id, "endpoint": endpoint, "completion_window": "24h" });
    let answer = gateway.send("POST", "/v1/batches", &gateway.key, order.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// The batch when nothing more will happen, as its owner sees it. Not asked over HTTP: each such question is in the audit.
pub async fn ended(gateway: &TestGateway, id: &Value) -> Value {
    let own = &gateway.gateway;
    loop {
        let all = own.shelf.list(None, Kind::Batch, own.now_ms()).await.unwrap();
        let mut all = all.iter().map(|(_, content)| serde_json::from_slice::<Batch>(content).unwrap());
        let batch = all.find(|batch| id == batch.id.as_str()).expect("there is such a batch");
        if batch.status.is_final() {
            return batch.to_json();
        }
        tokio::task::yield_now().await;
    }
}

/// Lines of a file by their `custom_id`.
async fn lines(gateway: &TestGateway, id: &Value) -> BTreeMap<String, Value> {
    let Some(id) = id.as_str() else { return BTreeMap::new() };
    let content = get(gateway, &format!("/v1/files/{id}/content")).await.body;
    let read = |line: &str| -> (String, Value) {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        (line["custom_id"].as_str().unwrap().to_owned(), line)
    };
    content.lines().map(read).collect()
}

async fn started(reply: Reply, rest: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(reply).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, rest)).await;
    (upstream, gateway)
}

#[tokio::test]
async fn every_line_is_answered_once_and_recorded() {
    let (upstream, gateway) = started(Reply::Text("one two"), "").await;
    let mut all: Vec<Value> = (0..20).map(|number| line(&format!("l-{number}"), "chat", "hi")).collect();
    all.push(line("unknown", "no-such-model", "hi"));
    all.push(json!({ "custom_id": "malformed", "method": "POST", "url": CHAT, "body": { "model": "chat" } }));
    let batch = ordered(&gateway, CHAT, &format!("\u{feff}{}\n\r\n", jsonl(&all))).await;
    assert_eq!((&batch["object"], &batch["status"]), (&json!("batch"), &json!("validating")));
    let batch = ended(&gateway, &batch["id"]).await;
    assert_eq!(batch["status"], "completed", "{batch}");
    assert_eq!(batch["request_counts"], json!({ "total": 22, "completed": 20, "failed": 2 }));
    assert_eq!((upstream.received().len(), &batch["model"]), (20, &json!("chat")));
    let output = lines(&gateway, &batch["output_file_id"]).await;
    assert_eq!(output.len(), 20);
    for line in output.values() {
        let response = &line["response"];
        assert_eq!((&line["error"], &response["status_code"]), (&Value::Null, &json!(200)));
        assert_eq!(response["body"]["choices"][0]["message"]["content"], "one two");
        assert!(line["id"].as_str().unwrap().starts_with("batch_req_"));
    }
    let errors = lines(&gateway, &batch["error_file_id"]).await;
    let told = |id: &str| {
        (errors[id]["response"]["status_code"].clone(), errors[id]["response"]["body"]["error"]["param"].clone())
    };
    assert_eq!(told("unknown"), (json!(404), json!("model")));
    assert_eq!(told("malformed"), (json!(400), json!("messages")));
    let audit = gateway.audit().await;
    let own: Vec<_> = audit.iter().filter(|record| record.endpoint == format!("BATCH {CHAT}")).collect();
    assert_eq!(own.len(), 22);
    assert!(own.iter().all(|record| (record.tenant.as_str(), record.actor.as_str()) == ("bank", "test")));
    let ids: Vec<&str> = own.iter().map(|record| record.request_id.as_str()).collect();
    assert!(output.values().all(|line| ids.contains(&line["response"]["request_id"].as_str().unwrap())));
    let used: u64 = own.iter().filter_map(|record| record.completion_tokens).sum();
    assert!(used > 0 && batch["usage"]["output_tokens"] == used, "{batch}");
    for time in ["created_at", "in_progress_at", "finalizing_at", "completed_at", "expires_at"] {
        assert!(batch[time].is_u64(), "{time}: {batch}");
    }
    let listed = get(&gateway, "/v1/batches?limit=1").await.json();
    assert_eq!((&listed["data"][0], &listed["has_more"]), (&batch, &json!(false)));
}

#[tokio::test]
async fn each_api_has_its_batches() {
    let vectors = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"m",
        "usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    for (endpoint, reply, body, field) in [
        ("/v1/embeddings", Reply::Json(vectors), json!({ "model": "chat", "input": "a" }), "/data/0/embedding/0"),
        ("/v1/responses", Reply::Text("fine"), json!({ "model": "chat", "input": "a" }), "/output/0/content/0/text"),
        ("/v1/completions", Reply::Text("fine"), json!({ "model": "chat", "prompt": "a" }), "/choices/0/text"),
    ] {
        let (_upstream, gateway) = started(reply, "").await;
        let file = jsonl(&[json!({ "custom_id": "a", "method": "POST", "url": endpoint, "body": body })]);
        let batch = ordered(&gateway, endpoint, &file).await;
        let batch = ended(&gateway, &batch["id"]).await;
        let output = lines(&gateway, &batch["output_file_id"]).await;
        let line = output.get("a").unwrap_or_else(|| panic!("{batch}"));
        assert!(line["response"]["body"].pointer(field).is_some(), "{line}");
    }
}

#[tokio::test]
async fn a_file_that_is_none_of_requests_fails_with_its_lines() {
    let (upstream, gateway) = started(Reply::Text("fine"), "[batches]\nmax_requests = 3").await;
    let good = line("a", "chat", "hi");
    let with = |name: &str, value: Value| {
        let mut line = good.clone();
        line[name] = value;
        jsonl(&[line])
    };
    let streamed = json!({ "model": "chat", "stream": true, "messages": [] });
    let cases = [
        ("\n \n".to_owned(), "empty_file", None),
        ("no json\n".to_owned(), "invalid_json_line", Some(1)),
        (format!("{good}\n\n[]"), "invalid_json_line", Some(3)),
        (format!("{{\"custom_id\":\"b\",{}", &good.to_string()[1..]), "invalid_json_line", Some(1)),
        (jsonl(&[good.clone(), good.clone()]), "duplicate_custom_id", Some(2)),
        (with("custom_id", json!(7)), "invalid_value", Some(1)),
        (with("custom_id", Value::Null), "missing_required_parameter", Some(1)),
        (with("method", json!("GET")), "invalid_method", Some(1)),
        (with("url", json!("/v1/embeddings")), "mismatched_endpoint", Some(1)),
        (with("body", json!({ "messages": [] })), "invalid_request", Some(1)),
        (with("body", streamed), "invalid_request", Some(1)),
        (jsonl(&["a", "b", "c", "d"].map(|id| line(id, "chat", "hi"))), "too_many_requests", None),
        (format!("{{\"custom_id\":\"{}\"}}\n", "x".repeat(17 << 20)), "line_too_long", Some(1)),
    ];
    for (file, code, number) in cases {
        let batch = ordered(&gateway, CHAT, &file).await;
        let batch = ended(&gateway, &batch["id"]).await;
        let error = &batch["errors"]["data"][0];
        assert_eq!((&batch["status"], &error["code"]), (&json!("failed"), &json!(code)), "{batch}");
        assert_eq!((&error["line"], &batch["output_file_id"]), (&json!(number), &Value::Null), "{code}");
    }
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_refused() {
    let (_upstream, mut gateway) = started(Reply::Text("fine"), "[batches]\nmax_open = 0").await;
    let id = uploaded(&gateway, "batch", ("in.jsonl", jsonl(&[line("a", "chat", "hi")]).as_bytes())).await;
    let other = uploaded(&gateway, "user_data", ("in.jsonl", b"x")).await;
    let good = json!({ "input_file_id": id, "endpoint": CHAT, "completion_window": "24h" });
    for (name, value, status) in [
        ("input_file_id", json!("file-1"), 404),
        ("input_file_id", json!(other), 400),
        ("input_file_id", Value::Null, 400),
        ("endpoint", json!("/v1/files"), 400),
        ("completion_window", json!("soon"), 400),
        ("completion_window", json!("0h"), 400),
        ("completion_window", json!("169h"), 400),
        ("metadata", json!("x"), 400),
        ("metadata", json!({ "a": 7 }), 400),
        ("output_expires_after", json!({ "anchor": "created_at", "seconds": 1 }), 400),
        ("colour", json!("red"), 400),
    ] {
        let mut order = good.clone();
        order[name] = value.clone();
        let refused = gateway.send("POST", "/v1/batches", &gateway.key, order.to_string()).await;
        let param = refused.json()["error"]["param"].as_str().unwrap_or_default().to_owned();
        assert_eq!((refused.status, param.starts_with(name)), (status, true), "{name} {value}: {}", refused.body);
    }
    let refused = gateway.send("POST", "/v1/batches", &gateway.key, good.to_string()).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_batches"));
    gateway.key = gateway.key_of("clinic").await;
    let refused = gateway.send("POST", "/v1/batches", &gateway.key, good.to_string()).await;
    assert_eq!(refused.status, 404, "another tenant's file");
    for path in ["/v1/batches/batch_1", "/v1/batches/x"] {
        assert_eq!(get(&gateway, path).await.code(), "batch_not_found");
    }
}

/// SDKs send an order again when its answer is lost.
#[tokio::test]
async fn an_order_under_a_name_is_one_batch() {
    let (upstream, gateway) = started(Reply::Text("fine"), "").await;
    let id = uploaded(&gateway, "batch", ("in.jsonl", jsonl(&[line("a", "chat", "hi")]).as_bytes())).await;
    let send = async |window: &str, name: &str| {
        let order = json!({ "input_file_id": id, "endpoint": CHAT, "completion_window": window });
        let request = gateway.client.post(format!("{}/v1/batches", gateway.url)).bearer_auth(&gateway.key);
        finish(request.header("idempotency-key", name).body(order.to_string())).await
    };
    let first = send("24h", "n1").await.json();
    ended(&gateway, &first["id"]).await;
    assert_eq!(send("24h", "n1").await.json()["id"], first["id"]);
    let other = send("48h", "n1").await;
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"));
    let second = send("24h", "n2").await.json();
    assert_ne!(second["id"], first["id"]);
    ended(&gateway, &second["id"]).await;
    assert_eq!(upstream.received().len(), 2);
}

#[tokio::test]
async fn the_input_stays_while_its_batch_runs_and_outlives_it() {
    let (upstream, gateway) = started(Reply::Held("fine"), "[batches]\nmax_in_flight = 1").await;
    let hour = [("purpose", "batch"), ("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "3600")];
    let bytes = jsonl(&[line("a", "chat", "hi")]);
    let short = upload(&gateway, &hour, ("in.jsonl", bytes.as_bytes())).await.json();
    let order = json!({ "input_file_id": short["id"], "endpoint": CHAT, "completion_window": "24h" });
    let refused = gateway.send("POST", "/v1/batches", &gateway.key, order.to_string()).await;
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("input_file_id")));
    let batch = ordered(&gateway, CHAT, &bytes).await;
    let path = format!("/v1/files/{}", batch["input_file_id"].as_str().unwrap());
    let refused = gateway.send("DELETE", &path, &gateway.key, "").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "file_in_use"));
    upstream.release();
    ended(&gateway, &batch["id"]).await;
    assert_eq!(gateway.send("DELETE", &path, &gateway.key, "").await.status, 200);
}

/// What came of lines becomes a file while it is still there: a tenant's share is no obstacle to that.
#[tokio::test]
async fn a_batch_that_fills_its_tenants_room_still_ends() {
    let long: &'static str = "long answer ".repeat(5_000).leak();
    let (_upstream, gateway) = started(Reply::Text(long), "[content]\nmax_tenant_bytes = 400000").await;
    let all: Vec<Value> = (0..5).map(|number| line(&format!("l-{number}"), "chat", "hi")).collect();
    let batch = ordered(&gateway, CHAT, &jsonl(&all)).await;
    let batch = ended(&gateway, &batch["id"]).await;
    assert_eq!(batch["request_counts"]["completed"], 5, "{batch}");
    assert_eq!(lines(&gateway, &batch["output_file_id"]).await.len(), 5);
}

#[tokio::test]
async fn projects_take_turns() {
    let upstream = Upstream::start(Reply::Held("fine")).await;
    let toml = one_provider(&upstream.base_url, "[batches]\nmax_in_flight = 64");
    let mut gateway = TestGateway::start(&toml).await;
    // One project has more than may run of one, each of which waits for an answer.
    for _ in 0..9 {
        ordered(&gateway, CHAT, &jsonl(&[line("a", "chat", "of many")])).await;
    }
    let queued = ordered(&gateway, CHAT, &jsonl(&[line("a", "chat", "of many")])).await;
    let own = gateway.key.clone();
    gateway.key = gateway.key_of("clinic").await;
    ordered(&gateway, CHAT, &jsonl(&[line("a", "chat", "of another")])).await;
    while !upstream.received().concat().contains("of another") || upstream.received().len() < 9 {
        tokio::task::yield_now().await;
    }
    assert_eq!(upstream.received().len(), 9);
    // One that waits for its turn is cancelled at once.
    gateway.key = own;
    let path = format!("/v1/batches/{}/cancel", queued["id"].as_str().unwrap());
    assert_eq!(gateway.send("POST", &path, &gateway.key, "").await.json()["status"], "cancelled");
}

#[tokio::test]
async fn lines_are_screened_each_for_itself_and_what_is_kept_is_sealed() {
    let (outside, inside) = (Upstream::start(Reply::Echo).await, Upstream::start(Reply::Echo).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "mask = true")).await;
    let file = jsonl(&[
        line("iin", "chat", "мой ИИН 901123300258"),
        line("mail", "chat", "Пишите на aigul.sadykova7@mail.kz"),
        line("plain", "chat", "planted question"),
    ]);
    let batch = ordered(&gateway, CHAT, &file).await;
    let batch = ended(&gateway, &batch["id"]).await;
    let output = lines(&gateway, &batch["output_file_id"]).await;
    let said = |id: &str| output[id]["response"]["body"]["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(said("iin").contains("901123300258") && said("mail").contains("aigul.sadykova7@mail.kz"), "{output:?}");
    let (out, stayed) = (outside.received(), inside.received());
    assert_eq!((out.len(), stayed.len()), (2, 1));
    assert!(!out.concat().contains("901123300258") && !out.concat().contains("sadykova"), "{out:?}");
    // What its creator says of the data counts for every line.
    let id = uploaded(&gateway, "batch", ("in.jsonl", jsonl(&[line("a", "chat", "hello")]).as_bytes())).await;
    let order = json!({ "input_file_id": id, "endpoint": CHAT, "completion_window": "1h" });
    let request = gateway.client.post(format!("{}/v1/batches", gateway.url)).bearer_auth(&gateway.key);
    let made = finish(request.header("x-shekara-data-class", "personal").body(order.to_string())).await;
    ended(&gateway, &made.json()["id"]).await;
    assert_eq!((outside.received().len(), inside.received().len()), (2, 2));
    let (folder, _) = gateway.stop().await;
    for planted in ["901123300258", "sadykova", "planted question"] {
        assert!(!is_on_disk(folder.path(), planted), "{planted}");
    }
}

#[tokio::test]
async fn a_batch_goes_on_where_the_process_ended() {
    let upstream = Upstream::start(Reply::Held("fine")).await;
    let toml = one_provider(&upstream.base_url, "[batches]\nmax_in_flight = 1");
    let gateway = TestGateway::start(&toml).await;
    let all: Vec<Value> =
        (0..5).map(|number| line(&format!("l-{number}"), "chat", &format!("line {number}"))).collect();
    let batch = ordered(&gateway, CHAT, &jsonl(&all)).await;
    upstream.release();
    upstream.release();
    // The third is under way when the process ends.
    while upstream.received().len() < 3 {
        tokio::task::yield_now().await;
    }
    let (folder, key) = gateway.stop().await;
    upstream.take_received();
    upstream.set(Reply::Text("fine"));
    let mut gateway = TestGateway::start_at(&toml, Place { folder: Some(folder), ..Place::default() }).await;
    gateway.key = key;
    let batch = ended(&gateway, &batch["id"]).await;
    assert_eq!(batch["request_counts"], json!({ "total": 5, "completed": 5, "failed": 0 }), "{batch}");
    assert_eq!(lines(&gateway, &batch["output_file_id"]).await.len(), 5);
    let again = upstream.received();
    assert_eq!(again.len(), 3, "only what had no answer is asked: {again:?}");
    assert!(["line 2", "line 3", "line 4"].iter().all(|text| again.concat().contains(text)));
}

#[tokio::test]
async fn a_cancelled_batch_gives_what_it_has() {
    let (upstream, gateway) = started(Reply::Held("fine"), "[batches]\nmax_in_flight = 1").await;
    let all: Vec<Value> = (0..4).map(|number| line(&format!("l-{number}"), "chat", "hi")).collect();
    let batch = ordered(&gateway, CHAT, &jsonl(&all)).await;
    upstream.release();
    while upstream.received().len() < 2 {
        tokio::task::yield_now().await;
    }
    let path = format!("/v1/batches/{}/cancel", batch["id"].as_str().unwrap());
    let cancelled = gateway.send("POST", &path, &gateway.key, "").await.json();
    assert_eq!(cancelled["status"], "cancelling");
    upstream.release();
    let batch = ended(&gateway, &batch["id"]).await;
    assert_eq!(batch["status"], "cancelled");
    assert!(batch["cancelled_at"].is_u64() && batch["cancelling_at"].is_u64(), "{batch}");
    assert_eq!(lines(&gateway, &batch["output_file_id"]).await.len(), 2, "what was under way is finished");
    let errors = lines(&gateway, &batch["error_file_id"]).await;
    assert_eq!((errors.len(), &errors["l-3"]["error"]["code"]), (2, &json!("batch_cancelled")));
    assert_eq!(upstream.received().len(), 2);
    assert_eq!(gateway.send("POST", &path, &gateway.key, "").await.status, 409);
}

#[tokio::test]
async fn a_batch_that_runs_out_of_time_gives_what_it_has() {
    let upstream = Upstream::start(Reply::Held("fine")).await;
    let toml = one_provider(&upstream.base_url, "[batches]\nmax_in_flight = 1");
    let clock = Arc::new(AtomicI64::new(0));
    let gateway = TestGateway::start_at(&toml, Place { clock: Arc::clone(&clock), ..Place::default() }).await;
    let all: Vec<Value> = (0..3).map(|number| line(&format!("l-{number}"), "chat", "hi")).collect();
    let batch = ordered(&gateway, CHAT, &jsonl(&all)).await;
    while upstream.received().is_empty() {
        tokio::task::yield_now().await;
    }
    clock.store(24 * 3_600_000 + 1_000, Ordering::SeqCst);
    upstream.release();
    let batch = ended(&gateway, &batch["id"]).await;
    assert_eq!((&batch["status"], batch["expired_at"].is_u64()), (&json!("expired"), true), "{batch}");
    let errors = lines(&gateway, &batch["error_file_id"]).await;
    assert_eq!((errors.len(), &errors["l-2"]["error"]["code"]), (2, &json!("batch_expired")));
    assert_eq!(lines(&gateway, &batch["output_file_id"]).await.len(), 1);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_cannot_is_told() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let busy_once = Reply::By(Arc::new(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Headed(429, &[("retry-after", "1")], "{}"),
        1 => Reply::Status(400, "{\"error\":{\"message\":\"no\",\"code\":\"bad\"}}"),
        _ => Reply::Text("fine"),
    }));
    let (_upstream, gateway) = started(busy_once, "[batches]\nmax_in_flight = 1").await;
    let batch = ordered(&gateway, CHAT, &jsonl(&["a", "b"].map(|id| line(id, "chat", "hi")))).await;
    let batch = ended(&gateway, &batch["id"]).await;
    assert_eq!(batch["request_counts"], json!({ "total": 2, "completed": 1, "failed": 1 }), "{batch}");
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    let audit = gateway.audit().await;
    let statuses: Vec<u16> =
        audit.iter().filter(|record| record.endpoint.starts_with("BATCH")).map(|record| record.status).collect();
    assert_eq!(statuses.len(), 3, "each try has its record: {statuses:?}");
}

#[tokio::test]
async fn a_revoked_key_orders_nothing_more() {
    let (upstream, mut gateway) = started(Reply::Held("fine"), "[batches]\nmax_in_flight = 1").await;
    let body = json!({ "name": "k", "tenant": "bank", "project": "support" }).to_string();
    let made = gateway.send("POST", "/admin/v1/keys", &gateway.admin_key, body).await.json();
    let own = std::mem::replace(&mut gateway.key, made["key"].as_str().unwrap().to_owned());
    let batch = ordered(&gateway, CHAT, &jsonl(&["a", "b"].map(|id| line(id, "chat", "hi")))).await;
    while upstream.received().is_empty() {
        tokio::task::yield_now().await;
    }
    let path = format!("/admin/v1/keys/{}", made["record"]["id"].as_str().unwrap());
    assert_eq!(gateway.send("DELETE", &path, &gateway.admin_key, "").await.status, 200);
    upstream.release();
    gateway.key = own;
    let batch = ended(&gateway, &batch["id"]).await;
    let errors = lines(&gateway, &batch["error_file_id"]).await;
    assert_eq!(errors["b"]["response"]["status_code"], 401, "{errors:?}");
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn an_erased_batch_does_not_come_back() {
    let (upstream, gateway) = started(Reply::Held("planted answer"), "[batches]\nmax_in_flight = 1").await;
    let batch = ordered(&gateway, CHAT, &jsonl(&["a", "b", "c"].map(|id| line(id, "chat", "hi")))).await;
    while upstream.received().is_empty() {
        tokio::task::yield_now().await;
    }
    let erased = gateway.send("DELETE", "/admin/v1/content?tenant=bank", &gateway.admin_key, "").await.json();
    assert_eq!((&erased["deleted"]["batches"], &erased["deleted"]["files"]), (&json!(1), &json!(1)));
    upstream.release();
    while gateway.audit().await.iter().all(|record| !record.endpoint.starts_with("BATCH") || record.status == 0) {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(&gateway, &format!("/v1/batches/{}", batch["id"].as_str().unwrap())).await.status, 404);
    assert_eq!(get(&gateway, "/v1/batches").await.json()["data"], json!([]));
    assert_eq!(upstream.received().len(), 1, "nothing more is asked");
    let again = gateway.send("DELETE", "/admin/v1/content?tenant=bank", &gateway.admin_key, "").await.json();
    assert_eq!(again["bytes"], 0, "{again}");
}

/// Terms of the night: half past the next hour on.
fn at_night(upstream: &Upstream) -> (String, i64) {
    let now = Timestamp::now().as_second().rem_euclid(86_400);
    let opens = (now / 60 + 90) % 1_440;
    let hours = format!("{:02}:{:02}-{:02}:{:02}", opens / 60, opens % 60, (opens / 60 + 2) % 24, opens % 60);
    let toml = format!(
        "[server]\nutc_offset = \"+00:00\"\n[local]\nenabled = false\n[[providers]]\nname = \"stub\"\nkind = \"openai-compatible\"\n\
         base_url = \"{}\"\n[[routes]]\nmodel = \"chat\"\nstrategy = \"ordered\"\ntargets = [\n\
         {{ provider = \"stub\", model = \"dear\", price = {{ prompt = 2, completion = 2 }}, \
            batch = {{ price_factor = 0.25, hours = \"{hours}\", service_tier = \"flex\" }} }},\n\
         {{ provider = \"stub\", model = \"cheap\", price = {{ prompt = 1, completion = 1 }} }} ]\n",
        upstream.base_url
    );
    (toml, 91 * 60 * 1_000)
}

#[tokio::test]
async fn a_batch_waits_for_the_cheap_hours_where_it_has_the_time() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let (toml, until_open_ms) = at_night(&upstream);
    let clock = Arc::new(AtomicI64::new(0));
    let gateway = TestGateway::start_at(&toml, Place { clock: Arc::clone(&clock), ..Place::default() }).await;
    let file = jsonl(&[line("a", "chat", "hi")]);
    let patient = ordered(&gateway, CHAT, &file).await;
    // One that has an hour cannot wait.
    let id = uploaded(&gateway, "batch", ("in.jsonl", file.as_bytes())).await;
    let order = json!({ "input_file_id": id, "endpoint": CHAT, "completion_window": "1h" });
    let urgent = gateway.send("POST", "/v1/batches", &gateway.key, order.to_string()).await.json();
    ended(&gateway, &urgent["id"]).await;
    let asked = upstream.take_received();
    assert!(asked.len() == 1 && asked[0].contains("\"cheap\""), "{asked:?}");
    let waiting = get(&gateway, &format!("/v1/batches/{}", patient["id"].as_str().unwrap())).await.json();
    assert_eq!(waiting["status"], "in_progress");
    clock.store(until_open_ms, Ordering::SeqCst);
    ended(&gateway, &patient["id"]).await;
    let asked = upstream.take_received();
    assert!(
        asked.len() == 1 && asked[0].contains("\"dear\"") && asked[0].contains("\"service_tier\":\"flex\""),
        "{asked:?}"
    );
    let reasons: Vec<_> = gateway.audit().await.into_iter().filter_map(|record| record.reason).collect();
    assert_eq!(reasons, ["cheapest", "cheapest"]);
    // Whoever waits for an answer has the route's own order, and no tier.
    gateway.ask("chat", "hi").await;
    assert!(!upstream.take_received()[0].contains("service_tier"));
}

#[tokio::test]
async fn what_is_reserved_for_production_is_not_for_its_batches() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let toml = one_provider(&upstream.base_url, "[batches]\nmax_tries = 1")
        .replace("base_url", "limits = { requests_per_minute = 10, reserve_prod = 0.5 }\nbase_url");
    let mut gateway = TestGateway::start(&toml).await;
    let body = json!({ "name": "k", "tenant": "bank", "environment": "prod" }).to_string();
    let made = gateway.send("POST", "/admin/v1/keys", &gateway.admin_key, body).await.json();
    gateway.key = made["key"].as_str().unwrap().to_owned();
    let all: Vec<Value> = (0..10).map(|number| line(&format!("l-{number}"), "chat", "hi")).collect();
    let batch = ordered(&gateway, CHAT, &jsonl(&all)).await;
    let batch = ended(&gateway, &batch["id"]).await;
    assert_eq!(batch["request_counts"], json!({ "total": 10, "completed": 5, "failed": 5 }), "{batch}");
    for _ in 0..5 {
        assert_eq!(gateway.ask("chat", "hi").await.status, 200);
    }
    assert_eq!(gateway.ask("chat", "hi").await.status, 429);
}
