//! One window on its way to text: what the decoder reads next, what it says, and whether that is taken.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::models::whisper::WhisperVocabulary;
use crate::sampling::{SamplingParams, draw};

use super::TokenText;
use super::rules::{constrain, log_probability};

/// Text that shrinks by more repeats itself.
const MAX_COMPRESSION: f32 = 2.4;
/// Text that is less likely is not believed.
const LEAST_LOGPROB: f32 = -1.0;
/// Above it, text that is not believed is taken for silence.
const NO_SPEECH: f32 = 0.6;

/// What a window's decoding goes by.
pub(super) struct WindowRules<'a> {
    pub vocabulary: &'a WhisperVocabulary,
    pub text: &'a TokenText,
    pub timestamps: bool,
    pub temperatures: &'a [f32],
}

/// A window of which some text has been said.
pub(super) struct Window {
    /// What the decoder is given before it says anything.
    prompt: Vec<u32>,
    /// Where in it the window's own begins.
    start: usize,
    /// Most tokens that may be said.
    max_tokens: usize,
    /// Random numbers depend on this and on places alone.
    seed: u64,
    tokens: Vec<u32>,
    log_sum: f64,
    no_speech: f32,
    /// Which temperature is tried.
    attempt: usize,
    has_begun: bool,
}

/// A window's text.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    pub tokens: Vec<u32>,
    pub temperature: f32,
    pub avg_logprob: f32,
    pub compression_ratio: f32,
    pub no_speech: f32,
}

impl Said {
    /// Whether there was nothing to be heard.
    pub(super) fn is_silence(&self) -> bool {
        self.no_speech > NO_SPEECH && self.avg_logprob <= LEAST_LOGPROB
    }

    fn is_believed(&self) -> bool {
        let doubtful = self.compression_ratio > MAX_COMPRESSION || self.avg_logprob < LEAST_LOGPROB;
        !doubtful || self.is_silence()
    }
}

impl Window {
    /// `prompt[start]` begins the window's own tokens. `first_frame` makes its random numbers its own.
    pub(super) fn new(prompt: Vec<u32>, start: usize, max_tokens: usize, first_frame: usize) -> Self {
        let seed = first_frame as u64;
        let tokens = Vec::new();
        Self { prompt, start, max_tokens, seed, tokens, log_sum: 0.0, no_speech: 0.0, attempt: 0, has_begun: false }
    }

    /// Tokens that the decoder is to read, the first one's position, and of how many of the last logits are wanted.
    pub(super) fn rows(&self) -> (&[u32], usize, usize) {
        let last = self.prompt.len() - 1;
        match self.tokens.last() {
            Some(token) => (std::slice::from_ref(token), last + self.tokens.len(), 1),
            None if self.has_begun => (&self.prompt[last..], last, 1),
            None => (&self.prompt, 0, self.prompt.len() - self.start),
        }
    }

    /// Says one token more, by the logits that [`Self::rows`] wanted; the text when it is whole and taken.
    pub(super) fn say(&mut self, logits: &mut [f32], rules: &WindowRules<'_>) -> Option<Said> {
        let vocab_size = rules.vocabulary.vocab_size as usize;
        if !self.has_begun {
            self.no_speech = log_probability(&logits[..vocab_size], rules.vocabulary.no_speech).exp() as f32;
            self.has_begun = true;
        }
        let first = logits.len() - vocab_size;
        let logits = &mut logits[first..];
        constrain(rules.vocabulary, rules.timestamps, &self.tokens, logits);
        let temperature = rules.temperatures[self.attempt];
        let seed = self.seed << 8 | self.attempt as u64;
        let params = SamplingParams { temperature, seed, ..SamplingParams::default() };
        let token = draw(&params, self.tokens.len(), logits);
        self.log_sum += log_probability(logits, token);
        let has_ended = token == rules.vocabulary.end;
        if !has_ended {
            self.tokens.push(token);
            if self.tokens.len() < self.max_tokens {
                return None;
            }
        }
        let said = self.said(temperature, has_ended, rules);
        if said.is_believed() || self.attempt + 1 == rules.temperatures.len() {
            return Some(said);
        }
        self.attempt += 1;
        self.tokens.clear();
        self.log_sum = 0.0;
        None
    }

    fn said(&self, temperature: f32, has_ended: bool, rules: &WindowRules<'_>) -> Said {
        // The end counts where it was said, and the mean is over one more in any case, as in OpenAI's.
        let count = self.tokens.len() + 1;
        debug_assert!(has_ended || count > self.max_tokens);
        Said {
            avg_logprob: (self.log_sum / count as f64) as f32,
            compression_ratio: compression_ratio(&(rules.text)(&self.tokens)),
            tokens: self.tokens.clone(),
            temperature,
            no_speech: self.no_speech,
        }
    }
}

/// How many times shorter zlib makes a text.
fn compression_ratio(text: &str) -> f32 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail; without a length nothing is taken for repetitive.
    let length =
        encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).map_or(usize::MAX, |bytes| bytes.len());
    text.len() as f32 / length as f32
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
