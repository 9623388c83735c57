//! What goes back to the client, without a web framework.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use http::HeaderValue;

pub type AnswerStream = Pin<Box<dyn Stream<Item = Result<Bytes, Infallible>> + Send>>;

pub enum Answer {
    /// JSON, settled already.
    Whole(Bytes),
    /// A text by itself, settled already.
    Text(Bytes),
    /// What is no text, of this type; settled at its end or when the stream is dropped.
    Bytes(HeaderValue, AnswerStream),
    /// Server-sent events, settled before `[DONE]` is handed out or when the stream is dropped.
    Stream(AnswerStream),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Text(bytes) => write!(f, "Text({} bytes)", bytes.len()),
            Self::Bytes(kind, _) => write!(f, "Bytes({kind:?})"),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}
