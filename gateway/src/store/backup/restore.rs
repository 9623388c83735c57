//! Restoring: the file is read whole before anything is written, the database is written in one piece, and what came of it
//! is verified.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::read::BackupFile;
use super::refill::{Refill, Refilled, expect_sections};
use super::schema::Schema;
use super::secret::{SecretNote, SecretState, StoredSecret};
use super::swap::{Swap, with_suffix};
use super::target::{drop_tables, expect_empty};
use super::{BackupError, BackupManifest, Progress};
use crate::audit::{Report, Time};
use crate::config::{Database, StoreConfig};
use crate::signing::PublicKeys;
use crate::store::database::{Dialect, connect_as_it_is, connect_new_file, latest_version};
use crate::store::{DataDir, Lock, SqlStore, StoreError, verify_store};

/// Since when PostgreSQL has the tables that SQLite has.
const FIRST_IN_BOTH: i64 = 8;

#[derive(Debug, Clone, Copy)]
pub struct RestoreOrder<'a> {
    pub file: &'a Path,
    /// What is there gives way.
    pub is_forced: bool,
    /// The backup must be signed with one of these.
    pub trusted: Option<&'a PublicKeys>,
    /// Keys of the audit that are known here.
    pub own_keys: &'a PublicKeys,
    /// Secrets that the configuration names.
    pub configured: &'a [StoredSecret],
    pub now: Time,
    /// Random, for the name of the writer that the restored gateway is.
    pub fresh: [u8; 32],
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    pub manifest: BackupManifest,
    /// Records that the journal had behind the database.
    pub num_journal: u64,
    /// Those of them that another version wrote, which are not in the database.
    pub num_unknown: u64,
    pub secrets: Vec<(SecretNote, SecretState)>,
    /// What was there before and lies beside now.
    pub aside: Vec<PathBuf>,
    /// Of the restored database; `None` where no key is known to verify it with. Where it cannot be read, the database has
    /// what the backup has nevertheless.
    pub audit: Result<Option<Report>, StoreError>,
}

/// Restores a backup.
///
/// # Errors
/// The file is not what was written, a gateway runs, something is there that is not asked to give way, or the database or a
/// file cannot be used. What is wrong with the audit that was backed up is in the report.
pub async fn restore(
    config: &StoreConfig,
    order: RestoreOrder<'_>,
    progress: &mut Progress<'_>,
) -> Result<Restored, BackupError> {
    let backup = BackupFile::open(order.file, order.trusted)?;
    expect_known(backup.manifest(), &config.database)?;
    let schema = Schema::of(backup.manifest().schema).await?;
    expect_sections(&backup, &schema)?;
    progress("reading", 0);
    backup.check(progress)?;
    let data = DataDir::for_restore(config)?;
    let _lock = lock(&data)?;
    expect_empty(config, &data, (backup.manifest(), order.is_forced)).await?;
    let (refilled, aside) = match &config.database {
        Database::Sqlite(path) => into_file(path, (&backup, &schema), (&data, order), progress).await?,
        Database::Postgres(_) => into_schema(&config.database, (&backup, &schema), (&data, order), progress).await?,
    };
    progress("verifying", 0);
    let manifest = backup.manifest().clone();
    let audit = verify(config, &data, (&manifest, order)).await;
    let secrets = manifest.secrets.iter().map(|note| Ok((note.clone(), state(note, &data, order)?)));
    Ok(Restored {
        secrets: secrets.collect::<Result<_, BackupError>>()?,
        manifest,
        num_journal: refilled.num_journal,
        num_unknown: refilled.num_unknown,
        aside,
        audit,
    })
}

fn expect_known(manifest: &BackupManifest, database: &Database) -> Result<(), BackupError> {
    let found = manifest.schema;
    if found > latest_version() {
        return Err(BackupError::Newer { found, known: latest_version() });
    }
    if matches!(database, Database::Postgres(_)) && found < FIRST_IN_BOTH {
        return Err(BackupError::TooOldForPostgres { found });
    }
    Ok(())
}

