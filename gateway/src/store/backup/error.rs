//! Why there is no backup, or why it is not restored.

use std::path::PathBuf;

use crate::audit::NotCanonical;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("failed to use {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("failed to back up: there is no database yet")]
    NoDatabase,
    #[error("failed to back up: {} is there already and is no backup", path.display())]
    NotOurs { path: PathBuf },
    #[error("failed to back up: table {table} has a column {column} of a kind that is not known")]
    UnknownKind { table: String, column: String },
    #[error("failed to back up: table {table} has a number in column {column} that is none")]
    NoNumber { table: String, column: String },
    #[error("failed to write the manifest: {source}")]
    NotCanonical {
        #[from]
        source: NotCanonical,
    },
    #[error("the backup {} is not restored, and nothing was changed: {damage}", path.display())]
    Damaged { path: PathBuf, damage: Damage },
    #[error("failed to restore: the backup is of schema {found}, and this version knows schemas up to {known}")]
    Newer { found: i64, known: i64 },
    #[error(
        "failed to restore: the backup is of schema {found}, from before there was PostgreSQL: restore it into SQLite and \
         back that up"
    )]
    TooOldForPostgres { found: i64 },
    #[error("failed to restore: the database there is of schema {found}, and this version knows schemas up to {known}")]
    TargetNewer { found: i64, known: i64 },
    #[error("failed to restore: a gateway uses the data folder {}; stop it first", path.display())]
    GatewayRuns { path: PathBuf },
    #[error("failed to restore: {what} is not empty; --force puts the backup in its place")]
    NotEmpty { what: String },
    #[error("failed to restore: table {table} did not become what the backup has; nothing was changed")]
    Differs { table: String },
    #[error("failed to restore: the ledger's sums are not those of the backup; nothing was changed")]
    SumsDiffer,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    #[error("it is no backup of this program")]
    NoBackup,
    #[error("it was cut short, or something was added to it: its end is not there")]
    NoEnd,
    #[error("its manifest was changed")]
    Manifest,
    #[error("its manifest is of a form that this version does not know")]
    UnknownManifest,
    #[error("its signature does not hold")]
    Forged,
    #[error("it is not signed with a key that is trusted here")]
    NotTrusted,
    #[error("its content was changed")]
    Body,
    #[error("its content cannot be read: {0}")]
    Unreadable(std::io::Error),
    #[error("section {section} was changed")]
    Section { section: String },
    #[error("section {section} has columns or rows that this version does not know")]
    UnknownSection { section: String },
}

impl From<sqlx::Error> for BackupError {
    fn from(source: sqlx::Error) -> Self {
        Self::Store(source.into())
    }
}
