//! What a request asks of a model that writes down speech, and what it gets.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::audio::Spectrogram;
use crate::engine::sequence_reader::has_ended;
use crate::engine::{EngineError, EngineStatus};

/// The text of tokens, without those that steer the model.
pub type TokenText = Arc<dyn Fn(&[u32]) -> String + Send + Sync>;

/// One request, in tokens.
pub struct TranscriptionTask {
    pub audio: Spectrogram,
    /// What was said before the sound begins; its end is taken where it is too long.
    pub prompt: Vec<u32>,
    /// The token of the language; it is found out where none is given.
    pub language: Option<u32>,
    /// Into English.
    pub translate: bool,
    /// Segments with times, by which windows follow each other. Without them the sound must be no longer than a window.
    pub timestamps: bool,
    /// The first is tried first, the others where what it says is repetitive or unlikely. Never empty.
    pub temperatures: Vec<f32>,
}

/// A stretch of speech.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// First frame of its window, a hundred a second.
    pub window_frame: usize,
    /// Seconds from the sound's beginning.
    pub start: f64,
    pub end: f64,
    pub text: String,
    /// Times included.
    pub tokens: Vec<u32>,
    /// Of its window's text, as the following are.
    pub temperature: f32,
    /// Mean of the tokens' log probabilities.
    pub avg_logprob: f32,
    pub compression_ratio: f32,
    pub no_speech_prob: f32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TranscriptionEvent {
    /// A window is written down; silent ones have no segments.
    Window(Vec<Segment>),
    /// The code of the language, where the model has several.
    Finished { language: Option<String> },
}

/// What becomes of a request, window by window. Dropping it ends the request.
pub struct TranscriptionStream {
    pub(super) events: mpsc::Receiver<TranscriptionEvent>,
    pub(super) status: watch::Receiver<EngineStatus>,
}

impl TranscriptionStream {
    /// The next event; the last is [`TranscriptionEvent::Finished`].
    ///
    /// # Errors
    /// If the model failed or was stopped before the end.
    pub async fn next(&mut self) -> Result<TranscriptionEvent, EngineError> {
        if let Some(event) = self.events.recv().await {
            return Ok(event);
        }
        // The thread is about to say how it ended.
        match self.status.wait_for(|status| has_ended(*status)).await.map(|status| *status) {
            Ok(EngineStatus::Stopped) => Err(EngineError::Stopped),
            _ => Err(EngineError::Failed),
        }
    }
}
