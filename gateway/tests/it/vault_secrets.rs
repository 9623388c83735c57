//! Providers' keys that lie in Vault: fetched before they are needed, renewed, and used on while Vault is away.

use std::io::Write as _;

use tempfile::NamedTempFile;

use crate::gateway::TestGateway;
use crate::upstream::{Reply, Upstream};
use crate::vault_stub::Vault;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// One provider whose key lies in Vault, and one without a key behind it.
fn config(vault: &Vault, login: &str, [one, two]: [&Upstream; 2]) -> String {
    format!(
        "[local]\nenabled = false\n[vault]\naddress = \"{}\"\n{login}\n\
         [[providers]]\nname = \"one\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\napi_key = \"vault:llm/one#key\"\n\
         [[providers]]\nname = \"two\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"one\", model = \"m\" }}]\n\
         fallback = [{{ provider = \"two\", model = \"m\" }}]\n",
        vault.address, one.base_url, two.base_url
    )
}

struct World {
    vault: Vault,
    one: Upstream,
    two: Upstream,
    files: [NamedTempFile; 2],
}

impl World {
    async fn new() -> Self {
        let (one, two) = (Upstream::start(Reply::Text("one")).await, Upstream::start(Reply::Text("two")).await);
        Self { vault: Vault::start().await, one, two, files: [file("role-1"), file("secret-1")] }
    }

    async fn gateway(&self) -> TestGateway {
        let [role, secret] = &self.files;
        let login =
            format!("role_id = \"file:{}\"\nsecret_id = \"file:{}\"", role.path().display(), secret.path().display());
        TestGateway::start(&config(&self.vault, &login, [&self.one, &self.two])).await
    }

    /// The key that the first provider saw last.
    fn key(&self) -> String {
        let received = self.one.take_received();
        let last = received.last().expect("the provider was asked");
        last.split("Bearer ").nth(1).unwrap_or_default().chars().take_while(|c| *c != '"').collect()
    }
}

async fn round(gateway: &TestGateway) -> bool {
    gateway.gateway.snapshot().providers.secrets().keeper().unwrap().round().await
}

#[tokio::test]
async fn a_key_from_vault_is_sent_and_a_rotated_one_counts_for_the_next_request() {
    let world = World::new().await;
    world.vault.put("llm/one", "key", "sk-first");
    let gateway = world.gateway().await;
    assert_eq!(gateway.ask("chat", "hi").await.text(), "one");
    assert_eq!(world.key(), "sk-first");
    // Requests ask nobody but the provider.
    world.vault.take_calls();
    gateway.ask("chat", "hi").await;
    assert!(world.vault.take_calls().is_empty());
    world.vault.put("llm/one", "key", "sk-second");
    assert!(round(&gateway).await);
    assert_eq!(world.vault.take_calls(), ["GET secret/data/llm/one"]);
    gateway.ask("chat", "hi").await;
    assert_eq!(world.key(), "sk-second");
    let audit = serde_json::to_string(&gateway.audit().await).unwrap();
    assert!(!audit.contains("sk-first") && !audit.contains("hvs."), "{audit}");
}

#[tokio::test]
async fn while_vault_is_away_known_values_stay_and_unknown_ones_are_tried_again() {
    let world = World::new().await;
    world.vault.change(|stored| stored.outage = Some(503));
    let gateway = world.gateway().await;
    let answer = gateway.ask("chat", "hi").await;
    assert_eq!((answer.text().as_str(), answer.header("x-shekara-reason")), ("two", "fallback:connect"));
    assert!(world.one.received().is_empty());
    let snapshot = gateway.gateway.snapshot();
    assert!(snapshot.providers.secrets().keeper().unwrap().is_away());
    world.vault.change(|stored| stored.outage = None);
    world.vault.put("llm/one", "key", "sk-late");
    assert!(round(&gateway).await);
    assert_eq!(gateway.ask("chat", "hi").await.text(), "one");
    assert_eq!(world.key(), "sk-late");
    world.vault.change(|stored| stored.outage = Some(500));
    assert!(!round(&gateway).await);
    assert_eq!(gateway.ask("chat", "hi").await.text(), "one");
    assert_eq!(world.key(), "sk-late");
}

