//! GGUF files: a model, its tokenizer and its template in one file (`ggml`'s format).
//!
//! Metadata is put into the words of a `config.json` and tensors are handed out by Hugging Face's
//! names, so that one table of architectures serves both.

mod config;
mod family;
mod file;
mod names;
mod value;
mod weights;

pub use value::{GgufMetadata, GgufValue};
pub use weights::GgufWeights;
