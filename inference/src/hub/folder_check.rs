//! A model's folder held against what was recorded of it.

use std::path::Path;

use super::{FileName, ModelRecord, sha256_of};

/// The first file that is not what it was.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    #[error("{file} is recorded, which is no name of a model's file")]
    BadName { file: String },
    #[error("{file} is missing")]
    Missing { file: String },
    #[error("{file} has {found} bytes, {expected} are recorded")]
    WrongSize { file: String, expected: u64, found: u64 },
    #[error("{file} has another checksum than the one recorded")]
    WrongChecksum { file: String },
    #[error("{file} cannot be read")]
    Unreadable { file: String, source: std::io::Error },
}

/// Sizes first, as they cost nothing; then every byte is read.
///
/// # Errors
/// Names the first file that differs.
pub fn check_files(folder: &Path, record: &ModelRecord) -> Result<(), FileFault> {
    for recorded in &record.files {
        let file = recorded.path.clone();
        if FileName::parse(&file).is_err() {
            return Err(FileFault::BadName { file });
        }
        match folder.join(&file).metadata() {
            Ok(found) if found.len() != recorded.size => {
                return Err(FileFault::WrongSize { file, expected: recorded.size, found: found.len() });
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(FileFault::Missing { file }),
            Err(source) => return Err(FileFault::Unreadable { file, source }),
        }
    }
    for recorded in &record.files {
        let file = recorded.path.clone();
        match sha256_of(&folder.join(&file)) {
            Ok(found) if found.eq_ignore_ascii_case(&recorded.sha256) => {}
            Ok(_) => return Err(FileFault::WrongChecksum { file }),
            Err(source) => return Err(FileFault::Unreadable { file, source }),
        }
    }
    Ok(())
}
