//! What the store owns, out as one document and in again: over HTTP and from the command line, from one store to the other.

use std::path::Path;

use serde_json::{Value, json};
use shekara_gateway::auth::{DataClass, KeySettings, NewKey, Role, mint};
use shekara_gateway::config::{Database, PostgresUrl};

use crate::command::{Ended, shekara};
use crate::gateway::{Answer, TestGateway, border, finish};
use crate::upstream::{Reply, Upstream};

async fn started() -> (Upstream, TestGateway) {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, "")).await;
    (upstream, gateway)
}

/// A tenant of everything that there is, beside the one that each gateway of these tests has.
async fn filled() -> (Upstream, TestGateway) {
    let (upstream, gateway) = started().await;
    let billing = json!({ "name": "ТОО «Клиника»", "bin": "990440000385", "address": "г. Алматы, ул. \"Абая\" 1",
                          "contract": { "number": "17", "date": "2026-01-15" } });
    let budgets = json!([{ "period": "month", "tenge": "100000.50", "hard": true, "alert_at_percent": [50, 90] }]);
    let limits = json!({ "requests_per_minute": 60, "tokens_per_day": 9_007_199_254_740_993_u64, "budgets": budgets });
    for (method, path, body) in [
        ("POST", "tenants", json!({ "id": "clinic", "settings": { "billing": billing, "limits": limits } })),
        ("POST", "departments", json!({ "tenant": "clinic", "id": "retail", "name": "Розница" })),
        ("POST", "projects", json!({ "tenant": "clinic", "id": "chat", "department": "retail" })),
        ("POST", "projects", json!({ "tenant": "clinic", "id": "old", "frozen": true })),
        ("PUT", "switches/model/cloud/big", json!({ "reason": "две\nстроки" })),
        (
            "POST",
            "keys",
            json!({ "name": "app", "tenant": "clinic", "project": "chat", "environment": "dev", "owner": "a@b.kz",
                    "scenario": "loans", "data_class": "personal", "allowed_routes": ["chat", "б"],
                    "allowed_zones": ["local", "in-country"], "allowed_ips": ["10.0.0.0/8", "::1/128"],
                    "expires_at_ms": 4_000_000_000_000_i64, "limits": { "concurrent_requests": 3 } }),
        ),
        ("POST", "keys", json!({ "name": "their admin", "role": "admin", "tenant": "clinic", "reach": "tenant" })),
    ] {
        let made = gateway.send(method, &format!("/admin/v1/{path}"), &gateway.admin_key, body.to_string()).await;
        assert!(made.status < 300, "{path} {}", made.body);
    }
    (upstream, gateway)
}

async fn export(gateway: &TestGateway) -> String {
    let answer = gateway.send("GET", "/admin/v1/state", &gateway.admin_key, "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/toml; charset=utf-8"));
    answer.body
}

async fn import(gateway: &TestGateway, text: &str, query: &str) -> Answer {
    gateway.send("PUT", &format!("/admin/v1/state{query}"), &gateway.admin_key, text.to_owned()).await
}

fn told(answer: &Answer) -> Vec<String> {
    let changes = answer.json()["changes"].as_array().unwrap_or_else(|| panic!("{}", answer.body)).clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    changes.iter().map(|own| [&own["action"], &own["kind"], &own["id"]].map(text).join(" ")).collect()
}

/// Without the line that names the version.
fn content(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with("version = ")).collect()
}

