//! Whisper (Radford et al. 2022): an encoder of log-mel frames and a decoder that attends to them.

mod config;
mod convolution;
mod decoder;
mod encoder;
mod key_bias;
mod model;
mod vocabulary;

pub use config::WhisperConfig;
pub use model::{DecoderRows, WhisperModel};
pub use vocabulary::WhisperVocabulary;
