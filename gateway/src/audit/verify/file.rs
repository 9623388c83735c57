//! Verifies an export as it is read, line by line.

use std::io::{self, BufRead, Read as _};

use super::super::checkpoint::{CHECKPOINT_PREFIX, HEAD_PREFIX};
use super::super::entry::ENTRY_PREFIX;
use super::super::manifest::MANIFEST_PREFIX;
use super::super::seal::SEAL_PREFIX;
use super::super::{Checkpoint, Entry, HeadProof, LineError, Manifest, Seal};
use super::problem::{Place, Unreadable};
use super::report::Report;
use super::verifier::Verifier;
use crate::signing::PublicKeys;

/// A record is at most 1 MiB.
const MAX_LINE_BYTES: u64 = 2 << 20;
/// Some 330 bytes for each chain.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// Verifies an export of any length. Without keys to trust, those that the file brings are used, and the report says so.
///
/// # Errors
/// The file cannot be read. What is wrong with its content is in the report.
pub fn verify(mut reader: impl BufRead, trusted: Option<&PublicKeys>) -> io::Result<Report> {
    let mut verifier = Verifier::new(trusted.unwrap_or(&PublicKeys::default()));
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        number += 1;
        let max_bytes = if number == 1 { MAX_MANIFEST_BYTES } else { MAX_LINE_BYTES };
        let read = read_line(&mut reader, &mut line, max_bytes)?;
        verifier.set_line(number);
        let text = std::str::from_utf8(&line);
        if number == 1 && !text.is_ok_and(|text| text.starts_with(MANIFEST_PREFIX)) {
            verifier.push_unreadable(Unreadable::NoManifest, Place::default());
        }
        let unread = match (read, text) {
            (ReadLine::End, _) => return Ok(verifier.finish([])),
            (ReadLine::TooLong, _) => Unreadable::TooLong,
            (ReadLine::CutOff, _) => Unreadable::CutOff,
            (ReadLine::Whole, Err(_)) => Unreadable::Shape,
            (ReadLine::Whole, Ok(text)) => {
                verifier.push_line(text, Place::default());
                continue;
            }
        };
        verifier.push_unreadable(unread, Place::default());
    }
}

impl Verifier {
    /// Takes in a line of any kind; `place` is what is known of it otherwise, e.g. from its row in a store.
    pub fn push_line(&mut self, line: &str, place: Place) {
        if let Err(error) = self.push_read(line) {
            let reason = match error {
                LineError::Shape => Unreadable::Shape,
                LineError::NotCanonical => Unreadable::NotCanonical,
            };
            self.push_unreadable(reason, place);
        }
    }

    /// Which kind of line it is shows in the member that sorts first.
    fn push_read(&mut self, line: &str) -> Result<(), LineError> {
        if line.starts_with(ENTRY_PREFIX) {
            let (entry, computed) = Entry::read_with_hash(line)?;
            self.push_entry_with_hash(&entry, computed);
        } else if line.starts_with(HEAD_PREFIX) {
            self.push_head(&HeadProof::read(line)?);
        } else if line.starts_with(CHECKPOINT_PREFIX) {
            self.push_checkpoint(&Checkpoint::read(line)?);
        } else if line.starts_with(SEAL_PREFIX) {
            self.push_seal(&Seal::read(line)?);
        } else if line.starts_with(MANIFEST_PREFIX) {
            self.push_manifest(&Manifest::read(line)?);
        } else {
            return Err(LineError::Shape);
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadLine {
    Whole,
    TooLong,
    CutOff,
    End,
}

/// Reads one line without its line feed. Of a line that is too long nothing is kept.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>, max_bytes: u64) -> io::Result<ReadLine> {
    line.clear();
    if reader.take(max_bytes + 1).read_until(b'\n', line)? == 0 {
        return Ok(ReadLine::End);
    }
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        return Ok(ReadLine::Whole);
    }
    if line.len() as u64 <= max_bytes {
        return Ok(ReadLine::CutOff);
    }
    line.clear();
    line.shrink_to_fit();
    reader.skip_until(b'\n')?;
    Ok(ReadLine::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut reader = io::BufReader::with_capacity(3, &b"12345\n\n1234\n123456789\nab"[..]);
        let mut line = Vec::new();
        let mut lines = Vec::new();
        loop {
            let read = read_line(&mut reader, &mut line, 5).unwrap();
            if read == ReadLine::End {
                break;
            }
            lines.push((read, String::from_utf8(line.clone()).unwrap()));
        }
        let expected = [
            (ReadLine::Whole, "12345".to_owned()),
            (ReadLine::Whole, String::new()),
            (ReadLine::Whole, "1234".to_owned()),
            (ReadLine::TooLong, String::new()),
            (ReadLine::CutOff, "ab".to_owned()),
        ];
        assert_eq!(lines, expected);
    }
}
