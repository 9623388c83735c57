//! Reading the file: its manifest from the end, then its sections from the beginning, as often as need be.
//!
//! What is read is bounded by what the manifest says; a file that says something else at any place is refused.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek as _, SeekFrom, Take};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::cell::{Cell, Kind};
use super::file::{END_BYTES, MAGIC, tell};
use super::manifest::BackupManifest;
use super::{BackupError, Damage, Progress};
use crate::audit::Digest;
use crate::signing::PublicKeys;
use crate::signing::hex::hex;

const MAX_MANIFEST_BYTES: u64 = 1 << 20;
/// The greatest kept content as base64, and what stands beside it.
const MAX_LINE_BYTES: u64 = 400 << 20;
const BUFFER_BYTES: usize = 256 << 10;

/// A file whose manifest was read and is what was written.
#[derive(Debug)]
pub struct BackupFile {
    path: PathBuf,
    file: File,
    manifest: BackupManifest,
}

/// The body of a file, from its beginning on.
pub(super) struct Sections<'a> {
    body: BufReader<GzDecoder<BufReader<Hashed<'a>>>>,
    manifest: &'a BackupManifest,
    /// The place of the section that is being read.
    at: usize,
    rows: u64,
    hash: Sha256,
    kinds: Vec<Kind>,
    line: Vec<u8>,
}

struct Hashed<'a> {
    bytes: Take<&'a File>,
    hash: Sha256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) section: String,
    pub(super) columns: Vec<(String, Kind)>,
}

impl BackupFile {
    /// Reads the manifest. With `trusted` keys it must be signed with one of them.
    ///
    /// # Errors
    /// It cannot be read, is no backup, or was changed.
    pub fn open(path: &Path, trusted: Option<&PublicKeys>) -> Result<Self, BackupError> {
        let unusable = |source| BackupError::File { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unusable)?;
        let num_bytes = file.metadata().map_err(unusable)?.len();
        let manifest = read_manifest(&mut file, num_bytes, trusted);
        let manifest = manifest.map_err(|damage| BackupError::Damaged { path: path.to_owned(), damage })?;
        Ok(Self { path: path.to_owned(), file, manifest })
    }

    pub fn manifest(&self) -> &BackupManifest {
        &self.manifest
    }

    /// Reads all of it, and compares it with its manifest.
    ///
    /// # Errors
    /// It is not what was written.
    pub fn check(&self, progress: &mut Progress<'_>) -> Result<(), BackupError> {
        let read = || -> Result<(), Damage> {
            let mut sections = self.sections()?;
            while let Some(head) = sections.next_section()? {
                let mut rows = 0;
                while sections.next_row()?.is_some() {
                    rows += 1;
                    tell(&mut *progress, &head.section, rows);
                }
            }
            Ok(())
        };
        let mut read = read;
        read().map_err(|damage| self.damaged(damage))
    }

    pub(super) fn damaged(&self, damage: Damage) -> BackupError {
        BackupError::Damaged { path: self.path.clone(), damage }
    }

    pub(super) fn sections(&self) -> Result<Sections<'_>, Damage> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(MAGIC.len() as u64)).map_err(Damage::Unreadable)?;
        let hashed = Hashed { bytes: file.take(self.manifest.body_bytes), hash: Sha256::new() };
        let body = BufReader::with_capacity(BUFFER_BYTES, GzDecoder::new(BufReader::new(hashed)));
        Ok(Sections {
            body,
            manifest: &self.manifest,
            at: 0,
            rows: 0,
            hash: Sha256::new(),
            kinds: Vec::new(),
            line: Vec::new(),
        })
    }
}

