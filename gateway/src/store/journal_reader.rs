//! Reading the journal from a position on. A torn tail ends the reading; it may be a record that is being written.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::JournalError;
use super::journal::{MAX_RECORD_BYTES, keep_damaged, segment_path, segments};

pub(super) const FRAME_HEADER_BYTES: usize = 8;

/// A place between two records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub segment: u64,
    /// Bytes from the segment's start.
    pub offset: u64,
}

/// Iterates over records behind a position.
#[derive(Debug)]
pub struct JournalReader {
    folder: PathBuf,
    position: Position,
    open: Option<(u64, BufReader<File>)>,
    /// A segment behind which another was seen: nothing more is written to it.
    sealed: Option<u64>,
}

impl JournalReader {
    pub fn new(folder: &Path, from: Position) -> Self {
        Self { folder: folder.to_owned(), position: from, open: None, sealed: None }
    }

    /// The place behind the last record that was returned.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Goes on behind records that are known without reading them.
    pub(super) fn skip_to(&mut self, position: Position) {
        *self = Self::new(&self.folder, position);
    }

    /// The next whole record, or `None` at the end of what is written.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn next_record(&mut self) -> Result<Option<Vec<u8>>, JournalError> {
        loop {
            if !self.ensure_open()? {
                return Ok(None);
            }
            let Some((segment, reader)) = self.open.as_mut() else { return Ok(None) };
            let segment = *segment;
            let record = read_frame(reader)
                .map_err(|source| JournalError::Io { path: segment_path(&self.folder, segment), source })?;
            match record {
                Frame::Record(payload) => {
                    self.position.offset += (FRAME_HEADER_BYTES + payload.len()) as u64;
                    return Ok(Some(payload));
                }
                Frame::Damaged => {
                    let path = segment_path(&self.folder, segment);
                    keep_damaged(&path).map_err(|source| JournalError::Io { path, source })?;
                }
                Frame::End => {}
            }
            self.open = None;
            let Some(next) = segments(&self.folder)?.into_iter().find(|&next| next > segment) else {
                return Ok(None);
            };
            // Between our look and the next segment's beginning more may have come: a segment is left only when it was
            // read to its end after it was seen to be sealed.
            if self.sealed == Some(segment) {
                self.position = Position { segment: next, offset: 0 };
            } else {
                self.sealed = Some(segment);
            }
        }
    }

    fn ensure_open(&mut self) -> Result<bool, JournalError> {
        if self.open.is_some() {
            return Ok(true);
        }
        let Some(segment) = segments(&self.folder)?.into_iter().find(|&found| found >= self.position.segment) else {
            return Ok(false);
        };
        if segment > self.position.segment {
            self.position = Position { segment, offset: 0 };
        }
        let path = segment_path(&self.folder, segment);
        let opened = File::open(&path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.position.offset))?;
            Ok(file)
        });
        let file = opened.map_err(|source| JournalError::Io { path, source })?;
        self.open = Some((segment, BufReader::new(file)));
        Ok(true)
    }
}

/// How much of a segment can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Intact {
    /// Bytes of whole records at its start.
    pub(super) length: u64,
    /// What follows them is more than a record that was cut short.
    pub(super) is_damaged: bool,
}

pub(super) fn intact(file: &mut File) -> std::io::Result<Intact> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let mut length = 0;
    loop {
        match read_frame(&mut reader)? {
            Frame::Record(payload) => length += (FRAME_HEADER_BYTES + payload.len()) as u64,
            Frame::End => return Ok(Intact { length, is_damaged: false }),
            Frame::Damaged => return Ok(Intact { length, is_damaged: true }),
        }
    }
}

pub(super) enum Frame {
    Record(Vec<u8>),
    /// Nothing more, or a record that was cut short.
    End,
    /// A frame that is whole and wrong.
    Damaged,
}

pub(super) fn read_frame(reader: &mut impl Read) -> std::io::Result<Frame> {
    let mut header = [0; FRAME_HEADER_BYTES];
    if !read_whole(reader, &mut header)? {
        return Ok(Frame::End);
    }
    let [l0, l1, l2, l3, c0, c1, c2, c3] = header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    // No record is empty: a stretch of zeros is what a lost page leaves.
    if length == 0 || length > MAX_RECORD_BYTES {
        return Ok(Frame::Damaged);
    }
    let mut payload = vec![0; length];
    if !read_whole(reader, &mut payload)? {
        return Ok(Frame::End);
    }
    let is_right = crc32fast::hash(&payload) == u32::from_le_bytes([c0, c1, c2, c3]);
    Ok(if is_right { Frame::Record(payload) } else { Frame::Damaged })
}

