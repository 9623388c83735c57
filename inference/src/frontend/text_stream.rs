//! An answer's text, as its tokens come.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;

use crate::engine::{EngineError, TokenEvent, TokenStream};
use crate::sampling::FinishReason;

use super::detokenizer::Detokenizer;
use super::stop_strings::StopStrings;
use super::tokenizer::ModelTokenizer;

/// What becomes of an answer. `Finished` or `Failed` comes last and exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextEvent {
    /// Whole characters, never empty.
    Delta(String),
    Finished(FinishReason),
    Failed(EngineError),
}

/// Turns tokens into text and ends at stop strings. Dropping it ends the sequence.
pub struct TextStream {
    /// None once the answer has ended.
    tokens: Option<TokenStream>,
    detokenizer: Detokenizer,
    stop_strings: StopStrings,
    stop_token_ids: Vec<u32>,
    num_tokens: usize,
    /// What follows the delta that was just given.
    last: Option<TextEvent>,
}

impl TextStream {
    pub(super) fn new(
        tokenizer: Arc<ModelTokenizer>,
        tokens: TokenStream,
        stop_strings: Vec<String>,
        stop_token_ids: Vec<u32>,
    ) -> Self {
        Self {
            tokens: Some(tokens),
            detokenizer: Detokenizer::new(tokenizer),
            stop_strings: StopStrings::new(stop_strings),
            stop_token_ids,
            num_tokens: 0,
            last: None,
        }
    }

    /// Tokens that the engine has generated for this answer so far, its end token included.
    pub fn num_tokens(&self) -> usize {
        self.num_tokens
    }

    fn end(&mut self, text: String, last: TextEvent) -> TextEvent {
        self.tokens = None;
        if text.is_empty() {
            return last;
        }
        self.last = Some(last);
        TextEvent::Delta(text)
    }

    /// The event that a token brings about, if any.
    fn token(&mut self, token: u32) -> Option<TextEvent> {
        self.num_tokens += 1;
        // A token that ends the answer is no part of its text.
        if self.stop_token_ids.contains(&token) {
            return None;
        }
        let screened = self.stop_strings.push(&self.detokenizer.push(token));
        if screened.stopped {
            return Some(self.end(screened.text, TextEvent::Finished(FinishReason::Stop)));
        }
        (!screened.text.is_empty()).then_some(TextEvent::Delta(screened.text))
    }
}

impl Stream for TextStream {
    type Item = TextEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<TextEvent>> {
        if let Some(last) = self.last.take() {
            return Poll::Ready(Some(last));
        }
        loop {
            let Some(tokens) = &mut self.tokens else { return Poll::Ready(None) };
            let event = match ready!(Pin::new(tokens).poll_next(context)) {
                Some(TokenEvent::Token(token)) => self.token(token),
                Some(TokenEvent::Finished(reason)) => {
                    let held = self.stop_strings.finish();
                    Some(self.end(held, TextEvent::Finished(reason)))
                }
                Some(TokenEvent::Failed(error)) => Some(self.end(String::new(), TextEvent::Failed(error))),
                None => return Poll::Ready(None),
            };
            if let Some(event) = event {
                return Poll::Ready(Some(event));
            }
        }
    }
}