fn read_manifest(file: &mut File, num_bytes: u64, trusted: Option<&PublicKeys>) -> Result<BackupManifest, Damage> {
    let mut magic = vec![0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == MAGIC => {}
        Ok(()) => return Err(Damage::NoBackup),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(Damage::NoBackup),
        Err(error) => return Err(Damage::Unreadable(error)),
    }
    let (magic_bytes, end_bytes) = (MAGIC.len() as u64, END_BYTES as u64);
    if num_bytes < magic_bytes + end_bytes {
        return Err(Damage::NoEnd);
    }
    let end = read_at(file, num_bytes - end_bytes, end_bytes)?;
    let (hash, rest) = end.split_at(64);
    let length = rest.strip_suffix("\n").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let length = length.and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or(Damage::NoEnd)?;
    let begin = (num_bytes - end_bytes).checked_sub(length).filter(|begin| *begin >= magic_bytes);
    let begin = begin.filter(|_| length <= MAX_MANIFEST_BYTES).ok_or(Damage::NoEnd)?;
    let line = read_at(file, begin, length).map_err(|_| Damage::Manifest)?;
    if hex(&Sha256::digest(line.as_bytes())) != hash {
        return Err(Damage::Manifest);
    }
    let manifest = BackupManifest::read(&line, trusted)?;
    if manifest.body_bytes == begin - magic_bytes { Ok(manifest) } else { Err(Damage::NoEnd) }
}

/// A part of the file that must be plain text.
fn read_at(file: &mut File, begin: u64, num_bytes: u64) -> Result<String, Damage> {
    file.seek(SeekFrom::Start(begin)).map_err(Damage::Unreadable)?;
    let mut text = Vec::new();
    file.take(num_bytes).read_to_end(&mut text).map_err(Damage::Unreadable)?;
    let text = String::from_utf8(text).map_err(|_| Damage::NoEnd)?;
    if text.len() as u64 == num_bytes && (num_bytes != END_BYTES as u64 || text.is_ascii()) {
        Ok(text)
    } else {
        Err(Damage::NoEnd)
    }
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl Sections<'_> {
    /// The next section; its rows must have been read before. `None` at the end, of which nothing is missing.
    pub(super) fn next_section(&mut self) -> Result<Option<Head>, Damage> {
        let Some(sum) = self.manifest.sections.get(self.at) else {
            self.expect_end()?;
            return Ok(None);
        };
        (self.rows, self.hash) = (0, Sha256::new());
        self.read_line()?;
        let changed = || Damage::Section { section: sum.name.clone() };
        let head: Head = serde_json::from_slice(&self.line).map_err(|_| changed())?;
        if head.section != sum.name {
            return Err(changed());
        }
        self.kinds = head.columns.iter().map(|(_, kind)| *kind).collect();
        Ok(Some(head))
    }

    /// The next row of the section; `None` at its end, of which nothing is missing.
    pub(super) fn next_row(&mut self) -> Result<Option<Vec<Cell>>, Damage> {
        let Some(sum) = self.manifest.sections.get(self.at) else { return Ok(None) };
        let changed = || Damage::Section { section: sum.name.clone() };
        if self.rows == sum.rows {
            let hash = std::mem::take(&mut self.hash).finalize();
            self.at += 1;
            return if Digest::from_bytes(hash.into()) == sum.sha256 { Ok(None) } else { Err(changed()) };
        }
        self.read_line()?;
        self.rows += 1;
        let values: Vec<Value> = serde_json::from_slice(&self.line).map_err(|_| changed())?;
        if values.len() != self.kinds.len() {
            return Err(changed());
        }
        let cells = values.into_iter().zip(&self.kinds).map(|(value, kind)| Cell::read(value, *kind));
        Ok(Some(cells.collect::<Option<Vec<_>>>().ok_or_else(changed)?))
    }

    fn read_line(&mut self) -> Result<(), Damage> {
        self.line.clear();
        let mut bounded = (&mut self.body).take(MAX_LINE_BYTES);
        // What cannot be decompressed is no failure of the disk.
        bounded.read_until(b'\n', &mut self.line).map_err(|_| Damage::Body)?;
        if self.line.last() != Some(&b'\n') {
            return Err(Damage::Body);
        }
        self.hash.update(&self.line);
        Ok(())
    }

    /// The body has nothing more, neither packed nor behind what is packed, and is what the manifest says.
    fn expect_end(&mut self) -> Result<(), Damage> {
        let mut rest = [0];
        if self.body.read(&mut rest).map_err(|_| Damage::Body)? > 0 {
            return Err(Damage::Body);
        }
        let packed = self.body.get_mut().get_mut();
        if packed.read(&mut rest).map_err(Damage::Unreadable)? > 0 {
            return Err(Damage::Body);
        }
        let hash = packed.get_ref().hash.clone().finalize();
        if Digest::from_bytes(hash.into()) == self.manifest.body_sha256 { Ok(()) } else { Err(Damage::Body) }
    }
}