#[tokio::test]
async fn what_was_exported_comes_in_and_goes_out_to_the_byte() {
    let (_upstream, gateway) = filled().await;
    let text = export(&gateway).await;
    assert!(!text.contains("sk-sh-") && text.contains("[[keys]]") && text.contains("tenge = \"100000.50\""), "{text}");
    let same = import(&gateway, &text, "?prune=true").await;
    assert_eq!((same.status, told(&same)), (200, Vec::new()), "{}", same.body);
    assert_eq!(export(&gateway).await, text);
    let answer = gateway.send("GET", "/admin/v1/state?format=json", &gateway.admin_key, "").await;
    let version = answer.header("etag").trim_matches('"').to_owned();
    assert!(!version.is_empty() && text.contains(&format!("version = \"{version}\"")), "{version}");
    assert_eq!((answer.json()["format"].clone(), answer.json()["version"].clone()), (json!(1), json!(version)));
    let accepted = gateway.client.get(format!("{}/admin/v1/state", gateway.url)).bearer_auth(&gateway.admin_key);
    let accepted = finish(accepted.header("accept", "application/json")).await;
    assert_eq!(accepted.body, answer.body);
    // JSON is taken as well.
    assert_eq!(told(&import(&gateway, &answer.body, "").await), Vec::<String>::new());
    for wrong in ["state?format=xml", "state?planet=mars"] {
        let refused = gateway.send("GET", &format!("/admin/v1/{wrong}"), &gateway.admin_key, "").await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_changed_document_is_followed_as_a_whole_and_recorded_act_by_act() {
    let (_upstream, gateway) = filled().await;
    let text = export(&gateway).await;
    let new_key = "\n[[keys]]\nid = \"newkey1234\"\nname = \"new\"\ntenant = \"clinic\"\nproject = \"lab\"\n";
    let changed = text.replace("name = \"Розница\"", "name = \"Retail\"");
    let changed = changed.replace("requests_per_minute = 60", "requests_per_minute = 120");
    let changed =
        format!("{changed}{new_key}[[projects]]\ntenant = \"clinic\"\nid = \"lab\"\ndepartment = \"retail\"\n");
    let wanted = [
        "change tenant clinic",
        "change department clinic/retail",
        "create project clinic/lab",
        "create key newkey1234",
    ];
    let dry = import(&gateway, &changed, "?dry_run=true").await;
    assert_eq!((dry.status, told(&dry)), (200, wanted.map(str::to_owned).to_vec()), "{}", dry.body);
    assert_eq!((dry.json()["dry_run"].clone(), dry.json()["new_keys"].clone()), (json!(true), json!([])));
    assert_eq!(export(&gateway).await, text);
    let first = &dry.json()["changes"][0]["fields"];
    assert_eq!(*first, json!([{ "name": "settings.limits.requests_per_minute", "from": 60, "to": 120 }]));
    let done = import(&gateway, &changed, "").await;
    assert_eq!((done.status, told(&done)), (200, wanted.map(str::to_owned).to_vec()), "{}", done.body);
    let after = export(&gateway).await;
    assert!(after.contains("requests_per_minute = 120") && after.contains("newkey1234"), "{after}");
    assert_eq!(done.header("etag").trim_matches('"'), done.json()["version"].as_str().unwrap());
    assert!(after.contains(done.json()["version"].as_str().unwrap()));
    // Its text is told once, and opens at once.
    let key = done.json()["new_keys"][0]["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("sk-sh-newkey1234") && !after.contains(&key));
    assert_eq!(gateway.send("GET", "/v1/models", &key, "").await.status, 200);
    assert_eq!(import(&gateway, &after, "").await.json()["new_keys"], json!([]));
    let records = gateway.audit().await;
    let acts: Vec<_> = records.iter().filter(|own| own.reason.as_deref() == Some("import")).collect();
    let about: Vec<&str> = acts.iter().map(|own| own.object.as_deref().unwrap()).collect();
    assert_eq!(
        about,
        ["tenant clinic", "department clinic/retail", "project clinic/lab", "key newkey1234 of clinic/lab"]
    );
    assert_eq!(acts[2].endpoint, "POST /admin/v1/projects");
    let whole: Vec<_> = records.iter().filter(|own| own.endpoint == "PUT /admin/v1/state").collect();
    assert!(acts.iter().all(|own| own.request_id.starts_with(&format!("{}.", whole[1].request_id))));
    assert_eq!((whole.len(), whole[1].object.as_deref()), (3, Some("state")));
}

#[tokio::test]
async fn nothing_is_written_of_what_cannot_be() {
    let (_upstream, gateway) = filled().await;
    let text = export(&gateway).await;
    let good = "[[projects]]\ntenant = \"clinic\"\nid = \"good\"\n";
    for (bad, said) in [
        ("[[projects]]\ntenant = \"clinic\"\nid = \"bad\"\ndepartment = \"none\"\n", "department 'none'"),
        ("[[projects]]\ntenant = \"nowhere\"\nid = \"bad\"\n", "tenant 'nowhere'"),
        ("[[projects]]\ntenant = \"clinic\"\nid = \"\"\n", "'id' must be"),
        ("[[keys]]\nid = \"newkey1234\"\nname = \"x\"\ntenant = \"clinic\"\nproject = \"none\"\n", "clinic/none"),
        ("[[switches]]\nkind = \"planet\"\nname = \"x\"\n", "line "),
        ("[[projects]]\ntenant = \"clinic\"\nid = \"bad\"\nplanet = 1\n", "line "),
    ] {
        let refused = import(&gateway, &format!("{text}{good}{bad}"), "").await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "invalid_state"), "{}", refused.body);
        assert!(refused.body.contains(said), "{said}: {}", refused.body);
    }
    let unknown = "format = 1\n\n[[tenants]]\nid = \"x\"\nplanet = 1\n";
    assert!(import(&gateway, unknown, "").await.body.contains("line 5: "));
    assert_eq!(export(&gateway).await, text);
    assert_eq!(import(&gateway, &text, "?prune=maybe").await.status, 400);
    assert_eq!(import(&gateway, &text, "?force=true").await.status, 400);
}

#[tokio::test]
async fn an_older_document_is_refused_unless_it_is_meant() {
    let (_upstream, gateway) = filled().await;
    let old = export(&gateway).await;
    let patch = |name: &str| json!({ "name": name }).to_string();
    gateway.send("PATCH", "/admin/v1/tenants/clinic", &gateway.admin_key, patch("Newer")).await;
    let refused = import(&gateway, &old, "").await;
    assert_eq!((refused.status, refused.code().as_str()), (412, "version_conflict"), "{}", refused.body);
    assert!(export(&gateway).await.contains("Newer"));
    let with = async |tag: &str, text: &str| {
        let request = gateway.client.put(format!("{}/admin/v1/state", gateway.url)).header("if-match", tag.to_owned());
        finish(request.bearer_auth(&gateway.admin_key).body(text.to_owned())).await
    };
    assert_eq!(with("\"nothing\"", &old).await.status, 412);
    let now = gateway.send("GET", "/admin/v1/state", &gateway.admin_key, "").await;
    let tag = now.header("etag").to_owned();
    assert_eq!(with(&tag, &old).await.status, 200);
    assert_eq!(export(&gateway).await, old);
    gateway.send("PATCH", "/admin/v1/tenants/clinic", &gateway.admin_key, patch("Newest")).await;
    assert_eq!(with(&tag, &old).await.status, 412);
    assert_eq!(with("*", &old).await.status, 200);
    assert_eq!(export(&gateway).await, old);
    // One that names no state is taken as it is.
    gateway.send("PATCH", "/admin/v1/tenants/clinic", &gateway.admin_key, patch("Newer")).await;
    assert_eq!(told(&import(&gateway, &content(&old), "").await), ["change tenant clinic"]);
    assert_eq!(export(&gateway).await, old);
}

#[tokio::test]
async fn a_tenants_administrator_has_that_tenant_alone() {
    let (_upstream, gateway) = filled().await;
    let key = async |body: Value| {
        let made = gateway.send("POST", "/admin/v1/keys", &gateway.owner().await, body.to_string()).await.json();
        made["key"].as_str().unwrap().to_owned()
    };
    let theirs = key(json!({ "name": "a", "role": "admin", "tenant": "clinic", "reach": "tenant" })).await;
    let project = key(json!({ "name": "p", "role": "admin", "tenant": "clinic", "reach": "project" })).await;
    let auditor = key(json!({ "name": "r", "role": "auditor", "tenant": "clinic" })).await;
    let own = gateway.send("GET", "/admin/v1/state", &theirs, "").await;
    assert_eq!(own.status, 200);
    assert!(
        own.body.contains("tenant = \"clinic\"") && !own.body.contains("bank") && !own.body.contains("[[switches]]")
    );
    let whole = export(&gateway).await;
    let same = gateway.send("GET", "/admin/v1/state?tenant=clinic", &gateway.admin_key, "").await;
    assert_eq!(same.body, own.body);
    let put = async |key: &str, text: &str| gateway.send("PUT", "/admin/v1/state", key, text.to_owned()).await;
    for (key, path, status) in [
        (&theirs, "state?tenant=bank", 404),
        (&theirs, "state?tenant=nowhere", 404),
        (&gateway.admin_key, "state?tenant=nowhere", 404),
        (&project, "state", 403),
        (&auditor, "state", 200),
        (&gateway.key, "state", 403),
    ] {
        let answer = gateway.send("GET", &format!("/admin/v1/{path}"), key, "").await;
        assert_eq!(answer.status, status, "{path} {}", answer.body);
    }
    let limited = own.body.replace("requests_per_minute = 60", "requests_per_minute = 6000");
    let key_entry = "[[keys]]\nid = \"newkey1234\"\nname = \"x\"\ntenant = \"clinic\"\nproject = \"chat\"\n";
    let renamed = own.body.replace("name = \"Розница\"", "name = \"Retail\"");
    for (key, text, status) in [
        (&theirs, own.body.clone(), 200),
        (&theirs, whole.clone(), 403),
        (&theirs, limited, 403),
        (&theirs, format!("{}{key_entry}role = \"admin\"\n", own.body), 403),
        (&theirs, format!("{}{key_entry}role = \"owner\"\nreach = \"tenant\"\n", own.body), 403),
        (&theirs, format!("{}[[projects]]\ntenant = \"bank\"\nid = \"x\"\n", own.body), 400),
        (&project, own.body.clone(), 403),
        (&auditor, whole, 403),
        (&theirs, renamed, 200),
    ] {
        let answer = put(key, &text).await;
        assert_eq!(answer.status, status, "{} {text}", answer.body);
    }
    assert!(export(&gateway).await.contains("Retail"));
}

#[tokio::test]
async fn pruning_freezes_and_never_leaves_nobody_in_charge() {
    let (_upstream, gateway) = filled().await;
    let owner = json!({ "name": "owner", "role": "owner", "tenant": "bank", "project": "support" });
    assert_eq!(gateway.send("POST", "/admin/v1/keys", &gateway.admin_key, owner.to_string()).await.status, 403);
    let made = made_owner(&gateway).await;
    let less = "format = 1\n[[tenants]]\nid = \"bank\"\n[[projects]]\ntenant = \"bank\"\nid = \"support\"\n";
    let refused = import(&gateway, less, "?prune=true").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "permission_denied"), "{}", refused.body);
    let send = async |text: &str, query: &str| {
        gateway.send("PUT", &format!("/admin/v1/state{query}"), &made.1, text.to_owned()).await
    };
    let frozen_owner = format!(
        "{less}[[keys]]\nid = \"{}\"\nname = \"owner\"\ntenant = \"bank\"\nproject = \"support\"\nrole = \"owner\"\n\
         environment = \"stage\"\nfrozen = true\n",
        made.0
    );
    let refused = send(&frozen_owner, "").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "last_owner"), "{}", refused.body);
    assert_eq!(told(&send(less, "").await), Vec::<String>::new());
    let pruned = send(less, "?prune=true").await;
    assert_eq!(pruned.status, 200, "{}", pruned.body);
    let changes = told(&pruned);
    assert!(changes.contains(&"freeze tenant clinic".to_owned()), "{changes:?}");
    assert!(changes.contains(&"remove switch model cloud/big".to_owned()), "{changes:?}");
    assert!(!changes.iter().any(|change| change.contains(&made.0)), "{changes:?}");
    // Departments that somebody belongs to stay.
    assert!(pruned.body.contains("department clinic/retail: projects belong to it"), "{}", pruned.body);
    let answer = gateway.ask("chat", "hi").await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "key_frozen"));
    assert_eq!(told(&send(less, "?prune=true").await), Vec::<String>::new());
}

