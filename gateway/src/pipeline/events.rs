//! An upstream's server-sent events, one at a time.

use std::collections::VecDeque;

use http_body_util::BodyExt;
use shekara_protocol::sse::{SseDecoder, SseEvent};

use crate::providers::UpstreamBody;

/// One event of a chat stream is a few hundred bytes; a whole tool call at once may be larger.
const MAX_EVENT_BYTES: usize = 2 << 20;

pub(super) struct EventReader {
    body: UpstreamBody,
    decoder: SseDecoder,
    ready: VecDeque<SseEvent>,
    observer: Option<Observer>,
}

type Observer = Box<dyn FnMut(&SseEvent) + Send>;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Event(SseEvent),
    /// Bytes that keep the connection open and say nothing.
    Comment,
    /// The body ended between two events.
    End,
}

/// The body broke or is no event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BrokenStream;

impl EventReader {
    pub(super) fn new(body: UpstreamBody) -> Self {
        Self { body, decoder: SseDecoder::new(MAX_EVENT_BYTES), ready: VecDeque::new(), observer: None }
    }

    /// What comes next. Any sign of life counts, comments too: a long prompt may keep a model busy for a while.
    pub(super) async fn next(&mut self) -> Result<Next, BrokenStream> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(self.observed(event));
            }
            let Some(frame) = self.body.frame().await else {
                if let Some(event) = self.decoder.finish() {
                    return Ok(self.observed(event));
                }
                return if self.decoder.is_idle() { Ok(Next::End) } else { Err(BrokenStream) };
            };
            let frame = frame.map_err(|_| BrokenStream)?;
            let Some(chunk) = frame.data_ref() else { continue };
            self.ready.extend(self.decoder.push(chunk).map_err(|_| BrokenStream)?);
            if self.ready.is_empty() && self.decoder.is_idle() {
                return Ok(Next::Comment);
            }
        }
    }

    /// Shows every event from now on to `observer`, those that were put back too.
    pub(super) fn observe(&mut self, observer: impl FnMut(&SseEvent) + Send + 'static) {
        self.observer = Some(Box::new(observer));
    }

    fn observed(&mut self, event: SseEvent) -> Next {
        if let Some(observer) = &mut self.observer {
            observer(&event);
        }
        Next::Event(event)
    }

    /// Puts events back that were only looked at.
    pub(super) fn put_back(&mut self, events: Vec<SseEvent>) {
        for event in events.into_iter().rev() {
            self.ready.push_front(event);
        }
    }
}
