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
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("no chat template: neither chat_template.jinja, chat_template.json nor tokenizer_config.json has one")]
    NoTemplate,
    #[error("the chat template does not parse: {reason}")]
    BadTemplate { reason: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Why a template did not render a request.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The template itself says no, by `raise_exception`.
    #[error("the model's chat template refused the messages: {reason}")]
    Refused { reason: String },
    #[error("the messages take the model's chat template too long")]
    OutOfFuel,
    #[error("the model's chat template failed")]
    Failed { reason: String },
}
