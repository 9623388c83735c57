//! Content that is kept beside the audit: whole, sealed, tied to its record, for those who may read it and no longer than it
//! may be kept.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use shekara_gateway::auth::{DataClass, KeySettings, NewKey, Role, mint};
use shekara_gateway::content::{Bounds, Item, Kind, Owner, Subjects};

use crate::gateway::{Answer, Place, TestGateway, border, one_provider};
use crate::speech::{TRANSCRIPTIONS, upload};
use crate::upstream::{Reply, Upstream};

const KEPT: &str = "[audit.content]\ntenants = [\"bank\"]\n";
const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// Not to be found anywhere but in sealed rows.
const WORD: &str = "xylophonist-7731";

struct Case {
    upstream: Upstream,
    gateway: TestGateway,
}

async fn case(reply: Reply, rest: &str) -> Case {
    let upstream = Upstream::start(reply).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, rest)).await;
    Case { upstream, gateway }
}

impl TestGateway {
    async fn content_key(&self, role: Role, more: Value) -> String {
        let mut body = json!({ "name": role.as_str(), "role": role, "tenant": "bank" });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let made = self.send("POST", "/admin/v1/keys", &self.admin_key, body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()["key"].as_str().unwrap().to_owned()
    }

    /// An administrator cannot make one.
    async fn owner(&self) -> String {
        let (gateway, tenancy) = (&self.gateway, self.shared_store());
        let new = NewKey {
            name: "owner".into(),
            role: Role::Owner,
            tenant: "bank".into(),
            project: "support".into(),
            environment: "prod".into(),
            data_class: DataClass::Public,
            settings: KeySettings::default(),
            expires_at_ms: None,
        };
        let minted = mint(new, gateway.key_secret(), gateway.sources.random(), 0);
        tenancy.tenancy().insert_key(minted.record.clone()).await.unwrap();
        gateway.reload_directory().await.unwrap();
        minted.plaintext
    }

    /// As it is read once all is written.
    async fn content_of(&self, key: &str, id: &str) -> Answer {
        self.gateway.shelf.flush().await;
        self.audit().await;
        self.send("GET", &format!("/admin/v1/audit/{id}/content"), key, "").await
    }

    async fn num_contents(&self, text: &str) -> usize {
        self.audit().await.iter().filter(|record| record.content.is_some() && record.endpoint.contains(text)).count()
    }
}

fn id_of(answer: &Answer) -> String {
    answer.header("x-request-id").to_owned()
}

fn asks(text: &str, more: Value) -> Value {
    let mut body = json!({ "model": "chat", "messages": [{ "role": "user", "content": text }] });
    let Value::Object(more) = more else { panic!("no fields") };
    body.as_object_mut().unwrap().extend(more);
    body
}

/// Whether a word lies anywhere in a folder.
fn lies_in(folder: &Path, word: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return lies_in(&path, word);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(word.len()).any(|window| window == word.as_bytes())
    })
}

#[tokio::test]
async fn requests_and_answers_are_kept_to_the_byte_and_found_nowhere_in_the_clear() {
    let Case { gateway, .. } = case(Reply::Echo, KEPT).await;
    let auditor = gateway.content_key(Role::Auditor, json!({})).await;
    let path = "/v1/chat/completions";
    for stream in [false, true] {
        let body =
            asks(&format!("the word is {WORD}"), json!({ "stream": stream, "unknown": [1.50, WORD] })).to_string();
        let answer = gateway.send("POST", path, &gateway.key, body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let read = gateway.content_of(&auditor, &id_of(&answer)).await;
        assert_eq!(read.status, 200, "{}", read.body);
        let read = read.json();
        assert_eq!(read["request"]["text"], body);
        assert_eq!(read["answer"]["text"], answer.body, "stream: {stream}");
        for (part, length) in [("request", body.len()), ("answer", answer.body.len())] {
            assert_eq!((&read[part]["bytes"], &read[part]["truncated"]), (&json!(length), &json!(false)), "{part}");
        }
        assert_eq!((read["tenant"].as_str(), read["data_class"].as_str()), (Some("bank"), Some("public")));
    }
    // Who wrote it, whose record it is: the record has its hashes, and nothing of the texts.
    let records = gateway.audit().await;
    let kept: Vec<_> = records.iter().filter_map(|record| record.content.clone()).collect();
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|seals| seals.request.is_some() && seals.answer.is_some()));
    assert_ne!(kept[0].request, kept[1].request);
    assert!(!lies_in(gateway.data_folder(), WORD), "the word lies in the clear");
    // And each read is a record.
    let read = records.iter().filter(|record| record.endpoint == "GET /admin/v1/audit/{request_id}/content");
    let objects: Vec<_> = read.filter_map(|record| record.object.clone()).collect();
    assert_eq!(objects.len(), 2);
    assert!(objects.iter().all(|object| object.starts_with("content of request req_")), "{objects:?}");
}

