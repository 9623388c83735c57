//! Finds the model folders of a directory.

use std::path::{Path, PathBuf};

/// A folder that stands for a model, sound or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The folder's name, which is the model's id in the API.
    pub id: String,
    pub path: PathBuf,
}

/// Lists folders by name, incomplete and empty ones too: whoever made them will look for them.
/// Hidden entries and files are left out; links to folders count as folders.
///
/// # Errors
/// If the directory cannot be read. One that does not exist is empty.
pub fn scan(directory: &Path) -> std::io::Result<Vec<Candidate>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut candidates = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(id) = entry.file_name().into_string() else { continue };
        let path = entry.path();
        if !id.starts_with('.') && path.is_dir() {
            candidates.push(Candidate { id, path });
        }
    }
    candidates.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(candidates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_folders_and_links_and_nothing_hidden() {
        let directory = tempfile::tempdir().expect("temporary folder");
        let at = |name: &str| directory.path().join(name);
        for name in ["b", "a", ".hidden", "empty", "weights-only"] {
            std::fs::create_dir(at(name)).expect("create");
        }
        for name in ["b/config.json", "a/config.json", ".hidden/config.json", "weights-only/x.safetensors", "file"] {
            std::fs::write(at(name), "{}").expect("write");
        }
        std::os::unix::fs::symlink(at("a"), at("link")).expect("link");
        let ids: Vec<String> = scan(directory.path()).expect("readable").into_iter().map(|found| found.id).collect();
        assert_eq!(ids, ["a", "b", "empty", "link", "weights-only"]);
        assert_eq!(scan(&at("missing")).expect("empty"), []);
    }
}
