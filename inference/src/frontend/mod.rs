//! Text to tokens and back: requests are checked, rendered and tokenised here, answers turned into
//! text, content, reasoning and tool calls that can be streamed.

mod answer_stream;
mod chat;
mod chat_template;
mod completion;
mod detokenizer;
mod error;
mod messages;
mod model_frontend;
mod output;
mod stop_strings;
mod structure;
mod template_functions;
mod text_stream;
mod tokenizer;
mod tools;
mod valid_sampling;

pub use answer_stream::{AnswerEnding, AnswerEvent, AnswerStream};
pub use chat::PreparedChat;
pub use completion::{PreparedCompletion, PreparedPrompt};
pub use error::{FrontendError, TemplateError};
pub use model_frontend::{ModelFrontend, PrepareContext};
pub use output::{OutputDelta, ReasoningFormat, ToolFormat, UnknownFormat};
pub use text_stream::{TextEnding, TextEvent, TextOptions, TextStream};

/// Formats that an operator sets; without them they are told from the chat template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatSettings {
    pub tools: Option<ToolFormat>,
    pub reasoning: Option<ReasoningFormat>,
}
