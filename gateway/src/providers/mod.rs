//! Sending a routed request to who answers it. One folder per kind that needs translation.

mod anthropic;
mod azure_openai;
mod bedrock;
mod chat_answer;
mod chat_fields;
mod completions;
mod engine;
mod failure;
mod gemini;
mod keys;
mod messages_fields;
mod mistral;
mod openai;
mod registry;
mod token_classifier;
mod translated_events;
mod upload;
mod upstream;
mod vault_wire;

pub use engine::EngineService;
pub use failure::{AttemptError, Failure, FailureKind};
pub use registry::Registry;
pub use token_classifier::TokenClassifier;
pub use upload::Enclosed;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

use crate::alerts::Alerts;

/// Where servers like vLLM turn texts and conversations into tokens: beside the API, not below it.
pub const TOKENIZE: &str = "/tokenize";
pub const DETOKENIZE: &str = "/detokenize";

/// What a provider has to know beside the body.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Where the endpoint lies below a provider's base URL.
    pub path: &'static str,
    /// The answer is text that the model makes, whose length can be bounded.
    pub is_generated: bool,
    /// The answer is how many tokens the request has, and nothing is generated.
    pub counts_tokens: bool,
    pub stream: bool,
    /// The body was made of another API's: fields of vLLM in it are not the caller's own.
    pub is_translated: bool,
    /// Sent where the request itself sets no bound.
    pub max_output_tokens: Option<u32>,
    pub tenant: &'a str,
    pub request_id: &'a str,
    /// When it is sent.
    pub now: jiff::Timestamp,
    /// Files that go along, as a form; those of what is routed, put in where it is sent.
    pub enclosed: Enclosed<'a>,
    /// Who hears of a key that gave way to another one.
    pub alerts: Option<&'a Alerts>,
    /// Which of the provider's keys it goes with; chosen where it is sent.
    pub key: usize,
    /// It stands in a batch: others go before it.
    pub batch: Option<Batched<'a>>,
}

impl Outgoing<'_> {
    /// The answer is tokens, or the text of some.
    fn is_about_tokens(&self) -> bool {
        matches!(self.path, TOKENIZE | DETOKENIZE)
    }
}

/// What a request of a batch asks for.
#[derive(Debug, Clone, Copy)]
pub struct Batched<'a> {
    /// At providers with OpenAI's API, where the request itself names none.
    pub service_tier: Option<&'a str>,
}

/// An upstream's body as it arrives. Dropping it ends the upstream's work.
pub type UpstreamBody = UnsyncBoxBody<Bytes, UpstreamBodyError>;

/// The upstream's body broke off.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the upstream's answer to its end")]
pub struct UpstreamBodyError {
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// An answer with a status below 300.
pub type UpstreamResponse = http::Response<UpstreamBody>;
