//! A pull from beginning to end: what there is, what is needed, whether it fits, file by file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::checksum::Hasher;
use super::client::Address;
use super::disk::is_full;
use super::selection::{Selection, shards};
use super::staging::Staging;
use super::transfer::{Part, Report, fetch, pause};
use super::{
    ClientError, Disk, FileRecord, HubCache, HubClient, Listing, Manifest, ModelId, ModelRecord, PullError, RemoteFile,
    RepoId, Revision,
};

/// An index is a list of names.
const MAX_INDEX_BYTES: u64 = 64 << 20;
/// No model is larger.
const MAX_TOTAL_BYTES: u64 = 1 << 44;

/// What to bring, and where to.
#[derive(Clone, Debug)]
pub struct PullOrder {
    pub repo: RepoId,
    pub revision: Revision,
    pub id: ModelId,
    pub models_dir: PathBuf,
    /// Which `.gguf`, by name, pattern or quantisation.
    pub file: Option<String>,
    /// What is recorded where the origin states none.
    pub licence: Option<String>,
}

/// Where it comes from.
#[derive(Clone, Copy)]
pub enum Origin<'a> {
    Hub(&'a HubClient),
    Cache(&'a HubCache),
}

/// What whoever waits may want to see.
#[derive(Debug)]
pub enum PullEvent<'a> {
    /// All files together, and how much of them is there already.
    Planned {
        files: usize,
        bytes: u64,
        present: u64,
    },
    /// Of a file.
    Started {
        file: &'a str,
        size: u64,
        present: u64,
    },
    Advanced {
        bytes: u64,
    },
    /// From its first byte again.
    Restarted {
        file: &'a str,
    },
    Finished {
        file: &'a str,
    },
    /// Nobody says what its content must be.
    Unverified {
        file: &'a str,
    },
    Waiting {
        wait: Duration,
        error: &'a ClientError,
    },
}

/// A model that is whole and verified, not yet under its name.
#[derive(Debug)]
pub struct Staged {
    staging: Staging,
    record: ModelRecord,
    is_current: bool,
}

impl Staged {
    /// The folder, for whoever wants to look into it first.
    pub fn path(&self) -> &Path {
        self.staging.path()
    }

    pub fn record(&self) -> &ModelRecord {
        &self.record
    }

    /// The same files are there already, of the same revision.
    pub fn is_current(&self) -> bool {
        self.is_current
    }

    /// Records the model and lets it appear, in one step.
    ///
    /// # Errors
    /// If the directory cannot be written; nothing has changed then.
    pub fn publish(self) -> Result<ModelRecord, PullError> {
        if self.is_current {
            self.staging.discard();
        } else {
            self.staging.publish(&self.record)?;
        }
        Ok(self.record)
    }
}

/// Brings everything that a model needs into a hidden folder of the models directory.
///
/// # Errors
/// If anything is missing, refused or not as announced. What has come stays for the next try,
/// except where the disk is full.
pub async fn stage(
    origin: Origin<'_>,
    order: &PullOrder,
    disk: &dyn Disk,
    report: Report<'_>,
) -> Result<Staged, PullError> {
    let listing = match origin {
        Origin::Hub(client) => patient_listing(client, order, report).await?,
        Origin::Cache(cache) => cache.listing(&order.repo, &order.revision)?,
    };
    let selection = Selection::of(&listing.files, order.file.as_deref())?;
    let staging = Staging::open(&order.models_dir, &order.id, order.repo.to_string())?;
    let mut job = Job { origin, order, disk, report, listing: &listing, staging: &staging, needed: 0 };
    match job.run(selection).await {
        Ok(files) => {
            let licence = listing.licence.clone().or_else(|| order.licence.clone());
            let (id, source) = (order.id.to_string(), order.repo.to_string());
            let record = ModelRecord { id, source, revision: listing.commit, licence, files };
            let is_current = is_current(&record, &staging)?;
            Ok(Staged { staging, record, is_current })
        }
        Err(PullError::Io { source, .. }) if is_full(&source) => {
            let needed = job.needed;
            staging.discard();
            Err(PullError::DiskFull { path: order.models_dir.clone(), needed })
        }
        Err(error) => {
            let nothing_to_go_on_from = matches!(
                error,
                PullError::TooLittleSpace { .. } | PullError::BadIndex { .. } | PullError::TooLarge { .. }
            );
            if staging.is_empty() || nothing_to_go_on_from && staging.is_fresh {
                staging.discard();
            }
            Err(error)
        }
    }
}

