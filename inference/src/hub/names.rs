//! Names that come from outside, checked before they become addresses or paths.

use std::fmt;

const MAX_PART: usize = 96;
const MAX_REVISION: usize = 255;
const MAX_PATH: usize = 255;
/// Folders a file may lie in, its own name included.
const MAX_DEPTH: usize = 4;

/// A name that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {found:?} is not {expected}")]
pub struct NameError {
    kind: &'static str,
    found: String,
    expected: &'static str,
}

fn refuse<T>(kind: &'static str, found: &str, expected: &'static str) -> Result<T, NameError> {
    Err(NameError { kind, found: found.chars().take(MAX_PATH).collect(), expected })
}

/// Letters, digits, `.`, `_` and `-`, with nothing that means another folder or a hidden file.
fn is_part(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=MAX_PART).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('.') && !text.contains("..")
}

/// `ORG/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoId {
    owner: String,
    name: String,
}

impl RepoId {
    /// # Errors
    /// If it is no pair of plain names.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((owner, name)) if is_part(owner) && is_part(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => refuse("repository", text, "of the form ORG/NAME"),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder's name in a cache.
    pub fn cache_folder(&self) -> String {
        format!("models--{}--{}", self.owner, self.name)
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.owner, self.name)
    }
}

/// A branch, a tag, a reference or a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision(String);

impl Revision {
    /// # Errors
    /// If it could be read as another path.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fine = text.len() <= MAX_REVISION && text.split('/').all(is_part);
        if fine { Ok(Self(text.to_owned())) } else { refuse("revision", text, "a branch, a tag or a commit") }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As one segment of an address.
    pub fn segment(&self) -> String {
        self.0.replace('/', "%2F")
    }

    /// Whether it names one commit and cannot come to mean another.
    pub fn is_commit(&self) -> bool {
        is_commit(&self.0)
    }
}

impl Default for Revision {
    fn default() -> Self {
        Self("main".to_owned())
    }
}

pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
}

/// A model's id: the name of its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelId(String);

impl ModelId {
    /// # Errors
    /// If it cannot name a folder that the catalog looks at.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if is_part(text) { Ok(Self(text.to_owned())) } else { refuse("model id", text, "a plain name") }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A file's place inside its repository, and inside its model's folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

impl FileName {
    /// # Errors
    /// If it is absolute, leads out of its folder, or has characters that no model's file needs.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_plain = |character: char| !character.is_control() && !"\\:?#%*\"<>|".contains(character);
        let is_folder = |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(is_plain);
        let fine = text.len() <= MAX_PATH && text.split('/').count() <= MAX_DEPTH && text.split('/').all(is_folder);
        if fine { Ok(Self(text.to_owned())) } else { refuse("file name", text, "a plain relative path") }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder, if it lies in one, and the file's own name.
    pub fn split(&self) -> (Option<&str>, &str) {
        self.0.rsplit_once('/').map_or((None, &self.0), |(folder, name)| (Some(folder), name))
    }

    /// As a part of an address.
    pub fn segments(&self) -> String {
        self.0.replace(' ', "%20")
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for text in ["Qwen/Qwen3-0.6B", "a/b", "issai/LLama-3.1-KazLLM-1.0-8B"] {
            assert_eq!(RepoId::parse(text).expect("valid").to_string(), text);
        }
        for text in ["", "a", "a/", "/b", "a/b/c", "../b", "a/..", "a/.b", "a/b?c", "a b/c", "a/b\n"] {
            assert!(RepoId::parse(text).is_err(), "{text:?}");
        }
        for text in ["model.safetensors", "1_Pooling/config.json", "a b.json", "модель.json"] {
            assert_eq!(FileName::parse(text).expect("valid").as_str(), text);
        }
        let long = "x".repeat(256);
        for text in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/.", "a\\b", "c:x", "a/b/c/d/e", "a\0", &long] {
            assert!(FileName::parse(text).is_err(), "{text:?}");
        }
        for text in [".hidden", "..", "a/b", ""] {
            assert!(ModelId::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_revision_is_one_segment() {
        assert_eq!(Revision::parse("refs/pr/3").expect("valid").segment(), "refs%2Fpr%2F3");
        assert!(Revision::parse("0123456789abcdef0123456789abcdef01234567").expect("valid").is_commit());
        assert!(!Revision::default().is_commit());
        for text in ["", "a/../b", "a?b", "/main", "main/"] {
            assert!(Revision::parse(text).is_err(), "{text:?}");
        }
    }
}
