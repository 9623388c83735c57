//! Why a request could not be masked. Whatever it is, the request stays inside.

use shekara_protocol::error::ApiError;

use super::entries::EntryError;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaskError {
    /// Nobody can answer such a request.
    #[error("failed to mask: the body is not JSON that everybody reads the same way")]
    Malformed(ApiError),
    /// Something that must not leave stands where no token can be put, or would be found beside the tokens.
    #[error("failed to mask: not everything that was found can be masked")]
    NotMaskable,
    #[error("failed to mask: the conversation holds too many values")]
    Full,
    #[error("failed to mask: no token is free")]
    NoFreeToken,
    /// Two requests of one conversation gave one token to two values.
    #[error("failed to mask: another request of the conversation has used the same token")]
    Conflict,
}

impl From<EntryError> for MaskError {
    fn from(error: EntryError) -> Self {
        match error {
            EntryError::Full => Self::Full,
            EntryError::Conflict => Self::Conflict,
        }
    }
}
