//! Tenants, keys and kill switches over HTTP: who may do what, what a key is held to, and what counts at once.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::gateway::{Answer, Place, TestGateway, border, one_provider};
use crate::upstream::{Reply, Upstream};

async fn started() -> (Upstream, TestGateway) {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, "")).await;
    (upstream, gateway)
}

impl TestGateway {
    async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, &format!("/admin/v1/{path}"), &self.admin_key, body).await
    }

    /// A key's text and id.
    async fn made(&self, body: Value) -> (String, String) {
        let made = self.admin("POST", "keys", body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made.json()["key"]), text(&made.json()["record"]["id"]))
    }

    async fn asks(&self, key: &str) -> Answer {
        self.chat_as(key, &json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] })).await
    }
}

#[tokio::test]
async fn a_tenants_administrator_sees_that_tenant_alone() {
    let (_upstream, gateway) = started().await;
    for tenant in ["clinic", "ministry"] {
        for path in ["departments", "projects"] {
            gateway.admin("POST", "tenants", json!({ "id": tenant })).await;
            let made = gateway.admin("POST", path, json!({ "tenant": tenant, "id": "x" })).await;
            assert_eq!(made.status, 201, "{}", made.body);
        }
        gateway.made(json!({ "name": tenant, "tenant": tenant, "project": "x" })).await;
    }
    let own = json!({ "name": "their admin", "role": "admin", "tenant": "clinic", "project": "x", "reach": "tenant" });
    let (key, _) = gateway.made(own).await;
    let ask = async |method: &str, path: &str, body: Value| {
        gateway.send(method, &format!("/admin/v1/{path}"), &key, body.to_string()).await
    };
    for path in
        ["tenants", "departments", "projects", "keys", "audit", "keys?tenant=ministry", "projects?tenant=ministry"]
    {
        gateway.audit().await;
        let list = ask("GET", path, json!({})).await;
        assert_eq!(list.status, 200, "{path} {}", list.body);
        assert!(!list.body.contains("ministry"), "{path} {}", list.body);
        assert_eq!(list.body.contains("clinic"), !path.contains('?'), "{path} {}", list.body);
    }
    let others = gateway.admin("GET", "keys?tenant=ministry", Value::Null).await.json();
    let id = others["data"][0]["id"].as_str().unwrap();
    for (method, path, body, status) in [
        ("GET", "tenants/ministry", json!({}), 404),
        ("PATCH", "tenants/ministry", json!({ "frozen": true }), 404),
        ("PATCH", "projects/ministry/x", json!({ "frozen": true }), 404),
        ("GET", &format!("keys/{id}"), json!({}), 404),
        ("PATCH", &format!("keys/{id}"), json!({ "frozen": true }), 404),
        ("DELETE", &format!("keys/{id}"), json!({}), 404),
        ("POST", &format!("keys/{id}/rotate"), json!({}), 404),
        ("POST", "keys", json!({ "name": "x", "tenant": "ministry" }), 404),
        ("POST", "keys", json!({ "name": "x", "role": "admin", "tenant": "clinic" }), 403),
        ("POST", "keys", json!({ "name": "x", "role": "owner", "tenant": "clinic", "reach": "tenant" }), 403),
        ("POST", "tenants", json!({ "id": "new" }), 403),
        ("POST", "projects", json!({ "tenant": "ministry", "id": "new" }), 403),
        ("GET", "switches", json!({}), 403),
        ("PUT", "switches/route/chat", json!({}), 403),
        ("DELETE", "content?tenant=ministry", json!({}), 403),
        ("DELETE", &format!("content?key={id}"), json!({}), 403),
        ("POST", "keys", json!({ "name": "x", "tenant": "clinic", "project": "new" }), 201),
        ("POST", "keys", json!({ "name": "x", "role": "auditor", "tenant": "clinic", "reach": "tenant" }), 403),
        ("POST", "keys", json!({ "name": "x", "role": "finance", "tenant": "clinic", "reach": "tenant" }), 201),
        ("PATCH", "tenants/clinic", json!({ "name": "Clinic" }), 200),
    ] {
        let answer = ask(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path} {}", answer.body);
    }
}

