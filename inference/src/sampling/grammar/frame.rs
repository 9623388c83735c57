//! Where a text stands whose JSON may come after a free text, a model's thoughts: what stands in those is no JSON,
//! whatever it looks like.

use super::json_text::JsonText;

/// A document begins with one of these.
const JSON_STARTS: &[u8] = b"{[\"-0123456789tfn";

/// A place in a text of a JSON grammar or template.
#[derive(Clone, Default)]
pub(super) struct Frame {
    pub json: JsonText,
    free: Free,
}

#[derive(Clone, Default)]
enum Free {
    /// There is none, or it has been left.
    #[default]
    No,
    /// Nothing has come yet: the first byte tells.
    Perhaps,
    /// Its last bytes.
    Yes(Vec<u8>),
}

impl Frame {
    /// The start of a text. With `may_be_free` a free text may come first, and does if it `starts_free`.
    pub fn start(may_be_free: bool, starts_free: bool) -> Self {
        let free = match (may_be_free, starts_free) {
            (false, _) => Free::No,
            (true, false) => Free::Perhaps,
            (true, true) => Free::Yes(Vec::new()),
        };
        Self { json: JsonText::default(), free }
    }

    /// Whether the free text has begun and has not been left.
    pub fn is_free(&self) -> bool {
        matches!(self.free, Free::Yes(_))
    }

    /// Takes the next bytes; `leave` ends the free text.
    pub fn push(&mut self, bytes: &[u8], leave: Option<&[u8]>) {
        let Some(first) = bytes.first() else { return };
        let tail = match std::mem::take(&mut self.free) {
            Free::No => None,
            Free::Perhaps if JSON_STARTS.contains(first) => None,
            Free::Perhaps => Some(Vec::new()),
            Free::Yes(tail) => Some(tail),
        };
        let (Some(mut tail), Some(leave)) = (tail, leave) else {
            self.json.push(bytes);
            return;
        };
        tail.extend_from_slice(bytes);
        if let Some(at) = tail.windows(leave.len().max(1)).position(|window| window == leave) {
            self.json.push(&tail[at + leave.len()..]);
        } else {
            tail.drain(..tail.len().saturating_sub(leave.len()));
            self.free = Free::Yes(tail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_json_before_the_end_of_the_free_text_is_none() {
        let leave = Some(b"</think>".as_slice());
        for cut in 0..24 {
            let text = b"a {\"b [ </thi</think>{\"c";
            let mut frame = Frame::start(true, true);
            frame.push(&text[..cut], leave);
            frame.push(&text[cut..], leave);
            assert!(!frame.is_free() && frame.json.in_string() && frame.json.depth() == 1, "{cut}");
        }
        let mut frame = Frame::start(false, false);
        frame.push(b"{", None);
        assert_eq!(frame.json.depth(), 1);
        let mut frame = Frame::start(true, false);
        frame.push(b"{\"</think>", leave);
        assert!(frame.json.in_string());
        let mut frame = Frame::start(true, false);
        frame.push(b"<think>{", leave);
        assert!(frame.is_free() && frame.json.depth() == 0);
    }
}
