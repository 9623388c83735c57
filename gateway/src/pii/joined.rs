//! Neighbours as a model reads them: the text parts of one message, the items of one array. A value may be split over them.

/// Of a long text only its ends can belong to a split value, context words included.
const END_BYTES: usize = 96;

/// Collects neighbours and hands out each run twice: put together directly, and with spaces.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// Pointer to the array that the neighbours stand in.
    array: String,
    pieces: Vec<String>,
    bytes: usize,
}

/// Longer runs are handed out in overlapping stretches.
const MAX_RUN_BYTES: usize = 4 << 10;
const OVERLAP_PIECES: usize = 32;

impl Joined {
    /// `visit` gets the pointer to the array, whose name is context, and a view.
    pub(super) fn add(&mut self, pointer: &str, text: &str, mut visit: impl FnMut(&str, &str)) {
        let Some(array) = array_of(pointer) else { return };
        if array != self.array {
            self.hand_out(&mut visit);
            self.pieces.clear();
            array.clone_into(&mut self.array);
        } else if self.bytes > MAX_RUN_BYTES {
            self.hand_out(&mut visit);
            let keep = self.pieces.len().saturating_sub(OVERLAP_PIECES);
            self.pieces.drain(..keep);
            self.bytes = self.pieces.iter().map(String::len).sum();
        }
        if text.len() <= 2 * END_BYTES {
            self.push(text);
            return;
        }
        self.push(&text[..text.floor_char_boundary(END_BYTES)]);
        self.hand_out(&mut visit);
        self.pieces.clear();
        self.push(&text[text.ceil_char_boundary(text.len() - END_BYTES)..]);
    }

    pub(super) fn finish(mut self, mut visit: impl FnMut(&str, &str)) {
        self.hand_out(&mut visit);
    }

    fn push(&mut self, text: &str) {
        self.bytes += text.len();
        self.pieces.push(text.to_owned());
    }

    fn hand_out(&mut self, visit: &mut impl FnMut(&str, &str)) {
        if self.pieces.len() > 1 {
            visit(&self.array, &self.pieces.concat());
            visit(&self.array, &self.pieces.join(" "));
        }
        self.bytes = 0;
    }
}

/// The array of `…/ARRAY/3` and of `…/ARRAY/3/text`.
fn array_of(pointer: &str) -> Option<&str> {
    let item = pointer.strip_suffix("/text").unwrap_or(pointer);
    let (array, index) = item.rsplit_once('/')?;
    let is_index = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    is_index.then_some(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views(leaves: &[(&str, &str)]) -> Vec<String> {
        let mut out = Vec::new();
        let mut joined = Joined::default();
        for (pointer, text) in leaves {
            joined.add(pointer, text, |_, view| out.push(view.to_owned()));
        }
        joined.finish(|_, view| out.push(view.to_owned()));
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
    fn of_long_texts_the_ends_meet_and_long_runs_overlap() {
        let long = "я".repeat(1000);
        let found = views(&[("/a/0", &format!("{long}901")), ("/a/1", &format!("123{long}"))]);
        assert!(found.iter().any(|view| view.contains("901123")) && found.iter().all(|view| view.len() < 500));
        let digits = vec![("/a/0", "7"); 10_000];
        let found = views(&digits);
        assert!(found.iter().map(String::len).sum::<usize>() < 100_000, "bounded");
    }
}