/// The id and text of a key that only an owner could make.
async fn made_owner(gateway: &TestGateway) -> (String, String) {
    let new = NewKey {
        name: "owner".into(),
        role: Role::Owner,
        tenant: "bank".into(),
        project: "support".into(),
        environment: "stage".into(),
        data_class: DataClass::Public,
        settings: KeySettings::default(),
        expires_at_ms: None,
    };
    let sources = &gateway.gateway.sources;
    let minted = mint(new, gateway.gateway.key_secret(), sources.random(), 0);
    gateway.shared_store().tenancy().insert_key(minted.record.clone()).await.unwrap();
    gateway.gateway.reload_directory().await.unwrap();
    (minted.record.id, minted.plaintext)
}

#[tokio::test]
async fn an_import_under_a_name_makes_its_keys_once() {
    let (_upstream, gateway) = filled().await;
    let text = export(&gateway).await;
    let text = format!("{text}[[keys]]\nid = \"newkey1234\"\nname = \"x\"\ntenant = \"clinic\"\nproject = \"chat\"\n");
    let send = async || {
        let request = gateway.client.put(format!("{}/admin/v1/state", gateway.url)).bearer_auth(&gateway.admin_key);
        finish(request.header("idempotency-key", "i-1").body(text.clone())).await
    };
    let (first, again) = (send().await, send().await);
    assert_eq!((first.status, again.header("idempotent-replayed")), (200, "true"));
    assert!(first.body == again.body && first.body.contains("sk-sh-newkey1234"));
    assert_eq!(first.header("etag"), again.header("etag"));
}

