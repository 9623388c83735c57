//! What can go wrong between a hub and its client.

use std::time::Duration;

/// Why an exchange with a hub failed. Messages read after "failed to pull …". Addresses are left
/// out where they may carry a signature.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("{endpoint:?} is no http or https address")]
    BadEndpoint { endpoint: String },
    #[error("the HTTP client could not be set up")]
    Setup { source: reqwest::Error },
    #[error("{host} did not answer")]
    Exchange { host: String, source: reqwest::Error },
    #[error("{host} cut the connection {missing} bytes before the end")]
    Cut { host: String, missing: u64 },
    #[error("{host} answered with status {status}")]
    Status { host: String, status: u16 },
    #[error("the hub asks to come back in {} s", wait.as_secs())]
    RateLimited { wait: Duration },
    #[error(
        "{repo} is gated: accept its terms at {page} with your account, then set HF_TOKEN, or HF_TOKEN_PATH to a file, \
         to a token of that account that may read it"
    )]
    Gated { repo: String, page: String },
    #[error(
        "the hub refuses access to {repo}: it does not exist, or it is private or gated; set HF_TOKEN, or HF_TOKEN_PATH \
         to a file, to a token that may read it ({page})"
    )]
    Refused { repo: String, page: String },
    #[error(
        "the hub refuses the token that HF_TOKEN or HF_TOKEN_PATH gives: it is wrong or may not read {repo} ({page})"
    )]
    TokenRefused { repo: String, page: String },
    #[error("{what} does not exist on the hub")]
    NotFound { what: String },
    #[error("more than {limit} redirects")]
    TooManyRedirects { limit: usize },
    #[error("a redirect to {target}, which is no https address")]
    BadRedirect { target: String },
    #[error("the hub's answer about {what} is not understood: {reason}")]
    NotUnderstood { what: String, reason: String },
    #[error("the hub answered from commit {found} when {expected} was asked for")]
    WrongCommit { expected: String, found: String },
    #[error("{file}: {found} bytes are announced where the hub's listing says {expected}")]
    WrongSize { file: String, expected: u64, found: u64 },
}

impl ClientError {
    /// Whether the same request may succeed a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Exchange { .. } | Self::Cut { .. } | Self::RateLimited { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 500..=599),
            _ => false,
        }
    }
}
