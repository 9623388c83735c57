//! Names, addresses and numbers of papers: what people type and a document repeats as it stands.

use std::fmt;

use super::error::{BadField, Problem};

/// Without space around it, without control characters, not empty, bounded: a row of a table always fits on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn read(field: &str, text: &str, max_chars: usize) -> Result<Self, BadField> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Problem::Empty.of(field));
        }
        if text.chars().any(char::is_control) {
            return Err(Problem::ControlCharacter.of(field));
        }
        if text.chars().count() > max_chars {
            return Err(Problem::TooLong { max_chars }.of(field));
        }
        Ok(Self(text.to_owned()))
    }

    /// What is not there, or is empty, is none.
    pub(super) fn read_optional(field: &str, text: Option<&str>, max_chars: usize) -> Result<Option<Self>, BadField> {
        match text {
            Some(text) if !text.trim().is_empty() => Self::read(field, text, max_chars).map(Some),
            _ => Ok(None),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_trimmed_bounded_and_plain() {
        assert_eq!(Text::read("name", "  ТОО «Қазына» ", 14).unwrap().as_str(), "ТОО «Қазына»");
        for (text, problem) in [
            (" ", Problem::Empty),
            ("a\nb", Problem::ControlCharacter),
            ("a\u{85}b", Problem::ControlCharacter),
            ("абвгд", Problem::TooLong { max_chars: 4 }),
        ] {
            assert_eq!(Text::read("name", text, 4), Err(problem.of("name")));
        }
        assert_eq!(Text::read_optional("phone", Some(" "), 4), Ok(None));
        assert_eq!(Text::read_optional("phone", None, 4), Ok(None));
    }
}
