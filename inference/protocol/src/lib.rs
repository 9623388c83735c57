//! The wire: types of the APIs that clients, the engine and providers speak, and translations between them.
//!
//! Nothing here knows a web framework, a tensor or a provider, so that the gateway can be built without the engine and
//! both speak the very same shapes. Fields follow OpenAI's, vLLM's and Anthropic's public API references; unknown
//! request fields are kept out of the types and left to whoever forwards the body.

pub mod chat;
pub mod classify;
pub mod completions;
pub mod embeddings;
pub mod error;
#[cfg(test)]
mod goldens;
pub mod headers;
pub mod ids;
pub mod json;
pub mod messages;
pub mod models;
pub mod multipart;
mod number;
mod object_only;
pub mod parse;
pub mod places;
pub mod rerank;
pub mod responses;
pub mod sampling;
pub mod sse;
pub mod text_or_list;
pub mod tokenize;
pub mod transcriptions;
