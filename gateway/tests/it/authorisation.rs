//! Who may what of `/admin/v1`: every endpoint × every role × every reach, written down by hand beside the README's table of
//! roles, and held against the gateway's answers.

use std::collections::BTreeSet;

use serde_json::json;
use shekara_gateway::api::PERMISSIONS;
use shekara_gateway::auth::{DataClass, KeySettings, NewKey, ReachLevel, Role, mint};

use crate::gateway::{TestGateway, border};
use crate::upstream::{Reply, Upstream};

/// In the order of the table's columns.
const ROLES: [Role; 6] = [Role::Owner, Role::Admin, Role::Operator, Role::Finance, Role::Auditor, Role::Developer];
const REACHES: [ReachLevel; 3] = [ReachLevel::Installation, ReachLevel::Tenant, ReachLevel::Project];

/// An endpoint, and who may use it, owner to developer: `x` within any reach, `t` with that of a tenant or more, `i` only with that
/// of the whole installation, since it is about that.
type Row = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
const MATRIX: [Row; 50] = [
    //                                                      owner admin operator finance auditor developer
    ("GET",    "/admin/v1/me",                             "xxxxxx"),
    ("GET",    "/admin/v1/roles",                          "xxxxxx"),
    ("GET",    "/admin/v1/tenants",                        "xxxxxx"),
    ("POST",   "/admin/v1/tenants",                        "xx...."),
    ("GET",    "/admin/v1/tenants/{tenant}",               "xxxxxx"),
    // Operators freeze, finance sets budgets.
    ("PATCH",  "/admin/v1/tenants/{tenant}",               "xxix.."),
    ("GET",    "/admin/v1/departments",                    "xxxxxx"),
    ("POST",   "/admin/v1/departments",                    "xx...."),
    ("GET",    "/admin/v1/departments/{tenant}/{id}",      "xxxxxx"),
    ("PATCH",  "/admin/v1/departments/{tenant}/{id}",      "xx...."),
    ("GET",    "/admin/v1/projects",                       "xxxxxx"),
    ("POST",   "/admin/v1/projects",                       "xx...."),
    ("GET",    "/admin/v1/projects/{tenant}/{id}",         "xxxxxx"),
    ("PATCH",  "/admin/v1/projects/{tenant}/{id}",         "xxix.."),
    ("GET",    "/admin/v1/keys",                           "xxxxxx"),
    // Everybody makes keys of their own; developers, of applications too, but for production.
    ("POST",   "/admin/v1/keys",                           "xxxxxx"),
    ("GET",    "/admin/v1/keys/{id}",                      "xxxxxx"),
    ("PATCH",  "/admin/v1/keys/{id}",                      "xxxxxx"),
    ("DELETE", "/admin/v1/keys/{id}",                      "xxxxxx"),
    ("POST",   "/admin/v1/keys/{id}/rotate",               "xxxxxx"),
    ("GET",    "/admin/v1/people",                         "xx..x."),
    ("POST",   "/admin/v1/people",                         "xx...."),
    ("GET",    "/admin/v1/people/{id}",                    "xx..x."),
    ("PATCH",  "/admin/v1/people/{id}",                    "xx...."),
    ("DELETE", "/admin/v1/people/{id}",                    "xx...."),
    ("POST",   "/admin/v1/logout",                         "xxxxxx"),
    ("GET",    "/admin/v1/state",                          "tt..t."),
    ("PUT",    "/admin/v1/state",                          "tt...."),
    ("GET",    "/admin/v1/switches",                       "iii.i."),
    ("PUT",    "/admin/v1/switches/{kind}/{*name}",        "iii..."),
    ("DELETE", "/admin/v1/switches/{kind}/{*name}",        "iii..."),
    ("POST",   "/admin/v1/pii/scan",                       "xxx..x"),
    ("GET",    "/admin/v1/models",                         "iii.ii"),
    ("POST",   "/admin/v1/models",                         "iii..."),
    ("DELETE", "/admin/v1/content",                        "xx...."),
    ("GET",    "/admin/v1/audit",                          "xx..x."),
    ("GET",    "/admin/v1/audit/keys",                     "xx..x."),
    ("GET",    "/admin/v1/audit/export",                   "tt..t."),
    ("GET",    "/admin/v1/audit/{request_id}/content",     "x...x."),
    ("GET",    "/admin/v1/usage",                          "xxxxxx"),
    ("GET",    "/admin/v1/usage/forecast",                 "xxxxxx"),
    ("GET",    "/admin/v1/usage/corrections",              "iiiiii"),
    ("POST",   "/admin/v1/usage/price",                    "ii.i.."),
    ("POST",   "/admin/v1/usage/reconcile",                "iiiiii"),
    ("GET",    "/admin/v1/rates",                          "xxxxxx"),
    ("POST",   "/admin/v1/rates",                          "ii.i.."),
    ("GET",    "/admin/v1/invoices",                       "xx.xx."),
    ("POST",   "/admin/v1/invoices/close",                 "ii.i.."),
    ("GET",    "/admin/v1/invoices/{number}",              "xx.xx."),
    ("POST",   "/admin/v1/invoices/{number}/credit",       "ii.i.."),
];

