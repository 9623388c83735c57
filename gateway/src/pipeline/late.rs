//! A streamed answer that lets its headers go before anything is known of it: after a while clients and proxies take
//! silence for a dead connection. Until then, and behind them, another target may still take over.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use shekara_protocol::error::ApiError;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, AnswerStream};
use super::pump::{Source, pump};
use super::shape::{Shape, StreamShape};
use super::{Settlement, refusal};
use crate::audit::Outcome;

/// A comment as often as this.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(10);

pub(super) type Answering = Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send>>;

/// What is known of a request whose answer is not.
pub(super) struct Waiting {
    pub(super) answering: Answering,
    pub(super) shape: StreamShape,
    /// In whose words errors are told.
    pub(super) words: Arc<Shape>,
    pub(super) grace_over: CancellationToken,
    pub(super) settlement: Arc<Settlement>,
    pub(super) request_id: String,
    pub(super) deadline: Instant,
}

pub(super) fn late(waiting: Waiting) -> AnswerStream {
    waiting.settlement.note_late();
    let Waiting { answering, shape, words, grace_over, settlement, request_id, deadline } = waiting;
    let first = shape.keep_alive();
    let state = State::Waiting(answering);
    pump(Late { state, first: Some(first), shape, words, grace_over, settlement, request_id, deadline })
}

struct Late {
    state: State,
    first: Option<Bytes>,
    shape: StreamShape,
    words: Arc<Shape>,
    grace_over: CancellationToken,
    settlement: Arc<Settlement>,
    request_id: String,
    deadline: Instant,
}

enum State {
    Waiting(Answering),
    Answered(AnswerStream),
}

impl Source for Late {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let answer = match &mut self.state {
                State::Answered(events) => return events.next().await.map(|Ok(bytes)| bytes),
                State::Waiting(answering) => tokio::select! {
                    biased;
                    () = self.grace_over.cancelled() => Ok(Err(refusal::stream_broken("The server is shutting down."))),
                    answer = tokio::time::timeout(KEEP_ALIVE_EVERY, answering) => answer,
                },
            };
            let events: AnswerStream = match answer {
                Err(_) => return Some(self.shape.keep_alive()),
                Ok(Ok(Answer::Stream(events))) => events,
                // A request for a stream has no other answer.
                Ok(Ok(Answer::Whole(_) | Answer::Text(_) | Answer::Bytes(..))) => self.failed(&ApiError::internal()),
                Ok(Err(error)) => self.failed(&self.words.restate(error)),
            };
            self.state = State::Answered(events);
        }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn settlement(&self) -> &Settlement {
        &self.settlement
    }

    /// Its signs of life are nobody's answer, and errors are told before they are settled.
    fn is_first_hand(&self) -> bool {
        false
    }
}

impl Late {
    /// Settles first: the last byte goes out only behind the record.
    fn failed(&mut self, error: &ApiError) -> AnswerStream {
        self.settlement.note_error(error.code.as_deref());
        let mut last = self.shape.end(Some((error, &self.request_id)));
        for bytes in &last {
            self.settlement.keep_answer(bytes);
        }
        if self.settlement.settle(Outcome::Failed, 200).is_err() {
            last = self.shape.end(Some((&refusal::audit_unavailable(), &self.request_id)));
        }
        Box::pin(stream::iter(last.into_iter().map(Ok)))
    }
}
