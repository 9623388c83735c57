//! The pass that folds a text: runs of one byte for one byte where it can, else character by character.

use super::fold::fold;
use super::normalize::is_letter;
use super::offset_map::OffsetMap;
use super::runs::{self, Cyrillic};

/// A text being folded.
pub(super) struct Folding<'s> {
    source: &'s str,
    /// How much of the source is done with.
    at: usize,
    /// The folded text, and room for the rest behind it.
    pub(super) bytes: Vec<u8>,
    /// Bytes of the folded text.
    pub(super) len: usize,
    pub(super) map: OffsetMap,
    /// Something was dropped or changed its length since the last piece of the map.
    has_drifted: bool,
    /// Somewhere a letter of ASCII stands beside another: only then can a word mix scripts.
    pub(super) may_mix: bool,
}

impl<'s> Folding<'s> {
    pub(super) fn of(source: &'s str) -> Self {
        let mut map = OffsetMap::default();
        map.linear(0, 0);
        Self { source, at: 0, bytes: vec![0; source.len()], len: 0, map, has_drifted: false, may_mix: false }
    }

    pub(super) fn run(&mut self) {
        let cyrillic = Cyrillic::new();
        while self.at < self.source.len() {
            let run = self.run_of(runs::ascii) + self.run_of(|source, folded| cyrillic.letters(source, folded));
            if run == 0 {
                self.character();
            }
        }
    }

    /// Folds a run with `fold_run` and says how long it is.
    fn run_of(&mut self, fold_run: impl FnOnce(&[u8], &mut [u8]) -> usize) -> usize {
        let source = self.source.as_bytes().get(self.at..).unwrap_or_default();
        let free = self.bytes.get_mut(self.len..).unwrap_or_default();
        let run = fold_run(source, free);
        if run > 0 {
            self.keep_step();
            self.see_neighbours();
            self.at += run;
            self.len += run;
        }
        run
    }

    /// Notes that what comes next in the folded text stands for as many bytes of the source.
    fn keep_step(&mut self) {
        if self.has_drifted {
            self.map.linear(self.len, self.at);
            self.has_drifted = false;
        }
    }

    /// Looks at where the last letter and the next, which is written, meet.
    fn see_neighbours(&mut self) {
        let sides = self.len.checked_sub(1).and_then(|before| self.bytes.get(before..=self.len));
        self.may_mix |= matches!(sides, Some(&[before, next])
            if is_letter(before) && is_letter(next) && before.is_ascii() != next.is_ascii());
    }

    fn character(&mut self) {
        let Some(character) = self.source.get(self.at..).and_then(|rest| rest.chars().next()) else {
            self.at = self.source.len();
            return;
        };
        let width = character.len_utf8();
        // The last control characters of ASCII that a run stops at are dropped.
        let folded = if character.is_ascii() { None } else { fold(character) };
        if let Some(folded) = folded {
            self.push(folded, width);
        } else {
            self.has_drifted = true;
        }
        self.at += width;
    }

    fn push(&mut self, folded: char, width: usize) {
        let mut buffer = [0_u8; 4];
        let written = folded.encode_utf8(&mut buffer).as_bytes();
        let end = self.len + written.len();
        // Some letters grow when they are made small.
        let rest = self.source.len().saturating_sub(self.at + width);
        if self.bytes.len() < end + rest {
            self.bytes.resize(end + rest, 0);
        }
        if let Some(free) = self.bytes.get_mut(self.len..end) {
            free.copy_from_slice(written);
        }
        if written.len() == width {
            self.keep_step();
        } else {
            self.map.atomic(self.len, self.at..self.at + width);
            self.has_drifted = true;
        }
        self.see_neighbours();
        self.len = end;
    }
}
