//! A gateway on an ephemeral port, with a database of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shekara_gateway::audit::AuditRecord;
use shekara_gateway::auth::{DataClass, KeySettings, NewKey, Role, mint};
use shekara_gateway::config::{Database, PostgresUrl, StoreConfig, parse};
use shekara_gateway::content::{ContentKeys, MasterKey};
use shekara_gateway::egress::install_tls;
use shekara_gateway::ingress::{PeerAddress, PlainListener};
use shekara_gateway::pii::SecondStage;
use shekara_gateway::pipeline::{Conversations, Gateway, GatewayParts, Snapshot, Sources};
use shekara_gateway::providers::EngineService;
use shekara_gateway::router::router;
use shekara_gateway::routing::LocalModels;
use shekara_gateway::signing::Signer;
use shekara_gateway::store::{AuditFilter, AuditTrail, DataDir, Store, project_all};
use sqlx::Connection as _;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::lost_vault::LostVault;

pub struct TestGateway {
    pub url: String,
    pub key: String,
    pub admin_key: String,
    pub gateway: Arc<Gateway>,
    pub client: reqwest::Client,
    store: Arc<dyn Store>,
    folder: TempDir,
    batches: tokio::task::JoinHandle<()>,
}

/// What does not work in a gateway.
#[derive(Default)]
pub struct Faults {
    pub second_stage: Option<SecondStage>,
    pub vault_is_lost: bool,
    /// A clock of another kind.
    pub sources: Option<Sources>,
}

/// Where a gateway finds its data, what time it is, and what its content is sealed under.
#[derive(Default)]
pub struct Place {
    /// Of a gateway that ended.
    pub folder: Option<TempDir>,
    /// Milliseconds beside the system's clock.
    pub clock: Arc<AtomicI64>,
    /// The current one first; none for the data folder's own.
    pub content_keys: Vec<MasterKey>,
    /// Another than the suite's.
    pub database: Option<Database>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn text(&self) -> String {
        self.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
    }
}

impl TestGateway {
    /// `toml` is a configuration without `[store]`; the engine is off, as in a build without it.
    pub async fn start(toml: &str) -> Self {
        Self::start_with(toml, None, LocalModels::default()).await
    }

    pub async fn start_with(toml: &str, engine: Option<EngineService>, local: LocalModels) -> Self {
        Box::pin(Self::assemble(toml, (engine, local), Faults::default(), Place::default())).await
    }

    pub async fn start_at(toml: &str, place: Place) -> Self {
        Box::pin(Self::assemble(toml, (None, LocalModels::default()), Faults::default(), place)).await
    }

    /// Ends, and leaves its data and what its first application key is.
    pub async fn stop(self) -> (TempDir, String) {
        self.batches.abort();
        self.gateway.shelf.flush().await;
        (self.folder, self.key)
    }

    pub async fn start_faulty(toml: &str, faults: Faults) -> Self {
        Box::pin(Self::assemble(toml, (None, LocalModels::default()), faults, Place::default())).await
    }

