//! An answer's text, as its tokens come.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use shekara_protocol::chat::{StopReason, TokenLogprob};

use crate::engine::{EngineError, TokenEvent, TokenStream};
use crate::sampling::{FinishReason, SampledToken, TokenLogprobs};

use super::detokenizer::{Detokenizer, ShownTokens};
use super::stop_strings::StopStrings;
use super::tokenizer::ModelTokenizer;

/// How a request wants its tokens shown.
#[derive(Clone, Debug)]
pub struct TextOptions {
    pub stop_strings: Vec<String>,
    /// The stop string that ends the answer is shown.
    pub include_stop_string: bool,
    /// Tokens that end the answer, those of the model included.
    pub stop_token_ids: Vec<u32>,
    /// Those that the request named: which one it was is reported.
    pub named_stop_token_ids: Vec<u32>,
    pub shown_tokens: ShownTokens,
}

/// How an answer came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEnding {
    pub reason: FinishReason,
    /// What the request named, if that is what ended it.
    pub stop_reason: Option<StopReason>,
}

/// What becomes of an answer. `Finished` or `Failed` comes last and exactly once.
#[derive(Clone, Debug, PartialEq)]
pub enum TextEvent {
    /// It runs; so many tokens of its prompt were in the prefix cache.
    Started {
        cached_tokens: usize,
    },
    /// Log probabilities of the prompt's tokens but the first.
    Prompt(Vec<TokenLogprob>),
    /// Whole characters, never empty, and the log probabilities of the tokens that begin in them, with the byte of
    /// `text` at which each begins.
    Delta {
        text: String,
        logprobs: Vec<TokenLogprob>,
        starts: Vec<usize>,
    },
    Finished(TextEnding),
    Failed(EngineError),
}

/// Turns tokens into text and ends at stop strings. Dropping it ends the sequence.
pub struct TextStream {
    /// None once the answer has ended.
    tokens: Option<TokenStream>,
    tokenizer: Arc<ModelTokenizer>,
    detokenizer: Detokenizer,
    stop_strings: StopStrings,
    options: TextOptions,
    num_tokens: usize,
    /// Of the tokens so far, as far as log probabilities were asked for.
    logprob_sum: f64,
    stop_token: Option<u32>,
    /// Log probabilities whose text is not shown yet, with the byte at which it begins.
    pending: VecDeque<(usize, TokenLogprob)>,
    decoded_bytes: usize,
    shown_bytes: usize,
    /// What follows the event that was just given.
    next: Option<TextEvent>,
}

impl TextStream {
    pub(super) fn new(tokenizer: Arc<ModelTokenizer>, tokens: TokenStream, options: TextOptions) -> Self {
        Self {
            tokens: Some(tokens),
            detokenizer: Detokenizer::new(tokenizer.clone(), options.shown_tokens.clone()),
            tokenizer,
            stop_strings: StopStrings::new(options.stop_strings.clone(), options.include_stop_string),
            options,
            num_tokens: 0,
            logprob_sum: 0.0,
            stop_token: None,
            pending: VecDeque::new(),
            decoded_bytes: 0,
            shown_bytes: 0,
            next: None,
        }
    }

    /// Tokens of the answer so far, its end token included.
    pub fn num_tokens(&self) -> usize {
        self.num_tokens
    }

    /// Mean log probability of the tokens so far, the end token included; 0 unless log probabilities were asked for.
    pub fn mean_logprob(&self) -> f64 {
        self.logprob_sum / self.num_tokens.max(1) as f64
    }

    fn describe(&self, logprobs: &TokenLogprobs) -> TokenLogprob {
        self.tokenizer.describe(logprobs)
    }

    fn end(&mut self, text: String, last: TextEvent) -> TextEvent {
        if let Some(tokens) = self.tokens.take() {
            tokens.satisfy();
        }
        match self.show(text) {
            Some(delta) => {
                self.next = Some(last);
                delta
            }
            None => last,
        }
    }