fn read_whole(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Journal;
    use super::*;

    fn read_all(folder: &Path, from: Position) -> (Vec<Vec<u8>>, Position) {
        let mut reader = JournalReader::new(folder, from);
        let mut records = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            records.push(record);
        }
        (records, reader.position())
    }

    fn open(folder: &Path) -> Journal {
        Journal::open(folder, Position::default()).unwrap()
    }

    #[test]
    fn records_come_back_in_order_over_segments_and_from_any_position() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open_with(folder.path(), Position::default(), 100).unwrap();
        let written: Vec<Vec<u8>> = (0..50).map(|i| format!("record {i}").into_bytes()).collect();
        for record in &written {
            journal.append(record).unwrap();
        }
        let (all, _) = read_all(folder.path(), Position::default());
        assert_eq!(all, written);
        let mut reader = JournalReader::new(folder.path(), Position::default());
        for _ in 0..20 {
            reader.next_record().unwrap();
        }
        let middle = reader.position();
        assert_eq!(read_all(folder.path(), middle).0, written[20..]);
        journal.prune_before(middle.segment).unwrap();
        assert_eq!(read_all(folder.path(), middle).0, written[20..]);
    }

    proptest! {
        #[test]
        fn a_torn_tail_loses_only_the_torn_record(cut in 1_u64..40, more in 0_usize..3) {
            let folder = tempfile::tempdir().unwrap();
            let journal = open(folder.path());
            for i in 0..5 {
                journal.append(format!("record {i} with some length to it").as_bytes()).unwrap();
            }
            drop(journal);
            let path = folder.path().join("0000000001.journal");
            let length = std::fs::metadata(&path).unwrap().len();
            std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - cut).unwrap();
            let journal = open(folder.path());
            for _ in 0..more {
                journal.append(b"later").unwrap();
            }
            prop_assert_eq!(read_all(folder.path(), Position::default()).0.len(), 4 + more);
        }
    }

    #[test]
    fn a_damaged_segment_is_kept_and_nothing_new_is_hidden_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(folder.path());
        for record in [b"first", b"other", b"third"] {
            journal.append(record).unwrap();
        }
        drop(journal);
        let projected = read_all(folder.path(), Position::default()).1;
        let path = folder.path().join("0000000001.journal");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        for from in [Position::default(), projected] {
            let journal = Journal::open(folder.path(), from).unwrap();
            journal.append(b"later").unwrap();
            let records = read_all(folder.path(), from).0;
            assert_eq!(records.last().map(Vec::as_slice), Some(b"later".as_slice()), "{from:?}");
        }
        assert_eq!(std::fs::read(folder.path().join("0000000001.journal.damaged")).unwrap(), bytes);
    }

    #[test]
    fn a_sealed_segment_that_is_damaged_is_kept_too() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open_with(folder.path(), Position::default(), 20).unwrap();
        for record in [b"first", b"other", b"third", b"forth", b"fifth"] {
            journal.append(record).unwrap();
        }
        let path = folder.path().join("0000000001.journal");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let (records, upto) = read_all(folder.path(), Position::default());
        assert_eq!((records.first().map(Vec::as_slice), records.len()), (Some(b"first".as_slice()), 4));
        journal.prune_before(upto.segment).unwrap();
        assert_eq!(std::fs::read(folder.path().join("0000000001.journal.damaged")).unwrap(), bytes);
    }

    #[test]
    fn a_journal_that_is_moved_away_while_it_is_written_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("journal");
        let journal = open(&place);
        journal.append(b"first").unwrap();
        let upto = read_all(&place, Position::default()).1;
        std::fs::rename(&place, folder.path().join("elsewhere")).unwrap();
        journal.append(b"later").unwrap();
        assert_eq!(read_all(&place, upto).0, [b"later".to_vec()]);
    }

    #[test]
    fn a_reader_beside_a_writer_that_changes_segments_misses_nothing() {
        const RECORDS: u32 = 20_000;
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open_with(folder.path(), Position::default(), 30).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..RECORDS {
                    journal.append(&number.to_le_bytes()).unwrap();
                }
            });
            let mut reader = JournalReader::new(folder.path(), Position::default());
            for expected in 0..RECORDS {
                let record = loop {
                    match reader.next_record().unwrap() {
                        Some(record) => break record,
                        None => std::thread::yield_now(),
                    }
                };
                assert_eq!(record, expected.to_le_bytes());
                if expected % 64 == 0 {
                    journal.prune_before(reader.position().segment).unwrap();
                }
            }
        });
    }

    #[test]
    fn a_database_without_its_journal_still_sees_what_comes() {
        let folder = tempfile::tempdir().unwrap();
        let ahead = Position { segment: 7, offset: 1_000 };
        let journal = Journal::open(folder.path(), ahead).unwrap();
        journal.append(b"later").unwrap();
        assert_eq!(read_all(folder.path(), ahead).0, [b"later".to_vec()]);
    }
}
