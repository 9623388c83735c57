//! Where secrets come from. They never stand in the configuration, only these references do.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A reference: `env:NAME` or `file:/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    Env(String),
    /// Read at each use, so that a rotated file counts at once.
    File(PathBuf),
}

/// A secret's value. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// One that was made here.
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself, for the one header that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("a secret is given as env:NAME or file:/path, never as its value")]
    NoReference,
    #[error("failed to read the secret: the environment variable {name} is not set or empty")]
    MissingVariable { name: String },
    #[error("failed to read the secret from {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("failed to read the secret from {}: the file is empty", path.display())]
    EmptyFile { path: PathBuf },
}

impl FromStr for SecretSource {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err(SecretError::NoReference),
        }
    }
}

impl SecretSource {
    /// # Errors
    /// The variable or file is missing or empty.
    pub fn resolve(&self) -> Result<Secret, SecretError> {
        match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(value) if !value.trim().is_empty() => Ok(Secret(value.trim().to_owned())),
                _ => Err(SecretError::MissingVariable { name: name.clone() }),
            },
            Self::File(path) => {
                let value = std::fs::read_to_string(path)
                    .map_err(|source| SecretError::Unreadable { path: path.clone(), source })?;
                if value.trim().is_empty() {
                    return Err(SecretError::EmptyFile { path: path.clone() });
                }
                Ok(Secret(value.trim().to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_anew_and_never_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source: SecretSource = format!("file:{}", file.path().display()).parse().unwrap();
        assert!(matches!(source.resolve(), Err(SecretError::EmptyFile { .. })));
        std::fs::write(file.path(), "first\n").unwrap();
        assert_eq!(source.resolve().unwrap().expose(), "first");
        std::fs::write(file.path(), "second").unwrap();
        let secret = source.resolve().unwrap();
        assert_eq!(secret.expose(), "second");
        assert!(!format!("{secret:?}").contains("second"));
    }

    #[test]
    fn a_bare_value_is_no_reference() {
        for text in ["sk-abc", "env:", "file:", "vault:a#b", ""] {
            assert!(text.parse::<SecretSource>().is_err(), "{text}");
        }
    }
}
