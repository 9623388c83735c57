//! Why a model was not brought in.

use std::path::PathBuf;

use super::{ClientError, ManifestError, NameError};

/// Messages read after "failed to pull …".
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(
        "given up after {tries} tries without a new byte; what is there is kept, and pulling again goes on from it"
    )]
    GivenUp { tries: u32, source: ClientError },
    #[error("there are no safetensors and no .gguf in it")]
    NoWeights,
    #[error("there is no .gguf in it")]
    NoGguf,
    #[error("no .gguf fits {pattern:?}; there are {}", files.join(", "))]
    NoSuchFile { pattern: String, files: Vec<String> },
    #[error("which .gguf? Choose one with --file: {}", files.join(", "))]
    SeveralFiles { files: Vec<String> },
    #[error("{name} is one of several parts of a file, which are not served; choose another with --file")]
    SplitFile { name: String },
    #[error("model.safetensors.index.json: {reason}")]
    BadIndex { reason: String },
    #[error("neither the listing nor the file's address says how large {name} is")]
    NoSize { name: String },
    #[error("{} bytes are more than a model has", bytes)]
    TooLarge { bytes: u64 },
    #[error("the disk of {} is too small: {needed} bytes are needed, {free} are free", path.display())]
    TooLittleSpace { path: PathBuf, needed: u64, free: u64 },
    #[error("the disk of {} is full: {needed} bytes are needed; nothing was left behind", path.display())]
    DiskFull { path: PathBuf, needed: u64 },
    #[error("{file}: checksum {found} where {expected} is announced; it was thrown away")]
    WrongChecksum { file: String, expected: String, found: String },
    #[error("{file}: more bytes than the {size} announced")]
    TooLong { file: String, size: u64 },
    #[error("{file}: {found} bytes where the cache should have {expected}")]
    WrongSize { file: String, expected: u64, found: u64 },
    #[error("another pull of {id} is running")]
    Running { id: String },
    #[error("{} is there already and was not pulled; remove it, or choose another name with --id", path.display())]
    Occupied { path: PathBuf },
    #[error("{} is there already, from {source_name}; choose another name with --id", path.display())]
    OtherSource { path: PathBuf, source_name: String },
    #[error("{} cannot be used", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{} is a link where a folder or a file of this directory should be", path.display())]
    Link { path: PathBuf },
    #[error("the cache {} has no {repo}", path.display())]
    NotCached { path: PathBuf, repo: String },
    #[error("the cache has {repo} but not its revision {revision}; there are {}", found.join(", "))]
    RevisionNotCached { repo: String, revision: String, found: Vec<String> },
    #[error("{file} in the cache leads out of it")]
    OutsideCache { file: String },
}

impl PullError {
    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }
}
