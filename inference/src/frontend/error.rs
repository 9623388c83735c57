//! What can be wrong with a model's text side.

use std::path::PathBuf;

use crate::weights::ConfigError;

/// Why a model's tokenizer or template cannot be used. Messages read after "failed to load …".
#[derive(Debug, thiserror::Error)]
pub enum FrontendError {
    #[error("{} is missing", path.display())]
    NoTokenizer { path: PathBuf },
    #[error("{}: not a valid tokenizer: {reason}", path.display())]
    BadTokenizer { path: PathBuf, reason: String },
    #[error("the file's tokenizer cannot be used: {reason}")]
    BadGgufTokenizer { reason: String },
    #[error("{} cannot be read", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("the vocabulary cannot be used for grammars: {reason}")]
    BadVocabulary { reason: String },
    #[error(
        "no chat template: chat_template.jinja, chat_template.json and tokenizer_config.json have none, nor a .gguf its tokenizer.chat_template"
    )]
    NoTemplate,
    #[error("the chat template does not parse: {reason}")]
    BadTemplate { reason: String },
    #[error("the chat template does not render a plain message: {reason}")]
    FailingTemplate { reason: String },
    #[error("the tokenizer does not take a plain message: {reason}")]
    FailingTokenizer { reason: String },
    #[error("the chat template makes no tokens of a plain message")]
    EmptyTemplate,
    #[error("the tokenizer has no {token}, which the model is steered with")]
    NoSpeechToken { token: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Why a template did not render a request. Callers read the messages, and nothing in them comes
/// from the template: what it says may quote the prompt.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The template itself says no, by `raise_exception`.
    #[error("The model's chat template refused the messages: check the order of roles.")]
    Refused,
    #[error("The messages take the model's chat template too long.")]
    OutOfFuel,
    /// `kind` is one of minijinja's fixed phrases.
    #[error("The model's chat template failed.")]
    Failed { kind: String },
}