#[tokio::test]
async fn tokens_are_renewed_in_time_and_logged_in_again_when_they_no_longer_hold() {
    let world = World::new().await;
    world.vault.put("llm/one", "key", "sk-1");
    // Would not outlive two rounds.
    world.vault.change(|stored| stored.lease_s = 60);
    let gateway = world.gateway().await;
    assert_eq!(world.vault.take_calls(), ["POST auth/approle/login", "GET secret/data/llm/one"]);
    world.vault.change(|stored| stored.lease_s = 36_000);
    assert!(round(&gateway).await);
    assert_eq!(world.vault.take_calls(), ["POST auth/token/renew-self", "GET secret/data/llm/one"]);
    assert!(round(&gateway).await);
    assert_eq!(world.vault.take_calls(), ["GET secret/data/llm/one"]);
    world.vault.change(|stored| stored.tokens.clear());
    assert!(round(&gateway).await);
    let again = ["GET secret/data/llm/one", "POST auth/approle/login", "GET secret/data/llm/one"];
    assert_eq!(world.vault.take_calls(), again);
    // Revoked shortly before its end: renewing is refused, and it is logged in again.
    world.vault.change(|stored| stored.lease_s = 60);
    world.vault.change(|stored| stored.tokens.clear());
    assert!(round(&gateway).await);
    world.vault.take_calls();
    world.vault.change(|stored| stored.tokens.clear());
    assert!(round(&gateway).await);
    let renewed = ["POST auth/token/renew-self", "POST auth/approle/login", "GET secret/data/llm/one"];
    assert_eq!(world.vault.take_calls(), renewed);
}

#[tokio::test]
async fn a_configured_token_is_read_anew_when_it_no_longer_holds() {
    let world = World::new().await;
    world.vault.put("llm/one", "key", "sk-1");
    let token = file("hvs.old");
    world.vault.change(|stored| stored.tokens.push("hvs.old".into()));
    let login = format!("token = \"file:{}\"", token.path().display());
    let gateway = TestGateway::start(&config(&world.vault, &login, [&world.one, &world.two])).await;
    assert_eq!(world.vault.take_calls(), ["GET auth/token/lookup-self", "GET secret/data/llm/one"]);
    std::fs::write(token.path(), "hvs.new").unwrap();
    world.vault.change(|stored| stored.tokens = vec!["hvs.new".into()]);
    world.vault.put("llm/one", "key", "sk-2");
    assert!(round(&gateway).await);
    gateway.ask("chat", "hi").await;
    assert_eq!(world.key(), "sk-2");
}

#[tokio::test]
async fn a_secret_or_field_that_is_not_there_leaves_the_value_before_it() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    assert_eq!(gateway.ask("chat", "hi").await.text(), "two");
    world.vault.put("llm/one", "key", "sk-1");
    assert!(round(&gateway).await);
    world.vault.put("llm/one", "other", "sk-2");
    assert!(!round(&gateway).await);
    assert_eq!(gateway.ask("chat", "hi").await.text(), "one");
    assert_eq!(world.key(), "sk-1");
}

#[tokio::test]
async fn a_new_configuration_keeps_what_is_known_while_vault_is_away() {
    let world = World::new().await;
    world.vault.put("llm/one", "key", "sk-1");
    let before = world.gateway().await;
    world.vault.change(|stored| stored.outage = Some(500));
    let fresh = TestGateway::start(&config(&world.vault, "token = \"env:PATH\"", [&world.one, &world.two])).await;
    assert_eq!(fresh.ask("chat", "hi").await.text(), "two");
    let (known, unknown) = (before.gateway.snapshot(), fresh.gateway.snapshot());
    unknown.providers.keep_secrets(Some(&known.providers), &fresh.gateway.alerts).await;
    assert_eq!(fresh.ask("chat", "hi").await.text(), "one");
    assert_eq!(world.key(), "sk-1");
}
