//! Short texts that were looked at and held nothing: field names, roles and types, which most of the strings of a request
//! are, and which come again with every message and every request.
//!
//! What always holds: only texts in which a finished scan of the same detector found nothing are remembered, and few.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::memo::Memo;

/// Longer texts hardly come again.
const MAX_LEN: usize = 32;
/// Of a text, what it stands under and the detector together.
const MAX_BYTES: usize = 96;

thread_local! {
    static CLEAN: RefCell<Memo<{ MAX_BYTES / 8 }, ()>> = const { RefCell::new(Memo::new(8)) };
}

/// What one detector remembers.
#[derive(Debug)]
pub(crate) struct Seen {
    detector: u64,
}

impl Seen {
    /// Of a detector that no other is like.
    pub(crate) fn new() -> Self {
        static DETECTORS: AtomicU64 = AtomicU64::new(0);
        Self { detector: DETECTORS.fetch_add(1, Ordering::Relaxed) }
    }

    /// The place of a text under its keys; `None` for what is not remembered.
    pub(crate) fn place(&self, keys: &str, text: &str) -> Option<Place> {
        if text.len() > MAX_LEN {
            return None;
        }
        let mut place = Place { bytes: [0; MAX_BYTES], len: 0 };
        place.push(&self.detector.to_le_bytes())?;
        place.push(&[text.len() as u8])?;
        place.push(text.as_bytes())?;
        // The indices of arrays say nothing about a text.
        for key in keys.as_bytes().split_inclusive(|&byte| byte == b'/') {
            let is_index = key.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'/'));
            place.push(if is_index {
                key.get(key.len() - 1..).filter(|end| end == b"/").unwrap_or_default()
            } else {
                key
            })?;
        }
        Some(place)
    }
}

/// A text under keys of which the indices of arrays do not count.
pub(crate) struct Place {
    bytes: [u8; MAX_BYTES],
    len: usize,
}

impl Place {
    /// Whether this very text held nothing before.
    pub(crate) fn is_clean(&self) -> bool {
        CLEAN.with_borrow_mut(|clean| clean.kept(self.bytes())).is_some()
    }

    /// Remembers it as one in which a finished scan found nothing.
    pub(crate) fn remember(&self) {
        CLEAN.with_borrow_mut(|clean| clean.answer(self.bytes(), || ()));
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, part: &[u8]) -> Option<()> {
        let end = self.len + part.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(part);
        self.len = end;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_clean(seen: &Seen, keys: &str, text: &str) -> bool {
        seen.place(keys, text).is_some_and(|place| place.is_clean())
    }

    #[test]
    fn only_indices_may_differ() {
        let seen = Seen::new();
        seen.place("/3/role", "user").unwrap().remember();
        assert!(is_clean(&seen, "/3/role", "user") && is_clean(&seen, "/14/role", "user"));
        for (keys, text) in [
            ("/3/role", "user1"),
            ("/3/iin", "user"),
            ("/3x/role", "user"),
            ("/3/4/role", "user"),
            ("/role", "user"),
            ("/3/role/", "user"),
            ("3/role", "user"),
        ] {
            assert!(!is_clean(&seen, keys, text), "{keys} {text}");
        }
        assert!(!is_clean(&Seen::new(), "/3/role", "user"));
        assert!(seen.place("", &"x".repeat(MAX_LEN + 1)).is_none());
        assert!(seen.place(&"/x".repeat(MAX_BYTES), "x").is_none());
    }
}
