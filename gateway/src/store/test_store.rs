//! Databases for tests of this folder: what holds for one must hold for the other.
//!
//! SQLite is always there; PostgreSQL where `SHEKARA_TEST_POSTGRES` says (`scripts/test` starts one and does).

use std::sync::Arc;

use sqlx::Connection as _;
use tempfile::TempDir;
use uuid::Uuid;

use super::SqlStore;
use super::projection::insert_row;
use crate::audit::TryResult;
use crate::auth::DataClass;
use crate::billing::{Charge, Factor, Tenge, Usage, UsageSource, Usd};
use crate::config::{Database, PostgresUrl};
use crate::ledger::{AttemptKind, LedgerRow};

pub(super) const WRITER: &str = "0123456789abcdef";

/// A fresh database, gone with it.
pub(crate) struct TestStore {
    pub(crate) store: SqlStore,
    pub(super) database: Database,
    _folder: Arc<TempDir>,
}

impl TestStore {
    pub(crate) async fn insert(&self, row: &LedgerRow) {
        insert_row(&self.store, row).await;
    }
}

/// One of each kind.
pub(crate) async fn test_stores() -> Vec<TestStore> {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut databases = vec![Database::Sqlite(folder.path().join("a folder?#%/../x.db"))];
    std::fs::create_dir(folder.path().join("a folder?#%")).unwrap();
    if let Ok(url) = std::env::var("SHEKARA_TEST_POSTGRES") {
        databases.push(Database::Postgres(PostgresUrl::Plain(with_own_schema(&url).await)));
    }
    let mut stores = Vec::new();
    for database in databases {
        let store = SqlStore::open(&database, WRITER).await.unwrap();
        stores.push(TestStore { store, database, _folder: Arc::clone(&folder) });
    }
    stores
}

async fn with_own_schema(url: &str) -> String {
    let schema = format!("test_{}", Uuid::new_v4().simple());
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options[search_path]={schema}")
}

/// The `number`th row of a ledger: 11 tokens, and an amount or none.
pub(crate) fn ledger_row(number: u32, tenant: &str, day: &str, tiyn: Option<i64>) -> LedgerRow {
    let charge = tiyn.map(|tiyn| Charge {
        usd: Some(Usd::from_pico(1_000_000_000_001)),
        tenge: Tenge::from_tiyn(tiyn),
        price_version: "config-0".into(),
        fx: None,
        usage_source: UsageSource::Provider,
        factor: Factor::ONE,
    });
    LedgerRow {
        id: LedgerRow::id_of("req", number),
        request_id: format!("req_{}", number / 2),
        attempt: number,
        time: format!("{day}T00:00:00.000Z"),
        day: day.parse().unwrap(),
        tenant: tenant.into(),
        department: None,
        project: "chat".into(),
        key_id: "k".into(),
        environment: "prod".into(),
        scenario: None,
        route: Some("chat".into()),
        provider: "cloud".into(),
        model: "big".into(),
        zone: "external".into(),
        data_class: DataClass::Public,
        kind: AttemptKind::First,
        reason: "primary".into(),
        outcome: TryResult::Answered,
        error_type: None,
        first_token_ms: None,
        total_ms: Some(u64::from(number)),
        usage: Usage { prompt_tokens: Some(10), completion_tokens: Some(1), ..Usage::default() },
        usage_source: UsageSource::Provider,
        charge,
        unpriced: tiyn.is_none().then(|| "no_price".into()),
        factor: None,
    }
}