#[tokio::test]
async fn a_developer_makes_keys_of_the_own_project_but_not_for_production() {
    let (_upstream, gateway) = started().await;
    let own = json!({ "name": "dev", "role": "developer", "tenant": "bank", "project": "chat", "reach": "project" });
    let (key, _) = gateway.made(own).await;
    for (body, status) in [
        (json!({ "name": "x", "tenant": "bank", "project": "chat", "environment": "dev" }), 201),
        (json!({ "name": "x", "tenant": "bank", "project": "chat" }), 403),
        (json!({ "name": "x", "tenant": "bank", "project": "support", "environment": "dev" }), 404),
        (json!({ "name": "x", "tenant": "bank", "project": "chat", "role": "developer", "reach": "project" }), 403),
    ] {
        let answer = gateway.send("POST", "/admin/v1/keys", &key, body.to_string()).await;
        assert_eq!(answer.status, status, "{body} {}", answer.body);
    }
}

#[tokio::test]
async fn a_frozen_key_project_or_tenant_serves_nothing_until_it_is_thawed() {
    let (upstream, gateway) = started().await;
    let (key, id) = gateway.made(json!({ "name": "app", "tenant": "clinic", "project": "chat" })).await;
    let (operator, _) = gateway.made(json!({ "name": "op", "role": "operator" })).await;
    for (path, code) in [
        (format!("keys/{id}"), "key_frozen"),
        ("projects/clinic/chat".to_owned(), "project_frozen"),
        ("tenants/clinic".to_owned(), "tenant_frozen"),
    ] {
        let path = format!("/admin/v1/{path}");
        let set =
            async |frozen: bool| gateway.send("PATCH", &path, &operator, json!({ "frozen": frozen }).to_string()).await;
        assert_eq!(gateway.asks(&key).await.status, 200);
        assert_eq!(set(true).await.status, 200);
        let calls = upstream.received().len();
        let answer = gateway.asks(&key).await;
        assert_eq!((answer.status, answer.code()), (403, code.to_owned()));
        assert_eq!(answer.header("x-should-retry"), "false");
        assert_eq!(upstream.received().len(), calls);
        assert_eq!(set(false).await.status, 200);
        assert_eq!(gateway.send("PATCH", &path, &operator, r#"{"name":"new"}"#).await.status, 403);
    }
    assert_eq!(gateway.asks(&key).await.status, 200);
    let acts = gateway.audit().await;
    let about = |object: &str| acts.iter().filter(|record| record.object.as_deref() == Some(object)).count();
    assert_eq!(about("tenant clinic"), 3);
    assert_eq!(about(&format!("key {id} of clinic/chat")), 4);
}

#[tokio::test]
async fn a_rotated_key_holds_while_the_new_one_takes_over() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let place = Place::default();
    let clock = std::sync::Arc::clone(&place.clock);
    let gateway = TestGateway::start_at(&one_provider(&upstream.base_url, ""), place).await;
    let restricted = json!({ "name": "app", "scenario": "loans", "allowed_routes": ["chat"] });
    let (old, id) = gateway.made(restricted).await;
    let rotated = gateway.admin("POST", &format!("keys/{id}/rotate"), json!({ "overlap_s": 60 })).await;
    assert_eq!(rotated.status, 201, "{}", rotated.body);
    let (rotated, new) = (rotated.json(), rotated.json()["key"].as_str().unwrap().to_owned());
    assert_eq!(rotated["record"]["scenario"], "loans");
    assert_eq!(rotated["record"]["allowed_routes"], json!(["chat"]));
    for key in [&old, &new] {
        assert_eq!(gateway.asks(key).await.status, 200);
    }
    let shown = gateway.admin("GET", &format!("keys/{id}"), Value::Null).await.json();
    assert_eq!(shown["replaced_by"], rotated["record"]["id"]);
    assert_eq!(gateway.admin("POST", &format!("keys/{id}/rotate"), json!({})).await.code(), "key_rotated");
    clock.fetch_add(61_000, Ordering::SeqCst);
    assert_eq!(gateway.asks(&old).await.status, 401);
    assert_eq!(gateway.asks(&new).await.status, 200);
    assert_eq!(gateway.admin("POST", &format!("keys/{id}/rotate"), json!({})).await.status, 404);
}

#[tokio::test]
async fn a_key_is_held_to_its_routes_models_zones_and_addresses() {
    let (outside, inside) = (Upstream::start(Reply::Text("out")).await, Upstream::start(Reply::Text("in")).await);
    let rest = "fallback = [{ provider = \"home\", model = \"small\" }]";
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, rest)).await;
    let allowed = async |what: Value| {
        let mut body = json!({ "name": "app" });
        body.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        let (key, _) = gateway.made(body).await;
        let answer = gateway.asks(&key).await;
        if answer.status == 200 { answer.text() } else { answer.code() }
    };
    for (what, answer) in [
        (json!({}), "out"),
        (json!({ "allowed_routes": ["chat"] }), "out"),
        (json!({ "allowed_routes": ["other"] }), "model_not_allowed"),
        (json!({ "allowed_models": ["cloud/big"] }), "out"),
        (json!({ "allowed_models": ["small"] }), "in"),
        (json!({ "allowed_models": ["home/big"] }), "model_not_allowed"),
        (json!({ "allowed_zones": ["local", "in-country"] }), "in"),
        (json!({ "allowed_zones": ["in-country"] }), "model_not_allowed"),
        (json!({ "allowed_ips": ["127.0.0.0/8"] }), "out"),
        (json!({ "allowed_ips": ["10.0.0.0/8"] }), "address_not_allowed"),
        (json!({ "expires_at_ms": 1 }), "invalid_api_key"),
    ] {
        assert_eq!(allowed(what.clone()).await, answer, "{what}");
    }
    let (key, _) = gateway.made(json!({ "name": "app", "allowed_routes": ["other"] })).await;
    let models = gateway.send("GET", "/v1/models", &key, "").await.json();
    assert_eq!(models["data"], json!([]));
    assert_eq!(gateway.send("GET", "/v1/models/chat", &key, "").await.status, 404);
}

