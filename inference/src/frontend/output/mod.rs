//! A model's streamed text as content, reasoning and tool calls.
//!
//! The result never depends on how the text was cut; nothing is lost, since what turns out not to be a call is content;
//! a marker never shows in part; every character is looked at a bounded number of times.

mod call_object;
mod call_shape;
mod delta;
mod envelope;
mod forced;
mod format;
mod harmony;
mod json_calls;
mod json_value;
mod marker;
mod parser;
mod python_literal;
mod pythonic_calls;
#[cfg(test)]
mod reading;
mod reasoning;
mod tagged_calls;
mod tags;
mod tool_spec;

pub use delta::OutputDelta;
pub use forced::{CallGrammar, CallRequest, ForcedTools, call_grammar, framed_document};
pub use format::{ReasoningFormat, ToolFormat, UnknownFormat};
pub use parser::OutputParser;
pub use tool_spec::ToolSpec;
