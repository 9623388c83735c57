//! Why a file is not heard.

/// Messages say nothing of what the file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    #[error("the file is none of the supported kinds")]
    UnknownKind,
    #[error("the file's codec is not supported")]
    UnsupportedCodec,
    #[error("the file is damaged")]
    Damaged,
    #[error("the file holds no sound")]
    Empty,
    #[error("{hertz} samples a second are not supported")]
    SampleRate { hertz: u32 },
    #[error("decoding was stopped")]
    Halted,
}
