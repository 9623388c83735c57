//! Which events are told, and how often.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use tempfile::NamedTempFile;

use super::receivers::Webhook;
use super::{events_so_far, secret, to_webhook};
use crate::gateway::{Place, TestGateway, border, one_provider};
use crate::served::Served;
use crate::upstream::{Reply, Upstream};
use crate::vault_stub::Vault;

pub const QUOTA: &str = r#"{"error":{"message":"no credit","type":"insufficient_quota","code":"insufficient_quota"}}"#;
const SENSITIVE: &str = "ИИН 901123300258";

/// A gateway with one provider, and who is told.
struct World {
    upstream: Upstream,
    webhook: Webhook,
    gateway: TestGateway,
    secret: NamedTempFile,
}

impl World {
    async fn new(reply: Reply, rest: &str) -> Self {
        Self::at(reply, rest, Place::default()).await
    }

    async fn at(reply: Reply, rest: &str, place: Place) -> Self {
        let (upstream, webhook, secret) = (Upstream::start(reply).await, Webhook::start().await, secret());
        let toml = one_provider(&upstream.base_url, &format!("{rest}\n{}", to_webhook(&webhook.url, secret.path())));
        let gateway = TestGateway::start_at(&toml, place).await;
        Self { upstream, webhook, gateway, secret }
    }

    async fn events(&self) -> Vec<String> {
        events_so_far(&self.gateway, &self.webhook).await
    }
}

#[tokio::test]
async fn a_spent_quota_is_told_once_for_many_requests_and_later_with_their_number() {
    let place = Place::default();
    let clock = Arc::clone(&place.clock);
    let world = World::at(Reply::Status(429, QUOTA), "", place).await;
    for _ in 0..20 {
        assert_eq!(world.gateway.ask("chat", "hi").await.code(), "provider_quota");
    }
    assert_eq!(world.events().await, ["provider_quota_exhausted"]);
    let told = &world.webhook.bodies()[0];
    assert_eq!((&told["provider"], &told["model"], &told["tenant"]), (&json!("stub"), &json!("big"), &json!("bank")));
    assert_eq!((&told["count"], &told["severity"]), (&json!(1), &json!("error")));
    assert!(told["request_id"].as_str().unwrap().starts_with("req_") && told["time"].as_str().unwrap().ends_with('Z'));
    clock.fetch_add(600_000, Ordering::SeqCst);
    world.gateway.ask("chat", "hi").await;
    let later = world.webhook.has(3).await.pop().unwrap().body;
    // What was held back may have been told by itself just before.
    assert_eq!(later["event"], "provider_quota_exhausted");
    assert!((19..=20).contains(&later["count"].as_u64().unwrap()), "{later}");
    let metrics = world.gateway.send("GET", "/metrics", "", "").await.body;
    assert!(metrics.contains("shekara_alerts_total{event=\"provider_quota_exhausted\"} 21"), "{metrics}");
    while !world.gateway.gateway.metrics.open_metrics().contains("shekara_alerts_sent_total{channel=\"webhook\"} 3") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_key_that_is_not_taken_is_told_whatever_the_model() {
    for status in [401, 403] {
        let world = World::new(Reply::Status(status, "{}"), "").await;
        for model in ["chat", "stub/one", "stub/two"] {
            assert_eq!(world.gateway.ask(model, "hi").await.code(), "provider_auth_failed");
        }
        assert_eq!(world.events().await, ["provider_auth_failed"]);
        assert_eq!(world.webhook.bodies()[0]["provider"], "stub");
    }
}

#[tokio::test]
async fn a_key_that_gives_way_to_another_is_told_too() {
    let taken = |request: &str| if request.contains("sk-bad") { Reply::Status(401, "{}") } else { Reply::Text("fine") };
    let keys = ["sk-bad", "sk-good"].map(|key| {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), key).unwrap();
        file
    });
    let (upstream, webhook, secret) =
        (Upstream::start(Reply::ByHead(Arc::new(taken))).await, Webhook::start().await, secret());
    let [bad, good] = keys.each_ref().map(|key| key.path().display());
    let table = format!(
        "api_keys = [{{ key = \"file:{bad}\", weight = 99 }}, {{ key = \"file:{good}\", weight = 1 }}]\n[[routes]]"
    );
    let toml = one_provider(&upstream.base_url, &to_webhook(&webhook.url, secret.path()));
    let gateway = TestGateway::start(&toml.replacen("[[routes]]", &table, 1)).await;
    for _ in 0..20 {
        assert_eq!(gateway.ask("chat", "hi").await.text(), "fine");
    }
    assert_eq!(events_so_far(&gateway, &webhook).await, ["provider_auth_failed"]);
}

#[tokio::test]
async fn a_breaker_is_told_when_it_opens_and_when_it_closes() {
    let world = World::new(Reply::Status(500, "{}"), "").await;
    for _ in 0..5 {
        world.gateway.ask("chat", "hi").await;
    }
    assert_eq!(world.events().await, ["breaker_opened"]);
    world.upstream.set(Reply::Text("fine"));
    assert_eq!(world.gateway.ask("chat", "hi").await.text(), "fine");
    world.webhook.has(3).await;
    let closed = world.webhook.bodies().pop().unwrap();
    assert_eq!((&closed["event"], &closed["severity"]), (&json!("breaker_closed"), &json!("info")));
    assert_eq!(closed["model"], "big");
}

