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
pub mod reader;
mod stop_strings;
mod structure;
mod template_functions;
mod text_stream;
mod tokenizer;
mod tools;
mod valid_sampling;

use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

pub use answer_stream::{AnswerEnding, AnswerEvent, AnswerStream};
pub use chat::PreparedChat;
pub use completion::{PreparedCompletion, PreparedPrompt};
pub use error::{FrontendError, TemplateError};
pub use model_frontend::{ModelFrontend, PrepareContext};
pub use output::{OutputDelta, ReasoningFormat, ToolFormat, UnknownFormat};
pub use text_stream::{TextEnding, TextEvent, TextOptions, TextStream};

/// Formats that an operator sets for a model; without them they are told from its chat template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FormatSettings {
    /// How the model writes tool calls, e.g. `hermes`.
    #[serde(deserialize_with = "named")]
    pub tool_format: Option<ToolFormat>,
    /// How it writes its reasoning, e.g. `think`.
    #[serde(deserialize_with = "named")]
    pub reasoning_format: Option<ReasoningFormat>,
}

fn named<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = UnknownFormat>,
{
    let name = Option::<String>::deserialize(deserializer)?;
    name.map(|name| name.parse().map_err(D::Error::custom)).transpose()
}
