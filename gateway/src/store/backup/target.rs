//! Where a backup is restored to: whether something is there, and how it gives way.

use sqlx::{Any, AnyConnection, Row as _, Transaction};

use super::BackupError;
use super::loosened::run;
use super::manifest::BackupManifest;
use super::schema::{Schema, quoted};
use crate::config::{Database, StoreConfig};
use crate::store::DataDir;
use crate::store::database::{Dialect, MIGRATIONS, connect_as_it_is, has_table, latest_version, version_of};
use crate::store::journal::{segment_path, segments};

/// # Errors
/// There is something, and it is not asked to give way.
pub(super) async fn expect_empty(
    config: &StoreConfig,
    data: &DataDir,
    (manifest, is_forced): (&BackupManifest, bool),
) -> Result<(), BackupError> {
    let occupied = match occupied_database(&config.database).await {
        // What cannot be read may be what a backup is needed for.
        Err(_) if is_forced && matches!(config.database, Database::Sqlite(_)) => None,
        other => other?,
    };
    let occupied = match occupied {
        Some(what) => Some(what),
        None => occupied_folder(data, manifest)?,
    };
    match occupied {
        Some(what) if !is_forced => Err(BackupError::NotEmpty { what }),
        _ => Ok(()),
    }
}

async fn occupied_database(database: &Database) -> Result<Option<String>, BackupError> {
    let Some((pool, dialect)) = connect_as_it_is(database).await? else { return Ok(None) };
    let found = occupied_table(&mut *pool.acquire().await?, dialect).await;
    pool.close().await;
    let found = found?;
    Ok(found.map(|table| format!("the database (table {table})")))
}

async fn occupied_table(connection: &mut AnyConnection, dialect: Dialect) -> Result<Option<String>, BackupError> {
    let Some(version) = version_of(connection, dialect).await? else { return Ok(None) };
    if version > latest_version() {
        let newer = BackupError::TargetNewer { found: version, known: latest_version() };
        return if dialect == Dialect::Sqlite { Ok(Some(MIGRATIONS.to_owned())) } else { Err(newer) };
    }
    for table in Schema::of(version).await?.tables.iter().filter(|table| !table.is_seeded) {
        let query = format!("SELECT 1 AS found FROM {} LIMIT 1", quoted(&table.name));
        let query = sqlx::query(sqlx::AssertSqlSafe(query));
        if has_table(connection, dialect, &table.name).await? && query.fetch_optional(&mut *connection).await?.is_some()
        {
            return Ok(Some(table.name.clone()));
        }
    }
    Ok(None)
}

/// A journal that somebody wrote, or secrets that others would take the place of.
fn occupied_folder(data: &DataDir, manifest: &BackupManifest) -> Result<Option<String>, BackupError> {
    let journal = data.journal();
    if journal.is_dir() {
        let written = |segment: u64| {
            let path = segment_path(&journal, segment);
            std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0)
        };
        if segments(&journal).map_err(crate::store::StoreError::from)?.into_iter().any(written) {
            return Ok(Some(format!("the journal {}", journal.display())));
        }
    }
    for note in manifest.secrets.iter().filter(|note| note.is_included) {
        let own = note.secret.read(data)?.map(|bytes| note.secret.fingerprint(&bytes));
        if own.is_some() && own != note.fingerprint {
            return Ok(Some(data.root.join(note.secret.file_name()).display().to_string()));
        }
    }
    Ok(None)
}

/// Removes the tables that our migrations made, and nothing else of the schema.
pub(super) async fn drop_tables(transaction: &mut Transaction<'_, Any>, backup: &Schema) -> Result<(), BackupError> {
    let mut names: Vec<String> = backup.tables.iter().map(|table| table.name.clone()).collect();
    if let Some(version) = version_of(transaction, Dialect::Postgres).await? {
        if version > latest_version() {
            return Err(BackupError::TargetNewer { found: version, known: latest_version() });
        }
        names.extend(Schema::of(version).await?.tables.into_iter().map(|table| table.name));
    } else {
        // Nobody has migrated here: what has our names is somebody else's.
        return Ok(());
    }
    names.push(MIGRATIONS.to_owned());
    names.sort();
    names.dedup();
    let functions = "SELECT DISTINCT CAST(proname AS TEXT) AS name FROM pg_trigger \
                     JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_class ON pg_class.oid = tgrelid \
                     JOIN pg_namespace ON pg_namespace.oid = pronamespace \
                     WHERE NOT tgisinternal AND nspname = current_schema() AND relnamespace = pg_namespace.oid \
                     AND CAST(relname AS TEXT) = $1";
    let mut made = Vec::new();
    for name in &names {
        for row in sqlx::query(functions).bind(name).fetch_all(&mut **transaction).await? {
            made.push(row.try_get::<String, _>("name")?);
        }
    }
    let list: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    run(transaction, format!("DROP TABLE IF EXISTS {}", list.join(", "))).await?;
    for name in made {
        run(transaction, format!("DROP FUNCTION IF EXISTS {}()", quoted(&name))).await?;
    }
    Ok(())
}
