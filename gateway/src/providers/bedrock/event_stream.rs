//! The binary framing of AWS' event streams (`application/vnd.amazon.eventstream`), one message at a time.
//!
//! A message is its whole length, the length of its headers and a checksum of these two; then headers and payload; then a
//! checksum of everything before it. Numbers are big-endian. A stream that breaks these rules is given up.

use bytes::{Buf, Bytes, BytesMut};

/// Lengths and their checksum.
const PRELUDE_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 4;
const MIN_MESSAGE_BYTES: usize = PRELUDE_BYTES + CHECKSUM_BYTES;
/// One message holds a piece of an answer.
const MAX_MESSAGE_BYTES: usize = 2 << 20;

/// What a message says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    Event {
        name: String,
        payload: Bytes,
    },
    /// The stream ends here, for this reason.
    Exception {
        name: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FramingError {
    #[error("a message of the event stream is longer than {MAX_MESSAGE_BYTES} bytes")]
    TooLong,
    #[error("a checksum of the event stream does not agree")]
    Checksum,
    #[error("a message of the event stream contradicts itself")]
    Malformed,
    #[error("the event stream ended in the middle of a message")]
    Unfinished,
}

/// Takes bytes as they come.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    held: BytesMut,
}

impl Decoder {
    /// The messages that are whole now.
    ///
    /// # Errors
    /// What came is no event stream; nothing of it can be told apart any more.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Message>, FramingError> {
        self.held.extend_from_slice(bytes);
        let mut messages = Vec::new();
        while let Some(length) = self.length()? {
            if self.held.len() < length {
                break;
            }
            messages.push(message(self.held.split_to(length).freeze())?);
        }
        Ok(messages)
    }

    /// # Errors
    /// A message had begun.
    pub(super) fn finish(&self) -> Result<(), FramingError> {
        if self.held.is_empty() { Ok(()) } else { Err(FramingError::Unfinished) }
    }

    /// Of the next message, as soon as its beginning is there.
    fn length(&self) -> Result<Option<usize>, FramingError> {
        let Some(prelude) = self.held.get(..PRELUDE_BYTES) else { return Ok(None) };
        let (lengths, mut checksum) = prelude.split_at(PRELUDE_BYTES - CHECKSUM_BYTES);
        if crc32fast::hash(lengths) != checksum.get_u32() {
            return Err(FramingError::Checksum);
        }
        let length = (&mut &*lengths).get_u32() as usize;
        match length {
            MIN_MESSAGE_BYTES..=MAX_MESSAGE_BYTES => Ok(Some(length)),
            0..MIN_MESSAGE_BYTES => Err(FramingError::Malformed),
            _ => Err(FramingError::TooLong),
        }
    }
}

fn message(mut whole: Bytes) -> Result<Message, FramingError> {
    let end = whole.len() - CHECKSUM_BYTES;
    let mut checksum = whole.split_off(end);
    if crc32fast::hash(&whole) != checksum.get_u32() {
        return Err(FramingError::Checksum);
    }
    whole.advance(4);
    let headers_length = whole.get_u32() as usize;
    whole.advance(4);
    if headers_length > whole.len() {
        return Err(FramingError::Malformed);
    }
    let payload = whole.split_off(headers_length);
    let (mut kind, mut event, mut reason) = (None, None, None);
    while !whole.is_empty() {
        let (name, value) = header(&mut whole)?;
        match &*name {
            b":message-type" => kind = value,
            b":event-type" => event = value,
            b":exception-type" | b":error-code" => reason = value,
            _ => {}
        }
    }
    match kind.as_deref() {
        Some("event") => Ok(Message::Event { name: event.ok_or(FramingError::Malformed)?, payload }),
        Some("exception" | "error") => Ok(Message::Exception { name: reason.unwrap_or_default() }),
        _ => Err(FramingError::Malformed),
    }
}

/// A header's name, and its value if that is a text.
fn header(rest: &mut Bytes) -> Result<(Bytes, Option<String>), FramingError> {
    let length = usize::from(number::<1>(rest)?[0]);
    let name = taken(rest, length)?;
    let [kind] = number::<1>(rest)?;
    let length = match kind {
        // True and false.
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        // A number, or a time.
        5 | 8 => 8,
        // Bytes, or a text.
        6 | 7 => usize::from(u16::from_be_bytes(number(rest)?)),
        // A UUID.
        9 => 16,
        _ => return Err(FramingError::Malformed),
    };
    let value = taken(rest, length)?;
    let text = (kind == 7).then(|| String::from_utf8(value.to_vec()).map_err(|_| FramingError::Malformed));
    Ok((name, text.transpose()?))
}

fn number<const N: usize>(rest: &mut Bytes) -> Result<[u8; N], FramingError> {
    let mut number = [0; N];
    rest.try_copy_to_slice(&mut number).map_err(|_| FramingError::Malformed)?;
    Ok(number)
}

fn taken(rest: &mut Bytes, length: usize) -> Result<Bytes, FramingError> {
    if length > rest.len() { Err(FramingError::Malformed) } else { Ok(rest.split_to(length)) }
}

#[cfg(test)]
#[path = "event_stream_tests.rs"]
pub(super) mod tests;
