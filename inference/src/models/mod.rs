//! One configurable decoder, and the table from Hugging Face `architectures` to its knobs.

mod architectures;
mod config;
mod decoder;

pub use config::DecoderConfig;
pub use decoder::{Decoder, Workspace};
