//! `/v1/messages` in Anthropic's shape (version 2023-06-01): the request and its translation to chat, a chat answer's
//! translation back, whole and streamed, and errors.

mod content;
mod error;
mod input;
mod request;
mod response;
mod stream;
mod to_chat;

pub use error::error_json;
pub use request::{
    Block, InputMessage, MessagesRequest, Source, Thinking, Tool, ToolChoice, parse_count_request, parse_request,
};
pub use response::{Message, MessageBlock, MessageUsage, StopReason, from_chat};
pub use stream::MessagesStream;
pub use to_chat::{to_chat, translate, translate_count};
