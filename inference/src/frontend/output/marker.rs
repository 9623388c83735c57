//! Markers in streamed text: whether one stands at a place, may yet stand there, or cannot.

/// What stands at the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The marker with this place in the list.
    Marker(usize),
    /// The text ended inside what may become a marker.
    Undecided,
    Nothing,
}

/// Looks for one of `markers` at the beginning of `text`; the longest wins. With `at_end` nothing more follows.
pub(super) fn marker_at(text: &str, markers: &[&str], at_end: bool) -> Found {
    let mut best: Option<usize> = None;
    for (index, marker) in markers.iter().enumerate() {
        if text.starts_with(marker) {
            if best.is_none_or(|best| markers[best].len() < marker.len()) {
                best = Some(index);
            }
        } else if !at_end && marker.starts_with(text) {
            // A longer marker that may still come would win over a shorter one that is already there.
            return Found::Undecided;
        }
    }
    best.map_or(Found::Nothing, Found::Marker)
}

/// Plain text up to the next marker.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain {
    /// Bytes before the marker, or before what may become one.
    pub length: usize,
    pub then: Found,
}

/// Finds the first of `markers` in `text`.
pub(super) fn find_marker(text: &str, markers: &[&str], at_end: bool) -> Plain {
    for (at, character) in text.char_indices() {
        if !markers.iter().any(|marker| marker.starts_with(character)) {
            continue;
        }
        let then = marker_at(&text[at..], markers, at_end);
        if then != Found::Nothing {
            return Plain { length: at, then };
        }
    }
    Plain { length: text.len(), then: Found::Nothing }
}

/// What one step of a reader did with the text before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This many bytes are done with; 0 when only the state changed.
    Taken(usize),
    /// The next step needs more text.
    Wait,
}

/// Text that waits to be decided upon: never more than the longest marker, since all else is taken at once.
#[derive(Debug, Default)]
pub(super) struct Pending {
    text: String,
}

impl Pending {
    /// Offers what is pending and `text` to `step` until it is taken or waits.
    pub(super) fn offer(&mut self, text: &str, mut step: impl FnMut(&str) -> Step) {
        let mut input = std::mem::take(&mut self.text);
        input.push_str(text);
        let mut at = 0;
        while at < input.len() {
            match step(&input[at..]) {
                Step::Taken(bytes) => at += bytes,
                Step::Wait => break,
            }
        }
        input.drain(..at);
        self.text = input;
    }
}

/// Bytes of `text` up to the first character that is not white space.
pub(super) fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Text outside calls: white space waits, since next to a call it belongs to nothing.
#[derive(Debug, Default)]
pub(super) struct Prose {
    spaces: String,
    /// White space is dropped until the next text.
    dropping: bool,
}

impl Prose {
    pub(super) fn write(&mut self, text: &str, out: &mut super::delta::Deltas) {
        let text = if self.dropping { text.trim_start() } else { text };
        let body = text.trim_end();
        if body.is_empty() {
            self.spaces.push_str(text);
            return;
        }
        self.dropping = false;
        out.content(&self.spaces);
        self.spaces.clear();
        out.content(body);
        self.spaces.push_str(&text[body.len()..]);
    }

    /// A call stands here.
    pub(super) fn call(&mut self) {
        self.spaces.clear();
        self.dropping = true;
    }

    pub(super) fn finish(&mut self, out: &mut super::delta::Deltas) {
        out.content(&self.spaces);
        self.spaces.clear();
    }
}
