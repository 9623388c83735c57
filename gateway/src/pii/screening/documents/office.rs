//! The XML formats of office suites (ISO/IEC 29500 and its open sister): an archive whose parts are XML. Every part that is
//! XML is read, whatever it is for; any other part is an image, an embedded file or a program.

use std::io::Cursor;

use zip::ZipArchive;

use super::extraction::Extraction;
use super::office_xml::{self, Part};
use super::spreadsheet::{self, Workbook};

const MAX_PARTS: usize = 2_000;
/// What may stand behind a part's data: its check sum and sizes, with their mark.
const MAX_DESCRIPTOR_BYTES: u64 = 24;
/// The record that ends an archive, without its comment.
const END_RECORD_BYTES: usize = 22;
/// Parts with strokes of a pen.
const DRAWN_PARTS: [&str; 2] = ["/ink/", "/ink"];

/// Reads every part of the archive.
pub(super) fn read(bytes: &[u8], extraction: &mut Extraction) {
    if read_archive(bytes, extraction).is_none() {
        extraction.note_unread();
    }
}

fn read_archive(bytes: &[u8], extraction: &mut Extraction) -> Option<()> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    (archive.len() <= MAX_PARTS && archive.offset() == 0).then_some(())?;
    if !is_covered(&mut archive)? || !ends_with_directory(bytes, archive.comment()) {
        extraction.note_unread();
    }
    extraction.push(String::from_utf8_lossy(archive.comment()).into_owned());
    let names: Vec<_> = archive.file_names_raw().map(String::from_utf8_lossy).collect();
    extraction.push(names.join("\n"));
    let mut texts = Vec::new();
    for index in 0..archive.len() {
        match read_part(&mut archive, index, extraction) {
            Some(PartRead::Xml(name, text)) => texts.push((name, text)),
            Some(PartRead::Nothing) => {}
            None => extraction.note_unread(),
        }
    }
    let workbook = Workbook::of(&texts, extraction);
    for (name, text) in &texts {
        let part = Part::of(name);
        if part == Part::Sheet {
            spreadsheet::read(text, &workbook, extraction);
        }
        office_xml::read(text, part, extraction);
    }
    Some(())
}

enum PartRead {
    /// Its name and its text.
    Xml(String, String),
    /// A folder, or what was handed out already.
    Nothing,
}

/// `None` for what cannot be read.
fn read_part(archive: &mut ZipArchive<Cursor<&[u8]>>, index: usize, extraction: &mut Extraction) -> Option<PartRead> {
    let mut part = archive.by_index(index).ok()?;
    let name = String::from_utf8(part.name_raw().to_vec()).ok()?;
    extraction.push(part.comment().to_owned());
    if part.is_dir() && part.size() == 0 {
        return Some(PartRead::Nothing);
    }
    let is_drawn = DRAWN_PARTS.iter().any(|drawn| name.contains(drawn));
    let is_xml = [".xml", ".rels", ".vml"].iter().any(|end| name.ends_with(end)) || name == "mimetype";
    let bytes = (is_xml && !is_drawn).then(|| extraction.read_all(&mut part))??;
    let text = String::from_utf8(bytes).ok()?;
    if name == "mimetype" {
        extraction.push(text);
        return Some(PartRead::Nothing);
    }
    Some(PartRead::Xml(name, text))
}

/// Whether nothing stands behind the directory and the archive's comment.
fn ends_with_directory(bytes: &[u8], comment: &[u8]) -> bool {
    let end = bytes.len().checked_sub(END_RECORD_BYTES + comment.len()).and_then(|at| bytes.get(at..));
    end.is_some_and(|end| end.starts_with(b"PK\x05\x06"))
}

/// Whether the parts fill the archive up to its directory: nothing stands between them.
fn is_covered(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Option<bool> {
    let directory = archive.central_directory_start();
    let mut places = Vec::new();
    for index in 0..archive.len() {
        let part = archive.by_index_raw(index).ok()?;
        let end = part.data_start()?.checked_add(part.compressed_size())?;
        places.push((part.header_start(), end));
    }
    places.push((directory, directory));
    places.sort_unstable();
    let mut covered = 0;
    for (place, (start, end)) in places.into_iter().enumerate() {
        let gap = start.checked_sub(covered);
        let allowed = if place == 0 { 0 } else { MAX_DESCRIPTOR_BYTES };
        if gap.is_none_or(|gap| gap > allowed) {
            return Some(false);
        }
        covered = end;
    }
    Some(!archive.has_duplicate_names())
}
