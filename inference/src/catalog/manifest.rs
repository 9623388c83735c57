//! `models.toml` in the models directory: what was fetched, from where, and how its files must look.
//!
//! A model without an entry is taken as it lies there. One with an entry is taken only as written down, so that a
//! download that was cut short or spoilt is never served.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use crate::hub::{MANIFEST_FILE, sha256_of};

use super::fingerprint::is_weights;
use super::{Fingerprint, FolderError};

pub const MANIFEST: &str = MANIFEST_FILE;
const MAX_BYTES: u64 = 32 << 20;

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ManifestFile {
    /// Within the model's folder.
    pub path: String,
    pub size: Option<u64>,
    /// In hexadecimal.
    pub sha256: Option<String>,
}

/// What is written down about one model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ManifestModel {
    pub id: String,
    pub source: String,
    pub revision: String,
    pub licence: String,
    pub files: Vec<ManifestFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ManifestToml {
    model: Vec<ManifestModel>,
}

/// All models that were written down, by id.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    models: BTreeMap<String, ManifestModel>,
}

impl Manifest {
    /// Reads the directory's manifest; without one nothing is known.
    ///
    /// # Errors
    /// If it is there and cannot be read, with the reason.
    pub fn read(directory: &Path) -> Result<Self, String> {
        let path = directory.join(MANIFEST);
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error.to_string()),
            Ok(metadata) if !metadata.is_file() => return Err("it is not a file".to_owned()),
            Ok(metadata) if metadata.len() > MAX_BYTES => return Err("it is too large".to_owned()),
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let parsed: ManifestToml = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        Ok(Self { models: parsed.model.into_iter().map(|model| (model.id.clone(), model)).collect() })
    }

    pub fn model(&self, id: &str) -> Option<&ManifestModel> {
        self.models.get(id)
    }
}

impl ManifestModel {
    /// Checks that every file is there in its size, without opening any.
    ///
    /// # Errors
    /// Names the first file that is not.
    pub fn check_sizes(&self, fingerprint: &Fingerprint) -> Result<(), FolderError> {
        for file in self.own_files() {
            // What lies deeper or belongs to no model is not what is loaded.
            let Some(found) = fingerprint.file_bytes(&file.path) else {
                if file.path.contains('/') || !is_weights(&file.path) {
                    continue;
                }
                return Err(FolderError::FileMissing { name: file.path.clone() });
            };
            // Where the size was not known when it was written down, it may be nought.
            match file.size.filter(|size| *size > 0) {
                Some(expected) if found < expected => {
                    return Err(FolderError::FileShort { name: file.path.clone(), found, expected });
                }
                Some(expected) if found > expected => {
                    return Err(FolderError::OtherThanManifest { name: file.path.clone(), what: "size" });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads every file once and compares it with its checksum.
    ///
    /// # Errors
    /// Names the first file that differs or cannot be read.
    pub fn check_sums(&self, folder: &Path, fingerprint: &Fingerprint) -> Result<(), FolderError> {
        for file in self.own_files() {
            let Some(expected) = &file.sha256 else { continue };
            if fingerprint.file_bytes(&file.path).is_none() {
                continue;
            }
            // A model that is one file lies beside the manifest.
            let directory = if folder.is_file() { folder.parent().unwrap_or(folder) } else { folder };
            let path = directory.join(&file.path);
            let found =
                sha256_of(&path).map_err(|source| FolderError::FileUnreadable { name: file.path.clone(), source })?;
            if !found.eq_ignore_ascii_case(expected) {
                return Err(FolderError::OtherThanManifest { name: file.path.clone(), what: "sha256" });
            }
        }
        Ok(())
    }

    /// Those right in the folder: no other is ever loaded, and no path may lead out of it.
    fn own_files(&self) -> impl Iterator<Item = &ManifestFile> {
        self.files.iter().filter(|file| !file.path.contains(['/', '\\']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    #[test]
    fn files_must_be_as_written_down() {
        let directory = tempfile::tempdir().expect("temporary folder");
        let folder = directory.path().join("x");
        std::fs::create_dir(&folder).expect("create");
        std::fs::write(folder.join("a.safetensors"), "hello").expect("write");
        let check = |files: &str| {
            let text = format!("[[model]]\nid = \"x\"\nrevision = \"r\"\nfuture = 1\nfiles = [{files}]\n");
            let manifest = Manifest::parse(&text).expect("TOML");
            let model = manifest.model("x").expect("an entry");
            let fingerprint = Fingerprint::of(&folder).expect("a folder");
            let result = model.check_sizes(&fingerprint).and_then(|()| model.check_sums(&folder, &fingerprint));
            result.map_err(|error| error.to_string())
        };
        let file = |size: u64, sum: &str| format!("{{ path = \"a.safetensors\", size = {size}, sha256 = \"{sum}\" }}");
        assert_eq!(check(&file(5, HELLO)), Ok(()));
        assert_eq!(check(""), Ok(()));
        assert!(check(&file(9, HELLO)).expect_err("short").contains("5 of 9 bytes"));
        assert!(check(&file(4, HELLO)).expect_err("long").contains("size"));
        assert!(check(&file(5, &HELLO.replace('2', "3"))).expect_err("spoilt").contains("sha256"));
        assert!(check(r#"{ path = "b.safetensors" }"#).expect_err("missing").contains("b.safetensors"));
        // Neither is loaded, and the second is outside.
        assert_eq!(check(r#"{ path = "README.md" }, { path = "../../etc/passwd", sha256 = "00" }"#), Ok(()));
    }

    #[test]
    fn no_manifest_is_fine_and_a_broken_one_is_not() {
        let directory = tempfile::tempdir().expect("temporary folder");
        assert!(Manifest::read(directory.path()).expect("none").model("x").is_none());
        std::fs::write(directory.path().join(MANIFEST), "[[model]").expect("write");
        assert!(Manifest::read(directory.path()).is_err());
    }
}
