//! Text to tokens and back: requests are checked, rendered and tokenised here, answers turned into
//! text that can be streamed.

mod chat_template;
mod detokenizer;
mod error;
mod messages;
mod model_frontend;
mod output;
mod stop_strings;
mod template_functions;
mod text_stream;
mod tokenizer;
mod valid_request;

pub use error::{FrontendError, TemplateError};
pub use model_frontend::{ModelFrontend, PreparedRequest};
pub use output::{
    CallGrammar, CallRequest, ForcedTools, OutputDelta, OutputParser, ReasoningFormat, ToolFormat, ToolSpec,
    UnknownFormat, call_grammar,
};
pub use text_stream::{TextEvent, TextStream};