#[tokio::test]
async fn errors_are_kept_as_the_client_got_them() {
    let refused = r#"{"error":{"message":"temperature is too high","type":"invalid_request_error","param":"temperature","code":"bad"}}"#;
    let Case { gateway, .. } = case(Reply::Status(400, refused), KEPT).await;
    let answer = gateway.ask("chat", "hi").await;
    assert_eq!(answer.status, 400);
    let read = gateway.content_of(&gateway.content_key(Role::Auditor, json!({})).await, &id_of(&answer)).await;
    assert_eq!(read.json()["answer"]["text"], answer.body, "{}", read.body);
    let unknown = gateway.ask("nothing", "hi").await;
    let owner = gateway.owner().await;
    let read = gateway.content_of(&owner, &id_of(&unknown)).await;
    assert_eq!((unknown.status, read.status), (404, 200), "{}", read.body);
    assert_eq!(read.json()["answer"]["text"], unknown.body);
}

#[tokio::test]
async fn it_is_read_by_auditors_and_owners_within_their_reach() {
    let Case { gateway, .. } = case(Reply::Text("fine"), KEPT).await;
    let id = id_of(&gateway.ask("chat", "hi").await);
    for (role, status) in [
        (Role::Auditor, 200),
        (Role::Admin, 403),
        (Role::Operator, 403),
        (Role::Developer, 403),
        (Role::Finance, 403),
        (Role::Application, 403),
    ] {
        let key = gateway.content_key(role, json!({})).await;
        assert_eq!(gateway.content_of(&key, &id).await.status, status, "{role:?}");
    }
    let owner = gateway.owner().await;
    assert_eq!(gateway.content_of(&owner, &id).await.status, 200);
    for (tenant, project, reach, status) in [
        ("bank", "support", "tenant", 200),
        ("bank", "support", "project", 200),
        ("bank", "other", "project", 404),
        ("clinic", "support", "tenant", 404),
    ] {
        let more = json!({ "tenant": tenant, "project": project, "reach": reach });
        let key = gateway.content_key(Role::Auditor, more).await;
        let read = gateway.content_of(&key, &id).await;
        assert_eq!(read.status, status, "{tenant} {project} {reach}: {}", read.body);
    }
    for id in ["req_00000000000000000000000000000000", "x", "%00", "a%20b"] {
        let read = gateway.content_of(&owner, id).await;
        assert_eq!(read.status, 404, "{id}: {}", read.body);
    }
    // A record without content has none.
    let records = gateway.audit().await;
    let act = records.iter().find(|record| record.endpoint == "POST /admin/v1/keys").unwrap();
    assert_eq!(gateway.content_of(&owner, &act.request_id).await.code(), "content_not_found");
}

#[tokio::test]
async fn nothing_is_kept_where_nobody_said_so() {
    for rest in ["", "[audit.content]\ntenants = [\"clinic\"]\n", "[audit.content]\ntenants = []\n"] {
        let Case { gateway, .. } = case(Reply::Echo, rest).await;
        let id = id_of(&gateway.ask("chat", WORD).await);
        let owner = gateway.owner().await;
        assert_eq!(gateway.content_of(&owner, &id).await.status, 404, "{rest}");
        assert_eq!(gateway.num_contents("").await, 0);
        let erased = gateway.send("DELETE", "/admin/v1/content?tenant=bank", &owner, "").await.json();
        assert_eq!((&erased["deleted"]["audit"], &erased["bytes"]), (&json!(0), &json!(0)));
    }
}

#[tokio::test]
async fn content_that_was_exchanged_is_refused() {
    let Case { gateway, .. } = case(Reply::Echo, KEPT).await;
    let (one, two) = (gateway.ask("chat", "one").await, gateway.ask("chat", "two").await);
    let owner = gateway.owner().await;
    for id in [id_of(&one), id_of(&two)] {
        assert_eq!(gateway.content_of(&owner, &id).await.status, 200);
    }
    // Whoever has the keys, and writes another text in its place.
    let bounds = Bounds { item_bytes: 1 << 20, tenant_bytes: 1 << 30, total_bytes: 1 << 30 };
    let record = gateway.audit().await.into_iter().find(|record| record.request_id == id_of(&one)).unwrap();
    let item = Item {
        owner: Owner { tenant: "bank".into(), project: "support".into(), key_id: record.key_id.clone() },
        subjects: Subjects::default(),
        kind: Kind::AuditContent,
        name: vec![id_of(&one).into_bytes(), b"answer".to_vec()],
        content: b"{\"bytes\":3,\"truncated\":false}\nlie".to_vec(),
        expires_at_ms: u64::MAX >> 1,
    };
    assert!(gateway.gateway.shelf.keep(item, gateway.gateway.sources.random(), bounds, 0));
    let read = gateway.content_of(&owner, &id_of(&one)).await;
    assert_eq!((read.status, read.code().as_str()), (409, "content_changed"), "{}", read.body);
    assert_eq!(gateway.content_of(&owner, &id_of(&two)).await.status, 200);
    // And whoever has none, and exchanges rows.
    let rows = "(SELECT sealed FROM content WHERE kind = 'audit_content' ORDER BY address LIMIT 1)";
    gateway.tamper(&[&format!("UPDATE content SET sealed = {rows} WHERE kind = 'audit_content'")]).await;
    let read = gateway.content_of(&owner, &id_of(&two)).await;
    assert_eq!((read.status, read.code().as_str()), (409, "content_changed"), "{}", read.body);
}

