//! The journal: records appended to segment files, each framed by its length and CRC-32.
//!
//! A record is one `write`, so a killed process leaves either the whole record or a torn tail that the next start cuts
//! off; what was written survives the process. [`Journal::sync`] is called by the projector, so that what it has taken
//! over also survives the machine.
//!
//! New records never go where readers have been: if the database stands further than the files do (damage, or a database
//! brought back without its journal), a new segment begins behind both. A damaged segment is kept beside the journal.
//!
//! Frame: `length: u32 LE`, `crc32(payload): u32 LE`, payload.

use std::collections::BTreeMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::journal_reader::{FRAME_HEADER_BYTES, Intact, intact};
use super::recent::Recent;
use super::{Position, Projected, StoreError};
use crate::audit::NotCanonical;

/// A record above this is refused: audit records are a few hundred bytes.
pub(super) const MAX_RECORD_BYTES: usize = 1 << 20;
const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;
/// For a reader that is behind: 1 GiB.
const MAX_HELD_SEGMENTS: u64 = 16;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("failed to write the journal {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("failed to write the journal: a record of {bytes} bytes is above the bound")]
    TooLarge { bytes: usize },
    #[error("failed to write the journal: an earlier write left it unusable")]
    Broken,
    #[error("failed to write the journal: {source}")]
    NotCanonical {
        #[from]
        source: NotCanonical,
    },
}

#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    segment_bytes: u64,
    active: Mutex<Active>,
    /// What the database need not read back.
    recent: Mutex<Recent>,
    appended: Notify,
    unsynced: Notify,
    urgent: Notify,
    filling: Notify,
    /// The oldest segment that each reader beside the database still needs.
    held: Mutex<BTreeMap<&'static str, u64>>,
    /// How far the database is known to stand.
    projected: watch::Sender<Position>,
}

#[derive(Debug)]
struct Active {
    segment: u64,
    path: PathBuf,
    file: File,
    /// Device and number of the file.
    identity: (u64, u64),
    length: u64,
    /// A failed write could not be taken back: nothing may follow it.
    broken: bool,
    /// Bytes that were no torn tail had to be cut off; a copy of the file is kept.
    was_damaged: bool,
}

impl Journal {
    /// Opens the last segment, cutting off a torn tail, or begins a new one. `projected` is how far the database stands.
    ///
    /// # Errors
    /// The folder or segment cannot be used.
    pub fn open(folder: &Path, projected: Position) -> Result<Self, JournalError> {
        Self::open_with(folder, projected, DEFAULT_SEGMENT_BYTES)
    }