#[tokio::test]
async fn what_is_switched_off_is_not_asked_whoever_asks() {
    let (outside, inside) = (Upstream::start(Reply::Text("out")).await, Upstream::start(Reply::Text("in")).await);
    let rest = "fallback = [{ provider = \"home\", model = \"small\" }]";
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, rest)).await;
    for path in ["provider/cloud", "model/cloud/big", "model/big"] {
        let off = gateway.admin("PUT", &format!("switches/{path}"), json!({ "reason": "leak" })).await;
        assert_eq!(off.status, 200, "{}", off.body);
        let calls = outside.received().len();
        let answer = gateway.ask("chat", "hi").await;
        assert_eq!((answer.text().as_str(), answer.header("x-shekara-reason")), ("in", "breaker"), "{path}");
        assert_eq!(outside.received().len(), calls);
        assert!(gateway.admin("GET", "switches", Value::Null).await.body.contains("leak"));
        assert_eq!(gateway.admin("DELETE", &format!("switches/{path}"), Value::Null).await.status, 200);
        assert_eq!(gateway.admin("DELETE", &format!("switches/{path}"), Value::Null).await.status, 404);
        assert_eq!(gateway.ask("chat", "hi").await.text(), "out");
    }
    gateway.admin("PUT", "switches/route/chat", Value::Null).await;
    let answer = gateway.ask("chat", "hi").await;
    assert_eq!((answer.status, answer.code()), (503, "switched_off".to_owned()));
    gateway.admin("DELETE", "switches/route/chat", Value::Null).await;
    for provider in ["cloud", "home"] {
        gateway.admin("PUT", &format!("switches/provider/{provider}"), Value::Null).await;
    }
    assert_eq!(gateway.ask("chat", "hi").await.code(), "switched_off");
    // What had to stay and whose only place is off goes nowhere else.
    gateway.admin("DELETE", "switches/provider/cloud", Value::Null).await;
    let calls = outside.received().len();
    assert_eq!(gateway.ask("chat", "ИИН 901123300258").await.code(), "switched_off");
    assert_eq!(outside.received().len(), calls);
    for bad in ["switches/planet/x", "switches/route/"] {
        assert_eq!(gateway.admin("PUT", bad, Value::Null).await.status, 404, "{bad}");
    }
}