fn lock(data: &DataDir) -> Result<Lock, BackupError> {
    match data.lock() {
        Err(StoreError::Locked { path }) => Err(BackupError::GatewayRuns { path }),
        other => Ok(other?),
    }
}

type Placed = (Refilled, Vec<PathBuf>);

/// A new file takes the place of SQLite's.
async fn into_file(
    path: &Path,
    (backup, schema): (&BackupFile, &Schema),
    (data, order): (&DataDir, RestoreOrder<'_>),
    progress: &mut Progress<'_>,
) -> Result<Placed, BackupError> {
    let beside = with_suffix(path, ".restoring");
    remove_file(&beside)?;
    let filled = fill_file(&beside, (backup, schema), progress).await;
    let refilled = match filled {
        Ok(refilled) => refilled,
        Err(error) => {
            // The first failure is what is told.
            let _ = remove_file(&beside);
            return Err(error);
        }
    };
    let mut swap = Swap::begin(data, order.now)?;
    swap.database(path, &beside)?;
    swap.folder(&refilled.secrets, (order.fresh, backup.manifest().writer))?;
    Ok((refilled, swap.end()?))
}

async fn fill_file(
    beside: &Path,
    (backup, schema): (&BackupFile, &Schema),
    progress: &mut Progress<'_>,
) -> Result<Refilled, BackupError> {
    let pool = connect_new_file(beside).await?;
    let mut transaction = pool.begin().await?;
    let refill = Refill { transaction: &mut transaction, dialect: Dialect::Sqlite, backup, schema };
    let refilled = refill.run(progress).await?;
    transaction.commit().await?;
    pool.close().await;
    let unusable = |source| BackupError::File { path: beside.to_owned(), source };
    std::fs::File::open(beside).and_then(|file| file.sync_all()).map_err(unusable)?;
    Ok(refilled)
}

/// PostgreSQL's tables are made anew, in one transaction.
async fn into_schema(
    database: &Database,
    (backup, schema): (&BackupFile, &Schema),
    (data, order): (&DataDir, RestoreOrder<'_>),
    progress: &mut Progress<'_>,
) -> Result<Placed, BackupError> {
    let (pool, dialect) = connect_as_it_is(database).await?.ok_or(BackupError::NoDatabase)?;
    let mut transaction = pool.begin().await?;
    drop_tables(&mut transaction, schema).await?;
    let refilled = Refill { transaction: &mut transaction, dialect, backup, schema }.run(progress).await?;
    let mut swap = Swap::begin(data, order.now)?;
    // Where its end is not known, the mark stays.
    transaction.commit().await?;
    swap.folder(&refilled.secrets, (order.fresh, backup.manifest().writer))?;
    let aside = swap.end()?;
    pool.close().await;
    Ok((refilled, aside))
}

fn remove_file(path: &Path) -> Result<(), BackupError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(BackupError::File { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// The trail as it lies in the restored database.
async fn verify(
    config: &StoreConfig,
    data: &DataDir,
    (manifest, order): (&BackupManifest, RestoreOrder<'_>),
) -> Result<Option<Report>, StoreError> {
    let mut keys: PublicKeys = manifest.public_keys.iter().copied().collect();
    keys.extend(order.own_keys.iter().copied());
    let writer = data.known_writer(order.fresh)?;
    let store = SqlStore::open(&config.database, &writer.to_string()).await?;
    let report = if keys.is_empty() { None } else { Some(verify_store(&store, &keys, BTreeMap::new()).await) };
    store.pool.close().await;
    report.transpose()
}

fn state(note: &SecretNote, data: &DataDir, order: RestoreOrder<'_>) -> Result<SecretState, BackupError> {
    if order.configured.contains(&note.secret) {
        return Ok(SecretState::Configured);
    }
    if note.is_included {
        return Ok(SecretState::Restored);
    }
    let own = note.secret.read(data)?.map(|bytes| note.secret.fingerprint(&bytes));
    Ok(if own.is_some() && own == note.fingerprint { SecretState::Present } else { SecretState::Needed })
}
