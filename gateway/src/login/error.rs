//! Why a login did not come to an end. The code stands in the answer and in the audit, and nothing of a token in either.

use http::StatusCode;

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("failed to reach the login provider: {reason}")]
    Away { reason: String },
    #[error("failed to use the login provider: {what}")]
    Unusable { what: &'static str },
    #[error("failed to log in: too many logins are under way")]
    Busy,
    #[error("failed to read the secret of the login provider's client")]
    NoSecret,
    #[error("failed to log in: there is no login of this browser's under way")]
    NotBegun,
    #[error("failed to log in: the login was begun too long ago")]
    TooLate,
    #[error("failed to log in: the answer belongs to another login")]
    OtherState,
    #[error("failed to log in: the answer comes from another provider")]
    OtherIssuer,
    #[error("failed to log in: the provider has refused")]
    Denied,
    #[error("failed to redeem the code: the provider answered with status {status}")]
    CodeRefused { status: u16 },
    #[error("failed to believe the ID token: {0}")]
    Token(#[from] TokenError),
    #[error("failed to log in: the address is not verified by the provider")]
    EmailNotVerified,
    #[error("failed to log in: the address is of a domain that may not log in")]
    DomainNotAllowed,
    #[error("failed to log in: nobody of this address was let in")]
    Unknown,
    #[error("failed to log in: the address belongs to somebody else at the provider")]
    OtherIdentity,
    #[error("failed to log in: no claim gives a role any more")]
    NotGranted,
    #[error("failed to log in: the person is frozen")]
    Frozen,
    #[error("failed to log in: what the person reaches is frozen or does not exist")]
    NoHome,
    #[error("failed to log in: the person was changed at the same moment")]
    Changed,
}

/// Why an ID token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("it is no signed token, or too long")]
    Malformed,
    #[error("its algorithm is not RS256, ES256 or EdDSA, or not that of its key")]
    Algorithm,
    #[error("the provider has no such key")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("another provider has made it")]
    Issuer,
    #[error("it is for somebody else")]
    Audience,
    #[error("it has expired, or has no end")]
    Expired,
    #[error("it is not of this moment")]
    IssuedAt,
    #[error("it belongs to another login")]
    Nonce,
    #[error("it names nobody")]
    Subject,
}

impl TokenError {
    fn code(self) -> &'static str {
        match self {
            Self::Malformed => "login_token_malformed",
            Self::Algorithm => "login_token_algorithm",
            Self::UnknownKey => "login_token_key",
            Self::Signature => "login_token_signature",
            Self::Issuer => "login_token_issuer",
            Self::Audience => "login_token_audience",
            Self::Expired => "login_token_expired",
            Self::IssuedAt => "login_token_issued_at",
            Self::Nonce => "login_token_nonce",
            Self::Subject => "login_token_subject",
        }
    }
}

impl LoginError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Away { .. } => "login_provider_unavailable",
            Self::Unusable { .. } => "login_provider_unusable",
            Self::Busy => "login_busy",
            Self::NoSecret => "login_secret_missing",
            Self::NotBegun => "login_not_begun",
            Self::TooLate => "login_expired",
            Self::OtherState => "login_state_mismatch",
            Self::OtherIssuer => "login_issuer_mismatch",
            Self::Denied => "login_denied",
            Self::CodeRefused { .. } => "login_code_refused",
            Self::Token(error) => error.code(),
            Self::EmailNotVerified => "login_email_not_verified",
            Self::DomainNotAllowed => "login_domain_not_allowed",
            Self::Unknown => "login_person_unknown",
            Self::OtherIdentity => "login_identity_mismatch",
            Self::NotGranted => "login_not_granted",
            Self::Frozen => "login_person_frozen",
            Self::NoHome => "login_tenant_frozen",
            Self::Changed => "login_conflict",
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::Away { .. } | Self::Busy | Self::NoSecret => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unusable { .. } => StatusCode::BAD_GATEWAY,
            Self::NotBegun | Self::TooLate | Self::OtherState | Self::OtherIssuer => StatusCode::BAD_REQUEST,
            Self::Changed => StatusCode::CONFLICT,
            _ => StatusCode::FORBIDDEN,
        }
    }
}
