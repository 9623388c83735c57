//! The tokens of one request, as they come. Dropping the stream ends the sequence.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

use crate::sampling::FinishReason;

use super::EngineError;

/// What an engine says about a request. `Finished` or `Failed` comes last and exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenEvent {
    Token(u32),
    Finished(FinishReason),
    Failed(EngineError),
}

/// Receives a request's events. The channel has room for all of them, so a reader that is slow or
/// gone never makes the engine wait.
#[derive(Debug)]
pub struct TokenStream {
    receiver: mpsc::Receiver<TokenEvent>,
    ended: bool,
}

impl TokenStream {
    pub(super) fn new(receiver: mpsc::Receiver<TokenEvent>) -> Self {
        Self { receiver, ended: false }
    }
}

impl Stream for TokenStream {
    type Item = TokenEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<TokenEvent>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(context).map(|event| {
            // A channel that closes early means that the engine's thread is gone.
            let event = event.unwrap_or(TokenEvent::Failed(EngineError::Stopped));
            self.ended = !matches!(event, TokenEvent::Token(_));
            Some(event)
        })
    }
}
