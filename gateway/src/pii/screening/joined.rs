//! Neighbours as a model reads them: the text parts of one message, the items of one array. A value may be split over them.

use std::ops::Range;

/// Of a long text only its ends can belong to a split value, context words included.
const END_BYTES: usize = 96;
/// A longer run is handed out in stretches that overlap by this much.
const MAX_RUN_BYTES: usize = 4 << 10;
const OVERLAP_BYTES: usize = 256;

/// How neighbours are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    Directly,
    Spaced,
}

/// A part of a leaf's text that stands in a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Which of the body's leaves it comes from.
    pub(crate) leaf: usize,
    /// Where in the leaf's text it begins.
    pub(crate) offset: usize,
    pub(crate) text: String,
}

/// Neighbours put together, and the way back to them.
#[derive(Debug)]
pub(crate) struct JoinedView<'p> {
    /// To the array, whose name is context.
    pub(crate) pointer: &'p str,
    pub(crate) join: Join,
    pub(crate) text: String,
    /// Per piece: where it begins in `text`, its leaf, where it begins in the leaf, its length.
    pub(crate) places: Vec<Place>,
    /// Findings that end before this byte belong to what stands before and were found there.
    pub(crate) from: usize,
    /// Two messages, not parts of one.
    pub(crate) is_turn: bool,
    /// Two speakers: one hardly ends a value that the other has begun.
    pub(crate) is_dialogue: bool,
}

/// Where a piece of a view comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: usize,
    pub(crate) leaf: usize,
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

impl<'p> JoinedView<'p> {
    /// `num_before` of the pieces are only there as context.
    pub(crate) fn new(pointer: &'p str, join: Join, pieces: &[&Piece], num_before: usize) -> Self {
        let mut view = Self {
            pointer,
            join,
            text: String::new(),
            places: Vec::with_capacity(pieces.len()),
            from: 0,
            is_turn: false,
            is_dialogue: false,
        };
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 && join == Join::Spaced {
                view.text.push(' ');
            }
            if index == num_before {
                view.from = view.text.len();
            }
            let (at, len) = (view.text.len(), piece.text.len());
            view.places.push(Place { at, leaf: piece.leaf, offset: piece.offset, len });
            view.text.push_str(&piece.text);
        }
        view
    }
}

/// The parts of leaves that a range of a view covers.
pub(crate) fn sources(places: &[Place], range: &Range<usize>) -> Vec<(usize, Range<usize>)> {
    let covered = |place: &Place| {
        let (from, till) = (range.start.max(place.at), range.end.min(place.at + place.len));
        (from < till).then(|| (place.leaf, place.offset + from - place.at..place.offset + till - place.at))
    };
    places.iter().filter_map(covered).collect()
}

/// Collects neighbours and hands out each run twice: put together directly, and with spaces.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    /// Arrays that the walk is inside of, outermost first; their number is bounded by the nesting of JSON.
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    array: String,
    pieces: Vec<Piece>,
    bytes: usize,
    /// Pieces at the start that were handed out already.
    num_old: usize,
}

