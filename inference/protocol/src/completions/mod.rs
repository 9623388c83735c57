//! `/v1/completions`: the request, and the answer both whole and in chunks (they share one shape).

mod prompt;
mod request;
mod response;

pub use prompt::{Prompt, PromptItem};
pub use request::{CompletionRequest, DEFAULT_MAX_TOKENS, MAX_LOGPROBS, parse_request};
pub use response::{Completion, CompletionChoice, CompletionLogprobs};
