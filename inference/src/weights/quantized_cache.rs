//! Rounded weights on disk: a file for a model's revision and setting.
//!
//! Blocks one after the other as they were rounded, then an index of them as JSON, its length and
//! its checksum. A file is written under a temporary name, flushed and renamed, so that it is whole
//! or not there; whatever is wrong with it or with the disk costs a line in the log and the time to
//! round again, never a model.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::kernels::cpu::{BlockFormat, WeightDtype};

use super::{Quantization, RawTensor};

/// Counted up when what is written, or how it is rounded, changes.
const VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"shekaraq";
/// Length and checksum of the index, and the magic.
const TAIL_BYTES: u64 = 24;
/// Far above any real index.
const MAX_INDEX_BYTES: u64 = 64 << 20;
const ENDING: &str = "blocks";

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    shape: Vec<usize>,
    format: String,
    offset: u64,
    bytes: usize,
    checksum: u64,
}

/// By the tensors' names.
type Entries = HashMap<String, Entry>;

/// What has been written so far.
struct Writer {
    file: File,
    temporary: PathBuf,
    position: u64,
    entries: Entries,
}

enum State {
    Reading { file: File, entries: Entries },
    Writing(Mutex<Option<Writer>>),
}

/// The cache of one model.
pub struct QuantizedCache {
    path: PathBuf,
    /// What all files of this model and setting begin with.
    stem: String,
    state: State,
}

impl QuantizedCache {
    /// Opens the cache of a model's `revision` below `directory`, or begins a new one. What a revision is called must be
    /// another wherever its files are.
    pub fn open(directory: &Path, (id, revision): (&str, &str), quantization: Quantization) -> Self {
        let stem = format!("{id}.{}.", quantization.name());
        let mut hasher = DefaultHasher::new();
        (VERSION, revision).hash(&mut hasher);
        let path = directory.join(format!("{stem}{:016x}.{ENDING}", hasher.finish()));
        let state = match read_index(&path) {
            Ok(Some((file, entries))) => State::Reading { file, entries },
            Ok(None) => State::Writing(Mutex::new(begin(&path))),
            Err(reason) => {
                tracing::warn!(cache = %path.display(), reason, "quantised weights cannot be used; they are made anew");
                State::Writing(Mutex::new(begin(&path)))
            }
        };
        Self { path, stem, state }
    }

    /// A tensor that was stored, if it still is what it was.
    pub(super) fn load(&self, name: &str, shape: &[usize], format: BlockFormat) -> Option<RawTensor> {
        let State::Reading { file, entries } = &self.state else { return None };
        let entry = entries.get(name)?;
        let width = shape.last().copied().unwrap_or(1);
        let rows: usize = shape[..shape.len() - 1].iter().product();
        let same = entry.shape == shape && entry.format == format!("{format:?}");
        if !same || entry.bytes != rows * format.row_bytes(width) {
            return None;
        }
        let mut bytes = vec![0; entry.bytes];
        let read = file.read_exact_at(&mut bytes, entry.offset);
        if read.is_err() || checksum(&bytes) != entry.checksum {
            tracing::warn!(cache = %self.path.display(), tensor = name, "quantised weights are damaged; made anew");
            // The next start shall not find it.
            let _ = std::fs::remove_file(&self.path);
            return None;
        }
        Some(RawTensor { dtype: WeightDtype::Blocks(format), shape: shape.to_vec(), bytes })
    }

    /// Writes a tensor, as long as nothing has gone wrong.
    pub(super) fn store(&self, name: &str, tensor: &RawTensor, format: BlockFormat) {
        let State::Writing(writer) = &self.state else { return };
        let checksum = checksum(&tensor.bytes);
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = writer.as_mut() else { return };
        if let Err(error) = open.file.write_all(&tensor.bytes) {
            self.give_up(&error);
            *writer = None;
            return;
        }
        let (shape, format, bytes) = (tensor.shape.clone(), format!("{format:?}"), tensor.bytes.len());
        open.entries.insert(name.to_owned(), Entry { shape, format, offset: open.position, bytes, checksum });
        open.position += bytes as u64;
    }

    /// Puts what was written in its place, and removes what older revisions of the model left.
    pub(super) fn finish(self) {
        let State::Writing(writer) = &self.state else { return };
        let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(writer) = writer else { return };
        match writer.finish(&self.path) {
            Ok(()) => self.remove_others(),
            Err(error) => self.give_up(&error),
        }
    }

    fn give_up(&self, error: &std::io::Error) {
        tracing::warn!(cache = %self.path.display(), reason = %error, "quantised weights cannot be kept");
    }

    fn remove_others(&self) {
        let Some(entries) = self.path.parent().and_then(|directory| std::fs::read_dir(directory).ok()) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // What follows is the revision alone: another model's id may begin like this one's.
            let revision = name.strip_prefix(&self.stem).and_then(|rest| rest.strip_suffix(ENDING));
            if revision.is_some_and(|revision| revision.len() == 17) && path != self.path {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

impl Writer {
    fn finish(mut self, path: &Path) -> std::io::Result<()> {
        let index = serde_json::to_vec(&self.entries)?;
        self.file.write_all(&index)?;
        self.file.write_all(&(index.len() as u64).to_le_bytes())?;
        self.file.write_all(&checksum(&index).to_le_bytes())?;
        self.file.write_all(MAGIC)?;
        self.file.sync_all()?;
        std::fs::rename(&self.temporary, path)?;
        if let Some(directory) = path.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Writer {
    /// After the file was renamed there is nothing left to remove.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.temporary);
    }
}

fn begin(path: &Path) -> Option<Writer> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let create = || {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        File::create(&temporary)
    };
    match create() {
        Ok(file) => Some(Writer { file, temporary, position: 0, entries: HashMap::new() }),
        Err(error) => {
            tracing::warn!(cache = %path.display(), reason = %error, "quantised weights cannot be kept");
            None
        }
    }
}

/// The index of a file; none if there is no file.
fn read_index(path: &Path) -> Result<Option<(File, Entries)>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let text = |error: std::io::Error| error.to_string();
    let length = file.metadata().map_err(text)?.len();
    let damaged = || "it is damaged".to_owned();
    let end = length.checked_sub(TAIL_BYTES).ok_or_else(damaged)?;
    let mut tail = [0; TAIL_BYTES as usize];
    file.read_exact_at(&mut tail, end).map_err(text)?;
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| tail[at + byte]));
    let (index_bytes, expected) = (number(0), number(8));
    if tail[16..] != *MAGIC || index_bytes > MAX_INDEX_BYTES.min(end) {
        return Err(damaged());
    }
    let mut index = vec![0; index_bytes as usize];
    file.read_exact_at(&mut index, end - index_bytes).map_err(text)?;
    if checksum(&index) != expected {
        return Err(damaged());
    }
    let entries: Entries = serde_json::from_slice(&index).map_err(|error| error.to_string())?;
    let inside = |entry: &Entry| entry.offset.saturating_add(entry.bytes as u64) <= end - index_bytes;
    if entries.values().all(inside) { Ok(Some((file, entries))) } else { Err(damaged()) }
}

/// Not the same with every toolchain, which then rounds anew.
fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
#[path = "quantized_cache_tests.rs"]
mod tests;
