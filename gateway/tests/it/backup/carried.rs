//! From one database into the other, with all that a gateway has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use shekara_gateway::audit::{Report, Time};
use shekara_gateway::config::{Database, StoreConfig};
use shekara_gateway::signing::PublicKeys;
use shekara_gateway::store::{
    BackupOrder, CheckpointTools, DataDir, RestoreOrder, Restored, SecretState, back_up, restore, verify_store,
};

use crate::gateway::{Place, TestGateway, border, own_schema};
use crate::upstream::{Reply, Upstream};

const BILLING: &str = r#"
[billing.exchange]
source = "fixed"
rate = "512.34"
[[billing.prices]]
provider = "cloud"
model = "big"
prompt_per_million = "2.50"
completion_per_million = "10"
[billing.supplier]
name = "ТОО «Шекара»"
bin = "180140000008"
address = "г. Астана, пр. Мәңгілік Ел, 55"
bank = { name = "АО «Народный Банк Казахстана»", iik = "KZ86125KZT5004100100", bic = "HSBKKZKX" }
signer = { position = "Директор", name = "Әбдірахманова Г. Қ." }
vat = "16"
"#;
const MONTH_MS: i64 = 35 * 24 * 60 * 60 * 1_000;

struct Source {
    gateway: TestGateway,
    toml: String,
    clock: Arc<AtomicI64>,
    /// Of a stored response.
    response: String,
    _upstream: Upstream,
}

async fn sign(gateway: &TestGateway) {
    gateway.audit().await;
    let own = &gateway.gateway;
    let tools = CheckpointTools { signer: &own.audit_signer, now: own.sources.now(), secret: [3; 32] };
    own.trail.checkpoint(own.store(), tools).await.unwrap();
}

/// A gateway with tenants, keys, requests, an invoice and kept content; what it did last is in its journal alone.
async fn populated() -> Source {
    let answer = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],
                    "usage":{"prompt_tokens":1234567,"completion_tokens":89012}}"#;
    let upstream = Upstream::start(Reply::Json(answer)).await;
    let toml = border(&upstream.base_url, &upstream.base_url, BILLING);
    let clock = Arc::new(AtomicI64::new(0));
    let place = Place { clock: Arc::clone(&clock), ..Place::default() };
    let gateway = TestGateway::start_at(&toml, place).await;
    let admin = async |method: &str, path: &str, body: Value| {
        let done = gateway.send(method, &format!("/admin/v1/{path}"), &gateway.admin_key, body.to_string()).await;
        assert!(done.status < 300, "{path} {}", done.body);
    };
    gateway.key_of("clinic").await;
    let buyer = json!({ "name": "АО «Қазына»", "bin": "990440000385", "address": "г. Алматы" });
    admin("PATCH", "tenants/bank", json!({ "settings": { "billing": buyer } })).await;
    for text in ["hi", "ИИН 901123300258", "hi"] {
        assert_eq!(gateway.ask("chat", text).await.status, 200);
    }
    let month = (gateway.gateway.sources.now() + jiff::SignedDuration::from_hours(5)).to_string()[..7].to_owned();
    clock.store(MONTH_MS, Ordering::SeqCst);
    sign(&gateway).await;
    admin("POST", "invoices/close", json!({ "month": month })).await;
    let body = json!({ "model": "chat", "input": "hi", "store": true }).to_string();
    let response = gateway.send("POST", "/v1/responses", &gateway.key, body).await;
    assert_eq!(response.status, 200, "{}", response.body);
    gateway.gateway.shelf.flush().await;
    sign(&gateway).await;
    for _ in 0..3 {
        gateway.ask("chat", "later").await;
    }
    let response = response.json()["id"].as_str().unwrap().to_owned();
    Source { gateway, toml, clock, response, _upstream: upstream }
}

impl Source {
    async fn back_up(&self, file: &Path, with_secrets: bool) {
        let (config, own) = (self.gateway.store_config().await, &self.gateway.gateway);
        let data = DataDir::create(&config).unwrap();
        let order = BackupOrder {
            signer: Some(&own.audit_signer),
            earlier_keys: &[],
            configured: &[],
            with_secrets,
            now: own.sources.now(),
        };
        let taken = back_up(&config, &data, (file, order), &mut |_, _| {}).await.unwrap();
        assert_eq!(taken.manifest.section(":journal").unwrap().rows, 6, "three intents and three ends");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}

async fn restored(config: &StoreConfig, file: &Path) -> Restored {
    let (own_keys, now) = (PublicKeys::default(), Time::from(jiff::Timestamp::now()));
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh).unwrap();
    let order =
        RestoreOrder { file, is_forced: false, trusted: None, own_keys: &own_keys, configured: &[], now, fresh };
    restore(config, order, &mut |_, _| {}).await.unwrap()
}

