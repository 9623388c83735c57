//! Databases for tests of this folder: what holds for one must hold for the other.
//!
//! SQLite is always there; PostgreSQL where `SHEKARA_TEST_POSTGRES` says (`scripts/test` starts one and does).

use std::sync::Arc;

use sqlx::Connection as _;
use tempfile::TempDir;
use uuid::Uuid;

use super::SqlStore;
use crate::config::{Database, PostgresUrl};

pub(super) const WRITER: &str = "0123456789abcdef";

/// A fresh database, gone with it.
pub(super) struct TestStore {
    pub(super) store: SqlStore,
    pub(super) database: Database,
    _folder: Arc<TempDir>,
}

/// One of each kind.
pub(super) async fn test_stores() -> Vec<TestStore> {
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
