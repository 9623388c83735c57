//! The tokens of one request, as they come. Dropping the stream ends the sequence.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

use crate::sampling::{FinishReason, SampledToken, TokenLogprobs};

use super::EngineError;

/// What an engine says about a request. `Finished` or `Failed` comes last and exactly once.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenEvent {
    /// It runs for the first time; so many tokens of its prompt were in the prefix cache.
    Started {
        cached_tokens: usize,
    },
    /// Log probabilities of the prompt's tokens but the first, if the request asked for them.
    Prompt(Vec<TokenLogprobs>),
    /// What one step brought; never empty.
    Tokens(Vec<SampledToken>),
    Finished(FinishReason),
    Failed(EngineError),
}

impl TokenEvent {
    fn is_last(&self) -> bool {
        matches!(self, Self::Finished(_) | Self::Failed(_))
    }
}

/// Receives a request's events. The channel is bounded: a reader that falls too far behind finds a
/// failure at its end, and never makes the engine wait.
#[derive(Debug)]
pub struct TokenStream {
    receiver: mpsc::Receiver<TokenEvent>,
    ended: bool,
    satisfied: Arc<AtomicBool>,
}

impl TokenStream {
    pub(super) fn new(receiver: mpsc::Receiver<TokenEvent>, satisfied: Arc<AtomicBool>) -> Self {
        Self { receiver, ended: false, satisfied }
    }

    /// Ends the sequence because its reader has all that it wanted, which counts as a stop and not as an abort.
    pub fn satisfy(self) {
        self.satisfied.store(true, Ordering::Release);
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
            self.ended = event.is_last();
            Some(event)
        })
    }
}
