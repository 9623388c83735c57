//! Reaching a database and bringing its schema up to date.
//!
//! Migrations only go forward. Whoever opens a database runs those that it lacks, one opener at a time: PostgreSQL has locks
//! for that, beside SQLite's file lies one.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Any, AnyConnection, AnyPool, Row as _, SqlStr, Transaction};
use url::Url;

use super::StoreError;
use crate::config::Database;

/// Connections that one gateway holds.
const SQLITE_CONNECTIONS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
/// A database that is away is found out after this long.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// What every connection to SQLite is told first.
const PRAGMAS: [&str; 5] = [
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    // 16 MB: most pages are written again soon, and go into the file once for all of it.
    "PRAGMA wal_autocheckpoint = 4000",
];

/// The table of those who ran migrations.
pub(super) const MIGRATIONS: &str = "_sqlx_migrations";

/// Where the two databases have to be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// What only one transaction at a time may do in PostgreSQL, where SQLite has one that writes anyway.
#[derive(Debug, Clone, Copy)]
pub(super) enum Exclusive {
    /// Rows get their numbers in the order in which they can be seen.
    Audit = 1,
    /// Bounds of what is kept are looked at and then filled.
    Content = 2,
}

impl Dialect {
    /// Held until the transaction ends.
    pub(super) async fn exclude(
        self,
        transaction: &mut Transaction<'_, Any>,
        what: Exclusive,
    ) -> Result<(), StoreError> {
        if self == Self::Postgres {
            /// "shekara", so that it is nobody else's.
            const SPACE: i64 = 0x0073_6865_6b61_7261;
            let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SPACE + what as i64);
            lock.execute(&mut **transaction).await?;
        }
        Ok(())
    }
}

pub(super) async fn connect(database: &Database) -> Result<(AnyPool, Dialect), StoreError> {
    install_default_drivers();
    match database {
        Database::Sqlite(path) => Ok((connect_sqlite(path).await?, Dialect::Sqlite)),
        Database::Postgres(url) => {
            let url = url.resolve().map_err(|source| StoreError::NoUrl { source })?;
            let options = AnyPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
            let pool = options.connect(url.expose()).await.map_err(|source| without_password(source, url.expose()))?;
            migrator(&POSTGRES).run(&pool).await?;
            Ok((pool, Dialect::Postgres))
        }
    }
}

async fn connect_sqlite(path: &Path) -> Result<AnyPool, StoreError> {
    let options = AnyPoolOptions::new().max_connections(SQLITE_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
    let options = options.after_connect(|connection, _| {
        Box::pin(async move {
            for pragma in PRAGMAS {
                sqlx::query(pragma).execute(&mut *connection).await?;
            }
            Ok(())
        })
    });
    // Connections that come up at once would stand in each other's way while the file is made.
    let lock = lock_of(path);
    let file_error = |source| StoreError::File { path: lock.clone(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&lock).map_err(file_error)?;
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    let _held = locked.map_err(|_| StoreError::Cancelled)?.map_err(file_error)?;
    let pool = options.connect(&url_of(path, "rwc")?).await?;
    migrator(&SQLITE).run(&pool).await?;
    Ok(pool)
}

/// A database as it is, of whatever version: nothing is made, nothing brought up to date. `None` if SQLite's file is not
/// there.
pub(super) async fn connect_as_it_is(database: &Database) -> Result<Option<(AnyPool, Dialect)>, StoreError> {
    install_default_drivers();
    let options = AnyPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
    match database {
        Database::Sqlite(path) if !path.exists() => Ok(None),
        Database::Sqlite(path) => {
            let options = options.after_connect(|connection, _| {
                Box::pin(async move {
                    sqlx::query(PRAGMAS[0]).execute(&mut *connection).await?;
                    Ok(())
                })
            });
            Ok(Some((options.connect(&url_of(path, "rw")?).await?, Dialect::Sqlite)))
        }
        Database::Postgres(url) => {
            let url = url.resolve().map_err(|source| StoreError::NoUrl { source })?;
            let pool = options.connect(url.expose()).await.map_err(|source| without_password(source, url.expose()))?;
            Ok(Some((pool, Dialect::Postgres)))
        }
    }
}

/// A file that nobody else knows yet: what is lost with the machine is made anew, so that nothing waits for the disk.
pub(super) async fn connect_new_file(path: &Path) -> Result<AnyPool, StoreError> {
    install_default_drivers();
    let options = AnyPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
    let options = options.after_connect(|connection, _| {
        Box::pin(async move {
            for pragma in ["PRAGMA journal_mode = MEMORY", "PRAGMA synchronous = OFF", "PRAGMA foreign_keys = ON"] {
                sqlx::query(pragma).execute(&mut *connection).await?;
            }
            Ok(())
        })
    });
    Ok(options.connect(&url_of(path, "rwc")?).await?)
}

/// Runs the migrations up to a version that are still to run, and no others.
pub(super) async fn migrate_to(
    connection: &mut AnyConnection,
    dialect: Dialect,
    version: i64,
) -> Result<(), StoreError> {
    let steps: &'static Steps = if dialect == Dialect::Sqlite { &SQLITE } else { &POSTGRES };
    Ok(migrator(steps).run_direct(Some(version), connection, false).await?)
}

/// The schema that this program works with.
pub(super) fn latest_version() -> i64 {
    SQLITE.last().map_or(0, |(version, _, _)| *version)
}

/// Of the last migration that was run; `None` if none ever was.
pub(super) async fn version_of(connection: &mut AnyConnection, dialect: Dialect) -> Result<Option<i64>, StoreError> {
    if !has_table(connection, dialect, MIGRATIONS).await? {
        return Ok(None);
    }
    let query = "SELECT CAST(max(version) AS BIGINT) AS version FROM _sqlx_migrations";
    Ok(sqlx::query(query).fetch_one(connection).await?.try_get("version")?)
}

pub(super) async fn has_table(
    connection: &mut AnyConnection,
    dialect: Dialect,
    name: &str,
) -> Result<bool, StoreError> {
    let query = match dialect {
        Dialect::Sqlite => "SELECT count(*) AS found FROM sqlite_master WHERE type = 'table' AND name = $1",
        Dialect::Postgres => {
            "SELECT count(*) AS found FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name = $1"
        }
    };
    Ok(sqlx::query(query).bind(name).fetch_one(connection).await?.try_get::<i64, _>("found")? > 0)
}

fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".opening");
    path.with_file_name(name)
}

