//! Notices that the configuration's file was changed. It is looked at rather than watched: that also sees a link that is
//! turned to another file, as mounted configurations are exchanged, and folders over a network.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often the file is looked at. A change counts once it has stood for as long.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) struct WatchedFile {
    /// Without one there is nothing to watch.
    path: Option<PathBuf>,
    /// What is in force, or was refused.
    known: Option<Look>,
    /// What was seen last.
    last: Option<Look>,
}

/// What tells one content from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    modified: SystemTime,
    bytes: u64,
}

impl WatchedFile {
    pub(super) fn new(path: Option<&Path>) -> Self {
        let mut file = Self { path: path.map(Path::to_owned), known: None, last: None };
        file.note();
        file
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The file as it is now is known.
    pub(super) fn note(&mut self) {
        self.known = self.look();
        self.last = self.known;
    }

    /// Returns when the file is another one and stands still.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.has_changed() {
                return;
            }
        }
    }

    /// A file that is gone for a moment is being exchanged.
    fn has_changed(&mut self) -> bool {
        let now = self.look();
        let stands_still = now == self.last;
        self.last = now;
        now.is_some() && now != self.known && stands_still
    }

    fn look(&self) -> Option<Look> {
        let metadata = std::fs::metadata(self.path.as_ref()?).ok()?;
        Some(Look { modified: metadata.modified().ok()?, bytes: metadata.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_once_it_stands_still() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shekara.toml");
        std::fs::write(&path, "a").unwrap();
        let mut file = WatchedFile::new(Some(&path));
        assert!(!file.has_changed());
        std::fs::write(&path, "ab").unwrap();
        assert!(!file.has_changed());
        assert!(file.has_changed());
        file.note();
        assert!(!file.has_changed());
        std::fs::remove_file(&path).unwrap();
        assert!(!file.has_changed() && !file.has_changed());
        let other = folder.path().join("other");
        std::fs::write(&other, "another").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(!file.has_changed());
        assert!(file.has_changed());
    }

    #[test]
    fn without_a_file_nothing_changes() {
        assert!(!WatchedFile::new(None).has_changed());
    }
}
