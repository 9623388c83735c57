//! Where downloads are written; a seam, so that a full disk can be tried without one.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// What a download asks of a disk.
pub trait Disk: Send + Sync {
    /// Bytes that may still be written beside `path`.
    ///
    /// # Errors
    /// If the system does not say.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;

    /// Writes at the file's end.
    ///
    /// # Errors
    /// If the disk is full or fails.
    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
}

/// The disk as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let space = rustix::fs::statvfs(path)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }
}

/// Whether an error means that there is no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}
