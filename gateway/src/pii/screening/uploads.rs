//! Files that came beside a body, in a form: no scan reads them, so what they are decides what may become of them.
//!
//! They belong to what was screened: whatever sends them takes them from there, and across the border only from what a
//! finished scan has cleared. Their names and types stand in the body and are scanned with it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// What a file is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadKind {
    /// Voices are personal: it stays, whatever its route says.
    Sound,
    /// It may leave like one in a chat request, where its route lets out what cannot be read.
    Picture,
}

/// A file that somebody uploaded.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    pub field: String,
    pub kind: UploadKind,
    pub bytes: Bytes,
}

/// Its bytes are the caller's own.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({} bytes)", self.bytes.len())
    }
}

/// The files of a form, in their order.
#[derive(Debug, Clone, Default)]
pub struct Uploads(Arc<[Upload]>);

impl Uploads {
    pub fn new(uploads: Vec<Upload>) -> Self {
        Self(uploads.into())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Upload> {
        self.0.iter()
    }

    /// The files of one field, in their order.
    pub fn of<'u>(&'u self, field: &'u str) -> impl Iterator<Item = &'u Upload> {
        self.0.iter().filter(move |upload| upload.field == field)
    }

    pub fn num_bytes(&self) -> usize {
        self.0.iter().map(|upload| upload.bytes.len()).sum()
    }

    /// Whether a route may let them out: pictures, and by their first bytes too, lest a text goes as one.
    pub(super) fn may_leave(&self) -> bool {
        self.0.iter().all(|upload| upload.kind == UploadKind::Picture && is_picture(&upload.bytes))
    }
}

/// Begins like PNG, JPEG, GIF or WebP.
fn is_picture(bytes: &[u8]) -> bool {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    is_webp
        || [&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"GIF87a", b"GIF89a"].iter().any(|mark| bytes.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uploads(kind: UploadKind, contents: &[&'static [u8]]) -> Uploads {
        let upload =
            |bytes: &&'static [u8]| Upload { field: "image[]".to_owned(), kind, bytes: Bytes::from_static(bytes) };
        Uploads::new(contents.iter().map(upload).collect())
    }

    #[test]
    fn only_what_is_a_picture_may_ever_leave() {
        let pictures: [&[u8]; 4] =
            [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\0", b"GIF89a\x01", b"RIFF\x04\0\0\0WEBPVP8 "];
        assert!(Uploads::default().may_leave() && uploads(UploadKind::Picture, &pictures).may_leave());
        assert!(!uploads(UploadKind::Sound, &pictures[..1]).may_leave());
        for other in
            [&b""[..], b"\x89PNG", b"RIFF\x04\0\0\0WAVE", b"%PDF-1.7", b"<svg/>", "ИИН 901123300258".as_bytes()]
        {
            assert!(!uploads(UploadKind::Picture, &[pictures[0], other]).may_leave(), "{other:?}");
        }
    }

    #[test]
    fn nothing_of_a_file_is_shown() {
        let uploads = uploads(UploadKind::Picture, &[b"secret", b"x"]);
        assert_eq!(format!("{uploads:?}"), "Uploads([Upload(6 bytes), Upload(1 bytes)])");
        assert_eq!((uploads.num_bytes(), uploads.of("image[]").count(), uploads.of("mask").count()), (7, 2, 0));
    }
}
