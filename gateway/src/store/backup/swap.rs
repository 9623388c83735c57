//! What was there gives way to what was restored: files change places while a mark says that they do.
//!
//! A gateway that finds the mark does not start, so that a restore that ends in the middle leaves nothing that serves.
//! What was there is moved aside, never removed.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::BackupError;
use super::file::sync_folder;
use super::secret::StoredSecret;
use crate::audit::{Time, WriterId};
use crate::store::DataDir;
use crate::store::data_dir::{HALF_RESTORED, to_hex};

const SECRET_MODE: u32 = 0o600;
/// What of a data folder belongs to the installation that was there, secrets aside.
const OWN: [&str; 5] = ["journal", "writer.id", "writer.previous", "audit.webhook", "audit.syslog"];

#[derive(Debug)]
pub(super) struct Swap<'a> {
    data: &'a DataDir,
    /// Behind the names of what is moved aside.
    suffix: String,
    aside: Vec<PathBuf>,
}

impl<'a> Swap<'a> {
    /// From now on, no gateway starts in the data folder.
    pub(super) fn begin(data: &'a DataDir, time: Time) -> Result<Self, BackupError> {
        let digits = time.to_string().replace([':', '-', '.'], "");
        data.replace(HALF_RESTORED, "a restore is under way, or was cut short\n")?;
        sync_folder(&data.root.join(HALF_RESTORED))?;
        Ok(Self { data, suffix: format!(".before-{digits}"), aside: Vec::new() })
    }

    /// SQLite's file, with what belongs to it, gives way to another.
    pub(super) fn database(&mut self, path: &Path, restored: &Path) -> Result<(), BackupError> {
        let aside = with_suffix(path, &self.suffix);
        for part in ["", "-wal", "-shm"] {
            let (from, to) = (with_suffix(path, part), with_suffix(&aside, part));
            if move_away(&from, &to)? && part.is_empty() {
                self.aside.push(to);
            }
        }
        let moved = std::fs::rename(restored, path);
        moved.map_err(|source| BackupError::File { path: path.to_owned(), source })?;
        sync_folder(path)
    }

    /// Journal, names and secrets. The folder is another writer's now, who comes after `previous`.
    pub(super) fn folder(
        &mut self,
        secrets: &[(StoredSecret, [u8; 32])],
        (fresh, previous): ([u8; 32], Option<WriterId>),
    ) -> Result<(), BackupError> {
        for name in OWN {
            self.set_aside(name)?;
        }
        for (secret, bytes) in secrets {
            let own = secret.read(self.data);
            if own.is_ok_and(|own| own.as_ref() == Some(bytes)) {
                continue;
            }
            self.set_aside(secret.file_name())?;
            self.keep_secret(secret.file_name(), bytes)?;
        }
        self.data.renew_writer(fresh)?;
        if let Some(previous) = previous {
            // Names are the first bytes of what stands there.
            self.data.replace("writer.previous", &format!("{previous}{}", "0".repeat(48)))?;
        }
        sync_folder(&self.data.root.join(HALF_RESTORED))
    }

    /// All is in its place. Gives what was moved aside.
    pub(super) fn end(self) -> Result<Vec<PathBuf>, BackupError> {
        let mark = self.data.root.join(HALF_RESTORED);
        std::fs::remove_file(&mark).map_err(|source| BackupError::File { path: mark.clone(), source })?;
        sync_folder(&mark)?;
        Ok(self.aside)
    }

    fn set_aside(&mut self, name: &str) -> Result<(), BackupError> {
        let from = self.data.root.join(name);
        let to = with_suffix(&from, &self.suffix);
        if move_away(&from, &to)? {
            self.aside.push(to);
        }
        Ok(())
    }

    fn keep_secret(&self, name: &str, bytes: &[u8; 32]) -> Result<(), BackupError> {
        let (path, beside) = (self.data.root.join(name), self.data.root.join(format!("{name}.new")));
        let unusable = |source| BackupError::File { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(SECRET_MODE);
        let mut file: File = options.open(&beside).map_err(unusable)?;
        file.write_all(to_hex(bytes).as_bytes()).and_then(|()| file.sync_all()).map_err(unusable)?;
        std::fs::rename(&beside, &path).map_err(unusable)
    }
}

/// False if it is not there.
fn move_away(from: &Path, to: &Path) -> Result<bool, BackupError> {
    match std::fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(BackupError::File { path: from.to_owned(), source }),
    }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}