async fn verified(gateway: &TestGateway) -> Report {
    let keys = [gateway.gateway.audit_signer.public_key()].into_iter().collect();
    verify_store(gateway.shared_store().as_ref(), &keys, BTreeMap::new()).await.unwrap()
}

async fn shown(gateway: &TestGateway, path: &str) -> Value {
    let answer = gateway.send("GET", &format!("/admin/v1/{path}"), &gateway.admin_key, "").await;
    assert_eq!(answer.status, 200, "{path} {}", answer.body);
    answer.json()
}

#[tokio::test]
async fn a_restored_gateway_has_all_and_goes_on_as_another_writer() {
    let source = populated().await;
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("x.backup");
    source.back_up(&file, true).await;
    let records = source.gateway.audit().await;
    let usage = shown(&source.gateway, "usage?by=tenant,model,provider").await;
    let invoices = shown(&source.gateway, "invoices").await;
    assert!(usage["total"]["attempts"].as_u64().unwrap() >= 7, "{usage}");
    assert_eq!(invoices["data"].as_array().unwrap().len(), 1, "{invoices}");
    let mut databases = Vec::new();
    let folders: Vec<_> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
    databases.push(Database::Sqlite(folders[0].path().join("shekara.db")));
    if let Ok(server) = std::env::var("SHEKARA_TEST_POSTGRES") {
        databases.push(own_schema(&server, folders[1].path()).await);
    }
    for (database, folder) in databases.into_iter().zip(folders) {
        let config = StoreConfig { database: database.clone(), data_dir: folder.path().to_owned(), key_secret: None };
        let restored = restored(&config, &file).await;
        assert!(restored.audit.unwrap().unwrap().is_sound());
        assert_eq!((restored.num_journal, restored.num_unknown), (6, 0));
        assert!(restored.secrets.iter().all(|(_, state)| *state == SecretState::Restored), "{:?}", restored.secrets);

        let place = Place {
            folder: Some(folder),
            clock: Arc::clone(&source.clock),
            database: Some(database),
            ..Place::default()
        };
        let copy = TestGateway::start_at(&source.toml, place).await;
        assert_eq!(copy.audit().await, records);
        assert_eq!(shown(&copy, "usage?by=tenant,model,provider").await, usage);
        assert_eq!(shown(&copy, "invoices").await, invoices);
        let before = verified(&copy).await;
        assert!(before.is_sound(), "{before:?}");

        let own_key = &source.gateway.key;
        let asked = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] });
        assert_eq!(copy.chat_as(own_key, &asked).await.status, 200, "the key of before holds");
        let kept = copy.send("GET", &format!("/v1/responses/{}", source.response), own_key, "").await;
        assert_eq!(kept.status, 200, "{}", kept.body);
        sign(&copy).await;
        let after = verified(&copy).await;
        assert!(after.is_sound(), "{after:?}");
        assert!(after.num_chains > before.num_chains, "another writer's chain: {after:?}");
        let writer = |folder: &Path| std::fs::read_to_string(folder.join("writer.id")).unwrap();
        assert_ne!(writer(copy.data_folder()), writer(source.gateway.data_folder()));
    }
}

#[tokio::test]
async fn without_secrets_it_is_said_which_are_needed() {
    let source = populated().await;
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("x.backup");
    source.back_up(&file, false).await;
    let bytes = std::fs::read(&file).unwrap();
    let secret = std::fs::read(source.gateway.data_folder().join("keys.secret")).unwrap();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    let folder = tempfile::tempdir().unwrap();
    // One of them was brought before.
    std::fs::copy(source.gateway.data_folder().join("keys.secret"), folder.path().join("keys.secret")).unwrap();
    let database = Database::Sqlite(folder.path().join("shekara.db"));
    let config = StoreConfig { database, data_dir: folder.path().to_owned(), key_secret: None };
    let states: Vec<_> = restored(&config, &file).await.secrets;
    let state = |name: &str| states.iter().find(|(note, _)| note.secret.file_name() == name).unwrap().1;
    assert_eq!(state("keys.secret"), SecretState::Present);
    for name in ["masking.secret", "labels.secret", "audit.secret", "content.secret"] {
        assert_eq!(state(name), SecretState::Needed, "{name}");
        assert!(!folder.path().join(name).exists(), "{name}");
    }
}
