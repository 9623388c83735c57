//! The wire: types of OpenAI's API as clients, the engine and providers exchange them.
//!
//! Nothing here knows a web framework, a tensor or a provider, so that the gateway can be built without the engine and
//! both speak the very same shapes. Fields follow OpenAI's public API reference; unknown request fields are kept out of
//! the types and left to whoever forwards the body.

pub mod chat;
pub mod completions;
pub mod error;
#[cfg(test)]
mod goldens;
pub mod headers;
pub mod ids;
pub mod json;
pub mod messages;
pub mod models;
mod number;
mod object_only;
mod parse;
pub mod places;
pub mod responses;
pub mod sampling;
pub mod sse;
pub mod text_or_list;
pub mod tokenize;
