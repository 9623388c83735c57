//! What can go wrong between a request and its tokens.

use crate::weights::WeightsError;

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error("all {capacity} places for running and waiting requests are taken")]
    QueueFull { capacity: usize },
    #[error("{num_tokens} tokens do not fit a context of {max_context}")]
    TooLong { num_tokens: usize, max_context: usize },
    #[error("the prompt has no tokens")]
    EmptyPrompt,
    #[error("the engine is shutting down")]
    ShuttingDown,
    #[error("the engine has failed")]
    Failed,
}

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error("the system gave no thread for the engine")]
    Thread(#[from] std::io::Error),
    #[error("the self-test failed: {reason}")]
    SelfTest { reason: &'static str },
}

/// Why a running request ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    #[error("the engine failed while it computed")]
    Failed,
    #[error("the engine was stopped")]
    Stopped,
    #[error("the grammar of the answer became too complex")]
    Grammar,
    #[error("the answer was not read and too much of it waited")]
    NotRead,
}
