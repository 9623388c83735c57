//! The shape in which a request came and its answer is told: chat's own, or another API's that is a translation of it.
//! Between both ends the pipeline knows chat alone, so that what is said of chat holds for all of them.

use std::fmt;

use bytes::Bytes;
use serde_json::Value;
use shekara_protocol::chat::{ChatCompletion, ChunkReader};
use shekara_protocol::error::ApiError;
use shekara_protocol::ids::IdSeed;
use shekara_protocol::messages::{self, MessagesRequest, MessagesStream};
use shekara_protocol::places::Places;
use shekara_protocol::responses::{self, ResponsesRequest, ResponsesStream};
use shekara_protocol::sse::{self, NamedEvent};

/// The field of an answer that says what happened to it.
const LABEL: &str = "shekara";

pub enum Shape {
    /// As it is: chat, and whatever is no conversation.
    Own,
    /// The body is the caller's own too; answers are chat's between their ends.
    Completion,
    Responses(Box<ResponsesRequest>, Places),
    Messages(Box<MessagesRequest>, Places),
}

impl Shape {
    /// Whether the body is the caller's own.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Own | Self::Completion)
    }

    /// An error of the chat request in the caller's own words.
    #[must_use]
    pub fn restate(&self, error: ApiError) -> ApiError {
        match self {
            Self::Own | Self::Completion => error,
            Self::Responses(_, places) | Self::Messages(_, places) => places.restate(error),
        }
    }

    /// A whole chat answer in this shape. `ids` makes fresh ones.
    ///
    /// # Errors
    /// It is no chat answer.
    pub(super) fn whole(&self, answer: &Value, ids: impl FnOnce() -> IdSeed) -> Result<Bytes, ApiError> {
        let chat = || ChatCompletion::read(answer).ok_or_else(ApiError::internal);
        let told = match self {
            Self::Own => return serde_json::to_vec(answer).map(Bytes::from).map_err(|_| ApiError::internal()),
            Self::Completion => return Ok(Bytes::from(lowered(answer, "message").to_string())),
            Self::Responses(request, _) => serde_json::to_value(responses::from_chat(request, &chat()?, ids())),
            Self::Messages(request, _) => serde_json::to_value(messages::from_chat(request, &chat()?, ids())),
        };
        let mut told = told.map_err(|_| ApiError::internal())?;
        told[LABEL] = answer[LABEL].clone();
        Ok(Bytes::from(told.to_string()))
    }

    /// A streamed one. `ids` must be fresh; `created_at` in Unix seconds.
    pub(super) fn stream(&self, ids: IdSeed, created_at: u64) -> StreamShape {
        match self {
            Self::Own => StreamShape::Own,
            Self::Completion => StreamShape::Completion,
            Self::Responses(request, _) => {
                let stream = Box::new(ResponsesStream::new(request, ids, created_at));
                StreamShape::Responses { reader: ChunkReader::default(), stream, label: Value::Null }
            }
            Self::Messages(request, _) => {
                let stream = Box::new(MessagesStream::new(request, ids));
                StreamShape::Messages { reader: ChunkReader::default(), stream, label: Value::Null }
            }
        }
    }
}

/// What the caller said stays out of logs.
impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "Own",
            Self::Completion => "Completion",
            Self::Responses(..) => "Responses",
            Self::Messages(..) => "Messages",
        })
    }
}

/// Turns the chunks of one chat answer into the events of a shape.
pub(super) enum StreamShape {
    Own,
    Completion,
    Responses {
        reader: ChunkReader,
        stream: Box<ResponsesStream>,
        /// What the last chunk said of the answer; it goes into the last event.
        label: Value,
    },
    Messages {
        reader: ChunkReader,
        stream: Box<MessagesStream>,
        label: Value,
    },
}

impl StreamShape {
    /// Whether events are the chunks themselves.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Own)
    }

    pub(super) fn chunk(&mut self, chunk: &Value) -> Vec<Bytes> {
        match self {
            Self::Own => vec![Bytes::from(sse::data(&chunk.to_string()))],
            Self::Completion => vec![Bytes::from(sse::data(&lowered(chunk, "delta").to_string()))],
            Self::Responses { reader, stream, label } => {
                note_label(label, chunk);
                reader.read(chunk).map_or_else(Vec::new, |chunk| written(&stream.push(&chunk)))
            }
            Self::Messages { reader, stream, label } => {
                note_label(label, chunk);
                reader.read(chunk).map_or_else(Vec::new, |chunk| written(&stream.push(&chunk)))
            }
        }
    }

    pub(super) fn keep_alive(&self) -> Bytes {
        match self {
            Self::Own | Self::Completion | Self::Responses { .. } => Bytes::from_static(sse::KEEP_ALIVE.as_bytes()),
            Self::Messages { .. } => Bytes::from(MessagesStream::ping().to_sse()),
        }
    }

    /// The last events: of a whole answer, or of one that broke.
    pub(super) fn end(&mut self, error: Option<(&ApiError, &str)>) -> Vec<Bytes> {
        match self {
            Self::Own | Self::Completion => {
                let error = error.map(|(error, _)| Bytes::from(sse::error(&error.to_json())));
                error.into_iter().chain([Bytes::from_static(sse::DONE.as_bytes())]).collect()
            }
            Self::Responses { stream, label, .. } => {
                let mut events = match error {
                    Some((error, _)) => stream.fail(error),
                    None => stream.finish(),
                };
                let last = events.last_mut().and_then(|event| event.data.get_mut("response"));
                if let Some(last) = last.filter(|_| !label.is_null()) {
                    last[LABEL] = label.take();
                }
                written(&events)
            }
            Self::Messages { stream, label, .. } => {
                let mut events = match error {
                    Some((error, id)) => stream.fail(error, Some(id)),
                    None => stream.finish(),
                };
                if let Some(last) = events.last_mut().filter(|_| !label.is_null()) {
                    last.data[LABEL] = label.take();
                }
                written(&events)
            }
        }
    }
}

/// A chat answer or chunk as a completion's: the content of each message or delta becomes `text`.
fn lowered(answer: &Value, member: &str) -> Value {
    let mut lowered = answer.clone();
    lowered["object"] = Value::from("text_completion");
    for choice in lowered.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(choice) = choice.as_object_mut() else { continue };
        let said = choice.remove(member).unwrap_or_default();
        choice.insert("text".to_owned(), Value::from(said["content"].as_str().unwrap_or_default()));
    }
    lowered
}

fn note_label(label: &mut Value, chunk: &Value) {
    if let Some(said) = chunk.get(LABEL) {
        *label = said.clone();
    }
}

fn written(events: &[NamedEvent]) -> Vec<Bytes> {
    events.iter().map(|event| Bytes::from(event.to_sse())).collect()
}
