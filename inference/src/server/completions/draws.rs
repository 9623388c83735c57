//! The texts of all draws of a request as they come, and what they took.
//!
//! It owns the sequences: dropping it ends them all.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use futures_util::stream::{SelectAll, StreamExt, select_all};

use crate::frontend::{TextEvent, TextStream};

use super::super::generation::Tally;

/// What became of draw `index`: draw `d` of prompt `p` has `p * draws_per_prompt + d`.
pub(super) struct DrawEvent {
    pub index: usize,
    pub event: TextEvent,
    /// Of its tokens so far, if log probabilities are known.
    pub mean_logprob: f64,
    num_tokens: usize,
}

struct Draw {
    index: usize,
    text: TextStream,
}

impl Stream for Draw {
    type Item = DrawEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<DrawEvent>> {
        let event = ready!(Pin::new(&mut self.text).poll_next(context));
        let (index, mean_logprob, num_tokens) = (self.index, self.text.mean_logprob(), self.text.num_tokens());
        Poll::Ready(event.map(|event| DrawEvent { index, event, mean_logprob, num_tokens }))
    }
}

pub(super) struct Draws {
    streams: SelectAll<Draw>,
    per_prompt: usize,
    /// Whether what is drawn is part of the answer.
    counts_tokens: bool,
    /// Of each prompt, whether its first draw runs.
    has_started: Vec<bool>,
    tally: Tally,
    len: usize,
    num_open: usize,
}

impl Draws {
    pub(super) fn new(texts: impl Iterator<Item = TextStream>, draws_per_prompt: usize, counts_tokens: bool) -> Self {
        let streams = select_all(texts.enumerate().map(|(index, text)| Draw { index, text }));
        let len = streams.len();
        let has_started = vec![false; len.div_ceil(draws_per_prompt)];
        Self {
            streams,
            per_prompt: draws_per_prompt,
            counts_tokens,
            has_started,
            tally: Tally::default(),
            len,
            num_open: len,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether every draw has come to its end.
    pub(super) fn is_finished(&self) -> bool {
        self.num_open == 0
    }

    /// Tokens of all draws; cached ones are those that the first draw of each prompt found.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    fn note(&mut self, draw: &DrawEvent) {
        match &draw.event {
            TextEvent::Started { cached_tokens } => {
                let has_started = self.has_started.get_mut(draw.index / self.per_prompt);
                if has_started.is_some_and(|has_started| !std::mem::replace(has_started, true)) {
                    self.tally.cached_tokens += cached_tokens;
                }
            }
            TextEvent::Finished(_) => {
                self.num_open -= 1;
                if self.counts_tokens {
                    self.tally.completion_tokens += draw.num_tokens;
                }
            }
            _ => {}
        }
    }
}

impl Stream for Draws {
    type Item = DrawEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<DrawEvent>> {
        let polled = self.streams.poll_next_unpin(context);
        if let Poll::Ready(Some(draw)) = &polled {
            self.note(draw);
        }
        polled
    }
}
