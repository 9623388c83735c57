//! From a position in a derived text back to the text it was derived from. A map is a list of
//! pieces: a linear piece copies byte for byte, an atomic piece stands for one source range as a
//! whole (`&nbsp;` → one space). Pieces are only recorded where the two texts drift apart, so the
//! map of plain ASCII is a single piece.

use std::cell::Cell;
use std::ops::Range;

/// Pieces behind the last one that are looked at before all are searched: a word's, where every letter is one.
const NEAR: usize = 12;

#[derive(Debug, Clone, Copy)]
struct Piece {
    /// First position of the piece in the derived text.
    derived: usize,
    /// Where it stands in the source.
    source: usize,
    /// 0: linear; else the bytes of source that the whole piece stands for.
    width: usize,
}

/// Positions of a derived text in its source; pieces ascend in both.
#[derive(Debug, Default)]
pub(crate) struct OffsetMap {
    pieces: Vec<Piece>,
    /// The piece that was asked for last: most questions go on from there.
    last: Cell<usize>,
}

impl OffsetMap {
    /// From `derived` on, bytes are copied from `source` on.
    pub(crate) fn linear(&mut self, derived: usize, source: usize) {
        if let Some(last) = self.pieces.last()
            && last.width == 0
            && source.checked_sub(last.source) == derived.checked_sub(last.derived)
        {
            return;
        }
        self.pieces.push(Piece { derived, source, width: 0 });
    }

    /// From `derived` to the next piece, every byte stands for all of `source`.
    pub(crate) fn atomic(&mut self, derived: usize, source: Range<usize>) {
        self.pieces.push(Piece { derived, source: source.start, width: source.len().max(1) });
    }

    /// The smallest source range that covers a non-empty derived range.
    pub(crate) fn source_range(&self, derived: Range<usize>) -> Range<usize> {
        if self.is_straight() {
            return derived.start..derived.end.max(derived.start + 1);
        }
        let last_byte = derived.end.saturating_sub(1).max(derived.start);
        let first = self.piece(derived.start);
        let last = self.piece(last_byte);
        let start = if first.width == 0 { first.source + (derived.start - first.derived) } else { first.source };
        let end = if last.width == 0 { last.source + (last_byte - last.derived) + 1 } else { last.source + last.width };
        start..end
    }

    /// Whether a source range lies inside of what one atomic piece stands for, so that no character of the derived text
    /// is in it.
    pub(crate) fn is_inside_atomic(&self, source: &Range<usize>) -> bool {
        let behind = self.pieces.partition_point(|piece| piece.source <= source.start);
        let piece = behind.checked_sub(1).and_then(|index| self.pieces.get(index));
        piece.is_some_and(|piece| piece.width > 0 && source.end <= piece.source + piece.width)
    }

    /// Whether every position is the same in both texts.
    pub(crate) fn is_straight(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece { derived: 0, source: 0, width: 0 }])
    }

    /// What `source` has where the derived text of `len` bytes copies it; zeros where a piece stands for something else.
    pub(crate) fn copied_bytes(&self, source: &[u8], len: usize) -> Vec<u8> {
        let mut copied = vec![0; len];
        for (index, piece) in self.pieces.iter().enumerate().filter(|(_, piece)| piece.width == 0) {
            let end = self.pieces.get(index + 1).map_or(len, |next| next.derived);
            let from = source.get(piece.source..).unwrap_or_default();
            let into = copied.get_mut(piece.derived..end).unwrap_or_default();
            into.iter_mut().zip(from).for_each(|(into, byte)| *into = *byte);
        }
        copied
    }

    /// As [`Self::source_range`], and the whole of the atomic pieces in a row around it where the range is at least half
    /// of what they stand for: a stretch that was encoded together is one thing.
    pub(crate) fn encoded_range(&self, derived: Range<usize>) -> Range<usize> {
        let plain = self.source_range(derived.clone());
        let index_of = |at: usize| self.pieces.partition_point(|piece| piece.derived <= at).saturating_sub(1);
        let joins = |index: usize| match (self.pieces.get(index), self.pieces.get(index + 1)) {
            (Some(piece), Some(next)) => piece.width > 0 && next.width > 0 && piece.source + piece.width == next.source,
            _ => false,
        };
        let (mut first, mut last) = (index_of(derived.start), index_of(derived.end.saturating_sub(1)));
        // Each piece is a character.
        let (begin, end, most) = (first, last, last - first + 1);
        while first > 0 && begin - first <= most && joins(first - 1) {
            first -= 1;
        }
        while last - end <= most && joins(last) {
            last += 1;
        }
        let (Some(head), Some(tail)) = (self.pieces.get(first), self.pieces.get(last)) else { return plain };
        let is_wide = last - first + 1 > 2 * most;
        if head.width == 0 || tail.width == 0 || is_wide { plain } else { head.source..tail.source + tail.width }
    }

    fn piece(&self, derived: usize) -> Piece {
        let last = self.last.get();
        if let Some(piece) = (last..last + NEAR).find_map(|index| self.holding(index, derived)) {
            return piece;
        }
        let after = self.pieces.partition_point(|piece| piece.derived <= derived);
        let found = after.checked_sub(1).and_then(|index| self.holding(index, derived));
        found.unwrap_or(Piece { derived: 0, source: 0, width: 0 })
    }

    /// The piece with this index, if it holds a derived position; it is asked first the next time.
    fn holding(&self, index: usize, derived: usize) -> Option<Piece> {
        let piece = *self.pieces.get(index)?;
        let is_before_next = self.pieces.get(index + 1).is_none_or(|next| derived < next.derived);
        if piece.derived > derived || !is_before_next {
            return None;
        }
        self.last.set(index);
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_pieces_merge_and_atomic_pieces_cover_their_source() {
        // source "ab&nbsp;cd", derived "ab cd"
        let mut map = OffsetMap::default();
        map.linear(0, 0);
        map.linear(1, 1);
        map.atomic(2, 2..8);
        map.linear(3, 8);
        assert_eq!(map.pieces.len(), 3);
        assert_eq!(map.source_range(0..2), 0..2);
        assert_eq!(map.source_range(1..3), 1..8);
        assert_eq!(map.source_range(2..4), 2..9);
        // source "%41%42 %43%44%45%46%47", derived "AB CDEFG"
        let mut encoded = OffsetMap::default();
        for (derived, source) in [(0, 0..3), (1, 3..6)] {
            encoded.atomic(derived, source);
        }
        encoded.linear(2, 6);
        for index in 0..5 {
            encoded.atomic(3 + index, 7 + 3 * index..10 + 3 * index);
        }
        assert_eq!([0..1, 4..7, 7..8, 0..8].map(|range| encoded.encoded_range(range)), [0..6, 7..22, 19..22, 0..22]);
        assert_eq!(map.copied_bytes(b"ab&nbsp;cd", 5), b"ab\0cd");
        let inside: Vec<bool> =
            [0..2, 1..9, 2..8, 3..7, 3..9, 8..10].iter().map(|range| map.is_inside_atomic(range)).collect();
        assert_eq!(inside, [false, false, true, true, false, false]);
    }
}
