//! Finds the models of a directory: its folders and `.gguf` files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where a model's folder has its adapters.
pub(super) const ADAPTERS: &str = "adapters";
/// Of that folder; what lies beyond is not looked at.
const MAX_ADAPTER_ENTRIES: usize = 10_000;

/// A folder or file that stands for a model, sound or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The folder's name, or the file's without its ending: the model's id in the API.
    pub id: String,
    pub path: PathBuf,
}

/// Lists folders by name, incomplete and empty ones too: whoever made them will look for them.
/// Hidden entries and other files are left out; links count as what they lead to.
/// A folder and a file of one name are one model, the folder.
///
/// # Errors
/// If the directory cannot be read. One that does not exist is empty.
pub fn scan(directory: &Path) -> std::io::Result<Vec<Candidate>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut candidates = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(id) = entry.file_name().into_string() else { continue };
        let path = entry.path();
        if id.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            candidates.push(Candidate { id, path });
        } else if let Some(id) = gguf_id(&id).filter(|_| path.is_file()) {
            candidates.push(Candidate { id, path });
        }
    }
    candidates.sort_by(|a, b| a.id.cmp(&b.id).then(a.path.is_file().cmp(&b.path.is_file())));
    candidates.dedup_by(|later, earlier| later.id == earlier.id);
    Ok(candidates)
}

/// Lists the adapters of a model's folder, incomplete ones too. Hidden entries and files are left out.
///
/// # Errors
/// If they cannot be read. A model without adapters has none.
pub fn scan_adapters(model: &Path) -> std::io::Result<Vec<Candidate>> {
    let entries = match std::fs::read_dir(model.join(ADAPTERS)) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut adapters = Vec::new();
    for entry in entries.take(MAX_ADAPTER_ENTRIES) {
        let entry = entry?;
        let Ok(id) = entry.file_name().into_string() else { continue };
        let path = entry.path();
        if !id.starts_with('.') && path.is_dir() {
            adapters.push(Candidate { id, path });
        }
    }
    adapters.sort_by(|one, next| one.id.cmp(&next.id));
    Ok(adapters)
}

/// The id of a model that is one `.gguf` file; of several parts the first stands for all.
fn gguf_id(name: &str) -> Option<String> {
    const PARTS: &str = "-of-";
    let stem = name.strip_suffix(".gguf")?;
    match stem.rsplit_once(PARTS).and_then(|(start, count)| Some((start.rsplit_once('-')?, count))) {
        Some(((start, part), count)) if is_number(part) && is_number(count) => {
            (part == "00001").then(|| start.to_owned())
        }
        _ => Some(stem.to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit())
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
        for name in ["c.gguf", "a.gguf", "d-00001-of-00002.gguf", "d-00002-of-00002.gguf", ".e.gguf"] {
            std::fs::write(at(name), "GGUF").expect("write");
        }
        let ids: Vec<String> = scan(directory.path()).expect("readable").into_iter().map(|found| found.id).collect();
        assert_eq!(ids, ["a", "b", "c", "d", "empty", "link", "weights-only"]);
        assert_eq!(scan(&at("missing")).expect("empty"), []);
    }
}
