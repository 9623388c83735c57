//! What a file must hash to: the SHA-256 of large files, or git's name of small ones.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Bytes that are read and hashed in a go.
const CHUNK: usize = 1 << 20;

/// In lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    Sha256(String),
    /// SHA-1 over `blob <length>\0` and the content.
    GitBlob(String),
}

impl Checksum {
    /// By its length; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match text.len() {
            64 if is_hex => Some(Self::Sha256(text.to_ascii_lowercase())),
            40 if is_hex => Some(Self::GitBlob(text.to_ascii_lowercase())),
            _ => None,
        }
    }

    /// From the value of an `etag` header.
    pub fn of_etag(value: &str) -> Option<Self> {
        Self::parse(value.trim().trim_start_matches("W/").trim_matches('"'))
    }
}

/// Hashes a file of a known length as it comes.
#[derive(Clone)]
pub(super) struct Hasher {
    sha256: Sha256,
    git: Option<Sha1>,
}

impl Hasher {
    pub(super) fn new(expected: Option<&Checksum>, size: u64) -> Self {
        let git =
            matches!(expected, Some(Checksum::GitBlob(_))).then(|| Sha1::new().chain_update(format!("blob {size}\0")));
        Self { sha256: Sha256::new(), git }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(git) = &mut self.git {
            git.update(bytes);
        }
    }

    /// Reads on to the end of `file`.
    pub(super) fn read(&mut self, file: &mut File) -> std::io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(()),
                count => self.update(&chunk[..count]),
            }
        }
    }

    /// The SHA-256, if the content is what was expected.
    pub(super) fn finish(self, expected: Option<&Checksum>) -> Result<String, String> {
        let sha256 = hex(&self.sha256.finalize());
        let found = match (expected, self.git) {
            (Some(Checksum::Sha256(expected)), _) if *expected != sha256 => sha256,
            (Some(Checksum::GitBlob(expected)), Some(git)) => {
                let found = hex(&git.finalize());
                if *expected == found {
                    return Ok(sha256);
                }
                found
            }
            _ => return Ok(sha256),
        };
        Err(found)
    }
}

/// The SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// If it cannot be read.
pub fn sha256_of(path: &Path) -> std::io::Result<String> {
    let mut hasher = Hasher::new(None, 0);
    hasher.read(&mut File::open(path)?)?;
    Ok(hex(&hasher.sha256.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    #[test]
    fn both_kinds_are_computed_and_compared() {
        let check = |expected: Option<&Checksum>, content: &[u8]| {
            let mut hasher = Hasher::new(expected, content.len() as u64);
            content.chunks(2).for_each(|part| hasher.update(part));
            hasher.finish(expected)
        };
        let sha256 = Checksum::parse(HELLO).expect("a checksum");
        // `printf hello | git hash-object --stdin`
        let git = Checksum::of_etag("W/\"b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0\"").expect("a checksum");
        assert!(matches!(git, Checksum::GitBlob(_)));
        for expected in [None, Some(&sha256), Some(&git)] {
            assert_eq!(check(expected, b"hello"), Ok(HELLO.to_owned()));
        }
        assert!(check(Some(&sha256), b"hellO").is_err());
        assert!(check(Some(&git), b"hellO").is_err());
        assert_eq!(Checksum::parse("zz"), None);
        assert_eq!(Checksum::of_etag("\"5e-abc\""), None);
    }

    #[test]
    fn a_file_is_hashed_whole() {
        let directory = tempfile::tempdir().expect("temporary folder");
        let path = directory.path().join("file");
        std::fs::write(&path, b"hello").expect("write");
        assert_eq!(sha256_of(&path).expect("readable"), HELLO);
    }
}
