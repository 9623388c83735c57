//! An answer to a conversation: content, reasoning and tool calls, as they come.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use shekara_protocol::chat::TokenLogprob;

use crate::engine::EngineError;

use super::output::{OutputDelta, OutputParser};
use super::text_stream::{TextEnding, TextEvent, TextStream};

/// What becomes of one choice. `Finished` or `Failed` comes last and exactly once.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerEvent {
    Started {
        cached_tokens: usize,
    },
    /// Not both empty.
    Delta {
        deltas: Vec<OutputDelta>,
        logprobs: Vec<TokenLogprob>,
    },
    Finished(AnswerEnding),
    Failed(EngineError),
}

/// How a choice ended, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerEnding {
    pub text: TextEnding,
    /// At least one tool call was begun.
    pub called_tools: bool,
    pub num_tokens: usize,
    /// Tokens of them that brought reasoning.
    pub num_reasoning_tokens: usize,
}

/// Takes the text of one choice apart. Dropping it ends the sequence.
pub struct AnswerStream {
    text: TextStream,
    parser: OutputParser,
    called_tools: bool,
    num_reasoning_tokens: usize,
    counted_tokens: usize,
    last: Option<AnswerEvent>,
}

impl AnswerStream {
    pub(super) fn new(text: TextStream, parser: OutputParser) -> Self {
        Self { text, parser, called_tools: false, num_reasoning_tokens: 0, counted_tokens: 0, last: None }
    }

    fn delta(&mut self, deltas: Vec<OutputDelta>, logprobs: Vec<TokenLogprob>) -> Option<AnswerEvent> {
        self.called_tools |= deltas.iter().any(|delta| matches!(delta, OutputDelta::ToolCallStart { .. }));
        let new_tokens = self.text.num_tokens() - self.counted_tokens;
        self.counted_tokens += new_tokens;
        if matches!(deltas.last(), Some(OutputDelta::Reasoning(_))) {
            self.num_reasoning_tokens += new_tokens;
        }
        (!deltas.is_empty() || !logprobs.is_empty()).then_some(AnswerEvent::Delta { deltas, logprobs })
    }

    fn finish(&mut self, text: TextEnding) -> AnswerEvent {
        let deltas = self.parser.finish();
        let delta = self.delta(deltas, Vec::new());
        let last = AnswerEvent::Finished(AnswerEnding {
            text,
            called_tools: self.called_tools,
            num_tokens: self.text.num_tokens(),
            num_reasoning_tokens: self.num_reasoning_tokens,
        });
        match delta {
            Some(delta) => {
                self.last = Some(last);
                delta
            }
            None => last,
        }
    }
}

impl Stream for AnswerStream {
    type Item = AnswerEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<AnswerEvent>> {
        if let Some(last) = self.last.take() {
            return Poll::Ready(Some(last));
        }
        loop {
            let event = match ready!(Pin::new(&mut self.text).poll_next(context)) {
                Some(TextEvent::Started { cached_tokens }) => Some(AnswerEvent::Started { cached_tokens }),
                Some(TextEvent::Delta { text, logprobs, .. }) => {
                    let deltas = self.parser.push(&text);
                    self.delta(deltas, logprobs)
                }
                Some(TextEvent::Finished(ending)) => Some(self.finish(ending)),
                Some(TextEvent::Failed(error)) => Some(AnswerEvent::Failed(error)),
                Some(TextEvent::Prompt(_)) => None,
                None => return Poll::Ready(None),
            };
            if let Some(event) = event {
                return Poll::Ready(Some(event));
            }
        }
    }
}
