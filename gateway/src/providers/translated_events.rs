//! A provider's events on their way to chunks of a chat stream, whatever the provider's own words are.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use shekara_protocol::sse::{self, SseDecoder, SseEvent};

use super::{UpstreamBody, UpstreamBodyError};

/// One event holds a piece of an answer; the largest is a whole tool call.
const MAX_EVENT_BYTES: usize = 2 << 20;

/// Turns events into chunks, one stream long.
pub(super) trait Translation: Send + 'static {
    /// What an event says, as chat events.
    fn event(&mut self, event: &SseEvent) -> Vec<Bytes>;

    /// What is left to say where the body ends.
    fn end(&mut self) -> Vec<Bytes>;
}

/// An event stream of which the first event can be looked at before anything is promised.
pub(super) struct ProviderEvents {
    /// `None` when it has ended.
    body: Option<UpstreamBody>,
    decoder: SseDecoder,
    ready: VecDeque<SseEvent>,
}

/// What a body gave last.
enum Read {
    Events,
    /// Bytes that say nothing.
    Nothing,
    Over,
}

impl ProviderEvents {
    pub(super) fn new(body: UpstreamBody) -> Self {
        Self { body: Some(body), decoder: SseDecoder::new(MAX_EVENT_BYTES), ready: VecDeque::new() }
    }

    /// The first event, which stays in the stream; `None` if there is none.
    ///
    /// # Errors
    /// The body breaks before it.
    pub(super) async fn first(&mut self) -> Result<Option<&SseEvent>, UpstreamBodyError> {
        while self.ready.is_empty() && !matches!(self.read().await?, Read::Over) {}
        Ok(self.ready.front())
    }

    /// The stream in chat's words.
    pub(super) fn translated(self, translation: impl Translation) -> UpstreamBody {
        let reader = Reader { events: self, translation, out: VecDeque::new(), has_ended: false };
        let frames = stream::unfold(reader, |mut reader| async move {
            let next = reader.next().await?;
            Some((next.map(Frame::data), reader))
        });
        StreamBody::new(frames).boxed_unsync()
    }

    async fn read(&mut self) -> Result<Read, UpstreamBodyError> {
        loop {
            let Some(body) = &mut self.body else { return Ok(Read::Over) };
            let Some(frame) = body.frame().await else {
                self.body = None;
                self.ready.extend(self.decoder.finish());
                return Ok(if self.ready.is_empty() { Read::Over } else { Read::Events });
            };
            let frame = frame?;
            let Some(data) = frame.data_ref() else { continue };
            let events = self.decoder.push(data).map_err(|error| UpstreamBodyError { source: Box::new(error) })?;
            self.ready.extend(events);
            if !self.ready.is_empty() {
                return Ok(Read::Events);
            }
            if self.decoder.is_idle() {
                return Ok(Read::Nothing);
            }
        }
    }
}

struct Reader<T> {
    events: ProviderEvents,
    translation: T,
    out: VecDeque<Bytes>,
    has_ended: bool,
}

impl<T: Translation> Reader<T> {
    async fn next(&mut self) -> Option<Result<Bytes, UpstreamBodyError>> {
        loop {
            if let Some(bytes) = self.out.pop_front() {
                return Some(Ok(bytes));
            }
            if let Some(event) = self.events.ready.pop_front() {
                self.out.extend(self.translation.event(&event));
                continue;
            }
            match self.events.read().await {
                Ok(Read::Events) => {}
                // A sign of life is passed on: a long prompt may keep a model busy for a while.
                Ok(Read::Nothing) => return Some(Ok(Bytes::from_static(sse::KEEP_ALIVE.as_bytes()))),
                Ok(Read::Over) if self.has_ended => return None,
                Ok(Read::Over) => {
                    self.has_ended = true;
                    self.out.extend(self.translation.end());
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// An event with a chunk in it.
pub(super) fn chunk(chunk: &Value) -> Bytes {
    Bytes::from(sse::data(&chunk.to_string()))
}

/// The end of a stream that has said everything.
pub(super) fn done() -> Bytes {
    Bytes::from_static(sse::DONE.as_bytes())
}

/// A provider's error inside its stream. Its words may quote the request: what kind it is says enough.
pub(super) fn error(code: Option<&str>) -> Bytes {
    let error = json!({ "message": "The provider reported an error.", "type": "server_error", "code": code });
    Bytes::from(sse::error(&json!({ "error": error }).to_string()))
}

/// The chunks of a recorded stream that comes in pieces of `size` bytes.
#[cfg(test)]
pub(super) async fn played(recorded: &str, size: usize, translation: impl Translation) -> String {
    use std::convert::Infallible;

    let pieces: Vec<_> =
        recorded.as_bytes().chunks(size).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
    let body = StreamBody::new(stream::iter(pieces)).map_err(|never: Infallible| match never {}).boxed_unsync();
    let out = ProviderEvents::new(body).translated(translation).collect().await.unwrap().to_bytes();
    String::from_utf8(out.to_vec()).unwrap().replace(sse::KEEP_ALIVE, "")
}
