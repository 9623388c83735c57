//! Neighbours as a model reads them: the text parts of one message, the items of one array. A value may be split over them.

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

/// Collects neighbours and hands out each run twice: put together directly, and with spaces.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    /// Arrays that the walk is inside of, outermost first; their number is bounded by the nesting of JSON.
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    array: String,
    pieces: Vec<String>,
    bytes: usize,
    /// Pieces at the start that were handed out already.
    num_old: usize,
}

impl Joined {
    /// `visit` gets the pointer to the array, whose name is context, and a view.
    pub(crate) fn add(&mut self, pointer: &str, text: &str, mut visit: impl FnMut(&str, Join, &str)) {
        let Some(array) = array_of(pointer) else { return };
        while let Some(run) = self.runs.pop_if(|run| !is_within(pointer, &run.array)) {
            run.hand_out(&mut visit);
        }
        if self.runs.last().is_none_or(|run| run.array != array) {
            self.runs.push(Run { array: array.to_owned(), pieces: Vec::new(), bytes: 0, num_old: 0 });
        }
        if let Some(run) = self.runs.last_mut() {
            run.add(text, &mut visit);
        }
    }

    pub(crate) fn finish(self, mut visit: impl FnMut(&str, Join, &str)) {
        for run in &self.runs {
            run.hand_out(&mut visit);
        }
    }
}

impl Run {
    fn add(&mut self, text: &str, visit: &mut impl FnMut(&str, Join, &str)) {
        if text.len() <= 2 * END_BYTES {
            self.push(text);
        } else {
            self.push(&text[..text.floor_char_boundary(END_BYTES)]);
            self.hand_out(visit);
            self.keep_last(0);
            self.push(&text[text.ceil_char_boundary(text.len() - END_BYTES)..]);
        }
        if self.bytes > MAX_RUN_BYTES {
            self.hand_out(visit);
            self.keep_last(OVERLAP_BYTES);
        }
    }

    fn push(&mut self, text: &str) {
        self.bytes += text.len().max(1);
        self.pieces.push(text.to_owned());
    }

    fn keep_last(&mut self, bytes: usize) {
        let mut kept = 0;
        let fits = self.pieces.iter().rev().take_while(|piece| {
            kept += piece.len().max(1);
            kept <= bytes
        });
        let keep = fits.count();
        self.pieces.drain(..self.pieces.len() - keep);
        self.bytes = self.pieces.iter().map(|piece| piece.len().max(1)).sum();
        self.num_old = keep;
    }

    fn hand_out(&self, visit: &mut impl FnMut(&str, Join, &str)) {
        if self.pieces.len() > 1 && self.pieces.len() > self.num_old {
            visit(&self.array, Join::Directly, &self.pieces.concat());
            visit(&self.array, Join::Spaced, &self.pieces.join(" "));
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
        for (pointer, text) in leaves {
            joined.add(pointer, text, |_, _, view| out.push(view.to_owned()));
        }
        joined.finish(|_, _, view| out.push(view.to_owned()));
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