    /// The delta that shows `text`, unless it is empty.
    fn show(&mut self, text: String) -> Option<TextEvent> {
        if text.is_empty() {
            return None;
        }
        let before = self.shown_bytes;
        self.shown_bytes += text.len();
        let shown = self.pending.iter().take_while(|(start, _)| *start < self.shown_bytes).count();
        let shown = self.pending.drain(..shown).map(|(start, logprob)| (start.saturating_sub(before), logprob));
        let (starts, logprobs) = shown.unzip();
        Some(TextEvent::Delta { text, logprobs, starts })
    }

    /// The event that a step's tokens bring about, if any.
    fn take(&mut self, tokens: Vec<SampledToken>) -> Option<TextEvent> {
        let mut text = String::new();
        for sampled in tokens {
            self.num_tokens += 1;
            self.logprob_sum += sampled.logprobs.as_ref().map_or(0.0, |logprobs| f64::from(logprobs.logprob));
            // A token that ends the answer is no part of its text.
            if self.options.stop_token_ids.contains(&sampled.token) {
                self.stop_token = Some(sampled.token);
                break;
            }
            let piece = self.detokenizer.push(sampled.token);
            if let Some(logprobs) = &sampled.logprobs {
                let logprob = self.describe(logprobs);
                // Bytes of tokens before it may come out first.
                let own = logprob.bytes.as_deref().filter(|bytes| piece.as_bytes().ends_with(bytes));
                let before = own.map_or(0, |own| piece.len() - own.len());
                self.pending.push_back((self.decoded_bytes + before, logprob));
            }
            self.decoded_bytes += piece.len();
            let screened = self.stop_strings.push(&piece);
            text.push_str(&screened.text);
            if let Some(stop) = screened.stopped {
                let stop_reason = Some(StopReason::Text(stop));
                let ending = TextEnding { reason: FinishReason::Stop, stop_reason };
                return Some(self.end(text, TextEvent::Finished(ending)));
            }
        }
        self.show(text)
    }

    fn finish(&mut self, reason: FinishReason) -> TextEvent {
        let named = self.stop_token.filter(|token| self.options.named_stop_token_ids.contains(token));
        let ending = TextEnding { reason, stop_reason: named.map(StopReason::TokenId) };
        let held = self.stop_strings.finish();
        // Half a character at the end is no text, but its token was drawn.
        let unshown = std::mem::take(&mut self.pending);
        let (last_starts, last): (Vec<usize>, Vec<TokenLogprob>) = unshown.into_iter().unzip();
        let length = held.len();
        let shown = self.shown_bytes;
        let last_starts: Vec<usize> =
            last_starts.into_iter().map(|start| start.saturating_sub(shown).min(length)).collect();
        let event = self.end(held, TextEvent::Finished(ending));
        if last.is_empty() {
            return event;
        }
        match event {
            TextEvent::Delta { text, .. } => TextEvent::Delta { text, logprobs: last, starts: last_starts },
            event => {
                self.next = Some(event);
                TextEvent::Delta { text: String::new(), logprobs: last, starts: vec![0; last_starts.len()] }
            }
        }
    }
}

impl Stream for TextStream {
    type Item = TextEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<TextEvent>> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(Some(next));
        }
        loop {
            let Some(tokens) = &mut self.tokens else { return Poll::Ready(None) };
            let event = match ready!(Pin::new(tokens).poll_next(context)) {
                Some(TokenEvent::Started { cached_tokens }) => Some(TextEvent::Started { cached_tokens }),
                Some(TokenEvent::Prompt(logprobs)) => {
                    Some(TextEvent::Prompt(logprobs.iter().map(|logprobs| self.describe(logprobs)).collect()))
                }
                Some(TokenEvent::Tokens(tokens)) => self.take(tokens),
                Some(TokenEvent::Finished(reason)) => Some(self.finish(reason)),
                Some(TokenEvent::Failed(error)) => Some(self.end(String::new(), TextEvent::Failed(error))),
                None => return Poll::Ready(None),
            };
            if let Some(event) = event {
                return Poll::Ready(Some(event));
            }
        }
    }
}
