//! `/v1/chat/completions`: the request, the answer and its streamed chunks.

mod object_only;
mod parse;
mod request;
mod response;

pub use object_only::ObjectOnly;
pub use parse::parse_request;
pub use request::{
    ChatMessage, ChatRequest, Content, ContentPart, LogitBias, Role, Stop, StreamOptions, ToolCall, ToolCallFunction,
};
pub use response::{
    ChatChoice, ChatChunk, ChatCompletion, ChatLogprobs, ChunkChoice, CompletionTokensDetails, Delta, FinishReason,
    FunctionDelta, PromptTokensDetails, ResponseMessage, TokenLogprob, ToolCallDelta, TopLogprob, Usage,
};