/// The file as an address, whatever characters stand in its path.
fn url_of(path: &Path, mode: &str) -> Result<String, StoreError> {
    let unusable = |source| StoreError::File { path: path.to_owned(), source };
    let path = std::path::absolute(path).map_err(unusable)?;
    let not_text = || unusable(std::io::Error::other("its path is not UTF-8"));
    // As a file's address, for that escapes what must be escaped.
    let text = path.to_str().ok_or_else(not_text)?;
    let url = Url::from_file_path(text).map_err(|()| not_text())?;
    Ok(format!("sqlite://{}?mode={mode}", url.path()))
}

/// What is wrong with an address must not be told with its password.
fn without_password(error: sqlx::Error, url: &str) -> StoreError {
    let password = Url::parse(url).ok().and_then(|url| url.password().map(str::to_owned));
    match password {
        Some(password) if error.to_string().contains(&password) => StoreError::BadUrl,
        _ => error.into(),
    }
}

type Steps = [(i64, &'static str, &'static str)];

const SQLITE: [(i64, &str, &str); 18] = [
    (1, "first", include_str!("../../migrations/sqlite/0001_first.sql")),
    (2, "vault", include_str!("../../migrations/sqlite/0002_vault.sql")),
    (3, "answers", include_str!("../../migrations/sqlite/0003_answers.sql")),
    (4, "audio", include_str!("../../migrations/sqlite/0004_audio.sql")),
    (5, "content", include_str!("../../migrations/sqlite/0005_content.sql")),
    (6, "tries", include_str!("../../migrations/sqlite/0006_tries.sql")),
    (7, "listed", include_str!("../../migrations/sqlite/0007_listed.sql")),
    (8, "writers", include_str!("../../migrations/sqlite/0008_writers.sql")),
    (9, "tenancy", include_str!("../../migrations/sqlite/0009_tenancy.sql")),
    (10, "audit_chain", include_str!("../../migrations/sqlite/0010_audit_chain.sql")),
    (11, "ledger", include_str!("../../migrations/sqlite/0011_ledger.sql")),
    (12, "invoices", include_str!("../../migrations/sqlite/0012_invoices.sql")),
    (13, "people", include_str!("../../migrations/sqlite/0013_people.sql")),
    (14, "admin_idempotency", include_str!("../../migrations/sqlite/0014_admin_idempotency.sql")),
    (15, "corrections", include_str!("../../migrations/sqlite/0015_corrections.sql")),
    (16, "audit_content", include_str!("../../migrations/sqlite/0016_audit_content.sql")),
    (17, "ledger_months", include_str!("../../migrations/sqlite/0017_ledger_months.sql")),
    (18, "lean_rows", include_str!("../../migrations/sqlite/0018_lean_rows.sql")),
];

const POSTGRES: [(i64, &str, &str); 12] = [
    (7, "first", include_str!("../../migrations/postgres/0007_first.sql")),
    (8, "writers", include_str!("../../migrations/postgres/0008_writers.sql")),
    (9, "tenancy", include_str!("../../migrations/postgres/0009_tenancy.sql")),
    (10, "audit_chain", include_str!("../../migrations/postgres/0010_audit_chain.sql")),
    (11, "ledger", include_str!("../../migrations/postgres/0011_ledger.sql")),
    (12, "invoices", include_str!("../../migrations/postgres/0012_invoices.sql")),
    (13, "people", include_str!("../../migrations/postgres/0013_people.sql")),
    (14, "admin_idempotency", include_str!("../../migrations/postgres/0014_admin_idempotency.sql")),
    (15, "corrections", include_str!("../../migrations/postgres/0015_corrections.sql")),
    (16, "audit_content", include_str!("../../migrations/postgres/0016_audit_content.sql")),
    (17, "ledger_months", include_str!("../../migrations/postgres/0017_ledger_months.sql")),
    (18, "lean_rows", include_str!("../../migrations/postgres/0018_lean_rows.sql")),
];

fn migrator(steps: &'static Steps) -> Migrator {
    let migrations = steps.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    });
    Migrator::with_migrations(migrations.collect())
}
