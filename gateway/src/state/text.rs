//! A document as TOML, and as JSON for programs. What cannot be read is told with its line.

use sha2::{Digest, Sha256};

use super::document::{Document, FORMAT};
use crate::signing::hex::hex;

const HEAD: &str = "# What the store of this gateway owns. What is left out of a thing goes back to its default; things that are left out\n\
                    # stay as they are, unless the import prunes. `shekara state import FILE --dry-run` says what would change.\n";
/// Characters of a version.
const VERSION_CHARS: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("line {line}: {message}")]
    At { line: usize, message: String },
    #[error("{message}")]
    Whole { message: String },
    #[error("it is no UTF-8")]
    NotText,
    #[error("its format is {format}, and this version reads {FORMAT}")]
    Format { format: u32 },
    #[error("failed to write the state as TOML: {message}")]
    Unwritable { message: String },
}

/// TOML, or a JSON object.
///
/// # Errors
/// It is neither, or has a name or value that is not known here.
pub fn read(bytes: &[u8]) -> Result<Document, TextError> {
    let text = str::from_utf8(bytes).map_err(|_| TextError::NotText)?;
    let document: Document = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            TextError::At { line: error.line(), message }
        })?
    } else {
        toml::from_str(text).map_err(|error| {
            let message = error.message().replace('\n', " ");
            match error.span() {
                Some(span) => TextError::At { line: line_of(text, span.start), message },
                None => TextError::Whole { message },
            }
        })?
    };
    if document.format == FORMAT { Ok(document) } else { Err(TextError::Format { format: document.format }) }
}

/// The text of a document; the same for the same document, to the byte.
///
/// # Errors
/// A number is greater than TOML's.
pub fn write(document: &Document) -> Result<String, TextError> {
    Ok(format!("{HEAD}{}", body(document)?))
}

/// What a state is called: the same name for the same content, wherever it lies.
///
/// # Errors
/// As [`write`].
pub fn version_of(document: &Document) -> Result<String, TextError> {
    let unnamed = Document { version: None, ..document.clone() };
    let digest = hex(&Sha256::digest(body(&unnamed)?));
    Ok(digest[..VERSION_CHARS].to_owned())
}

fn body(document: &Document) -> Result<String, TextError> {
    toml::to_string(document).map_err(|error| TextError::Unwritable { message: error.to_string() })
}

/// The 1-based line of a byte offset.
fn line_of(text: &str, offset: usize) -> usize {
    memchr::memchr_iter(b'\n', &text.as_bytes()[..offset.min(text.len())]).count() + 1
}
