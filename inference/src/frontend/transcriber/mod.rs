//! The text side of models that write down speech: the tokens that steer them, languages, prompts, what a request asks.

mod languages;
mod transcriber_frontend;
mod vocabulary;

pub use transcriber_frontend::{PreparedTranscription, TranscriberFrontend};
