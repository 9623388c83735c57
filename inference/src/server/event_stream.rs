//! Server-sent events of an answer, with comments that keep a silent connection open.
//!
//! The body owns the answer, so a client that goes away ends its sequences.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use serde::Serialize;
use shekara_protocol::chat::ChatChunk;
use shekara_protocol::completions::Completion;
use shekara_protocol::error::ApiError;
use shekara_protocol::sse::{self, NamedEvent};
use shekara_protocol::transcriptions::TranscriptEvent;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// A connection that is silent for longer may be cut by something on the way.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How one API writes what happens to an answer. Each method gives whole events.
pub(super) trait Events<T> {
    /// Before anything else.
    fn begin(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn item(&mut self, item: T) -> Vec<String>;

    fn end(&mut self) -> Vec<String>;

    fn fail(&mut self, error: &ApiError) -> Vec<String>;

    /// While nothing happens.
    fn keep_alive(&mut self) -> String {
        sse::KEEP_ALIVE.to_owned()
    }
}

/// OpenAI's events without names, for chat, completions and transcriptions alike.
pub(super) struct ChatEvents;

fn openai_item(item: &impl Serialize) -> Vec<String> {
    serde_json::to_string(item).map(|json| sse::data(&json)).into_iter().collect()
}

fn openai_failure(error: &ApiError) -> Vec<String> {
    vec![sse::error(&error.to_json()), sse::DONE.to_owned()]
}

/// Events that have names, as they go over the wire.
pub(super) fn named(events: &[NamedEvent]) -> Vec<String> {
    events.iter().map(NamedEvent::to_sse).collect()
}

impl Events<ChatChunk> for ChatEvents {
    fn item(&mut self, item: ChatChunk) -> Vec<String> {
        openai_item(&item)
    }

    fn end(&mut self) -> Vec<String> {
        vec![sse::DONE.to_owned()]
    }

    fn fail(&mut self, error: &ApiError) -> Vec<String> {
        openai_failure(error)
    }
}

impl Events<Completion> for ChatEvents {
    fn item(&mut self, item: Completion) -> Vec<String> {
        openai_item(&item)
    }

    fn end(&mut self) -> Vec<String> {
        vec![sse::DONE.to_owned()]
    }

    fn fail(&mut self, error: &ApiError) -> Vec<String> {
        openai_failure(error)
    }
}

impl Events<TranscriptEvent> for ChatEvents {
    fn item(&mut self, item: TranscriptEvent) -> Vec<String> {
        openai_item(&item)
    }

    fn end(&mut self) -> Vec<String> {
        vec![sse::DONE.to_owned()]
    }

    fn fail(&mut self, error: &ApiError) -> Vec<String> {
        openai_failure(error)
    }
}

/// The body of a streamed answer.
pub(super) struct EventStream<S, E> {
    items: S,
    events: E,
    /// At most the few events of one item.
    ready: VecDeque<String>,
    ended: bool,
    keep_alive: Interval,
}

impl<S, E> EventStream<S, E> {
    pub(super) fn new<T>(items: S, mut events: E) -> Self
    where
        S: Stream<Item = Result<T, ApiError>>,
        E: Events<T>,
    {
        let mut keep_alive = interval(KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        keep_alive.reset();
        let ready = events.begin().into();
        Self { items, events, ready, ended: false, keep_alive }
    }
}

impl<T, S, E> Stream for EventStream<S, E>
where
    S: Stream<Item = Result<T, ApiError>> + Unpin,
    E: Events<T> + Unpin,
{
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(event) = this.ready.pop_front() {
                this.keep_alive.reset();
                return Poll::Ready(Some(Ok(Bytes::from(event))));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            let events = match Pin::new(&mut this.items).poll_next(context) {
                Poll::Ready(Some(Ok(item))) => this.events.item(item),
                Poll::Ready(Some(Err(error))) => {
                    this.ended = true;
                    this.events.fail(&error)
                }
                Poll::Ready(None) => {
                    this.ended = true;
                    this.events.end()
                }
                Poll::Pending => {
                    let tick = this.keep_alive.poll_tick(context);
                    return tick.map(|_| Some(Ok(Bytes::from(this.events.keep_alive()))));
                }
            };
            this.ready.extend(events);
        }
    }
}

impl<T, S, E> IntoResponse for EventStream<S, E>
where
    T: 'static,
    S: Stream<Item = Result<T, ApiError>> + Unpin + Send + 'static,
    E: Events<T> + Unpin + Send + 'static,
    Self: Stream<Item = Result<Bytes, Infallible>>,
{
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from_stream(self));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}