async fn patient_listing(client: &HubClient, order: &PullOrder, report: Report<'_>) -> Result<Listing, PullError> {
    let mut tries = 0;
    loop {
        match client.listing(&order.repo, &order.revision).await {
            Err(error) if error.is_passing() => {
                tries += 1;
                pause(client, error, tries, report).await?;
            }
            result => return Ok(result?),
        }
    }
}

/// Whether the folder under the model's name has these files, verified just now, and no other record.
fn is_current(record: &ModelRecord, staging: &Staging) -> Result<bool, PullError> {
    use std::os::unix::fs::MetadataExt;
    let target = staging.target();
    let Some(models_dir) = target.parent() else { return Ok(false) };
    let recorded = Manifest::read(models_dir)?.record(&record.id);
    let inode = |path: PathBuf| path.symlink_metadata().map(|found| (found.dev(), found.ino())).ok();
    let same_file = |file: &FileRecord| {
        let there = inode(target.join(&file.path));
        there.is_some() && there == inode(staging.path().join(&file.path))
    };
    Ok(recorded.is_some_and(|recorded| recorded == *record) && record.files.iter().all(same_file))
}

struct Job<'a> {
    origin: Origin<'a>,
    order: &'a PullOrder,
    disk: &'a dyn Disk,
    report: Report<'a>,
    listing: &'a Listing,
    staging: &'a Staging,
    /// Bytes that the disk must have room for.
    needed: u64,
}

