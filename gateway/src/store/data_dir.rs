//! The data folder: journal, secrets that were made here, and a lock so that one gateway at a time owns them.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Position, StoreError};
use crate::audit::{Digest, WriterId};
use crate::auth::KeySecret;
use crate::config::{Database, StoreConfig};
use crate::content::MasterKey;
use crate::pii::masking::MaskingSecret;
use crate::secrets::SecretSource;

/// Tells machines apart (systemd's; where there is none, folders are taken to stay where they are).
const MACHINE_ID: &str = "/etc/machine-id";

/// Lies there while database, journal and secrets may be of different installations.
pub(super) const HALF_RESTORED: &str = "restore.unfinished";

#[derive(Debug, Clone)]
pub struct DataDir {
    pub(super) root: PathBuf,
    key_secret: Option<SecretSource>,
}

/// Held for as long as the gateway runs; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl DataDir {
    /// Makes the folders of journal and database (readable by their owner only) if they are not there.
    ///
    /// # Errors
    /// A folder cannot be made, or a restore into it was cut short.
    pub fn create(config: &StoreConfig) -> Result<Self, StoreError> {
        let data = Self::for_restore(config)?;
        let half = data.root.join(HALF_RESTORED);
        if half.exists() { Err(StoreError::HalfRestored { path: data.root }) } else { Ok(data) }
    }

    /// For whoever looks and makes nothing.
    pub fn beside(config: &StoreConfig) -> Self {
        Self { root: config.data_dir.clone(), key_secret: config.key_secret.clone() }
    }

    /// The same for whoever makes a half restored one whole.
    pub(super) fn for_restore(config: &StoreConfig) -> Result<Self, StoreError> {
        let root = config.data_dir.clone();
        if let Database::Sqlite(path) = &config.database
            && let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty())
        {
            make_folder(parent)?;
        }
        make_folder(&root)?;
        Ok(Self { root, key_secret: config.key_secret.clone() })
    }

    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// What this gateway is called among those who write into one database, made from `fresh` on the first start, and
    /// again where the folder was copied to another machine: two gateways must not write one chain.
    ///
    /// # Errors
    /// The files cannot be made or do not hold what they should.
    pub fn writer(&self, fresh: [u8; 32]) -> Result<WriterId, StoreError> {
        let machine = std::fs::read(MACHINE_ID).ok().filter(|id| !id.trim_ascii().is_empty());
        let machine = machine.map(|id| *Digest::of(&id).as_bytes());
        if let Some(machine) = machine
            && self.secret("writer.machine", machine)? != machine
        {
            tracing::warn!("the data folder comes from another machine: the audit goes on under another writer's id");
            self.renew_writer(fresh)?;
            self.replace("writer.machine", &to_hex(&machine))?;
        }
        self.secret("writer.id", fresh).map(writer_of)
    }

    /// The same for whoever only looks: a command beside the gateway, perhaps of another machine, renews nothing.
    ///
    /// # Errors
    /// As [`Self::writer`].
    pub fn known_writer(&self, fresh: [u8; 32]) -> Result<WriterId, StoreError> {
        self.secret("writer.id", fresh).map(writer_of)
    }

    /// The same, and nothing is made.
    ///
    /// # Errors
    /// The file cannot be read or does not hold a name.
    pub(super) fn writer_if_any(&self) -> Result<Option<WriterId>, StoreError> {
        self.writer_in("writer.id")
    }

    /// Whose journal this was before its writer was renewed.
    ///
    /// # Errors
    /// The file cannot be read or does not hold a name.
    pub fn previous_writer(&self) -> Result<Option<WriterId>, StoreError> {
        self.writer_in("writer.previous")
    }

    /// All that it left is taken over.
    ///
    /// # Errors
    /// The file could not be removed.
    pub fn forget_previous_writer(&self) -> Result<(), StoreError> {
        let path = self.root.join("writer.previous");
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(StoreError::File { path, source }),
            _ => Ok(()),
        }
    }

    fn writer_in(&self, name: &str) -> Result<Option<WriterId>, StoreError> {
        let path = self.root.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => from_hex(text.trim()).map(writer_of).map(Some).ok_or(StoreError::BadKeySecret { path }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::File { path, source }),
        }
    }

    /// Makes another writer of `fresh`.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn renew_writer(&self, fresh: [u8; 32]) -> Result<WriterId, StoreError> {
        if let Ok(text) = std::fs::read_to_string(self.root.join("writer.id")) {
            self.replace("writer.previous", text.trim())?;
        }
        self.replace("writer.id", &to_hex(&fresh))?;
        Ok(writer_of(fresh))
    }

    /// The seed of the key that signs the audit, made from `fresh` on the first start.
    ///
    /// # Errors
    /// As [`Self::key_secret`].
    pub fn audit_seed(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        self.secret("audit.secret", fresh)
    }

    /// # Errors
    /// Another gateway holds it.
    pub fn lock(&self) -> Result<Lock, StoreError> {
        let path = self.root.join("gateway.lock");
        let file_error = |source| StoreError::File { path: path.clone(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(file_error)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: self.root.clone() }),
            Err(TryLockError::Error(source)) => Err(file_error(source)),
        }
    }

    /// The secret under which keys are hashed: the configured one, or one made from `fresh` on the first start.
    ///
    /// # Errors
    /// It cannot be read, the file cannot be made or what is there is no secret.
    pub fn key_secret(&self, fresh: [u8; 32]) -> Result<KeySecret, StoreError> {
        let Some(source) = &self.key_secret else { return self.secret("keys.secret", fresh).map(KeySecret::new) };
        let secret = source.resolve().map_err(|source| StoreError::NoKeySecret { source })?;
        let bytes = from_hex(secret.expose()).ok_or(StoreError::NoHexKeySecret)?;
        Ok(KeySecret::new(bytes))
    }

    /// What tokens of masked values are derived from, made from `fresh` on the first start.
    ///
    /// # Errors
    /// As [`Self::key_secret`].
    pub fn masking_secret(&self, fresh: [u8; 32]) -> Result<MaskingSecret, StoreError> {
        self.secret("masking.secret", fresh).map(MaskingSecret::new)
    }

    /// The seed of the key that signs labels, made from `fresh` on the first start.
    ///
    /// # Errors
    /// As [`Self::key_secret`].
    pub fn label_seed(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        self.secret("labels.secret", fresh)
    }

    /// What kept content is sealed under, made from `fresh` on the first start.
    ///
    /// # Errors
    /// As [`Self::key_secret`].
    pub fn content_secret(&self, fresh: [u8; 32]) -> Result<MasterKey, StoreError> {
        self.secret("content.secret", fresh).map(MasterKey::new)
    }

    /// How far into the journal a receiver of the audit is, if it is one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn feed_position(&self, way: &str) -> Result<Option<Position>, StoreError> {
        let path = self.root.join(format!("audit.{way}"));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::File { path, source }),
        };
        let position = text.trim().split_once(' ').and_then(|(segment, offset)| {
            Some(Position { segment: segment.parse().ok()?, offset: offset.parse().ok()? })
        });
        Ok(position)
    }

    /// # Errors
    /// The file cannot be written.
    pub fn keep_feed_position(&self, way: &str, position: Position) -> Result<(), StoreError> {
        self.replace(&format!("audit.{way}"), &format!("{} {}", position.segment, position.offset))
    }

    /// It is no receiver any more.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn forget_feed_position(&self, way: &str) -> Result<(), StoreError> {
        let path = self.root.join(format!("audit.{way}"));
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(StoreError::File { path, source }),
            _ => Ok(()),
        }
    }

    /// Puts a text in a file's place, whole or not at all.
    pub(super) fn replace(&self, name: &str, text: &str) -> Result<(), StoreError> {
        let (path, beside) = (self.root.join(name), self.root.join(format!("{name}.new")));
        let file_error = |source| StoreError::File { path: path.clone(), source };
        let mut file = File::create(&beside).map_err(file_error)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(file_error)?;
        std::fs::rename(&beside, &path).map_err(file_error)
    }

    fn secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        let path = self.root.join(name);
        let file_error = |source| StoreError::File { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(mut file) => {
                file.write_all(to_hex(&fresh).as_bytes()).and_then(|()| file.sync_all()).map_err(file_error)?;
                Ok(fresh)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let text = std::fs::read_to_string(&path).map_err(file_error)?;
                from_hex(text.trim()).ok_or_else(|| StoreError::BadKeySecret { path: path.clone() })
            }
            Err(source) => Err(file_error(source)),
        }
    }
}

