//! Text to tokens and back: requests are checked, rendered and tokenised here, answers turned into
//! text, content, reasoning and tool calls that can be streamed.

mod answer_stream;
mod chat;
mod chat_template;
mod completion;
mod detokenizer;
mod error;
mod gguf_splits;
mod gguf_tokenizer;
mod messages;
mod model_frontend;
mod output;
pub mod reader;
mod stop_strings;
mod structure;
mod template_functions;
mod text_stream;
mod tokenizer;
mod tools;
pub mod transcriber;
mod valid_sampling;

pub use answer_stream::{AnswerEnding, AnswerEvent, AnswerStream};
pub use chat::PreparedChat;
pub use completion::{PreparedCompletion, PreparedPrompt};
pub use error::{FrontendError, TemplateError};
pub use model_frontend::{ModelFrontend, PrepareContext, TextSource};
pub use output::{OutputDelta, ReasoningFormat, ToolFormat, UnknownFormat};
pub use text_stream::{TextEnding, TextEvent, TextOptions, TextStream};

/// Formats that an operator sets for a model; without them they are told from its chat template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatSettings {
    /// How the model writes tool calls, e.g. `hermes`.
    pub tool_format: Option<ToolFormat>,
    /// How it writes its reasoning, e.g. `think`.
    pub reasoning_format: Option<ReasoningFormat>,
}