    pub(super) fn open_with(folder: &Path, projected: Position, segment_bytes: u64) -> Result<Self, JournalError> {
        std::fs::create_dir_all(folder).map_err(|source| JournalError::Io { path: folder.to_owned(), source })?;
        let last = segments(folder)?.last().copied().unwrap_or(1).max(projected.segment);
        let mut active = Active::open(folder, last)?;
        let behind = projected.segment == active.segment && projected.offset > active.length;
        if behind || active.was_damaged {
            tracing::error!(
                segment = active.segment,
                "the audit journal and its database disagree; a new segment begins"
            );
            active = Active::open(folder, last + 1)?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            segment_bytes,
            active: Mutex::new(active),
            recent: Mutex::default(),
            appended: Notify::new(),
            unsynced: Notify::new(),
            urgent: Notify::new(),
            filling: Notify::new(),
            held: Mutex::default(),
            projected: watch::Sender::new(projected),
        })
    }

    /// Appends one record with one `write`; gives the place behind it.
    ///
    /// # Errors
    /// The disk refused it; the journal is as before and the record does not count as kept.
    pub fn append(&self, payload: &[u8]) -> Result<Position, JournalError> {
        if payload.len() > MAX_RECORD_BYTES {
            return Err(JournalError::TooLarge { bytes: payload.len() });
        }
        let mut frame = Vec::with_capacity(FRAME_HEADER_BYTES + payload.len());
        frame.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        frame.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
        frame.extend_from_slice(payload);
        let mut active = self.active();
        if !active.is_in_place() {
            tracing::error!(path = %active.path.display(), "the audit journal was moved away; a new segment begins");
            std::fs::create_dir_all(&self.folder).map_err(|source| active.error(source))?;
            *active = Active::open(&self.folder, active.segment + 1)?;
        }
        if active.length >= self.segment_bytes {
            let next = Active::open(&self.folder, active.segment + 1)?;
            active.file.sync_data().map_err(|source| active.error(source))?;
            *active = next;
        }
        active.write(&frame)?;
        let end = active.end();
        drop(active);
        self.appended.notify_one();
        self.unsynced.notify_one();
        Ok(end)
    }

    /// What was just appended is kept for the database, if there is room. Its caller sees to the order.
    pub(super) fn remember(&self, end: Position, payload_bytes: usize, record: impl FnOnce() -> Projected) {
        let bytes = (FRAME_HEADER_BYTES + payload_bytes) as u64;
        if self.recent().push(end, bytes, record) {
            self.filling.notify_one();
        }
    }

    /// Records that follow a place and are still in memory, up to so many.
    pub(super) fn take_recent(&self, from: Position, most: usize) -> Option<(Vec<Projected>, Position)> {
        self.recent().take(from, most)
    }

    /// Where memory begins to have what is in the journal.
    pub(super) fn recent_begin(&self) -> Option<Position> {
        self.recent().begin()
    }

    /// Waits until much of what was appended since the last call is in memory.
    pub(super) async fn filling(&self) {
        self.filling.notified().await;
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place behind the last record.
    pub fn end(&self) -> Position {
        self.active().end()
    }

    /// Makes everything appended so far survive a loss of power.
    ///
    /// # Errors
    /// The disk refused.
    pub fn sync(&self) -> Result<(), JournalError> {
        let (file, path) = self.unsynced_file()?;
        file.sync_data().map_err(|source| JournalError::Io { path, source })
    }

    /// The same on a thread where a slow disk keeps no request waiting.
    ///
    /// # Errors
    /// As [`Self::sync`].
    pub(super) async fn sync_aside(&self) -> Result<(), StoreError> {
        let (file, path) = self.unsynced_file()?;
        let synced = tokio::task::spawn_blocking(move || file.sync_data()).await.map_err(|_| StoreError::Cancelled)?;
        Ok(synced.map_err(|source| JournalError::Io { path, source })?)
    }

    fn unsynced_file(&self) -> Result<(File, PathBuf), JournalError> {
        let active = self.active();
        Ok((active.file.try_clone().map_err(|source| active.error(source))?, active.path.clone()))
    }

    /// Waits until something was appended since the last call.
    pub async fn appended(&self) {
        self.appended.notified().await;
    }

    /// Waits until something was appended since the last call, for whoever makes it durable.
    pub(super) async fn unsynced(&self) {
        self.unsynced.notified().await;
    }

    /// Waits until somebody cannot wait for the database to follow in its own time.
    pub(super) async fn urgent(&self) {
        self.urgent.notified().await;
    }

    /// The database has everything up to here.
    pub(super) fn note_projected(&self, upto: Position) {
        self.projected.send_replace(upto);
    }

    /// Waits until the database has everything up to here; gives up never, so it wants a bound.
    pub async fn projected(&self, upto: Position) {
        let mut projected = self.projected.subscribe();
        if *projected.borrow_and_update() < upto {
            self.urgent.notify_one();
            // Its sender lives as long as this.
            let _ = projected.wait_for(|at| *at >= upto).await;
        }
    }

    /// Whether somebody waits for the database to follow.
    pub(super) fn is_waited_for(&self) -> bool {
        self.projected.receiver_count() > 0
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A reader beside the database needs everything from this segment on.
    pub fn hold(&self, reader: &'static str, segment: u64) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(reader, segment);
    }

    /// A reader is none any more.
    pub fn let_go(&self, reader: &'static str) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(reader);
    }

    /// Removes segments that lie wholly before `segment`, which the database has taken over, and that nobody holds.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn prune_before(&self, segment: u64) -> Result<(), JournalError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).values().min().copied();
        let longest = segment.saturating_sub(MAX_HELD_SEGMENTS);
        if held.is_some_and(|held| held < longest) {
            tracing::error!("a receiver of the audit is too far behind: what it has not got is in the database alone");
        }
        let first = held.map_or(segment, |held| held.clamp(longest, segment));
        for old in segments(&self.folder)?.into_iter().filter(|&old| old < first) {
            let path = segment_path(&self.folder, old);
            std::fs::remove_file(&path).map_err(|source| JournalError::Io { path, source })?;
        }
        Ok(())
    }

    fn active(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    fn open(folder: &Path, segment: u64) -> Result<Self, JournalError> {
        let path = segment_path(folder, segment);
        let io = |source| JournalError::Io { path: path.clone(), source };
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(io)?;
        let Intact { length, is_damaged } = intact(&mut file).map_err(io)?;
        if is_damaged {
            keep_damaged(&path).map_err(io)?;
        }
        file.set_len(length).map_err(io)?;
        file.seek(SeekFrom::Start(length)).map_err(io)?;
        let identity = identity(&file.metadata().map_err(io)?);
        Ok(Self { segment, path, file, identity, length, broken: false, was_damaged: is_damaged })
    }

    /// False when the file is no longer what its path leads to: what went into it then, nobody would find.
    fn is_in_place(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|named| identity(&named) == self.identity)
    }

    fn end(&self) -> Position {
        Position { segment: self.segment, offset: self.length }
    }

    fn write(&mut self, frame: &[u8]) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken);
        }
        if let Err(source) = self.file.write_all(frame) {
            // Half a frame would hide every later one from readers: take it back or stop.
            let restored = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
            self.broken = restored.is_err();
            return Err(self.error(source));
        }
        self.length += frame.len() as u64;
        Ok(())
    }

    fn error(&self, source: std::io::Error) -> JournalError {
        JournalError::Io { path: self.path.clone(), source }
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Copies a damaged segment aside, once, before anything cuts or prunes it.
pub(super) fn keep_damaged(path: &Path) -> std::io::Result<()> {
    let copy = path.with_extension("journal.damaged");
    if !copy.exists() {
        tracing::error!(copy = %copy.display(), "a segment of the audit journal is damaged; a copy is kept");
        std::fs::copy(path, &copy)?;
    }
    Ok(())
}

pub(super) fn segment_path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:010}.journal"))
}

/// Numbers of the segments in a folder, in order.
pub(super) fn segments(folder: &Path) -> Result<Vec<u64>, JournalError> {
    let io = |source| JournalError::Io { path: folder.to_owned(), source };
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_suffix(".journal")).and_then(|stem| stem.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}
