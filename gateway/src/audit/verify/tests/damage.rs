//! Ways to tamper with the lines of an export.

use super::*;

/// What stands in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Manifest,
    Checkpoint(WriterId, u64),
    Seal(String, WriterId),
    Entry(String, WriterId, u64),
    Head(String, WriterId, u64),
}

pub(super) fn kind(line: &str) -> Kind {
    if let Ok(entry) = Entry::read(line) {
        Kind::Entry(entry.tenant, entry.writer, entry.sequence)
    } else if let Ok(head) = HeadProof::read(line) {
        Kind::Head(head.tenant, head.writer, head.sequence)
    } else if let Ok(checkpoint) = Checkpoint::read(line) {
        Kind::Checkpoint(checkpoint.writer, checkpoint.number)
    } else if let Ok(seal) = Seal::read(line) {
        Kind::Seal(seal.tenant, seal.writer)
    } else {
        Manifest::read(line).unwrap();
        Kind::Manifest
    }
}

/// Lines that have entries.
pub(super) fn entry_lines(lines: &[String]) -> Vec<usize> {
    (0..lines.len()).filter(|at| matches!(kind(&lines[*at]), Kind::Entry(..))).collect()
}

/// Changes an entry and makes its hash right.
pub(super) fn change_and_rehash(lines: &mut [String], at: usize) {
    let mut entry = Entry::read(&lines[at]).unwrap();
    forge(&mut entry);
    rehash(&mut entry);
    lines[at] = entry.line();
}

/// Changes an entry and makes everything behind it fit.
pub(super) fn change_and_relink(lines: &mut [String], at: usize) {
    change_and_rehash(lines, at);
    let mut before = Entry::read(&lines[at]).unwrap();
    for line in &mut lines[at + 1..] {
        let Ok(mut entry) = Entry::read(line) else { continue };
        if (&entry.tenant, entry.writer) == (&before.tenant, before.writer) {
            entry.previous = before.hash;
            rehash(&mut entry);
            *line = entry.line();
            before = entry;
        }
    }
}

/// Another entry of the same number, tied to the same one before.
pub(super) fn twin(line: &str) -> String {
    let mut entry = Entry::read(line).unwrap();
    forge(&mut entry);
    rehash(&mut entry);
    entry.line()
}
