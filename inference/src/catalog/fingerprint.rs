//! Which revision of a model lies in its folder, told from its files' names, sizes, times and inodes.
//!
//! Nothing is opened, so that looking again and again costs little; whatever could keep a reader waiting forever or
//! lead it elsewhere is found here: pipes, devices, links out of the folder, files larger than they can sensibly be.

use std::collections::hash_map::DefaultHasher;
use std::fs::Metadata;
use std::hash::{Hash, Hasher};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Entries of a folder that are looked at; no model has nearly as many.
const MAX_ENTRIES: usize = 10_000;
/// Endings of the files that make up a model. Others, like a README, are nobody's business.
const ENDINGS: [&str; 6] = ["safetensors", "gguf", "json", "jinja", "model", "txt"];
/// Of those, the ones that are read tensor by tensor, however large they are.
const WEIGHTS: [&str; 2] = ["safetensors", "gguf"];
/// Files that are read whole, and the most that they may have: a tokenizer takes many times its size in memory.
const LARGEST_TEXT_BYTES: [(&str, u64); 7] = [
    ("adapter_config.json", 1 << 20),
    ("config.json", 8 << 20),
    ("generation_config.json", 1 << 20),
    ("tokenizer_config.json", 32 << 20),
    ("chat_template.jinja", 4 << 20),
    ("model.safetensors.index.json", 64 << 20),
    ("tokenizer.json", 192 << 20),
];
/// Of any other text.
const LARGEST_OTHER_BYTES: u64 = 64 << 20;
/// Hugging Face's cache keeps files here, beside the folder of revisions that link to them.
const CACHE_BLOBS: &str = "blobs";
const CACHE_SNAPSHOTS: &str = "snapshots";

/// One file as far as it can be told from outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct FileIdentity {
    name: String,
    bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    device: u64,
    inode: u64,
}

/// A revision: equal ones have the same files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    files: Vec<FileIdentity>,
}

/// Why a folder cannot be looked at, or must not be read. Messages read after "failed to load …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableError {
    #[error("the folder is gone")]
    Gone,
    #[error("{} cannot be looked at: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("the folder has more than {MAX_ENTRIES} entries")]
    TooManyEntries,
    #[error("the name of an adapter must not contain ':'")]
    AdapterName,
    #[error("{name} is a link to nothing")]
    Dangling { name: String },
    #[error("{name} is neither a file nor a link to one")]
    NotAFile { name: String },
    #[error("{name} is a link that leads out of the folder")]
    LeadsOut { name: String },
    #[error("{name} has {found} bytes, more than the {most} that such a file may have")]
    TooLarge { name: String, found: u64, most: u64 },
}