impl Joined {
    /// `visit` gets the pointer to the array, whose name is context, and a view.
    pub(crate) fn add(&mut self, pointer: &str, text: &str, leaf: usize, visit: &mut impl FnMut(JoinedView<'_>)) {
        let Some(array) = array_of(pointer) else { return };
        while let Some(run) = self.runs.pop_if(|run| !is_within(pointer, &run.array)) {
            run.hand_out(visit);
        }
        if self.runs.last().is_none_or(|run| run.array != array) {
            self.runs.push(Run { array: array.to_owned(), pieces: Vec::new(), bytes: 0, num_old: 0 });
        }
        if let Some(run) = self.runs.last_mut() {
            run.add(text, leaf, visit);
        }
    }

    pub(crate) fn finish(self, visit: &mut impl FnMut(JoinedView<'_>)) {
        for run in &self.runs {
            run.hand_out(visit);
        }
    }
}

impl Run {
    fn add(&mut self, text: &str, leaf: usize, visit: &mut impl FnMut(JoinedView<'_>)) {
        if text.len() <= 2 * END_BYTES {
            self.push(text, leaf, 0);
        } else {
            self.push(text.get(..text.floor_char_boundary(END_BYTES)).unwrap_or_default(), leaf, 0);
            self.hand_out(visit);
            self.keep_last(0);
            let from = text.ceil_char_boundary(text.len() - END_BYTES);
            self.push(text.get(from..).unwrap_or_default(), leaf, from);
        }
        if self.bytes > MAX_RUN_BYTES {
            self.hand_out(visit);
            self.keep_last(OVERLAP_BYTES);
        }
    }

    fn push(&mut self, text: &str, leaf: usize, offset: usize) {
        self.bytes += text.len().max(1);
        self.pieces.push(Piece { leaf, offset, text: text.to_owned() });
    }

    fn keep_last(&mut self, bytes: usize) {
        let mut kept = 0;
        let fits = self.pieces.iter().rev().take_while(|piece| {
            kept += piece.text.len().max(1);
            kept <= bytes
        });
        let keep = fits.count();
        self.pieces.drain(..self.pieces.len() - keep);
        self.bytes = self.pieces.iter().map(|piece| piece.text.len().max(1)).sum();
        self.num_old = keep;
    }

    fn hand_out(&self, visit: &mut impl FnMut(JoinedView<'_>)) {
        if self.pieces.len() > 1 && self.pieces.len() > self.num_old {
            let pieces: Vec<&Piece> = self.pieces.iter().collect();
            for join in [Join::Directly, Join::Spaced] {
                visit(JoinedView::new(&self.array, join, &pieces, 0));
            }
        }
    }
}

/// The array of `…/ARRAY/3` and of `…/ARRAY/3/text`.
fn array_of(pointer: &str) -> Option<&str> {
    let item = pointer.strip_suffix("/text").unwrap_or(pointer);
    let (array, index) = item.rsplit_once('/')?;
    let is_index = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    is_index.then_some(array)
}

fn is_within(pointer: &str, array: &str) -> bool {
    pointer.strip_prefix(array).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views(leaves: &[(&str, &str)]) -> Vec<String> {
        let mut out = Vec::new();
        let mut joined = Joined::default();
        for (leaf, (pointer, text)) in leaves.iter().enumerate() {
            joined.add(pointer, text, leaf, &mut |view| out.push(view.text));
        }
        joined.finish(&mut |view| out.push(view.text));
        out
    }

    #[test]
    fn only_neighbours_are_joined() {
        let leaves = [("/m/0/content/0/text", "a"), ("/m/0/content/0/type", "x"), ("/m/0/content/1/text", "b")];
        assert_eq!(views(&leaves), ["ab", "a b"]);
        assert_eq!(views(&[("/a/0", "1"), ("/b/0", "2")]), Vec::<String>::new());
        assert_eq!(views(&[("/a", "1"), ("/b", "2")]), Vec::<String>::new());
    }

    #[test]
    fn a_range_of_a_view_leads_back_to_its_leaves() {
        let pieces = [
            Piece { leaf: 3, offset: 5, text: "901".to_owned() },
            Piece { leaf: 7, offset: 0, text: "123 x".to_owned() },
        ];
        let view = JoinedView::new("/a", Join::Spaced, &pieces.iter().collect::<Vec<_>>(), 1);
        assert_eq!((view.text.as_str(), view.from), ("901 123 x", 4));
        assert_eq!(sources(&view.places, &(1..7)), [(3, 6..8), (7, 0..3)]);
    }

    #[test]
    fn an_array_inside_a_part_does_not_part_its_neighbours() {
        let leaves = [("/c/0/text", "901"), ("/c/0/x/0", "7"), ("/c/0/x/1", "8"), ("/c/1/text", "123")];
        assert_eq!(views(&leaves), ["78", "7 8", "901123", "901 123"]);
    }

    #[test]
    fn of_long_texts_the_ends_meet_and_work_is_linear() {
        let long = "я".repeat(1000);
        let found = views(&[("/a/0", &format!("{long}901")), ("/a/1", &format!("123{long}"))]);
        assert!(found.iter().any(|view| view.contains("901123")) && found.iter().all(|view| view.len() < 500));
        for (piece, count) in [("7".to_owned(), 10_000), ("7".repeat(190), 2_000)] {
            let leaves = vec![("/a/0", piece.as_str()); count];
            let handed_out: usize = views(&leaves).iter().map(String::len).sum();
            assert!(handed_out < 4 * count * (piece.len() + 1), "{handed_out}");
        }
    }
}