    async fn assemble(
        toml: &str,
        (engine, local): (Option<EngineService>, LocalModels),
        faults: Faults,
        place: Place,
    ) -> Self {
        install_tls();
        let folder = place.folder.unwrap_or_else(|| tempfile::tempdir().unwrap());
        let mut config = parse(toml, Path::new("test.toml")).unwrap();
        config.store.data_dir = folder.path().to_owned();
        config.store.database = match place.database {
            Some(other) => other,
            None => database(folder.path()).await,
        };
        let data = DataDir::create(&config.store).unwrap();
        let (store, trail) = AuditTrail::open(&config.store, &data, Timestamp::now(), rand_bytes).await.unwrap();
        let mut store: Arc<dyn Store> = Arc::new(store);
        if faults.vault_is_lost {
            store = Arc::new(LostVault(store));
        }
        let clock = place.clock;
        let now = move || Timestamp::now() + SignedDuration::from_millis(clock.load(Ordering::SeqCst));
        let shifted = || {
            let sources = Sources::new(now, |bytes| getrandom::fill(bytes).unwrap());
            // Nobody waits between tries.
            sources.with_pause(|_| Box::pin(std::future::ready(())))
        };
        let sources = faults.sources.unwrap_or_else(shifted);
        let key_secret = data.key_secret(sources.random()).unwrap();
        let mut plaintexts = Vec::new();
        for role in [Role::Application, Role::Admin] {
            let new = NewKey {
                name: "test".into(),
                role,
                tenant: "bank".into(),
                project: "support".into(),
                environment: "stage".into(),
                data_class: DataClass::Public,
                settings: KeySettings::default(),
                expires_at_ms: None,
            };
            let minted = mint(new, &key_secret, sources.random(), 0);
            store.tenancy().insert_key(minted.record.clone()).await.unwrap();
            plaintexts.push(minted.plaintext);
        }
        let snapshot = Snapshot::new(config, engine, local, faults.second_stage, 1).unwrap();
        let conversations =
            Conversations::new(&snapshot.config.privacy.conversations, data.masking_secret(sources.random()).unwrap());
        let signer = Arc::new(Signer::from_seed(&data.label_seed(sources.random()).unwrap()));
        let own_key = data.content_secret(sources.random()).unwrap();
        let mut content_keys = place.content_keys.into_iter();
        let current = content_keys.next().unwrap_or(own_key);
        let parts = GatewayParts {
            content_keys: ContentKeys::new(current, content_keys.collect()),
            conversations,
            signer,
            snapshot,
            key_secret,
            audit_signer: Arc::new(Signer::from_seed(&data.audit_seed(sources.random()).unwrap())),
            trail: Arc::new(trail),
            store: Arc::clone(&store),
            sources,
        };
        let gateway = Arc::new(Gateway::new(parts).await.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = router(Arc::clone(&gateway)).into_make_service_with_connect_info::<PeerAddress>();
        tokio::spawn(async move { axum::serve(PlainListener(listener), app).await.unwrap() });
        Self {
            batches: tokio::spawn(shekara_gateway::jobs::batches::run(Arc::clone(&gateway))),
            url,
            admin_key: plaintexts.pop().unwrap(),
            key: plaintexts.pop().unwrap(),
            gateway,
            client: reqwest::Client::new(),
            store,
            folder,
        }
    }

    /// Changes the database behind the gateway's back.
    pub async fn tamper(&self, statements: &[&str]) {
        let mut connection = self.connection().await;
        for statement in statements {
            let query = sqlx::query(sqlx::AssertSqlSafe((*statement).to_owned()));
            query.execute(&mut connection).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    /// To the database, behind the gateway's back.
    pub async fn connection(&self) -> sqlx::AnyConnection {
        let url = match database(self.folder.path()).await {
            Database::Sqlite(path) => format!("sqlite://{}", path.display()),
            Database::Postgres(PostgresUrl::Plain(url)) => url,
            Database::Postgres(kept) => panic!("{kept:?}"),
        };
        sqlx::AnyConnection::connect(&url).await.unwrap()
    }

    /// What a command is told of it.
    pub async fn store_config(&self) -> StoreConfig {
        let database = database(self.folder.path()).await;
        StoreConfig { database, data_dir: self.folder.path().to_owned(), key_secret: None }
    }

    pub fn shared_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    /// Where the database, the journal and the secrets lie.
    pub fn data_folder(&self) -> &Path {
        self.folder.path()
    }

    /// A key of an owner, which an administrator cannot make.
    pub async fn owner(&self) -> String {
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
        let minted = mint(new, self.gateway.key_secret(), self.gateway.sources.random(), 0);
        self.store.tenancy().insert_key(minted.record.clone()).await.unwrap();
        self.gateway.reload_directory().await.unwrap();
        minted.plaintext
    }

    /// A key of another tenant.
    pub async fn key_of(&self, tenant: &str) -> String {
        let body = json!({ "name": tenant, "tenant": tenant }).to_string();
        let made = self.send("POST", "/admin/v1/keys", &self.admin_key, body).await;
        made.json()["key"].as_str().unwrap().to_owned()
    }

    pub async fn chat_as(&self, key: &str, body: &Value) -> Answer {
        self.send("POST", "/v1/chat/completions", key, body.to_string()).await
    }

    pub async fn chat(&self, body: Value) -> Answer {
        self.send("POST", "/v1/chat/completions", &self.key, body.to_string()).await
    }

    pub async fn ask(&self, model: &str, text: &str) -> Answer {
        self.chat(json!({ "model": model, "messages": [{ "role": "user", "content": text }] })).await
    }

    pub async fn ask_streamed(&self, model: &str, text: &str) -> Answer {
        let messages = json!([{ "role": "user", "content": text }]);
        self.chat(json!({ "model": model, "stream": true, "messages": messages })).await
    }

    pub async fn send(&self, method: &str, path: &str, key: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json").bearer_auth(key).body(body);
        finish(request).await
    }

    /// Everything in the audit, carried over from the journal first.
    pub async fn audit(&self) -> Vec<AuditRecord> {
        project_all(self.gateway.trail.journal(), self.store.as_ref()).await.unwrap();
        self.store
            .audit_page(AuditFilter::default(), 0, 10_000)
            .await
            .unwrap()
            .into_iter()
            .map(|row| row.record)
            .collect()
    }
}

/// SQLite in the folder, or where `SHEKARA_TEST_STORE` is `postgres` a schema of its own in the server that
/// `SHEKARA_TEST_POSTGRES` names. A gateway that starts anew in the same folder finds what the one before it left.
async fn database(folder: &Path) -> Database {
    if std::env::var("SHEKARA_TEST_STORE").as_deref() != Ok("postgres") {
        return Database::Sqlite(folder.join("shekara.db"));
    }
    let server = std::env::var("SHEKARA_TEST_POSTGRES").expect("SHEKARA_TEST_POSTGRES is the url of a server");
    own_schema(&server, folder).await
}

/// A schema of the folder's own in a server.
pub async fn own_schema(server: &str, folder: &Path) -> Database {
    let name = folder.file_name().unwrap().to_str().unwrap().to_lowercase().replace('.', "_");
    let schema = format!("test_{}_{name}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(server).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\""));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    Database::Postgres(PostgresUrl::Plain(format!("{server}{separator}options[search_path]={schema}")))
}

fn rand_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub async fn finish(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.text().await.unwrap() }
}

/// One provider, and one route `chat` with `rest` in its table.
pub fn one_provider(base_url: &str, rest: &str) -> String {
    format!(
        "[local]\nenabled = false\n[[providers]]\nname = \"stub\"\nkind = \"openai-compatible\"\nbase_url = \"{base_url}\"\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"stub\", model = \"big\" }}]\n{rest}\n"
    )
}

/// `outside` is external, `inside` is a local server; route `chat` goes out and keeps sensitive requests in.
pub fn border(outside: &str, inside: &str, rest: &str) -> String {
    format!(
        "[local]\nenabled = false\n\
         [[providers]]\nname = \"cloud\"\nkind = \"openai-compatible\"\nbase_url = \"{outside}\"\n\
         [[providers]]\nname = \"home\"\nkind = \"openai-compatible\"\nbase_url = \"{inside}\"\nzone = \"local\"\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"cloud\", model = \"big\" }}]\n\
         sensitive = [{{ provider = \"home\", model = \"small\" }}]\n{rest}\n"
    )
}
