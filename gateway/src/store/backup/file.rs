//! Writing the file: sections one after the other, then the manifest, then the end.
//!
//! It is written beside its place and moved there when it is whole and durable, so that whoever looks finds all of it or
//! what was there before.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::cell::{Cell, Kind};
use super::manifest::{BackupManifest, SectionSum};
use super::{BackupError, TELL_EVERY};
use crate::audit::Digest;
use crate::signing::hex::hex;

pub(super) const MAGIC: &[u8] = b"shekara backup 1\n";
/// Hash and length of the manifest, a line feed.
pub(super) const END_BYTES: usize = 64 + 16 + 1;
const BUFFER_BYTES: usize = 256 << 10;
/// What is in it is the operator's alone.
const MODE: u32 = 0o600;

#[derive(Debug)]
pub(super) struct BackupWriter {
    path: PathBuf,
    beside: Beside,
    out: GzEncoder<Counted>,
    section: Option<Section>,
    done: Vec<SectionSum>,
}

/// The file until it is whole: gone if it never is.
#[derive(Debug)]
struct Beside(PathBuf);

/// Bytes on their way to the file, counted and hashed.
#[derive(Debug)]
struct Counted {
    file: BufWriter<File>,
    num_bytes: u64,
    hash: Sha256,
}

#[derive(Debug)]
struct Section {
    name: String,
    rows: u64,
    hash: Sha256,
}

/// The first line of a section.
pub(super) fn section_line(name: &str, columns: &[(&str, Kind)]) -> String {
    json!({ "section": name, "columns": columns }).to_string()
}

/// A row as a line; `None` if it has a number that is none.
pub(super) fn row_line(cells: &[Cell]) -> Option<String> {
    let values: Option<Vec<_>> = cells.iter().map(Cell::json).collect();
    Some(serde_json::Value::from(values?).to_string())
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It was moved away, or is of no use to anybody.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.num_bytes += written as u64;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl BackupWriter {
    /// # Errors
    /// The file cannot be made, or what is there is no backup.
    pub(super) fn begin(path: &Path) -> Result<Self, BackupError> {
        refuse_others(path)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let beside = path.with_file_name(name);
        let unusable = |source| BackupError::File { path: beside.clone(), source };
        match std::fs::remove_file(&beside) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(unusable(source)),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&beside).map_err(unusable)?;
        let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
        file.write_all(MAGIC).map_err(unusable)?;
        let counted = Counted { file, num_bytes: 0, hash: Sha256::new() };
        let out = GzEncoder::new(counted, Compression::fast());
        Ok(Self { path: path.to_owned(), beside: Beside(beside), out, section: None, done: Vec::new() })
    }

    pub(super) fn begin_section(&mut self, name: &str, columns: &[(&str, Kind)]) -> Result<(), BackupError> {
        self.end_section();
        self.section = Some(Section { name: name.to_owned(), rows: 0, hash: Sha256::new() });
        self.push_line(&section_line(name, columns))
    }

    /// Gives the number of rows that the section has now.
    pub(super) fn push_row(&mut self, line: &str) -> Result<u64, BackupError> {
        self.push_line(line)?;
        let Some(section) = &mut self.section else { return Ok(0) };
        section.rows += 1;
        Ok(section.rows)
    }

    fn push_line(&mut self, line: &str) -> Result<(), BackupError> {
        if let Some(section) = &mut self.section {
            section.hash.update(line.as_bytes());
            section.hash.update(b"\n");
        }
        let written = self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|source| BackupError::File { path: self.beside.0.clone(), source })
    }

    fn end_section(&mut self) {
        let Some(Section { name, rows, hash }) = self.section.take() else { return };
        self.done.push(SectionSum { name, rows, sha256: Digest::from_bytes(hash.finalize().into()) });
    }

    /// Ends the file with the manifest that `complete` makes of the body's length, its hash and its sections.
    pub(super) fn finish(
        mut self,
        complete: impl FnOnce(u64, Digest, Vec<SectionSum>) -> Result<BackupManifest, BackupError>,
    ) -> Result<BackupManifest, BackupError> {
        self.end_section();
        let Self { path, beside, out, done, .. } = self;
        let unusable = |source| BackupError::File { path: beside.0.clone(), source };
        let Counted { mut file, num_bytes, hash } = out.finish().map_err(unusable)?;
        let manifest = complete(num_bytes, Digest::from_bytes(hash.finalize().into()), done)?;
        let line = manifest.line()?;
        let end = format!("{}{:016x}\n", hex(&Sha256::digest(line.as_bytes())), line.len());
        file.write_all(line.as_bytes()).and_then(|()| file.write_all(end.as_bytes())).map_err(unusable)?;
        let file = file.into_inner().map_err(|error| unusable(error.into_error()))?;
        file.sync_all().map_err(unusable)?;
        std::fs::rename(&beside.0, &path).map_err(unusable)?;
        sync_folder(&path)?;
        Ok(manifest)
    }
}

/// A word of progress now and then.
pub(super) fn tell(progress: &mut super::Progress<'_>, section: &str, rows: u64) {
    if rows.is_multiple_of(TELL_EVERY) && rows > 0 {
        progress(section, rows);
    }
}

/// Makes a new name in a folder survive a loss of power.
pub(super) fn sync_folder(path: &Path) -> Result<(), BackupError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| BackupError::File { path: folder.to_owned(), source })
}

/// Another backup may be written over, nothing else.
fn refuse_others(path: &Path) -> Result<(), BackupError> {
    let unusable = |source| BackupError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(unusable(source)),
    };
    let mut begin = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut begin).map_err(unusable)?;
    if begin == MAGIC { Ok(()) } else { Err(BackupError::NotOurs { path: path.to_owned() }) }
}
