//! Server-sent events (WHATWG HTML, "9.2.6 Interpreting an event stream"), both ways.

use serde_json::Value;

/// The last event of every OpenAI stream.
pub const DONE: &str = "data: [DONE]\n\n";
/// A comment, sent to keep a silent connection open.
pub const KEEP_ALIVE: &str = ": keep-alive\n\n";

/// One `data:` event. Every line of the text gets its own field, so that no text can end the event early.
pub fn data(text: &str) -> String {
    let mut event = String::with_capacity(text.len() + "data: \n\n".len());
    for line in text.split(['\n', '\r']) {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event
}

/// One event with a name of ours, as the Responses and Messages APIs stream them.
pub fn event(name: &'static str, text: &str) -> String {
    format!("event: {name}\n{}", data(text))
}

/// An `error` event, as OpenAI's SDKs raise it.
pub fn error(text: &str) -> String {
    event("error", text)
}

/// An event whose name and JSON belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedEvent {
    pub name: &'static str,
    pub data: Value,
}

impl NamedEvent {
    /// As it goes over the wire.
    pub fn to_sse(&self) -> String {
        event(self.name, &self.data.to_string())
    }
}

/// One decoded event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event:` field, empty when there was none.
    pub event: String,
    /// All `data:` lines, joined by line feeds.
    pub data: String,
}

/// An event grew beyond the decoder's bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to decode an event stream: one event is larger than {limit_bytes} bytes")]
pub struct EventTooLarge {
    pub limit_bytes: usize,
}

/// Decodes events from chunks that may be cut anywhere, in the middle of a character too.
#[derive(Debug)]
pub struct SseDecoder {
    line: Vec<u8>,
    event: SseEvent,
    has_data: bool,
    after_carriage_return: bool,
    /// A byte order mark counts only at the very start.
    at_start: bool,
    limit_bytes: usize,
}

impl SseDecoder {
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            line: Vec::new(),
            event: SseEvent::default(),
            has_data: false,
            after_carriage_return: false,
            at_start: true,
            limit_bytes,
        }
    }

    /// Takes a chunk and returns the events that it completed.
    ///
    /// # Errors
    /// [`EventTooLarge`]; the decoder is then of no further use.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<SseEvent>, EventTooLarge> {
        let mut events = Vec::new();
        let mut rest = chunk;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_carriage_return) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', rest);
            self.line.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            if self.line.len() + self.event.data.len() > self.limit_bytes {
                return Err(EventTooLarge { limit_bytes: self.limit_bytes });
            }
            let Some(end) = end else { break };
            self.after_carriage_return = rest[end] == b'\r';
            self.end_line(&mut events);
            rest = &rest[end + 1..];
        }
        Ok(events)
    }

    /// The event that the end of the body cut short of its blank line, if its last line was whole.
    pub fn finish(&mut self) -> Option<SseEvent> {
        let whole = self.line.is_empty() && std::mem::take(&mut self.has_data);
        whole.then(|| std::mem::take(&mut self.event))
    }

    /// True between two events: nothing half-read is left.
    pub fn is_idle(&self) -> bool {
        self.line.is_empty() && !self.has_data
    }

    fn end_line(&mut self, events: &mut Vec<SseEvent>) {
        if std::mem::take(&mut self.at_start) && self.line.starts_with(b"\xef\xbb\xbf") {
            self.line.drain(..3);
        }
        if self.line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) {
                events.push(event);
            }
            return;
        }
        let line = String::from_utf8_lossy(&self.line);
        let (field, value) = match line.split_once(':') {
            Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
            None => (line.as_ref(), ""),
        };
        match field {
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "event" => value.clone_into(&mut self.event.event),
            _ => {}
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &str =
        ": hello\r\n\r\ndata: {\"a\":\"сәлем 👋\"}\n\nevent: error\rdata: x\rdata: y\r\rid: 1\n\ndata: [DONE]\n\n";

    #[test]
    fn decodes_events() {
        let mut decoder = SseDecoder::new(1000);
        let events = decoder.push(STREAM.as_bytes()).unwrap();
        let data: Vec<_> = events.iter().map(|event| (event.event.as_str(), event.data.as_str())).collect();
        assert_eq!(data, [("", "{\"a\":\"сәлем 👋\"}"), ("error", "x\ny"), ("", "[DONE]")]);
        assert!(decoder.is_idle());
    }

    #[test]
    fn text_with_line_breaks_stays_one_event() {
        let mut decoder = SseDecoder::new(1000);
        let events = decoder.push(error("a\nb\r\rdata: [DONE]").as_bytes()).unwrap();
        assert_eq!((events.len(), events[0].data.as_str()), (1, "a\nb\n\ndata: [DONE]"));
    }

    #[test]
    fn a_byte_order_mark_and_a_missing_blank_line_lose_nothing() {
        let mut decoder = SseDecoder::new(1000);
        assert_eq!(decoder.push("\u{feff}data: 1\n\n".as_bytes()).unwrap()[0].data, "1");
        assert!(decoder.push(b"data: [DONE]\n").unwrap().is_empty());
        assert_eq!(decoder.finish().unwrap().data, "[DONE]");
        assert!(decoder.push(b"data: half").unwrap().is_empty());
        assert_eq!(decoder.finish(), None);
    }

    #[test]
    fn an_endless_event_is_an_error() {
        let mut decoder = SseDecoder::new(16);
        assert_eq!(decoder.push(&[b'x'; 17]), Err(EventTooLarge { limit_bytes: 16 }));
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(cuts in prop::collection::vec(0..STREAM.len(), 0..8)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut decoder = SseDecoder::new(1000);
            let mut events = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([STREAM.len()]) {
                events.extend(decoder.push(&STREAM.as_bytes()[from..cut]).unwrap());
                from = cut;
            }
            prop_assert_eq!(events, SseDecoder::new(1000).push(STREAM.as_bytes()).unwrap());
        }
    }
}
