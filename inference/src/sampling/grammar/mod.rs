//! Structured output: a grammar says which tokens may come next, and a text always reaches its end in time.
//!
//! [`GrammarCompiler`] turns what a request asks for ([`GrammarSource`]) into a [`CompiledGrammar`], checked and
//! shared by all requests that ask for the same; a [`GrammarMatcher`] is the state of one sequence. What always
//! holds for JSON: the text is a prefix of a document that the schema accepts, and, given a token budget that a
//! minimal document fits in, it becomes a whole one within it, whatever the weights say (`landing.rs`).
//! Everything is a function of the sequence alone: limits count steps; only a valve far behind them knows the clock, and ends in an error.

mod compiler;
mod decisions;
mod error;
mod finite;
mod formats;
mod frame;
mod json_text;
mod keywords;
mod landing;
mod lexeme_search;
mod matcher;
mod oneof;
mod own_keywords;
mod schema;
mod vocabulary;

#[cfg(test)]
#[path = "fixtures_tests.rs"]
mod fixtures;
#[cfg(test)]
#[path = "guarantee_tests.rs"]
mod guarantee_tests;
#[cfg(test)]
#[path = "matcher_tests.rs"]
mod matcher_tests;
#[cfg(test)]
#[path = "schema_tests.rs"]
mod schema_tests;

pub use compiler::{CompiledGrammar, GrammarCompiler};
pub use error::GrammarError;
pub use matcher::GrammarMatcher;
pub use vocabulary::Vocabulary;

/// What an answer must look like.
#[derive(Clone, Debug, PartialEq)]
pub enum GrammarSource {
    /// Any JSON object.
    JsonObject,
    /// A document that this JSON schema accepts.
    JsonSchema(serde_json::Value),
    /// A text that this regular expression matches from its start to its end.
    Regex(String),
    /// One of these texts.
    Choice(Vec<String>),
    /// A text of this grammar in llguidance's dialect of Lark; special tokens are written `<[id]>`.
    Lark(String),
    /// JSON documents in a fixed frame.
    Template(Template),
}

/// A Lark grammar of the server's own making: a frame of fixed texts around JSON documents, which stand alone as
/// `name: %json SCHEMA` on lines of their own. Its texts land as JSON documents do.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub lark: String,
    /// What ends the free text before the frame, if there may be one.
    pub leave: Option<Leave>,
    /// The text begins amid the free text; otherwise that comes first only where the first byte is no JSON.
    pub starts_free: bool,
}

/// The end of a free text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    Text(String),
    Token(u32),
}

impl GrammarSource {
    fn is_json(&self) -> bool {
        matches!(self, Self::JsonObject | Self::JsonSchema(_) | Self::Template(_))
    }
}
