//! A chat answer in chunks: for each choice its role, deltas and finish, then the usage.
//!
//! It owns the choices, so a client that goes away ends their sequences.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use shekara_protocol::chat::{
    ChatChunk, ChatLogprobs, ChunkChoice, Delta, FunctionDelta, TokenLogprob, ToolCallDelta, Usage,
};
use shekara_protocol::error::ApiError;

use crate::frontend::{AnswerEvent, OutputDelta};

use super::chat_whole::{call_id, finish_reason};
use super::error::not_finished;
use super::generation::Generation;

/// Which chunks tell the tokens used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsageChunks {
    None,
    /// One more at the end, without choices.
    Last,
    /// The first one too, with the prompt's.
    FirstAndLast,
}

impl UsageChunks {
    /// What a chat request asks for.
    pub(super) fn included(include_usage: bool) -> Self {
        if include_usage { Self::Last } else { Self::None }
    }
}

/// The chunks of an answer; an error ends it.
pub(super) struct ChatChunks {
    generation: Generation,
    usage: UsageChunks,
    /// At most the few chunks of one event.
    ready: VecDeque<ChatChunk>,
    ended: bool,
}

impl ChatChunks {
    pub(super) fn new(generation: Generation, usage: UsageChunks) -> Self {
        Self { generation, usage, ready: VecDeque::new(), ended: false }
    }

    fn take(&mut self, index: u32, event: AnswerEvent) -> Result<(), ApiError> {
        match event {
            AnswerEvent::Started { .. } => {
                let (role, content) = (Some("assistant".into()), Some(String::new()));
                let choice = ChunkChoice { index, delta: Delta { role, content, ..Delta::default() }, ..empty() };
                let usage = (self.usage == UsageChunks::FirstAndLast).then(|| self.usage());
                let chunk = self.chunk(vec![choice], usage);
                self.ready.push_back(chunk);
            }
            AnswerEvent::Delta { deltas, logprobs } => self.deltas(index, deltas, logprobs),
            AnswerEvent::Finished(ending) => {
                let finish_reason = Some(finish_reason(&ending));
                let stop_reason = ending.text.stop_reason;
                self.choice(ChunkChoice { index, finish_reason, stop_reason, ..empty() });
                if self.generation.choices.is_finished() {
                    self.ended = true;
                    if self.usage != UsageChunks::None {
                        let chunk = self.chunk(Vec::new(), Some(self.usage()));
                        self.ready.push_back(chunk);
                    }
                }
            }
            AnswerEvent::Failed(error) => {
                self.ended = true;
                return Err(not_finished(error));
            }
        }
        Ok(())
    }

    /// One chunk per delta; the log probabilities go with the first.
    fn deltas(&mut self, index: u32, deltas: Vec<OutputDelta>, logprobs: Vec<TokenLogprob>) {
        let wants_logprobs = self.generation.prepared.logprobs;
        let mut logprobs = Some(logprobs).filter(|logprobs| wants_logprobs && !logprobs.is_empty());
        let mut deltas: Vec<Delta> = deltas.into_iter().map(delta).collect();
        if deltas.is_empty() {
            deltas.push(Delta { content: Some(String::new()), ..Delta::default() });
        }
        for delta in deltas {
            let logprobs = logprobs.take().map(|content| ChatLogprobs { content: Some(content), refusal: None });
            self.choice(ChunkChoice { index, delta, logprobs, ..empty() });
        }
    }

    fn usage(&self) -> Usage {
        self.generation.answer.usage(self.generation.choices.tally())
    }

    fn choice(&mut self, choice: ChunkChoice) {
        let chunk = self.chunk(vec![choice], None);
        self.ready.push_back(chunk);
    }

    fn chunk(&self, choices: Vec<ChunkChoice>, usage: Option<Usage>) -> ChatChunk {
        let answer = &self.generation.answer;
        ChatChunk {
            id: answer.id.clone(),
            object: "chat.completion.chunk".into(),
            created: answer.created,
            model: answer.model.clone(),
            choices,
            usage,
        }
    }
}

fn empty() -> ChunkChoice {
    ChunkChoice { index: 0, delta: Delta::default(), logprobs: None, finish_reason: None, stop_reason: None }
}

fn delta(delta: OutputDelta) -> Delta {
    let call = |index, id, name, arguments| {
        let kind = Option::as_ref(&id).map(|_: &String| "function".into());
        let function = Some(FunctionDelta { name, arguments: Some(arguments) });
        let call = ToolCallDelta { index, id, kind, function };
        Delta { tool_calls: Some(vec![call]), ..Delta::default() }
    };
    match delta {
        OutputDelta::Content(text) => Delta { content: Some(text), ..Delta::default() },
        OutputDelta::Reasoning(text) => Delta { reasoning_content: Some(text), ..Delta::default() },
        OutputDelta::ToolCallStart { index, name } => call(index, Some(call_id()), Some(name), String::new()),
        OutputDelta::ToolCallArguments { index, text } => call(index, None, None, text),
    }
}

impl Stream for ChatChunks {
    type Item = Result<ChatChunk, ApiError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let Some((index, event)) = ready!(Pin::new(&mut self.generation.choices).poll_next(context)) else {
                self.ended = true;
                return Poll::Ready(Some(Err(ApiError::internal())));
            };
            if let Err(error) = self.take(index, event) {
                self.ready.clear();
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}
