//! Retention as a command: what would go is what goes, and the rest verifies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use shekara_gateway::config::{Database, PostgresUrl};
use shekara_gateway::signing::PublicKeys;
use shekara_gateway::store::verify_store;

use super::{checkpoint, signer, verified};
use crate::command::shekara;
use crate::gateway::{Place, TestGateway, border};
use crate::upstream::{Reply, Upstream};

const DAYS_MS: i64 = 24 * 60 * 60 * 1_000;

#[tokio::test]
async fn what_would_go_is_told_and_then_goes() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let place = Place::default();
    let clock = Arc::clone(&place.clock);
    clock.store(-40 * DAYS_MS, Ordering::SeqCst);
    let toml = border(&upstream.base_url, &upstream.base_url, "");
    let gateway = TestGateway::start_at(&toml, place).await;
    let clinic = gateway.key_of("clinic").await;
    gateway.ask("chat", "hi").await;
    gateway.ask("chat", "hi").await;
    gateway.send("GET", "/v1/models", &clinic, "").await;
    gateway.ask("chat", "ИИН 901123300258").await;
    gateway.ask("chat", "hi").await;
    checkpoint(&gateway).await;
    clock.store(0, Ordering::SeqCst);

    let store = gateway.store_config().await;
    let url = match &store.database {
        Database::Sqlite(path) => format!("sqlite:{}", path.display()),
        Database::Postgres(PostgresUrl::Plain(url)) => url.clone(),
        Database::Postgres(kept) => panic!("{kept:?}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let keep = |days: &str| {
        let own = format!(
            "{toml}[store]\nurl = \"{url}\"\ndata_dir = \"{}\"\n[audit]\nkeep_days = {days}\n",
            store.data_dir.display()
        );
        std::fs::write(folder.path().join("shekara.toml"), own).unwrap();
    };
    let prune = async |arguments: &[&str]| -> Value {
        let ended = shekara(folder.path(), "", &[&["audit", "prune", "--json"], arguments].concat()).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.json()
    };
    keep("{}");
    assert_eq!(prune(&[]).await["entries"], 0);
    keep("{ public = 60 }");
    assert_eq!(prune(&[]).await["entries"], 0);
    keep("{ public = 30 }");
    let would = prune(&["--dry-run"]).await;
    // Of the bank the key that was made and two requests, each with an intent and an end; of the clinic one record.
    let rows = json!([
        { "tenant": "bank", "data_class": "public", "entries": 5 },
        { "tenant": "clinic", "data_class": "public", "entries": 1 },
    ]);
    assert_eq!((&would["removed"], &would["dry_run"]), (&rows, &json!(true)), "{would}");
    assert_eq!(prune(&["--dry-run"]).await["removed"], rows, "nothing was removed");
    let told = shekara(folder.path(), "", &["audit", "prune", "--dry-run"]).await.stdout;
    assert!(told.contains("6 entries would be sealed and removed"), "{told}");
    let gone = prune(&[]).await;
    assert_eq!((&gone["removed"], &gone["entries"]), (&rows, &json!(6)));
    assert_eq!(prune(&[]).await["entries"], 0);

    let own = gateway.gateway.audit_signer.public_key();
    let keys: PublicKeys = [own, signer().public_key()].into_iter().collect();
    let report = verify_store(gateway.shared_store().as_ref(), &keys, BTreeMap::new()).await.unwrap();
    assert!(report.is_sound() && report.num_seals == 2, "{report:?}");
    assert!(!verified(&gateway).await.is_sound(), "seals are signed with the key of the data folder");
}
