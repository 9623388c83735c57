//! Finds the model folders of a directory.

use std::path::{Path, PathBuf};

/// A folder that looks like a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The folder's name, which is the model's id in the API.
    pub id: String,
    pub path: PathBuf,
}

/// Lists model folders by name: those with a `config.json` or with weights. Hidden entries and
/// other files are left out; links to folders count as folders.
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
        if !id.starts_with('.') && path.is_dir() && looks_like_a_model(&path) {
            candidates.push(Candidate { id, path });
        }
    }
    candidates.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(candidates)
}

/// Weights without a configuration count too: they are reported as incomplete, not passed over.
fn looks_like_a_model(path: &Path) -> bool {
    let is_weights = |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|end| end == "safetensors");
    path.join("config.json").exists() || std::fs::read_dir(path).is_ok_and(|entries| entries.flatten().any(is_weights))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_folders_links_and_incomplete_models_only() {
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
        assert_eq!(ids, ["a", "b", "link", "weights-only"]);
        assert_eq!(scan(&at("missing")).expect("empty"), []);
    }
}
