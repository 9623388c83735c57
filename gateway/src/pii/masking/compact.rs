//! A text without what parts its letters and digits, and the way back.

use std::cell::OnceCell;

use crate::pii::detector::views::normalize::{View, is_letter};

/// More separators in a row than this part what stands before from what follows.
const MAX_GAP: usize = 8;
/// In compact texts: belongs to no value.
const PART: u8 = 0;

/// Letters and digits of a view, and where they stand in it.
pub(super) struct Compact<'v> {
    view: &'v [u8],
    pub(super) text: Vec<u8>,
    /// Made when something was found.
    places: OnceCell<Vec<usize>>,
}

impl<'v> Compact<'v> {
    pub(super) fn new(view: &'v View<'_>) -> Self {
        let text = kept(view.bytes(), |_, byte| byte);
        Self { view: view.bytes(), text, places: OnceCell::new() }
    }

    /// Where the byte with this index stands in the view.
    pub(super) fn place(&self, index: usize) -> Option<usize> {
        let places = self.places.get_or_init(|| kept(self.view, |place, _| place));
        places.get(index).copied()
    }

    pub(super) fn extent(&self) -> usize {
        let (first, last) = (self.place(0), self.text.len().checked_sub(1).and_then(|last| self.place(last)));
        last.zip(first).map_or(0, |(last, first)| last + 1 - first)
    }
}

/// What `of` says of the letters and digits of a view and their places, and of what parts them. Without a branch for each
/// byte: where words end cannot be foreseen.
fn kept<T: Copy + Default>(view: &[u8], of: impl Fn(usize, u8) -> T) -> Vec<T> {
    let mut all = vec![T::default(); view.len()];
    let (mut len, mut gap) = (0, 0);
    for (place, &byte) in view.iter().enumerate() {
        let is_kept = is_alphanumeric(byte);
        if is_kept
            && gap > MAX_GAP
            && let Some(next) = all.get_mut(len)
        {
            *next = of(place, PART);
            len += 1;
        }
        if let Some(next) = all.get_mut(len) {
            *next = of(place, byte);
        }
        len += usize::from(is_kept);
        gap = if is_kept { 0 } else { gap + 1 };
    }
    all.truncate(len);
    all
}

pub(super) fn is_alphanumeric(byte: u8) -> bool {
    is_letter(byte) || byte.is_ascii_digit()
}