#[tokio::test]
async fn nobody_writes_over_what_they_have_not_seen() {
    let (_upstream, gateway) = started().await;
    gateway.admin("POST", "tenants", json!({ "id": "clinic" })).await;
    assert_eq!(gateway.admin("POST", "tenants", json!({ "id": "clinic" })).await.code(), "tenant_exists");
    let patch = async |version: &str, name: &str| {
        let request = gateway.client.patch(format!("{}/admin/v1/tenants/clinic", gateway.url));
        let request = request.bearer_auth(&gateway.admin_key).header("if-match", version);
        crate::gateway::finish(request.body(json!({ "name": name }).to_string())).await
    };
    let first = patch("\"1\"", "one").await;
    assert_eq!((first.status, first.header("etag")), (200, "\"2\""));
    let second = patch("\"1\"", "two").await;
    assert_eq!((second.status, second.code()), (412, "version_conflict".to_owned()));
    assert_eq!(gateway.admin("GET", "tenants/clinic", Value::Null).await.json()["name"], "one");
    assert_eq!(patch("*", "three").await.status, 200);
}

#[tokio::test]
async fn lists_come_in_parts_and_what_is_wrong_is_named() {
    let (_upstream, gateway) = started().await;
    for number in 0..5 {
        gateway.admin("POST", "tenants", json!({ "id": format!("t{number}") })).await;
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = gateway.admin("GET", &format!("tenants?limit=2{after}"), Value::Null).await.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|tenant| tenant["id"].as_str().unwrap().to_owned()));
        if page["has_more"] == false {
            break;
        }
        after = format!("&after={}", page["last_id"].as_str().unwrap());
    }
    assert_eq!(seen, ["bank", "t0", "t1", "t2", "t3", "t4"]);
    for (method, path, body, param) in [
        ("GET", "tenants?limit=0", Value::Null, "limit"),
        ("GET", "tenants?after=none", Value::Null, "after"),
        ("POST", "tenants", json!({ "id": "" }), "id"),
        ("POST", "tenants", json!({ "id": "x".repeat(65) }), "id"),
        ("POST", "keys", json!({ "name": "x", "allowed_ips": ["10.0.0.0/99"] }), "allowed_ips[0]"),
        ("POST", "keys", json!({ "name": "x", "allowed_zones": ["mars"] }), "allowed_zones[0]"),
        ("PATCH", "tenants/t1", json!({ "frozen": "yes" }), "frozen"),
    ] {
        let answer = gateway.admin(method, path, body).await;
        assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &json!(param)), "{path} {}", answer.body);
    }
    for (method, path, body) in [
        ("GET", "tenants?unknown=1", Value::Null),
        ("PATCH", "tenants/t1", json!({ "id": "other" })),
        ("POST", "keys", json!({ "name": "x", "hash": "y" })),
        ("POST", "tenants", json!([])),
    ] {
        assert_eq!(gateway.admin(method, path, body).await.status, 400, "{method} {path}");
    }
}

#[tokio::test]
async fn the_audit_is_searched() {
    let (_upstream, gateway) = started().await;
    gateway.ask("chat", "ИИН 901123300258").await;
    gateway.ask("chat", "hi").await;
    gateway.ask("nothing", "hi").await;
    gateway.audit().await;
    let count = async |query: &str| {
        let page = gateway.admin("GET", &format!("audit?{query}"), Value::Null).await;
        page.json()["data"].as_array().unwrap_or_else(|| panic!("{query} {}", page.body)).len()
    };
    for (query, number) in [
        ("entity=iin", 1),
        ("entity=ii_", 0),
        ("entity=phone", 0),
        ("route=chat", 2),
        ("status=404", 1),
        ("error_code=model_not_found", 1),
        ("route=chat&outcome=completed", 2),
        ("provider=home", 1),
        ("provider=cloud", 1),
        ("tenant=clinic", 0),
        ("from=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00%2B05:00", 0),
        ("from=2020-01-01T00:00:00Z&route=chat", 2),
    ] {
        assert_eq!(count(query).await, number, "{query}");
    }
    assert_eq!(gateway.admin("GET", "audit?from=yesterday", Value::Null).await.status, 400);
}
