//! The text of documents that stand in a request: PDF, the XML formats of office suites, and files that are text anyway.
//!
//! What a file is its bytes decide, not what it is declared to be. A reading is [`Reading::Text`] only if every byte of the
//! file was accounted for: as text that was handed out, or as structure that holds none. Whatever else stands in it, and
//! whatever is unclear, makes it [`Reading::Partly`] or [`Reading::Unreadable`]; both count as sensitive. Work and memory
//! are a fixed multiple of the file's size; a panic in a library is caught.

mod extraction;
mod markup;
mod office;
mod office_xml;
mod pdf;
mod pdf_cmap;
mod pdf_content;
mod pdf_encoding;
mod pdf_file;
mod pdf_filter;
mod pdf_font;
mod pdf_glyphs;
mod pdf_layout;
mod pdf_object;
mod pdf_shapes;
mod pdf_strings;
mod plain;
mod spreadsheet;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::catch_unwind;

use extraction::Extraction;

/// A larger file is not read.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 16 << 20;
/// Programs look so far for the mark of a PDF.
const PDF_HEADER_WITHIN_BYTES: usize = 1_024;

/// What could be read of a document.
#[derive(PartialEq, Eq)]
pub(crate) enum Reading {
    /// All of it.
    Text(Vec<String>),
    /// This text; something else in it is an image, a font without a map to characters, an embedded file, or unclear.
    Partly(Vec<String>),
    /// Nothing.
    Unreadable,
}

/// The text stays out of logs.
impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(pieces) => f.debug_struct("Text").field("num_pieces", &pieces.len()).finish(),
            Self::Partly(pieces) => f.debug_struct("Partly").field("num_pieces", &pieces.len()).finish(),
            Self::Unreadable => f.write_str("Unreadable"),
        }
    }
}

/// Reads the text of a file. `media_type` and `file_name` are what the caller says about it: they can only make the
/// reading less complete.
pub(crate) fn read_document(media_type: Option<&str>, file_name: Option<&str>, bytes: &[u8]) -> Reading {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Reading::Unreadable;
    }
    catch_unwind(|| {
        let mut extraction = Extraction::for_document(bytes.len());
        match Format::of(bytes) {
            Format::Pdf => pdf::read(bytes, &mut extraction),
            Format::Archive => office::read(bytes, &mut extraction),
            Format::Other => plain::read(media_type, file_name, bytes, &mut extraction),
        }
        extraction.finish()
    })
    .unwrap_or(Reading::Unreadable)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Pdf,
    Archive,
    Other,
}

impl Format {
    fn of(bytes: &[u8]) -> Self {
        let head = bytes.get(..PDF_HEADER_WITHIN_BYTES).unwrap_or(bytes);
        let is_text = || std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
        match memchr::memmem::find(head, b"%PDF-") {
            Some(0) => Self::Pdf,
            Some(_) if !is_text() => Self::Pdf,
            _ if bytes.starts_with(b"PK") => Self::Archive,
            _ => Self::Other,
        }
    }
}