#[tokio::test]
async fn it_is_erased_and_expires_and_its_record_stays() {
    let upstream = Upstream::start(Reply::Echo).await;
    let rest = format!("[audit]\nkeep_days = {{ public = 3 }}\n{KEPT}keep_days = 5\n");
    let place = Place::default();
    let clock = Arc::clone(&place.clock);
    let gateway = TestGateway::start_at(&one_provider(&upstream.base_url, &rest), place).await;
    let owner = gateway.owner().await;
    let (mine, theirs) = (asks("hi", json!({ "user": "u1" })), asks("hi", json!({ "user": "u2" })));
    let (mine, theirs) = (gateway.chat(mine).await, gateway.chat(theirs).await);
    gateway.gateway.shelf.flush().await;
    let erased = gateway.send("DELETE", "/admin/v1/content?tenant=bank&user=u1", &owner, "").await;
    assert_eq!(erased.json()["deleted"]["audit"], 2, "{}", erased.body);
    let gone = gateway.content_of(&owner, &id_of(&mine)).await;
    assert_eq!((gone.status, gone.code().as_str()), (404, "content_not_found"));
    assert_eq!(gateway.content_of(&owner, &id_of(&theirs)).await.status, 200);
    // A class that is kept longer, or for ever, has the content's own days.
    let internal = gateway.client.post(format!("{}/v1/chat/completions", gateway.url)).bearer_auth(&gateway.key);
    let internal = internal.header("x-shekara-data-class", "internal").body(asks("hi", json!({})).to_string());
    let internal = crate::gateway::finish(internal).await;
    assert_eq!(internal.status, 200, "{}", internal.body);
    for (days, public, of_internal) in [(2, 200, 200), (2, 404, 200), (2, 404, 404)] {
        clock.fetch_add(days * DAY_MS, Ordering::SeqCst);
        assert_eq!(gateway.content_of(&owner, &id_of(&theirs)).await.status, public);
        assert_eq!(gateway.content_of(&owner, &id_of(&internal)).await.status, of_internal);
    }
    gateway.gateway.shelf.delete_expired(gateway.gateway.now_ms()).await.unwrap();
    let erased = gateway.send("DELETE", "/admin/v1/content?tenant=bank", &owner, "").await.json();
    assert_eq!(erased["deleted"]["audit"], 0);
    assert_eq!(gateway.num_contents("/v1/chat/completions").await, 3);
}

#[tokio::test]
async fn what_is_too_long_is_cut_and_says_so() {
    let Case { gateway, .. } = case(Reply::Echo, &format!("{KEPT}max_bytes = 101\n")).await;
    let owner = gateway.owner().await;
    let text = "ұ".repeat(500);
    for stream in [false, true] {
        let body = asks(&text, json!({ "stream": stream })).to_string();
        let answer = gateway.send("POST", "/v1/chat/completions", &gateway.key, body.clone()).await;
        let read = gateway.content_of(&owner, &id_of(&answer)).await.json();
        for (part, whole) in [("request", &body), ("answer", &answer.body)] {
            let kept = read[part]["text"].as_str().unwrap();
            assert!((99..=101).contains(&kept.len()) && whole.starts_with(kept), "{part} {stream}: {kept}");
            assert_eq!((&read[part]["bytes"], &read[part]["truncated"]), (&json!(whole.len()), &json!(true)));
        }
    }
}

#[tokio::test]
async fn of_a_masked_request_it_is_what_the_client_sent_and_got() {
    let (outside, inside) = (Upstream::start(Reply::Echo).await, Upstream::start(Reply::Text("inside")).await);
    let rest = format!("mask = true\n[privacy.entities]\nemail = \"mask\"\n{KEPT}");
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, &rest)).await;
    let body = asks("write to aigerim@example.kz", json!({})).to_string();
    let answer = gateway.send("POST", "/v1/chat/completions", &gateway.key, body.clone()).await;
    assert_eq!(answer.header("x-shekara-pii-action"), "masked", "{}", answer.body);
    assert!(!outside.received()[0].contains("aigerim") && answer.body.contains("aigerim@example.kz"));
    let owner = gateway.owner().await;
    let read = gateway.content_of(&owner, &id_of(&answer)).await.json();
    assert_eq!((&read["request"]["text"], &read["answer"]["text"]), (&json!(body), &json!(answer.body)));
    assert!(!lies_in(gateway.data_folder(), "aigerim"), "it lies in the clear");
}

