//! `/v1/chat/completions`: the request, the answer and its streamed chunks.

mod parse;
mod read;
mod request;
mod response;
mod segments;
mod thinking;

pub use crate::object_only::ObjectOnly;
pub use parse::parse_request;
pub use read::ChunkReader;
pub use request::{
    ChatMessage, ChatRequest, Content, ContentPart, LogitBias, Role, Stop, StreamOptions, ToolCall, ToolCallFunction,
};
pub use response::{
    ChatChoice, ChatChunk, ChatCompletion, ChatLogprobs, ChunkChoice, CompletionTokensDetails, Delta, FinishReason,
    FunctionDelta, PromptTokensDetails, ResponseMessage, StopReason, TokenLogprob, ToolCallDelta, TopLogprob, Usage,
};
pub use segments::{SegmentEvent, SegmentKind, Segments};
pub use thinking::ThinkingBlock;
