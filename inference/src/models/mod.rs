//! One configurable decoder, and the table from Hugging Face `architectures` to its knobs.

mod architectures;
mod config;
mod decoder;
mod windows;
mod workspace;

pub use config::DecoderConfig;
pub use decoder::Decoder;
pub use workspace::Workspace;
