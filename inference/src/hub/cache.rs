//! A copied Hugging Face cache, for machines without a way out:
//! `models--ORG--NAME/{refs,snapshots/<commit>,blobs}`, where snapshots are links to blobs that are
//! named by their checksums.

use std::path::{Path, PathBuf};

use super::names::is_commit;
use super::{Checksum, FileName, Listing, PullError, RemoteFile, RepoId, Revision};

/// Folders below a snapshot that are looked into.
const MAX_DEPTH: usize = 2;
const MAX_FILES: usize = 10_000;
const MAX_README_BYTES: u64 = 1 << 20;

/// A folder with one subfolder a repository, itself or in its `hub`.
#[derive(Clone, Debug)]
pub struct HubCache {
    path: PathBuf,
}

impl HubCache {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The files of a repository as the cache has them.
    ///
    /// # Errors
    /// If it has not that repository or revision, or a file in it leads elsewhere.
    pub fn listing(&self, repo: &RepoId, revision: &Revision) -> Result<Listing, PullError> {
        let folder = self.repository(repo)?;
        let commit = commit(&folder, repo, revision)?;
        let snapshot = folder.join("snapshots").join(&commit);
        let mut names = Vec::new();
        collect(&snapshot, &mut String::new(), MAX_DEPTH, &mut names)?;
        names.sort();
        let mut files = Vec::new();
        for name in names {
            let path = self.resolve(repo, &commit, &name)?;
            let size = Some(path.metadata().map_err(PullError::io(&path))?.len());
            // A copy that has followed the links has lost the checksums.
            let blob = path.parent().is_some_and(|parent| parent.ends_with("blobs"));
            let checksum = path.file_name().and_then(|name| name.to_str()).filter(|_| blob).and_then(Checksum::parse);
            files.push(RemoteFile { name, size, checksum });
        }
        Ok(Listing { commit, licence: licence(&snapshot), files })
    }

    /// Links a file to `target`, or copies it where links do not reach.
    pub(super) fn place(&self, repo: &RepoId, commit: &str, file: &RemoteFile, target: &Path) -> Result<(), PullError> {
        let source = self.resolve(repo, commit, &file.name)?;
        // Of an earlier pull, if there is one.
        let _ = std::fs::remove_file(target);
        if std::fs::hard_link(&source, target).is_err() {
            std::fs::copy(&source, target).map_err(PullError::io(target))?;
        }
        let found = target.metadata().map_err(PullError::io(target))?.len();
        match file.size {
            Some(expected) if expected != found => {
                Err(PullError::WrongSize { file: file.name.to_string(), expected, found })
            }
            _ => Ok(()),
        }
    }

    /// Whether files of the cache take no room of their own there.
    pub(super) fn can_link_to(&self, folder: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| path.metadata().map(|found| found.dev()).ok();
        device(folder).is_some() && device(folder) == device(&self.path)
    }

    fn repository(&self, repo: &RepoId) -> Result<PathBuf, PullError> {
        let name = repo.cache_folder();
        let places = [self.path.join(&name), self.path.join("hub").join(&name)];
        let missing = || PullError::NotCached { path: self.path.clone(), repo: repo.to_string() };
        places.into_iter().find(|place| place.is_dir()).ok_or_else(missing)
    }

    /// Where a snapshot's file really is, which must be in the repository's own folder.
    fn resolve(&self, repo: &RepoId, commit: &str, name: &FileName) -> Result<PathBuf, PullError> {
        let folder = self.repository(repo)?;
        let folder = folder.canonicalize().map_err(PullError::io(&folder))?;
        let path = folder.join("snapshots").join(commit).join(name.as_str());
        let found = path.canonicalize().map_err(PullError::io(&path))?;
        if found.starts_with(&folder) && found.is_file() {
            Ok(found)
        } else {
            Err(PullError::OutsideCache { file: name.to_string() })
        }
    }
}

/// What a revision means: itself, what `refs` says, or the only snapshot there is.
fn commit(folder: &Path, repo: &RepoId, revision: &Revision) -> Result<String, PullError> {
    let snapshots = folder.join("snapshots");
    let mut found: Vec<String> = std::fs::read_dir(&snapshots)
        .map_err(PullError::io(&snapshots))?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_commit(name))
        .collect();
    found.sort();
    let named = std::fs::read_to_string(folder.join("refs").join(revision.as_str())).ok();
    let wanted = named.as_deref().map_or(revision.as_str(), str::trim).to_owned();
    if found.contains(&wanted) {
        return Ok(wanted);
    }
    match found[..] {
        [ref only] if *revision == Revision::default() && named.is_none() => Ok(only.clone()),
        _ => Err(PullError::RevisionNotCached { repo: repo.to_string(), revision: wanted, found }),
    }
}

fn collect(folder: &Path, prefix: &mut String, depth: usize, names: &mut Vec<FileName>) -> Result<(), PullError> {
    for entry in std::fs::read_dir(folder).map_err(PullError::io(folder))? {
        let entry = entry.map_err(PullError::io(folder))?;
        let kind = entry.file_type().map_err(PullError::io(folder))?;
        let Ok(own) = entry.file_name().into_string() else { continue };
        let length = prefix.len();
        prefix.push_str(&own);
        if kind.is_dir() {
            if depth > 0 {
                prefix.push('/');
                collect(&entry.path(), prefix, depth - 1, names)?;
            }
        } else if let Ok(name) = FileName::parse(prefix)
            && names.len() < MAX_FILES
        {
            names.push(name);
        }
        prefix.truncate(length);
    }
    Ok(())
}

/// `license:` of the model card's front matter.
fn licence(snapshot: &Path) -> Option<String> {
    let path = snapshot.join("README.md");
    let size = path.metadata().ok()?.len();
    let text = (size <= MAX_README_BYTES).then(|| std::fs::read_to_string(&path).ok())??;
    let front = text.strip_prefix("---")?.split("\n---").next()?;
    let value = |key: &str| front.lines().find_map(|line| line.strip_prefix(key)).map(|value| value.trim().to_owned());
    value("license:").filter(|name| name != "other").or_else(|| value("license_name:")).filter(|name| !name.is_empty())
}
