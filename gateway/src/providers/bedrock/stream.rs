//! ConverseStream's events as the chunks of a chat stream.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::Value;

use super::event_stream::{Decoder, FramingError, Message};
use super::response::{finish_reason, usage};
use crate::providers::chat_answer::ChunkWriter;
use crate::providers::{UpstreamBody, UpstreamBodyError};

/// `id`, `model` and Unix seconds are those of the chunks.
pub(super) fn as_chat(body: UpstreamBody, (id, model, created): (Value, Value, u64)) -> UpstreamBody {
    let chunks = Chunks { writer: ChunkWriter::new(id, model, created) };
    let reader = Reader { body, decoder: Decoder::default(), chunks, ready: VecDeque::new() };
    let frames = stream::unfold(reader, |mut reader| async move {
        let next = reader.next().await?;
        Some((next.map(Frame::data), reader))
    });
    StreamBody::new(frames).boxed_unsync()
}

struct Reader {
    body: UpstreamBody,
    decoder: Decoder,
    chunks: Chunks,
    ready: VecDeque<Bytes>,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Bytes, UpstreamBodyError>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some(Ok(bytes));
            }
            let Some(frame) = self.body.frame().await else {
                return self.decoder.finish().err().map(|error| Err(broken(error)));
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error)),
            };
            let Some(data) = frame.data_ref() else { continue };
            match self.decoder.push(data) {
                Ok(messages) => self.ready.extend(messages.iter().flat_map(|message| self.chunks.of(message))),
                Err(error) => return Some(Err(broken(error))),
            }
        }
    }
}

fn broken(error: FramingError) -> UpstreamBodyError {
    UpstreamBodyError { source: Box::new(error) }
}

struct Chunks {
    writer: ChunkWriter,
}

impl Chunks {
    fn of(&mut self, message: &Message) -> Vec<Bytes> {
        let (name, payload) = match message {
            Message::Event { name, payload } => (name, payload),
            Message::Exception { name } => return vec![ChunkWriter::error(&Value::from(name.as_str()))],
        };
        let Ok(data) = serde_json::from_slice::<Value>(payload) else { return Vec::new() };
        let writer = &mut self.writer;
        match name.as_str() {
            "messageStart" => vec![writer.role()],
            "contentBlockStart" => {
                let call = data["start"].get("toolUse");
                call.map(|call| writer.call(&call["toolUseId"], &call["name"])).into_iter().collect()
            }
            "contentBlockDelta" => self.piece(&data["delta"]).into_iter().collect(),
            "messageStop" => vec![writer.finish(finish_reason(data["stopReason"].as_str()))],
            "metadata" => writer.end(&usage(&data["usage"])),
            _ => Vec::new(),
        }
    }

    fn piece(&self, delta: &Value) -> Option<Bytes> {
        let (kind, piece) = delta.as_object()?.iter().next()?;
        match kind.as_str() {
            "text" => self.writer.text(piece),
            "toolUse" => self.writer.arguments(&piece["input"]),
            "reasoningContent" => {
                let (kind, piece) = piece.as_object()?.iter().next()?;
                match kind.as_str() {
                    "text" => self.writer.thought(piece),
                    "signature" => self.writer.signature(piece),
                    "redactedContent" => self.writer.sealed_thought(piece),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
