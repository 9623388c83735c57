//! What may be wrong with a grammar; messages name places and keywords, never the caller's values.

/// Why a grammar was refused, or why it stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// The schema breaks a rule of JSON Schema at this place.
    #[error("the schema is invalid at `{place}`: {problem}")]
    InvalidSchema { place: String, problem: &'static str },
    /// The schema is fine but this keyword, or this use of it, cannot be guaranteed.
    #[error("the schema uses something unsupported at `{place}`: {problem}")]
    UnsupportedSchema { place: String, problem: &'static str },
    #[error("the regular expression is invalid: {problem}")]
    InvalidRegex { problem: &'static str },
    #[error("the choice is invalid: {problem}")]
    InvalidChoice { problem: &'static str },
    /// `line` and `column` count from 1; both are 0 where the place is not known.
    #[error("the grammar is invalid at line {line}, column {column}")]
    InvalidLark { line: usize, column: usize },
    #[error("the grammar is too large")]
    TooLarge,
    #[error("too many new grammars are being compiled")]
    Busy,
    #[error("the vocabulary is invalid: {problem}")]
    InvalidVocabulary { problem: &'static str },
    /// The matcher met a limit of the grammar engine while the text was being written.
    #[error("the grammar became too complex after {tokens} tokens")]
    Stopped { tokens: usize },
}

/// A place in a schema: keywords and property names from the root, joined with dots.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(String);

impl Place {
    pub fn child(&self, step: &str) -> Self {
        if self.0.is_empty() { Self(step.to_owned()) } else { Self(format!("{}.{step}", self.0)) }
    }

    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    pub fn invalid(&self, problem: &'static str) -> GrammarError {
        GrammarError::InvalidSchema { place: self.text(), problem }
    }

    pub fn unsupported(&self, problem: &'static str) -> GrammarError {
        GrammarError::UnsupportedSchema { place: self.text(), problem }
    }

    fn text(&self) -> String {
        if self.0.is_empty() { "(root)".to_owned() } else { self.0.clone() }
    }
}
