//! The hidden folder that a model is put together in, and its way to the name it is served under.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Checksum, FileName, Manifest, ModelId, ModelRecord, PullError, RemoteFile};

/// Adapters belong to a model's id, not to its revision.
const ADAPTERS: &str = "adapters";

/// `.pull-<id>`, which the catalog does not look at. It is locked as long as this lives.
#[derive(Debug)]
pub(super) struct Staging {
    models_dir: PathBuf,
    id: ModelId,
    source: String,
    path: PathBuf,
    /// Nothing was left from an earlier pull.
    pub(super) is_fresh: bool,
    _lock: File,
}

impl Staging {
    /// # Errors
    /// If another pull of this model runs, or its name is taken by something that was not pulled.
    pub(super) fn open(models_dir: &Path, id: &ModelId, source: String) -> Result<Self, PullError> {
        std::fs::create_dir_all(models_dir).map_err(PullError::io(models_dir))?;
        let path = models_dir.join(format!(".pull-{id}"));
        let is_fresh = match path.symlink_metadata() {
            Ok(found) if !found.is_dir() => return Err(PullError::Link { path }),
            Ok(_) => false,
            Err(_) => {
                std::fs::create_dir(&path).map_err(PullError::io(&path))?;
                true
            }
        };
        let lock = File::open(&path).map_err(PullError::io(&path))?;
        // Some file systems have no locks; there, whoever starts two pulls at once is on their own.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(PullError::Running { id: id.to_string() });
        }
        let staging = Self { models_dir: models_dir.to_owned(), id: id.clone(), source, path, is_fresh, _lock: lock };
        staging.move_adapters()?;
        match staging.check_target() {
            Ok(()) => Ok(staging),
            Err(error) => {
                if staging.is_fresh {
                    staging.discard();
                }
                Err(error)
            }
        }
    }

    fn check_target(&self) -> Result<(), PullError> {
        let target = self.target();
        let Ok(found) = target.symlink_metadata() else { return Ok(()) };
        let is_empty = || std::fs::read_dir(&target).is_ok_and(|mut entries| entries.next().is_none());
        if found.is_dir() && is_empty() {
            return Ok(());
        }
        match Manifest::read(&self.models_dir)?.record(self.id.as_str()) {
            Some(record) if found.is_dir() && record.source == self.source => Ok(()),
            Some(record) if found.is_dir() => Err(PullError::OtherSource { path: target, source_name: record.source }),
            _ => Err(PullError::Occupied { path: target }),
        }
    }

    /// Gives the model's folder the adapters of the one that it has replaced, now or before this
    /// process's predecessor was killed.
    fn move_adapters(&self) -> Result<(), PullError> {
        let (from, to) = (self.path.join(ADAPTERS), self.target().join(ADAPTERS));
        let has_place = self.target().is_dir() && to.symlink_metadata().is_err();
        if from.is_dir() && has_place { std::fs::rename(&from, &to).map_err(PullError::io(&from)) } else { Ok(()) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder it will be.
    pub(super) fn target(&self) -> PathBuf {
        self.models_dir.join(self.id.as_str())
    }

    /// Where a file belongs, its folder made.
    pub(super) fn place(&self, name: &FileName) -> Result<PathBuf, PullError> {
        let mut folder = self.path.clone();
        for part in name.split().0.into_iter().flat_map(|folder| folder.split('/')) {
            folder.push(part);
            match folder.symlink_metadata() {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(PullError::Link { path: folder }),
                Err(_) => std::fs::create_dir(&folder).map_err(PullError::io(&folder))?,
            }
        }
        Ok(self.path.join(name.as_str()))
    }

    /// Where a file grows. The name says which content it is to have, so that a part of an older
    /// revision is not gone on with.
    pub(super) fn part(&self, file: &RemoteFile, commit: &str) -> Result<PathBuf, PullError> {
        let content = match &file.checksum {
            Some(Checksum::Sha256(text) | Checksum::GitBlob(text)) => text,
            None => commit,
        };
        let mut place = self.place(&file.name)?.into_os_string();
        place.push(format!(".part-{}", content.get(..16).unwrap_or(content)));
        Ok(place.into())
    }

    /// Links a file of the folder that is there already, to be verified like any other.
    pub(super) fn adopt(&self, file: &RemoteFile) -> Result<(), PullError> {
        let old = self.target().join(file.name.as_str());
        let fits = old.symlink_metadata().is_ok_and(|found| found.is_file() && Some(found.len()) == file.size);
        if fits && file.checksum.is_some() {
            let place = self.place(&file.name)?;
            if place.symlink_metadata().is_err() {
                // Where links do not work it is fetched.
                let _ = std::fs::hard_link(&old, &place);
            }
        }
        Ok(())
    }

    /// Bytes of a file that are there already.
    pub(super) fn present(&self, file: &RemoteFile, commit: &str) -> Result<u64, PullError> {
        let length = |path: &Path| path.symlink_metadata().map_or(0, |found| found.len());
        Ok(length(&self.place(&file.name)?).max(length(&self.part(file, commit)?)))
    }

    /// Removes what an earlier pull has left and this one has no use for.
    pub(super) fn prune(&self, files: &[RemoteFile], commit: &str) -> Result<(), PullError> {
        let mut wanted = Vec::new();
        for file in files {
            wanted.push(self.place(&file.name)?);
            wanted.push(self.part(file, commit)?);
        }
        prune(&self.path, &wanted)
    }

    /// Removes everything.
    pub(super) fn discard(&self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "failed to remove a temporary folder");
        }
    }

    /// Whether there is not one byte to go on from.
    pub(super) fn is_empty(&self) -> bool {
        fn has_bytes(folder: &Path) -> bool {
            let Ok(entries) = std::fs::read_dir(folder) else { return true };
            entries.flatten().any(|entry| match entry.metadata() {
                Ok(found) if found.is_dir() => has_bytes(&entry.path()),
                found => found.map_or(true, |found| found.len() > 0),
            })
        }
        !has_bytes(&self.path)
    }

    /// Records the model and gives the folder its name. One that was there is replaced in one step.
    pub(super) fn publish(self, record: &ModelRecord) -> Result<(), PullError> {
        let target = self.target();
        self.check_target()?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(PullError::io(&self.path))?;
        // Recorded first: what appears is held against the record that belongs to it.
        let before = Manifest::put(&self.models_dir, record)?;
        let placed = replace(&self.path, &target).map_err(PullError::io(&target));
        if placed.is_err() {
            match before {
                Some(before) => Manifest::put(&self.models_dir, &before).map(|_| ())?,
                None => Manifest::remove(&self.models_dir, self.id.as_str())?,
            }
            return placed;
        }
        if self.path.exists() {
            self.move_adapters()?;
            self.discard();
        }
        // The folder is there in any case; this only makes it outlast a loss of power.
        let _ = File::open(&self.models_dir).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

/// Afterwards `from` holds what stood at `to`, or nothing if nothing did.
fn replace(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.symlink_metadata().is_err() {
        return std::fs::rename(from, to);
    }
    if renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE).is_ok() {
        return Ok(());
    }
    let aside = from.with_extension("old");
    std::fs::rename(to, &aside)?;
    if let Err(error) = std::fs::rename(from, to) {
        std::fs::rename(&aside, to)?;
        return Err(error);
    }
    std::fs::rename(&aside, from)
}

fn prune(folder: &Path, wanted: &[PathBuf]) -> Result<(), PullError> {
    for entry in std::fs::read_dir(folder).map_err(PullError::io(folder))? {
        let entry = entry.map_err(PullError::io(folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(PullError::io(&path))?;
        if kind.is_dir() {
            if wanted.iter().any(|wanted| wanted.starts_with(&path)) {
                prune(&path, wanted)?;
            } else {
                std::fs::remove_dir_all(&path).map_err(PullError::io(&path))?;
            }
        } else if !wanted.contains(&path) || !kind.is_file() {
            std::fs::remove_file(&path).map_err(PullError::io(&path))?;
        }
    }
    Ok(())
}
