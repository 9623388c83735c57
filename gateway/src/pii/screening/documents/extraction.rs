//! What has been read of one document so far, and how much more may be: a small file cannot unfold into much text, nor
//! into much work.

use std::io::Read;

use super::Reading;

/// What any document may unfold into, and what more for each of its bytes.
const BASE_BYTES: usize = 256 << 10;
const BYTES_PER_BYTE: usize = 64;
const MAX_INFLATED_BYTES: usize = 48 << 20;
const MAX_TEXT_BYTES: usize = 8 << 20;
const BASE_STEPS: usize = 200_000;
const STEPS_PER_BYTE: usize = 32;
const MAX_STEPS: usize = 64_000_000;
const MAX_PIECES: usize = 50_000;
/// Bytes behind compressed data that end a line and nothing else.
const MAX_PADDING_BYTES: usize = 2;

/// The text of one document.
pub(super) struct Extraction {
    pieces: Vec<String>,
    has_unread: bool,
    inflate_left: usize,
    text_left: usize,
    steps_left: usize,
}

impl Extraction {
    pub(super) fn for_document(bytes: usize) -> Self {
        let allowance = BASE_BYTES.saturating_add(bytes.saturating_mul(BYTES_PER_BYTE));
        Self {
            pieces: Vec::new(),
            has_unread: false,
            inflate_left: allowance.min(MAX_INFLATED_BYTES),
            text_left: allowance.min(MAX_TEXT_BYTES),
            steps_left: BASE_STEPS.saturating_add(bytes.saturating_mul(STEPS_PER_BYTE)).min(MAX_STEPS),
        }
    }

    /// Adds a text that stands for itself.
    pub(super) fn push(&mut self, mut text: String) {
        if text.trim().is_empty() {
            return;
        }
        if text.len() > self.text_left {
            self.has_unread = true;
            text.truncate(text.floor_char_boundary(self.text_left));
        }
        self.text_left -= text.len();
        if text.is_empty() || self.pieces.len() >= MAX_PIECES {
            self.has_unread = true;
            return;
        }
        self.pieces.push(text);
    }

    /// Something in the document cannot be read.
    pub(super) fn note_unread(&mut self) {
        self.has_unread = true;
    }

    /// Bytes of text that may still be added.
    pub(super) fn text_left(&self) -> usize {
        self.text_left
    }

    /// Takes `steps` of the work that the document is worth; false if it is spent, which leaves something unread.
    pub(super) fn spend(&mut self, steps: usize) -> bool {
        let left = self.steps_left.checked_sub(steps);
        self.steps_left = left.unwrap_or_default();
        self.has_unread |= left.is_none();
        left.is_some()
    }

    /// Zlib data, all of it: nothing but the end of a line may follow, and its check sum holds.
    pub(super) fn inflate(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let mut decoder = flate2::read::ZlibDecoder::new(data);
        let inflated = self.read_all(&mut decoder)?;
        let consumed = usize::try_from(decoder.total_in()).ok()?;
        let rest = data.get(consumed..)?;
        let is_padding = rest.len() <= MAX_PADDING_BYTES && rest.iter().all(u8::is_ascii_whitespace);
        is_padding.then_some(inflated)
    }

    /// Everything that `source` gives, unless it is more than the document is worth.
    pub(super) fn read_all(&mut self, source: &mut impl Read) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        let limit = u64::try_from(self.inflate_left).ok()?.saturating_add(1);
        source.take(limit).read_to_end(&mut all).ok()?;
        self.take_inflated(all.len()).then_some(all)
    }

    /// Counts bytes that another decoder made.
    pub(super) fn take_inflated(&mut self, bytes: usize) -> bool {
        let left = self.inflate_left.checked_sub(bytes);
        self.inflate_left = left.unwrap_or_default();
        left.is_some()
    }

    pub(super) fn finish(self) -> Reading {
        match (self.has_unread, self.pieces.is_empty()) {
            (false, _) => Reading::Text(self.pieces),
            (true, false) => Reading::Partly(self.pieces),
            (true, true) => Reading::Unreadable,
        }
    }
}
