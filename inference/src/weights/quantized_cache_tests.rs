//! What is stored is found again, or nothing is.

use super::*;

const SHAPE: [usize; 2] = [3, 64];

fn tensor(byte: u8) -> RawTensor {
    let format = BlockFormat::Q8_0;
    let bytes = vec![byte; SHAPE[0] * format.row_bytes(SHAPE[1])];
    RawTensor { dtype: WeightDtype::Blocks(format), shape: SHAPE.to_vec(), bytes }
}

struct Folders {
    root: tempfile::TempDir,
    revision: &'static str,
}

impl Folders {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("temporary folder");
        Self { root, revision: "first" }
    }

    fn cache(&self) -> QuantizedCache {
        QuantizedCache::open(&self.root.path().join("cache"), ("model", self.revision), Quantization::Q8_0)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.root.path().join("cache")).into_iter().flatten();
        entries.map(|entry| entry.expect("entry").path()).collect()
    }

    fn fill(&self) {
        let cache = self.cache();
        cache.store("a", &tensor(1), BlockFormat::Q8_0);
        cache.store("b", &tensor(2), BlockFormat::Q8_0);
        cache.finish();
    }

    fn found(&self, name: &str) -> Option<u8> {
        self.cache().load(name, &SHAPE, BlockFormat::Q8_0).map(|tensor| tensor.bytes[0])
    }
}

#[test]
fn what_was_finished_is_found_and_nothing_else() {
    let folders = Folders::new();
    folders.cache().store("a", &tensor(1), BlockFormat::Q8_0);
    assert_eq!((folders.found("a"), folders.files().len()), (None, 0));
    folders.fill();
    assert_eq!([folders.found("a"), folders.found("b"), folders.found("c")], [Some(1), Some(2), None]);
    let other = folders.cache();
    assert!(other.load("a", &[3, 32], BlockFormat::Q8_0).is_none());
    assert!(other.load("a", &SHAPE, BlockFormat::Q4K).is_none());
}

#[test]
fn another_revision_is_made_anew_and_takes_the_place_of_the_old_one() {
    let mut folders = Folders::new();
    folders.fill();
    let old = folders.files();
    folders.revision = "second";
    assert_eq!(folders.found("a"), None);
    folders.fill();
    assert_eq!((folders.found("a"), folders.files().len()), (Some(1), 1));
    assert_ne!(folders.files(), old);
}

#[test]
fn damage_anywhere_is_noticed() {
    let folders = Folders::new();
    folders.fill();
    let path = folders.files().remove(0);
    let whole = std::fs::read(&path).expect("a cache");
    let good = [Some(1), Some(2)];
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        std::fs::write(&path, bytes).expect("write");
        let found = [folders.found("a"), folders.found("b")];
        assert!(found != good && found.iter().zip(good).all(|(found, good)| found.is_none() || *found == good), "{at}");
    }
    for length in [0, 10, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).expect("write");
        assert_eq!(folders.found("a"), None);
    }
}

#[test]
fn where_nothing_can_be_written_nothing_is() {
    let folders = Folders::new();
    std::fs::write(folders.root.path().join("cache"), "a file in the place of the folder").expect("write");
    folders.fill();
    assert_eq!(folders.found("a"), None);
}
