//! A completion in chunks: for each choice its pieces and its finish, then the usage.
//!
//! It owns the draws, so a client that goes away ends their sequences.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use shekara_protocol::completions::{Completion, CompletionChoice};
use shekara_protocol::error::ApiError;

use crate::frontend::TextEvent;

use super::super::chat_whole::text_finish_reason;
use super::super::error::not_finished;
use super::choice::ChoiceText;
use super::draws::DrawEvent;
use super::run::Run;

/// The chunks of an answer; an error ends it. As many are drawn as are shown, so a draw's index is its choice's.
pub(super) struct Chunks {
    run: Run,
    choices: Vec<ChoiceText>,
    /// At most the few chunks of one event.
    ready: VecDeque<Completion>,
    ended: bool,
}

impl Chunks {
    pub(super) fn new(run: Run) -> Self {
        Self { choices: run.choices(), run, ready: VecDeque::new(), ended: false }
    }

    fn take(&mut self, draw: DrawEvent) -> Result<(), ApiError> {
        let index = draw.index as u32;
        let Some(choice) = self.choices.get_mut(draw.index) else { return Err(ApiError::internal()) };
        for piece in choice.take(&draw.event) {
            self.push(CompletionChoice { index, ..piece });
        }
        match draw.event {
            TextEvent::Finished(ending) => {
                let finish_reason = Some(text_finish_reason(ending.reason));
                let stop_reason = ending.stop_reason;
                self.push(CompletionChoice { index, finish_reason, stop_reason, ..CompletionChoice::default() });
                if self.run.draws.is_finished() {
                    self.ended = true;
                    self.push_usage();
                }
                Ok(())
            }
            TextEvent::Failed(error) => Err(not_finished(error)),
            _ => Ok(()),
        }
    }

    fn push(&mut self, choice: CompletionChoice) {
        let chunk = self.run.completion(vec![choice]);
        self.ready.push_back(chunk);
    }

    fn push_usage(&mut self) {
        if self.run.prepared.include_usage {
            let mut chunk = self.run.completion(Vec::new());
            chunk.usage = Some(self.run.answer.usage(self.run.draws.tally()));
            self.ready.push_back(chunk);
        }
    }
}

impl Stream for Chunks {
    type Item = Result<Completion, ApiError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let result = match ready!(Pin::new(&mut self.run.draws).poll_next(context)) {
                Some(draw) => self.take(draw),
                None => Err(ApiError::internal()),
            };
            if let Err(error) = result {
                self.ended = true;
                self.ready.clear();
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}
