//! What an attempt that did not succeed means: the caller's own mistake, or a reason to try elsewhere.

use shekara_protocol::error::ApiError;

/// Why a target did not answer. The names are those of `x-shekara-reason: fallback:…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    Connect,
    /// Nothing was sent for a reason of the gateway's own: a key that is not there.
    Unsent,
    /// Nothing was sent: as much goes there as this gateway lets go.
    Ceiling,
    Timeout,
    RateLimit,
    Quota,
    Server,
    BrokenResponse,
}

impl FailureKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect | Self::Unsent => "connect",
            Self::Ceiling => "ceiling",
            Self::Timeout => "timeout",
            Self::RateLimit => "rate_limit",
            Self::Quota => "quota",
            Self::Server => "5xx",
            Self::BrokenResponse => "broken_response",
        }
    }
}

/// The target failed; another one may do better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// Seconds the upstream asked to wait.
    pub retry_after_s: Option<u64>,
    /// It was turned away by its status, before anything was done.
    pub at_the_door: bool,
}

impl Failure {
    /// Whether the provider has surely done nothing of what it was asked.
    pub fn left_undone(self) -> bool {
        match self.kind {
            FailureKind::Connect | FailureKind::Unsent | FailureKind::Ceiling => true,
            FailureKind::RateLimit | FailureKind::Quota => self.at_the_door,
            _ => false,
        }
    }
}

impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        Self { kind, retry_after_s: None, at_the_door: false }
    }
}

#[derive(Debug)]
pub enum AttemptError {
    /// Nothing was sent: there are no words for it, or it must not leave.
    Refused(ApiError),
    /// The provider says that the request itself is wrong: every target would say the same.
    Told(ApiError),
    Failed(Failure),
}

impl From<FailureKind> for AttemptError {
    fn from(kind: FailureKind) -> Self {
        Self::Failed(kind.into())
    }
}
