//! What the configuration says of a secret: never its value, only where it is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A reference: `env:NAME`, `file:/path` or `vault:path#field`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    Env(String),
    /// Read at each use, so that a rotated file counts at once.
    File(PathBuf),
    Vault(VaultField),
}

/// A field of a secret in Vault's key-value store, below its mount.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VaultField {
    pub path: String,
    pub field: String,
}

/// A secret's value. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn read(value: &str) -> Option<Self> {
        let value = value.trim();
        (!value.is_empty()).then(|| Self(value.to_owned()))
    }

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
    #[error("a secret is given as env:NAME, file:/path or vault:path#field, never as its value")]
    NoReference,
    #[error("this secret is given as env:NAME or file:/path; Vault is not asked for it")]
    NotFromVault,
    #[error("failed to read the secret: Vault has not given {path}#{field} yet")]
    NotFetched { path: String, field: String },
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
            Some(("vault", place)) => VaultField::read(place).map(Self::Vault).ok_or(SecretError::NoReference),
            _ => Err(SecretError::NoReference),
        }
    }
}

impl VaultField {
    /// Of `path#field`. A path is plain words between slashes, so that it can mean nothing else in an address.
    fn read(place: &str) -> Option<Self> {
        let (path, field) = place.split_once('#')?;
        let is_plain = |part: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            !matches!(part, "" | "." | "..") && part.bytes().all(fits)
        };
        let fits = path.split('/').all(is_plain) && is_plain(field);
        fits.then(|| Self { path: path.to_owned(), field: field.to_owned() })
    }
}

impl SecretSource {
    /// The same, for what must be there before anything else is: not from Vault.
    ///
    /// # Errors
    /// It lies in Vault.
    pub fn on_this_machine(self) -> Result<Self, SecretError> {
        if matches!(self, Self::Vault(_)) { Err(SecretError::NotFromVault) } else { Ok(self) }
    }

    /// # Errors
    /// The variable or file is missing or empty, or the secret lies in Vault.
    pub fn resolve(&self) -> Result<Secret, SecretError> {
        match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(value) => Secret::read(&value).ok_or_else(|| SecretError::MissingVariable { name: name.clone() }),
                Err(_) => Err(SecretError::MissingVariable { name: name.clone() }),
            },
            Self::File(path) => {
                let value = std::fs::read_to_string(path)
                    .map_err(|source| SecretError::Unreadable { path: path.clone(), source })?;
                Secret::read(&value).ok_or_else(|| SecretError::EmptyFile { path: path.clone() })
            }
            Self::Vault(_) => Err(SecretError::NotFromVault),
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
        for text in ["sk-abc", "env:", "file:", "vault:a", "vault:#b", "vault:a#", "vault:a/../b#c", "vault:a?x#b", ""]
        {
            assert!(text.parse::<SecretSource>().is_err(), "{text}");
        }
        let field = VaultField { path: "llm/open-ai".into(), field: "key".into() };
        assert_eq!("vault:llm/open-ai#key".parse::<SecretSource>().unwrap(), SecretSource::Vault(field));
    }
}