/// The first bytes: enough for as many gateways as there will ever be.
fn writer_of(id: [u8; 32]) -> WriterId {
    let [a, b, c, d, e, f, g, h, ..] = id;
    WriterId::from_bytes([a, b, c, d, e, f, g, h])
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| StoreError::File { path: path.to_owned(), source })
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_survives_and_the_lock_excludes() {
        let folder = tempfile::tempdir().unwrap();
        let (database, data_dir) = (Database::Sqlite(folder.path().join("db/x.db")), folder.path().join("data"));
        let data = DataDir::create(&StoreConfig { database, data_dir, key_secret: None }).unwrap();
        assert!(folder.path().join("db").is_dir());
        let writer = data.writer([5; 32]).unwrap();
        assert_eq!((writer.to_string().as_str(), data.writer([6; 32]).unwrap()), ("0505050505050505", writer));
        data.key_secret([1; 32]).unwrap();
        let hex = std::fs::read_to_string(folder.path().join("data/keys.secret")).unwrap();
        data.key_secret([2; 32]).unwrap();
        assert_eq!(hex, to_hex(&[1; 32]));
        assert_eq!(from_hex(&hex), Some([1; 32]));
        let held = data.lock().unwrap();
        assert!(matches!(data.lock(), Err(StoreError::Locked { .. })));
        drop(held);
        data.lock().unwrap();
    }
}
