//! A hub's access token, which is shown to nobody.

use std::fmt;
use std::path::Path;

/// A token may not be longer.
const MAX_BYTES: usize = 4096;

/// Its `Debug` says that there is one, not which.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// `None` if nothing is left without white space, or if it could not stand in a header.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let fine = (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fine.then(|| Self(text.to_owned()))
    }

    /// From `HF_TOKEN`, or else from the file that `HF_TOKEN_PATH` names.
    ///
    /// # Errors
    /// If that file cannot be read.
    pub fn find(value: Option<&str>, path: Option<&Path>) -> std::io::Result<Option<Self>> {
        if let Some(token) = value.and_then(Self::new) {
            return Ok(Some(token));
        }
        let Some(path) = path else { return Ok(None) };
        Ok(Self::new(&std::fs::read_to_string(path)?))
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_and_not_shown() {
        let token = Token::new(" hf_secret\n").expect("a token");
        assert_eq!(token.reveal(), "hf_secret");
        assert!(!format!("{token:?}").contains("secret"));
        for text in ["", "  \n", "two words", "ключ"] {
            assert!(Token::new(text).is_none(), "{text:?}");
        }
        let directory = tempfile::tempdir().expect("temporary folder");
        let path = directory.path().join("token");
        assert!(Token::find(None, Some(&path)).is_err());
        std::fs::write(&path, "hf_file\n").expect("write");
        let found = |value| Token::find(value, Some(&path)).expect("readable").expect("a token").0;
        assert_eq!(found(None), "hf_file");
        assert_eq!(found(Some("hf_value")), "hf_value");
        assert!(Token::find(None, None).expect("nothing to read").is_none());
    }
}
