//! A streamed answer: role, deltas, finish, usage if asked for, `[DONE]`.
//!
//! The body owns the text stream, so a client that goes away ends its sequence.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use shekara_protocol::chat::{ChatChunk, ChunkChoice, Delta, FinishReason, Usage};
use shekara_protocol::error::ApiError;
use shekara_protocol::sse;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::frontend::{TextEvent, TextStream};

use super::chat::{Answer, finish_reason};
use super::error::not_finished;

/// A connection that is silent for longer may be cut by something on the way.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) struct ChatStream {
    answer: Answer,
    text: TextStream,
    include_usage: bool,
    /// At most the few events that end an answer.
    ready: VecDeque<String>,
    ended: bool,
    keep_alive: Interval,
}

impl ChatStream {
    pub(super) fn new(answer: Answer, text: TextStream, include_usage: bool) -> Self {
        let mut keep_alive = interval(KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        keep_alive.reset();
        let mut stream = Self { answer, text, include_usage, ready: VecDeque::new(), ended: false, keep_alive };
        let role = Delta { role: Some("assistant".into()), content: Some(String::new()), ..Delta::default() };
        stream.choice(role, None);
        stream
    }

    fn choice(&mut self, delta: Delta, finish_reason: Option<FinishReason>) {
        let choice = ChunkChoice { index: 0, delta, logprobs: None, finish_reason };
        self.chunk(vec![choice], None);
    }

    fn chunk(&mut self, choices: Vec<ChunkChoice>, usage: Option<Usage>) {
        let chunk = ChatChunk {
            id: self.answer.id.clone(),
            object: "chat.completion.chunk".into(),
            created: self.answer.created,
            model: self.answer.model.clone(),
            choices,
            usage,
        };
        match serde_json::to_string(&chunk) {
            Ok(json) => self.ready.push_back(sse::data(&json)),
            Err(_) => self.fail(&ApiError::internal()),
        }
    }

    fn fail(&mut self, error: &ApiError) {
        self.ready.push_back(sse::error(&error.to_json()));
        self.ready.push_back(sse::DONE.to_owned());
        self.ended = true;
    }

    fn take(&mut self, event: TextEvent) {
        match event {
            TextEvent::Delta(text) => self.choice(Delta { content: Some(text), ..Delta::default() }, None),
            TextEvent::Finished(reason) => {
                self.choice(Delta::default(), Some(finish_reason(reason)));
                if self.include_usage {
                    let usage = self.answer.usage(self.text.num_tokens());
                    self.chunk(Vec::new(), Some(usage));
                }
                self.ready.push_back(sse::DONE.to_owned());
                self.ended = true;
            }
            TextEvent::Failed(error) => self.fail(&not_finished(error)),
        }
    }
}

impl Stream for ChatStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.keep_alive.reset();
                return Poll::Ready(Some(Ok(Bytes::from(event))));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match Pin::new(&mut self.text).poll_next(context) {
                Poll::Ready(Some(event)) => self.take(event),
                Poll::Ready(None) => self.fail(&ApiError::internal()),
                Poll::Pending => {
                    return self.keep_alive.poll_tick(context).map(|_| Some(Ok(Bytes::from(sse::KEEP_ALIVE))));
                }
            }
        }
    }
}

impl IntoResponse for ChatStream {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from_stream(self));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}
