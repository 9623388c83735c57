//! Failures of the database and its files.

use std::path::PathBuf;

use super::JournalError;
use crate::audit::{LineError, NotCanonical, ResumeError, SealError};
use crate::secrets::SecretError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("failed to use the database: {source}")]
    Database {
        #[from]
        source: sqlx::Error,
    },
    #[error("failed to bring the database's schema up to date: {source}")]
    Migration {
        #[from]
        source: sqlx::migrate::MigrateError,
    },
    #[error("failed to read a row of table {table}: column {column} holds what this version does not know")]
    UnknownValue { table: &'static str, column: &'static str },
    #[error("failed to use {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("failed to start: another gateway uses the data folder {}", path.display())]
    Locked { path: PathBuf },
    #[error(
        "the data folder {} is half restored: a restore was cut short in it. Run `shekara restore FILE --force` again; \
         what was there before lies beside, in names with .before-",
        path.display()
    )]
    HalfRestored { path: PathBuf },
    #[error("failed to read the key secret {}: it must hold 64 hexadecimal digits", path.display())]
    BadKeySecret { path: PathBuf },
    #[error("failed to read [store] key_secret: {source}")]
    NoKeySecret { source: SecretError },
    #[error("[store] key_secret is not 64 hexadecimal digits")]
    NoHexKeySecret,
    #[error("failed to learn where the database is: {source}")]
    NoUrl { source: SecretError },
    #[error("failed to use the database: its url is wrong (it is not shown, for it holds a password)")]
    BadUrl,
    #[error("failed to open the database: the work was given up")]
    Cancelled,
    #[error("failed to do an act under its Idempotency-Key: the claim has passed to another request")]
    ClaimLost,
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Resume(#[from] ResumeError),
    #[error("failed to write a line of the audit: {source}")]
    NotCanonical {
        #[from]
        source: NotCanonical,
    },
    #[error("failed to read a line of the audit in table {table}: {source}")]
    Line { table: &'static str, source: LineError },
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("failed to write the export: {source}")]
    Export { source: std::io::Error },
}