impl Fingerprint {
    /// Looks at a model's folder, or at the one file that is a model.
    ///
    /// # Errors
    /// If it is gone, unreadable or holds what must not be read.
    pub fn of(path: &Path) -> Result<Self, UnusableError> {
        let unreadable = |error: &Error| at(path, error);
        let metadata = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
        let root = path.canonicalize().map_err(|error| unreadable(&error))?;
        if metadata.is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Ok(Self { files: with_other_parts(path, identity(name, &metadata))? });
        }
        let mut files = Vec::new();
        let entries = std::fs::read_dir(&root).map_err(|error| unreadable(&error))?;
        for (index, entry) in entries.enumerate() {
            if index >= MAX_ENTRIES {
                return Err(UnusableError::TooManyEntries);
            }
            let entry = entry.map_err(|error| unreadable(&error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if is_of_a_model(&name) {
                files.extend(look(&root, name)?);
            } else if is_module(&name) {
                for file in MODULE_FILES {
                    files.extend(look(&root, format!("{name}/{file}"))?);
                }
            }
        }
        files.sort_unstable();
        Ok(Self { files })
    }

    /// A short name of the revision.
    pub fn name(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.files.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// Bytes of a file of the folder, if it is there.
    pub fn file_bytes(&self, name: &str) -> Option<u64> {
        self.files.iter().find(|file| file.name == name).map(|file| file.bytes)
    }
}

/// A model in several numbered `.gguf` files is known by its first; the others are looked at as well.
fn with_other_parts(path: &Path, first: FileIdentity) -> Result<Vec<FileIdentity>, UnusableError> {
    const FIRST: &str = "-00001-of-";
    let numbered = first.name.strip_suffix(".gguf").and_then(|stem| stem.rsplit_once(FIRST));
    let Some((stem, count)) = numbered.map(|(stem, count)| (stem.to_owned(), count.to_owned())) else {
        return Ok(vec![first]);
    };
    let directory = path.parent().unwrap_or(Path::new(".")).canonicalize();
    let directory = directory.map_err(|error| at(path, &error))?;
    let total = count.parse().unwrap_or(0).min(MAX_ENTRIES);
    let mut files = vec![first];
    for part in 2..=total {
        files.extend(look(&directory, format!("{stem}-{part:05}-of-{count}.gguf"))?);
    }
    Ok(files)
}

/// Folders of sentence-transformers' modules, like `1_Pooling`, and what is read in them.
fn is_module(name: &str) -> bool {
    name.split_once('_').is_some_and(|(number, _)| {
        !number.is_empty() && number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

const MODULE_FILES: [&str; 2] = ["config.json", "model.safetensors"];

fn is_of_a_model(name: &str) -> bool {
    !name.starts_with('.') && ENDINGS.contains(&ending(name))
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// Whether a file is weights, told from its name.
pub(super) fn is_weights(name: &str) -> bool {
    WEIGHTS.contains(&ending(name))
}

/// `None` for a file that has gone since the folder was listed.
fn look(root: &Path, name: String) -> Result<Option<FileIdentity>, UnusableError> {
    let path = root.join(&name);
    let link = match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        link => link.map_err(|error| at(&path, &error))?,
    };
    if link.file_type().is_symlink() {
        let target = match path.canonicalize() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(UnusableError::Dangling { name }),
            target => target.map_err(|error| at(&path, &error))?,
        };
        if !may_lead_to(root, &target) {
            return Err(UnusableError::LeadsOut { name });
        }
    }
    let metadata = match std::fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(|error| at(&path, &error))?,
    };
    // A folder called like a file is found by whoever wants to read it; it holds nobody up.
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(UnusableError::NotAFile { name });
    }
    let most = largest_bytes(&name);
    if metadata.is_file() && metadata.len() > most {
        return Err(UnusableError::TooLarge { name, found: metadata.len(), most });
    }
    Ok(Some(identity(name, &metadata)))
}

fn largest_bytes(name: &str) -> u64 {
    if is_weights(name) {
        return u64::MAX;
    }
    let named = LARGEST_TEXT_BYTES.iter().find(|(known, _)| *known == name);
    named.map_or(LARGEST_OTHER_BYTES, |(_, most)| *most)
}

/// Within the folder, or where Hugging Face's cache keeps the files of its revisions.
fn may_lead_to(root: &Path, target: &Path) -> bool {
    if target.starts_with(root) {
        return true;
    }
    let snapshots = root.parent().filter(|parent| parent.ends_with(CACHE_SNAPSHOTS));
    let repository = snapshots.and_then(Path::parent);
    repository.is_some_and(|repository| target.starts_with(repository.join(CACHE_BLOBS)))
}

fn identity(name: String, metadata: &Metadata) -> FileIdentity {
    FileIdentity {
        name,
        bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

fn at(path: &Path, error: &Error) -> UnusableError {
    match error.kind() {
        ErrorKind::NotFound => UnusableError::Gone,
        _ => UnusableError::Unreadable { path: path.to_owned(), reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_revision_is_its_files() {
        let directory = tempfile::tempdir().expect("temporary folder");
        let root = directory.path().join("x");
        std::fs::create_dir(&root).expect("create");
        let write = |name: &str, text: &str| std::fs::write(root.join(name), text).expect("write");
        write("config.json", "{}");
        let first = Fingerprint::of(&root).expect("a folder");
        write("README.md", "not of the model");
        write(".config.json.part", "hidden");
        assert_eq!(Fingerprint::of(&root).expect("a folder"), first);
        write("config.json", "{ }");
        let second = Fingerprint::of(&root).expect("a folder");
        assert_ne!(second, first);
        assert_ne!(second.name(), first.name());
        assert_eq!(second.file_bytes("config.json"), Some(3));
        // The same bytes under another inode are another revision.
        std::fs::copy(root.join("config.json"), root.join("new")).expect("copy");
        std::fs::rename(root.join("new"), root.join("config.json")).expect("rename");
        assert_ne!(Fingerprint::of(&root).expect("a folder"), second);
        assert_eq!(Fingerprint::of(&root.join("gone")), Err(UnusableError::Gone));
    }

    #[test]
    fn links_stay_within_the_folder_or_the_cache_that_it_belongs_to() {
        let directory = tempfile::tempdir().expect("temporary folder");
        let root = directory.path().join("snapshots/abc");
        for folder in [&root, &directory.path().join("blobs"), &directory.path().join("other")] {
            std::fs::create_dir_all(folder).expect("create");
        }
        for name in ["blobs/1", "other/1", "snapshots/abc/real.json"] {
            std::fs::write(directory.path().join(name), "{}").expect("write");
        }
        let link = |target: &str| {
            let _ = std::fs::remove_file(root.join("a.json"));
            symlink(target, root.join("a.json")).expect("link");
            Fingerprint::of(&root).map(|_| ())
        };
        assert_eq!(link("real.json"), Ok(()));
        assert_eq!(link("../../blobs/1"), Ok(()));
        let name = "a.json".to_owned();
        assert_eq!(link("../../other/1"), Err(UnusableError::LeadsOut { name: name.clone() }));
        assert_eq!(link("/dev/zero"), Err(UnusableError::LeadsOut { name }));
        assert!(matches!(link("a.json"), Err(UnusableError::Unreadable { .. })));
        assert_eq!(link("nowhere.json"), Err(UnusableError::Dangling { name: "a.json".to_owned() }));
    }
}
