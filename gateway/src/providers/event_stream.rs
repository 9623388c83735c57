//! An upstream's events, each turned into those of another API.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use shekara_protocol::sse::{SseDecoder, SseEvent};

use super::{UpstreamBody, UpstreamBodyError};

/// One event holds a piece of an answer; the largest hold a whole one.
const MAX_EVENT_BYTES: usize = 2 << 20;

/// `turn` is told each event and says what stands in its place.
pub(super) fn turned(body: UpstreamBody, turn: impl FnMut(&SseEvent) -> Vec<Bytes> + Send + 'static) -> UpstreamBody {
    let reader = Reader { body, decoder: SseDecoder::new(MAX_EVENT_BYTES), turn, ready: VecDeque::new() };
    let frames = stream::unfold(reader, |mut reader| async move {
        let next = reader.next().await?;
        Some((next.map(Frame::data), reader))
    });
    StreamBody::new(frames).boxed_unsync()
}

struct Reader<T> {
    body: UpstreamBody,
    decoder: SseDecoder,
    turn: T,
    ready: VecDeque<Bytes>,
}

impl<T: FnMut(&SseEvent) -> Vec<Bytes>> Reader<T> {
    async fn next(&mut self) -> Option<Result<Bytes, UpstreamBodyError>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some(Ok(bytes));
            }
            let Some(frame) = self.body.frame().await else {
                let last = self.decoder.finish()?;
                self.ready.extend((self.turn)(&last));
                continue;
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error)),
            };
            let Some(data) = frame.data_ref() else { continue };
            match self.decoder.push(data) {
                Ok(events) => self.ready.extend(events.iter().flat_map(&mut self.turn)),
                Err(error) => return Some(Err(UpstreamBodyError { source: Box::new(error) })),
            }
        }
    }
}