/// A folder whose gateway keeps its data in this database.
fn folder_of(database: &Database) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let url = match database {
        Database::Sqlite(path) => format!("sqlite:{}", path.display()),
        Database::Postgres(PostgresUrl::Plain(url)) => url.clone(),
        Database::Postgres(kept) => panic!("{kept:?}"),
    };
    let toml = format!("[local]\nenabled = false\n[store]\ndata_dir = \"data\"\nurl = \"{url}\"\n");
    std::fs::write(folder.path().join("shekara.toml"), toml).unwrap();
    folder
}

async fn run(folder: &Path, arguments: &[&str]) -> Ended {
    shekara(folder, "x", arguments).await
}

#[tokio::test]
async fn the_command_line_brings_a_state_from_one_store_to_another() {
    let (_upstream, gateway) = filled().await;
    let text = export(&gateway).await;
    let here = folder_of(&gateway.gateway.snapshot().config.store.database);
    let exported = run(here.path(), &["state", "export"]).await;
    assert_eq!((exported.code, exported.stdout == text), (Some(0), true), "{exported:?}");
    let there = folder_of(&Database::Sqlite("data/other.db".into()));
    let file = there.path().join("state.toml");
    let file = file.to_str().unwrap();
    assert_eq!(run(here.path(), &["state", "export", "--output", file]).await.code, Some(0));
    let refused = run(there.path(), &["state", "import", file]).await;
    assert_eq!((refused.code, refused.stderr.contains("--force")), (Some(1), true), "{refused:?}");
    let dry = run(there.path(), &["state", "import", file, "--force", "--dry-run"]).await;
    assert!(dry.stdout.contains("create  tenant") && dry.stdout.contains("nothing was changed"), "{dry:?}");
    assert!(!dry.stdout.contains("sk-sh-"), "{dry:?}");
    let done = run(there.path(), &["state", "import", file, "--force", "--json"]).await;
    let num_keys = done.json()["new_keys"].as_array().unwrap().len();
    assert_eq!((done.code, num_keys), (Some(0), text.matches("[[keys]]").count()), "{done:?}");
    assert_eq!(run(there.path(), &["state", "export"]).await.stdout, text);
    let again = run(there.path(), &["state", "import", file, "--prune"]).await;
    assert_eq!((again.code, again.stdout.trim()), (Some(0), "Nothing to change."), "{again:?}");
    // And back, into a running gateway.
    let changed = text.replace("name = \"Розница\"", "name = \"Retail\"");
    std::fs::write(there.path().join("changed.toml"), &changed).unwrap();
    let changed = there.path().join("changed.toml");
    let shown = run(here.path(), &["state", "import", changed.to_str().unwrap()]).await;
    assert!(shown.stdout.contains("name: \"Розница\" → \"Retail\""), "{shown:?}");
    let before = gateway.gateway.directory().generation;
    gateway.gateway.reload_directory().await.unwrap();
    assert!(gateway.gateway.directory().generation > before);
    assert!(export(&gateway).await.contains("Retail"));
    let clinic = run(here.path(), &["state", "export", "--tenant", "clinic", "--json"]).await;
    assert_eq!(clinic.json()["tenant"], "clinic");
    for (arguments, said) in [
        (&["state", "export", "--tenant", "nowhere"][..], "there is no tenant 'nowhere'"),
        (&["state", "import", "missing.toml"], "failed to read missing.toml"),
    ] {
        let refused = run(here.path(), arguments).await;
        assert_eq!((refused.code, refused.stderr.contains(said)), (Some(1), true), "{refused:?}");
    }
    std::fs::write(there.path().join("bad.toml"), "format = 1\n[[tenants]]\nid = \"a\"\nplanet = 1\n").unwrap();
    let refused = run(there.path(), &["state", "import", "bad.toml"]).await;
    assert_eq!((refused.code, refused.stderr.contains("line 4")), (Some(1), true), "{refused:?}");
}

/// The program that serves, from another store than the suite's: SQLite to PostgreSQL.
#[tokio::test]
async fn a_state_goes_from_sqlite_to_postgresql_and_back() {
    let (_upstream, gateway) = filled().await;
    let Database::Postgres(_) = gateway.gateway.snapshot().config.store.database.clone() else {
        return;
    };
    let sqlite = folder_of(&Database::Sqlite("data/shekara.db".into()));
    let text = export(&gateway).await;
    std::fs::write(sqlite.path().join("state.toml"), &text).unwrap();
    assert_eq!(run(sqlite.path(), &["state", "import", "state.toml", "--force"]).await.code, Some(0));
    let out = run(sqlite.path(), &["state", "export"]).await.stdout;
    assert_eq!(out, text);
    let answer = import(&gateway, &out, "?prune=true").await;
    assert_eq!((answer.status, told(&answer)), (200, Vec::new()));
}
