//! `/v1/responses`: the request and its translation to chat, a chat answer's translation back, whole and streamed.

mod content;
mod input;
mod output;
mod request;
mod response;
mod sealed;
mod stream;
mod to_chat;

pub use output::{OutputItem, OutputPart, OutputStatus};
pub use request::{InputItem, Reasoning, ResponsesRequest, TextConfig, TextFormat, Tool, parse_request};
pub use response::{IncompleteDetails, Response, ResponseError, ResponseStatus, ResponseUsage, from_chat};
pub use stream::ResponsesStream;
pub use to_chat::{to_chat, translate};