impl Job<'_> {
    async fn run(&mut self, selection: Selection) -> Result<Vec<FileRecord>, PullError> {
        let Selection { mut files, has_index } = selection;
        if has_index {
            let index = self.sized(&files[0]).await?;
            let size = index.size.unwrap_or_default();
            if size > MAX_INDEX_BYTES {
                return Err(PullError::BadIndex { reason: format!("{size} bytes are no list of names") });
            }
            self.needed = size;
            self.staging.adopt(&index)?;
            self.bring(&index).await?;
            let path = self.staging.place(&index.name)?;
            let text = std::fs::read(&path).map_err(PullError::io(&path))?;
            files.extend(shards(&text, &self.listing.files)?);
        }
        for file in &mut files {
            *file = self.sized(file).await?;
        }
        self.make_room(&files)?;
        let mut records = Vec::new();
        for file in &files {
            let sha256 = self.bring(file).await?;
            records.push(FileRecord { path: file.name.to_string(), size: file.size.unwrap_or_default(), sha256 });
        }
        records.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(records)
    }

    /// Clears the folder of other things and checks that the rest fits.
    fn make_room(&mut self, files: &[RemoteFile]) -> Result<(), PullError> {
        let commit = &self.listing.commit;
        self.staging.prune(files, commit)?;
        let (mut bytes, mut present) = (0u64, 0u64);
        for file in files {
            self.staging.adopt(file)?;
            let size = file.size.unwrap_or_default();
            bytes = bytes.saturating_add(size);
            present = present.saturating_add(self.staging.present(file, commit)?.min(size));
        }
        if bytes > MAX_TOTAL_BYTES {
            return Err(PullError::TooLarge { bytes });
        }
        (self.report)(PullEvent::Planned { files: files.len(), bytes, present });
        self.needed = bytes - present;
        let path = &self.order.models_dir;
        let free = self.disk.free_bytes(path).map_err(PullError::io(path))?;
        let links = matches!(self.origin, Origin::Cache(cache) if cache.can_link_to(self.staging.path()));
        if self.needed > free && !links {
            return Err(PullError::TooLittleSpace { path: path.clone(), needed: self.needed, free });
        }
        Ok(())
    }

    /// The file with its size and checksum, asked for where the listing has none.
    async fn sized(&self, file: &RemoteFile) -> Result<RemoteFile, PullError> {
        let mut file = file.clone();
        if let (Origin::Hub(client), true) = (self.origin, file.size.is_none() || file.checksum.is_none()) {
            let address = self.address(&file);
            let mut tries = 0;
            let announced = loop {
                match client.announced(address).await {
                    Err(error) if error.is_passing() => {
                        tries += 1;
                        pause(client, error, tries, self.report).await?;
                    }
                    result => break result?,
                }
            };
            file.size = file.size.or(announced.size);
            file.checksum = file.checksum.or(announced.checksum);
        }
        if file.size.is_none() {
            return Err(PullError::NoSize { name: file.name.to_string() });
        }
        Ok(file)
    }

    fn address<'b>(&'b self, file: &'b RemoteFile) -> Address<'b> {
        Address { repo: &self.order.repo, commit: &self.listing.commit, name: &file.name }
    }

    /// Puts a verified file into its place; the SHA-256 is returned.
    async fn bring(&self, file: &RemoteFile) -> Result<String, PullError> {
        let (name, size) = (file.name.as_str(), file.size.unwrap_or_default());
        let target = self.staging.place(&file.name)?;
        let present = self.staging.present(file, &self.listing.commit)?;
        (self.report)(PullEvent::Started { file: name, size, present });
        // Without a checksum it cannot be told whether what an earlier pull left is this file.
        let kept = if file.checksum.is_some() { verified(file, &target)? } else { None };
        let sha256 = match kept {
            Some(sha256) => sha256,
            None => match self.origin {
                Origin::Hub(client) => {
                    let part =
                        Part::open(&self.staging.part(file, &self.listing.commit)?, size, file.checksum.as_ref())?;
                    fetch(client, self.address(file), (part, &target), self.disk, self.report).await?
                }
                Origin::Cache(cache) => {
                    cache.place(&self.order.repo, &self.listing.commit, file, &target)?;
                    verified(file, &target)?.ok_or_else(|| wrong_in_cache(file))?
                }
            },
        };
        if file.checksum.is_none() {
            (self.report)(PullEvent::Unverified { file: name });
        }
        (self.report)(PullEvent::Finished { file: name });
        Ok(sha256)
    }
}

/// The SHA-256 of a file that is there as it should be; one that is not goes.
fn verified(file: &RemoteFile, target: &Path) -> Result<Option<String>, PullError> {
    let Ok(found) = target.symlink_metadata() else { return Ok(None) };
    if !found.is_file() {
        return Err(PullError::Link { path: target.to_owned() });
    }
    let size = file.size.unwrap_or_default();
    if found.len() == size {
        let mut hasher = Hasher::new(file.checksum.as_ref(), size);
        let mut opened = std::fs::File::open(target).map_err(PullError::io(target))?;
        hasher.read(&mut opened).map_err(PullError::io(target))?;
        if let Ok(sha256) = hasher.finish(file.checksum.as_ref()) {
            return Ok(Some(sha256));
        }
    }
    std::fs::remove_file(target).map_err(PullError::io(target))?;
    Ok(None)
}

fn wrong_in_cache(file: &RemoteFile) -> PullError {
    use super::Checksum;
    let expected = match &file.checksum {
        Some(Checksum::Sha256(text) | Checksum::GitBlob(text)) => text.clone(),
        None => String::new(),
    };
    PullError::WrongChecksum { file: file.name.to_string(), expected, found: "another".to_owned() }
}
