//! What of the journal the database had not got at the backup's moment, read beside a gateway that writes on and removes
//! what it has carried over.
//!
//! All segments are opened at once: an open file stays readable when its name is gone. A segment that was gone before is
//! told, and the backup takes a later moment.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::BackupError;
use crate::store::journal::{segment_path, segments};
use crate::store::journal_reader::{Frame, read_frame};
use crate::store::{Position, StoreError};

/// Of a database that was away for very long.
const MAX_SEGMENTS: usize = 512;

#[derive(Debug)]
pub(super) struct JournalRest {
    files: std::vec::IntoIter<(PathBuf, BufReader<File>)>,
    open: Option<(PathBuf, BufReader<File>)>,
    /// Segments that end with something else than a record.
    pub(super) num_damaged: u64,
}

/// What became of the segment in which the database stood.
#[derive(Debug)]
pub(super) enum Opened {
    Rest(JournalRest),
    /// It is gone: carried over meanwhile, or lost.
    Gone(JournalRest),
}

impl JournalRest {
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn open(folder: &Path, from: Position) -> Result<Opened, BackupError> {
        let nothing = || Self { files: Vec::new().into_iter(), open: None, num_damaged: 0 };
        if !folder.is_dir() {
            return Ok(Opened::Rest(nothing()));
        }
        let later: Vec<u64> = segments(folder)
            .map_err(StoreError::from)?
            .into_iter()
            .filter(|segment| *segment >= from.segment)
            .collect();
        if later.len() > MAX_SEGMENTS {
            let many =
                std::io::Error::other("it has more segments than can be open at once; let the gateway carry them over");
            return Err(BackupError::File { path: folder.to_owned(), source: many });
        }
        let is_there = from.offset == 0 || later.first() == Some(&from.segment);
        let mut files = Vec::new();
        for segment in later {
            let path = segment_path(folder, segment);
            let unusable = |source| BackupError::File { path: path.clone(), source };
            let mut file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Opened::Gone(nothing())),
                Err(source) => return Err(unusable(source)),
            };
            if segment == from.segment {
                file.seek(SeekFrom::Start(from.offset)).map_err(unusable)?;
            }
            files.push((path, BufReader::new(file)));
        }
        let rest = Self { files: files.into_iter(), open: None, num_damaged: 0 };
        Ok(if is_there { Opened::Rest(rest) } else { Opened::Gone(rest) })
    }

    /// The next whole record, or `None` at the end of what was written.
    pub(super) fn next_record(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        loop {
            if self.open.is_none() {
                self.open = self.files.next();
            }
            let Some((path, file)) = &mut self.open else { return Ok(None) };
            match read_frame(file).map_err(|source| BackupError::File { path: path.clone(), source })? {
                Frame::Record(payload) => return Ok(Some(payload)),
                Frame::Damaged => self.num_damaged += 1,
                Frame::End => {}
            }
            self.open = None;
        }
    }
}
