//! A transcriber's tokenizer, and requests made ready for it.

use std::path::Path;
use std::sync::Arc;

use shekara_protocol::error::ApiError;
use shekara_protocol::transcriptions::TranscriptionRequest;

use crate::audio::Spectrogram;
use crate::engine::{TokenText, TranscriptionTask};
use crate::models::whisper::{WhisperConfig, WhisperVocabulary};
use crate::weights::HfConfig;

use super::super::FrontendError;
use super::super::tokenizer::ModelTokenizer;
use super::languages::{code_of, name_of};
use super::vocabulary::vocabulary;

/// OpenAI's ladder, where no temperature is asked for.
const TEMPERATURES: [f32; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
/// Of a longer prompt only the end is looked at; the model keeps far less of it.
const MAX_PROMPT_BYTES: usize = 16 << 10;
/// What is shorter holds no word.
const LEAST_SECONDS: f64 = 0.1;

/// Everything between requests and a transcriber's tokens.
pub struct TranscriberFrontend {
    tokenizer: Arc<ModelTokenizer>,
    vocabulary: WhisperVocabulary,
    num_mels: usize,
    window_frames: usize,
}

/// A request that was checked and waits for its sound.
#[derive(Clone, Debug)]
pub struct PreparedTranscription {
    prompt: Vec<u32>,
    language: Option<u32>,
    translate: bool,
    temperatures: Vec<f32>,
    has_times: bool,
}

impl TranscriberFrontend {
    /// # Errors
    /// If the tokenizer is missing or malformed, or tokens that steer the model are not there.
    pub fn load(folder: &Path, config: &HfConfig, model: &WhisperConfig) -> Result<Self, FrontendError> {
        let tokenizer = ModelTokenizer::load(folder)?;
        let vocabulary = vocabulary(folder, config, model.vocab_size, &tokenizer)?;
        let (num_mels, window_frames) = (model.num_mels, model.window_frames());
        Ok(Self { tokenizer: Arc::new(tokenizer), vocabulary, num_mels, window_frames })
    }

    pub fn vocabulary(&self) -> &WhisperVocabulary {
        &self.vocabulary
    }

    /// Bands that the model hears.
    pub fn num_mels(&self) -> usize {
        self.num_mels
    }

    /// The text of tokens: those that steer and times say nothing.
    pub fn text(&self) -> TokenText {
        let (tokenizer, end) = (Arc::clone(&self.tokenizer), self.vocabulary.end);
        Arc::new(move |tokens: &[u32]| {
            let words: Vec<u32> = tokens.iter().copied().filter(|token| *token < end).collect();
            tokenizer.decode(&words)
        })
    }

    /// The English name of a language; a model of one language knows English alone.
    pub fn language_name(&self, code: Option<&str>) -> String {
        code.map_or("english", name_of).to_owned()
    }

    /// Checks what a request asks of the model, before its sound is decoded.
    ///
    /// # Errors
    /// 400 for a language or a task that the model does not have.
    pub fn prepare(&self, request: &TranscriptionRequest, translate: bool) -> Result<PreparedTranscription, ApiError> {
        if translate && self.vocabulary.tasks.is_none() {
            let message = "The model writes down English alone: it does not translate.";
            return Err(ApiError::invalid("model", message).with_code("unsupported_model"));
        }
        let language = request.language.as_deref().map(|language| self.language(language)).transpose()?;
        let temperatures = match request.temperature {
            Some(temperature) if temperature > 0.0 => vec![temperature as f32],
            _ => TEMPERATURES.to_vec(),
        };
        let prompt = request.prompt.as_deref().map_or(Ok(Vec::new()), |prompt| self.prompt(prompt))?;
        let has_times = request.format.has_times();
        Ok(PreparedTranscription { prompt, language: language.flatten(), translate, temperatures, has_times })
    }

    /// # Errors
    /// 400 for a sound that is too short.
    pub fn task(&self, prepared: PreparedTranscription, audio: Spectrogram) -> Result<TranscriptionTask, ApiError> {
        if audio.seconds() < LEAST_SECONDS {
            let message = "Invalid 'file': the sound is shorter than 0.1 seconds.";
            return Err(ApiError::invalid("file", message).with_code("audio_too_short"));
        }
        let PreparedTranscription { prompt, language, translate, temperatures, has_times } = prepared;
        // Windows follow each other by times.
        let timestamps = has_times || audio.num_frames() > self.window_frames;
        Ok(TranscriptionTask { audio, prompt, language, translate, timestamps, temperatures })
    }

    /// None for the only language of a model that has one.
    fn language(&self, language: &str) -> Result<Option<u32>, ApiError> {
        let invalid = || {
            let message = "Invalid 'language': expected the ISO 639-1 code of a language that the model knows.";
            ApiError::invalid("language", message)
        };
        let code = code_of(language).ok_or_else(invalid)?;
        if self.vocabulary.languages.is_empty() {
            return if code == "en" { Ok(None) } else { Err(invalid()) };
        }
        let token = self.vocabulary.languages.iter().find(|(own, _)| own == code).map(|(_, token)| *token);
        token.map(Some).ok_or_else(invalid)
    }

    fn prompt(&self, prompt: &str) -> Result<Vec<u32>, ApiError> {
        let from = prompt.ceil_char_boundary(prompt.len().saturating_sub(MAX_PROMPT_BYTES));
        let text = format!(" {}", prompt[from..].trim());
        let invalid = |_| ApiError::invalid("prompt", "Invalid 'prompt': the model's tokenizer does not take it.");
        self.tokenizer.encode(&self.tokenizer.literal(&text)).map_err(invalid)
    }
}