async fn started() -> (Upstream, TestGateway) {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, "")).await;
    (upstream, gateway)
}

/// A key of each role and reach, made without asking whether anybody may: an owner's is nobody's else to make.
async fn keys(gateway: &TestGateway) -> Vec<(Role, ReachLevel, String)> {
    let mut keys = Vec::new();
    for (role, reach) in ROLES.into_iter().flat_map(|role| REACHES.map(|reach| (role, reach))) {
        let new = NewKey {
            name: role.as_str().to_owned(),
            role,
            tenant: "bank".to_owned(),
            project: "support".to_owned(),
            environment: "stage".to_owned(),
            data_class: DataClass::Public,
            settings: KeySettings { reach, ..KeySettings::default() },
            expires_at_ms: None,
        };
        let minted = mint(new, gateway.gateway.key_secret(), gateway.gateway.sources.random(), 0);
        gateway.shared_store().tenancy().insert_key(minted.record).await.unwrap();
        keys.push((role, reach, minted.plaintext));
    }
    gateway.gateway.reload_directory().await.unwrap();
    keys
}

#[tokio::test]
async fn the_matrix_holds() {
    let (_upstream, gateway) = started().await;
    let keys = keys(&gateway).await;
    for (method, path, who) in MATRIX {
        let named = path.replace("{tenant}", "bank").replace("{kind}", "route").replace("{id}", "none");
        let named = named.replace("{*name}", "nothing").replace("{number}", "0").replace("{request_id}", "none");
        for (role, reach, key) in &keys {
            let column = ROLES.iter().position(|one| one == role).unwrap();
            let is_open = match who.as_bytes()[column] {
                b'x' => true,
                b't' => *reach != ReachLevel::Project,
                b'i' => *reach == ReachLevel::Installation,
                _ => false,
            };
            // No body that anything is done with.
            let answer = gateway.send(method, &named, key, "[]").await;
            let is_denied = answer.status == 403;
            assert_eq!(is_denied, !is_open, "{role:?} {reach:?} {method} {path}: {} {}", answer.status, answer.body);
            assert!(!is_denied || answer.code() == "permission_denied", "{method} {path}: {}", answer.body);
            assert_ne!(answer.code(), "unknown_url", "{method} {path}");
        }
        for (key, status) in [("sk-sh-none", 401), ("", 401), (gateway.key.as_str(), 403)] {
            assert_eq!(gateway.send(method, &named, key, "[]").await.status, status, "{method} {path}");
        }
    }
}

#[test]
fn the_matrix_the_table_and_the_router_have_the_same_endpoints() {
    let matrix: BTreeSet<_> = MATRIX.iter().map(|row| (row.0.to_owned(), row.1)).collect();
    let table: BTreeSet<_> = PERMISSIONS.iter().map(|row| (row.0.to_owned(), row.1)).collect();
    assert_eq!(matrix, table);
    let mut served = BTreeSet::new();
    // Whoever logs in has no key yet.
    let needs_key = |line: &&str| line.contains("\"/admin/v1") && !line.contains("\"/admin/v1/login");
    for line in include_str!("../../src/router.rs").lines().filter(needs_key) {
        let (path, methods) = line.trim().strip_prefix(".route(\"").and_then(|rest| rest.split_once('"')).unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if methods.contains(&format!(" {method}(")) || methods.contains(&format!(".{method}(")) {
                served.insert((method.to_uppercase(), path));
            }
        }
    }
    assert_eq!(served, matrix);
}

/// Nobody who administers may use models with the same key, nor the other way round.
#[tokio::test]
async fn no_key_is_of_both_kinds() {
    let (_upstream, gateway) = started().await;
    for (role, reach, key) in keys(&gateway).await {
        let body = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] });
        assert_eq!(gateway.chat_as(&key, &body).await.status, 403, "{role:?} {reach:?}");
    }
}