#[tokio::test]
async fn a_request_that_nobody_inside_can_answer_is_told() {
    let world = World::new(Reply::Text("fine"), "").await;
    assert_eq!(world.gateway.ask("chat", SENSITIVE).await.code(), "no_local_model");
    assert_eq!(world.gateway.ask("chat", "hi").await.status, 200);
    assert_eq!(world.events().await, ["no_local_model"]);
    assert_eq!(world.webhook.bodies()[0]["route"], "chat");
}

#[tokio::test]
async fn a_request_that_the_tripwire_stopped_is_told() {
    // The name of the model is what the request masks, and is put into the body behind the mask.
    let (upstream, webhook, secret) = (Upstream::start(Reply::Text("fine")).await, Webhook::start().await, secret());
    let toml = border(&upstream.base_url, &upstream.base_url, "mask = true").replace("\"big\"", "\"7011234567\"");
    let gateway = TestGateway::start(&format!("{toml}\n{}", to_webhook(&webhook.url, secret.path()))).await;
    let answer = gateway.ask("chat", "Мой телефон +7 701 123 45 67").await;
    assert_eq!(answer.code(), "privacy_tripwire", "{}", answer.body);
    assert_eq!(events_so_far(&gateway, &webhook).await, ["tripwire"]);
    let told = &webhook.posted()[0];
    assert_eq!((&told.body["severity"], &told.body["route"]), (&json!("critical"), &json!("chat")));
    assert!(!String::from_utf8_lossy(&told.bytes).contains("7011234567"), "{told:?}");
}

#[tokio::test]
async fn a_record_that_cannot_be_kept_is_told() {
    let world = World::new(Reply::Text("fine"), "").await;
    let journal = world.gateway.data_folder().join("journal");
    assert!(journal.is_dir());
    std::fs::rename(&journal, world.gateway.data_folder().join("elsewhere")).unwrap();
    std::fs::write(&journal, "no folder").unwrap();
    assert_eq!(world.gateway.ask("chat", "hi").await.code(), "audit_unavailable");
    assert_eq!(world.events().await, ["audit_not_written"]);
    assert_eq!(world.webhook.bodies()[0]["severity"], "critical");
}

#[tokio::test]
async fn a_vault_that_is_away_and_back_is_told() {
    let (vault, token) = (Vault::start().await, NamedTempFile::new().unwrap());
    std::fs::write(token.path(), "hvs.own").unwrap();
    vault.change(|stored| stored.tokens.push("hvs.own".into()));
    vault.put("llm/one", "key", "sk-one");
    let table = format!("[vault]\naddress = \"{}\"\ntoken = \"file:{}\"\n", vault.address, token.path().display());
    let world = World::new(Reply::Text("fine"), "").await;
    let toml = format!("{table}{}", world_toml(&world, "api_key = \"vault:llm/one#key\"\n"));
    let gateway = TestGateway::start(&toml).await;
    let snapshot = gateway.gateway.snapshot();
    let keeper = snapshot.providers.secrets().keeper().unwrap();
    vault.change(|stored| stored.outage = Some(503));
    assert!(!keeper.round().await && !keeper.round().await);
    vault.change(|stored| stored.outage = None);
    assert!(keeper.round().await && keeper.round().await);
    assert_eq!(events_so_far(&gateway, &world.webhook).await, ["vault_unreachable", "vault_recovered"]);
}

/// The world's upstream and webhook for another gateway.
fn world_toml(world: &World, provider: &str) -> String {
    let toml = one_provider(&world.upstream.base_url, &to_webhook(&world.webhook.url, world.secret.path()));
    toml.replacen("[[routes]]", &format!("{provider}[[routes]]"), 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_is_refused_while_serving_is_told() {
    let (webhook, secret, folder) = (Webhook::start().await, secret(), tempfile::tempdir().unwrap());
    let config = folder.path().join("shekara.toml");
    let text = served(folder.path(), &to_webhook(&webhook.url, secret.path()));
    std::fs::write(&config, &text).unwrap();
    let mut shekara = Served::start(&config);
    shekara.next("Shekara listens on ");
    std::fs::write(&config, format!("{text}[[routes]]\nmodel = \"zq7quoted\"\n")).unwrap();
    shekara.signal("HUP");
    let posted = webhook.has(1).await.remove(0);
    assert_eq!(posted.body["event"], "config_reload_failed");
    assert!(posted.is_signed() && !String::from_utf8_lossy(&posted.bytes).contains("zq7quoted"));
    let log = shekara.stop();
    assert!(log.contains("config_reload_failed"), "{log}");
}

fn served(folder: &Path, rest: &str) -> String {
    let database = folder.join("data/shekara.db");
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n[local]\nenabled = false\n{rest}",
        database.display()
    )
}