#[tokio::test]
async fn what_must_be_kept_and_cannot_is_not_sent() {
    let no_room = "[content]\nmax_tenant_bytes = 10\n";
    let Case { upstream, gateway } = case(Reply::Text("fine"), &format!("{no_room}{KEPT}required = true\n")).await;
    for stream in [false, true] {
        let refused = gateway.chat(asks("hi", json!({ "stream": stream }))).await;
        let code = refused.code();
        assert_eq!((refused.status, code.as_str()), (503, "audit_content_unavailable"), "{}", refused.body);
    }
    assert!(upstream.received().is_empty(), "it was sent");
    // Where it need not be kept, it is answered, and counted.
    let Case { gateway, .. } = case(Reply::Text("fine"), &format!("{no_room}{KEPT}")).await;
    let answer = gateway.ask("chat", "hi").await;
    assert_eq!(answer.status, 200);
    let owner = gateway.owner().await;
    assert_eq!(gateway.content_of(&owner, &id_of(&answer)).await.status, 404);
    let metrics = gateway.client.get(format!("{}/metrics", gateway.url)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.lines().any(|line| line == "shekara_audit_content_lost_total 2"), "{metrics}");
    // With room, it lies in the database before anything is sent.
    let Case { gateway, .. } = case(Reply::Text("fine"), &format!("{KEPT}required = true\n")).await;
    let answer = gateway.ask_streamed("chat", "hi").await;
    let owner = gateway.owner().await;
    let read = gateway.content_of(&owner, &id_of(&answer)).await;
    assert_eq!(read.json()["answer"]["text"], answer.body, "{}", read.body);
}

#[tokio::test]
async fn a_client_that_left_leaves_what_it_got() {
    let upstream =
        Upstream::start(Reply::Open("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"so far\"}}]}\n\n"))
            .await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, KEPT)).await;
    let url = format!("{}/v1/chat/completions", gateway.url);
    let body = asks("hi", json!({ "stream": true })).to_string();
    let mut response = gateway.client.post(url).bearer_auth(&gateway.key).body(body).send().await.unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let first = String::from_utf8(response.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    drop(response);
    upstream.client_left().await;
    let owner = gateway.owner().await;
    let mut read = gateway.content_of(&owner, &id).await;
    while read.status == 404 {
        tokio::task::yield_now().await;
        read = gateway.content_of(&owner, &id).await;
    }
    assert_eq!(read.json()["answer"]["text"], first, "{}", read.body);
}

#[tokio::test]
async fn who_is_given_an_answer_again_has_it_kept_again() {
    let Case { upstream, gateway } = case(Reply::Text("once"), KEPT).await;
    let owner = gateway.owner().await;
    let body = asks("hi", json!({})).to_string();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = gateway.client.post(format!("{}/v1/chat/completions", gateway.url)).bearer_auth(&gateway.key);
        answers.push(crate::gateway::finish(request.header("idempotency-key", "k1").body(body.clone())).await);
        gateway.gateway.shelf.flush().await;
    }
    assert_eq!((answers[1].header("x-shekara-reason"), upstream.received().len()), ("replay", 1));
    for answer in &answers {
        let read = gateway.content_of(&owner, &id_of(answer)).await.json();
        assert_eq!((&read["request"]["text"], &read["answer"]["text"]), (&json!(body), &json!(answer.body)));
    }
}

#[tokio::test]
async fn of_a_form_the_fields_are_kept_and_which_file_it_was() {
    let upstream = Upstream::start(Reply::Json(r#"{"text":"heard"}"#)).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, KEPT)).await;
    let fields = [("model", "chat"), ("prompt", WORD)];
    let answer = upload(&gateway, TRANSCRIPTIONS, &fields, ("a.wav", b"RIFF-bytes-of-a-sound")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let owner = gateway.owner().await;
    let read = gateway.content_of(&owner, &id_of(&answer)).await.json();
    let request = read["request"]["text"].as_str().unwrap();
    assert!(request.contains(WORD) && request.contains("a.wav") && !request.contains("RIFF"), "{request}");
    let file = &read["request"]["files"][0];
    assert_eq!((&file["field"], &file["kind"], &file["bytes"]), (&json!("file"), &json!("sound"), &json!(21)));
    let hash = "179a5c04181f2a2b36262eb44b1e004d2cf7b0618654f31fd7189e67e0078df7";
    assert_eq!(file["sha256"], hash);
    assert_eq!(read["answer"]["text"], answer.body);
}
