//! Taking a model from a copied cache, without a network.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use shekara_inference::hub::{HubCache, ModelRecord, Origin, PullError, PullOrder, Revision, SystemDisk, stage};

use crate::hub_stub::{COMMIT, OTHER_COMMIT, git_blob, sha256};
use crate::pull::{names, order, sharded, tiny};

/// Writes files as Hugging Face's own tools keep them.
fn write_cache(root: &Path, files: &BTreeMap<String, Vec<u8>>) -> PathBuf {
    let folder = root.join("models--org--tiny");
    let snapshot = folder.join("snapshots").join(COMMIT);
    for name in ["blobs", "refs"] {
        std::fs::create_dir_all(folder.join(name)).expect("create");
    }
    std::fs::write(folder.join("refs/main"), COMMIT).expect("write");
    for (name, content) in files {
        let large = name.ends_with(".safetensors");
        let blob = if large { sha256(content) } else { git_blob(content) };
        std::fs::write(folder.join("blobs").join(&blob), content).expect("write");
        let path = snapshot.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("create");
        let up = "../".repeat(2 + name.matches('/').count());
        symlink(format!("{up}blobs/{blob}"), path).expect("link");
    }
    folder
}

async fn take(cache: &Path, order: &PullOrder) -> Result<ModelRecord, PullError> {
    let cache = HubCache::new(cache);
    stage(Origin::Cache(&cache), order, &SystemDisk, &|_| {}).await?.publish()
}

#[tokio::test]
async fn a_cache_is_verified_and_linked() {
    let directory = tempfile::tempdir().expect("temporary folder");
    let mut files = sharded();
    files.insert("README.md".to_owned(), b"---\nlicense: mit\ntags: []\n---\n# Tiny\n".to_vec());
    let folder = write_cache(&directory.path().join("hub"), &files);
    let models_dir = directory.path().join("models");
    // The folder with `hub` in it is as good as `hub` itself.
    for root in [directory.path().to_owned(), directory.path().join("hub")] {
        let record = take(&root, &order(&models_dir)).await.expect("taken");
        assert_eq!((record.revision.as_str(), record.licence.as_deref()), (COMMIT, Some("mit")));
        for file in &record.files {
            assert_eq!(file.sha256, sha256(&files[&file.path]));
        }
        assert_eq!(names(&models_dir), ["models.toml", "tiny"]);
        assert!(!names(&models_dir.join("tiny")).contains(&"pytorch_model.bin".to_owned()));
    }
    let shard = "model-00001-of-00002.safetensors";
    let inode = |path: PathBuf| path.metadata().expect("there").ino();
    let blob = folder.join("blobs").join(sha256(&files[shard]));
    assert_eq!(inode(models_dir.join("tiny").join(shard)), inode(blob), "no second copy");
    assert!(models_dir.join("tiny").join(shard).symlink_metadata().expect("there").is_file());
}

#[tokio::test]
async fn a_damaged_cache_gives_nothing() {
    let directory = tempfile::tempdir().expect("temporary folder");
    let folder = write_cache(directory.path(), &tiny());
    let models_dir = directory.path().join("models");
    let blob = folder.join("blobs").join(sha256(&tiny()["model.safetensors"]));
    let mut damaged = tiny()["model.safetensors"].clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 4;
    std::fs::write(&blob, damaged).expect("write");
    let message = take(directory.path(), &order(&models_dir)).await.expect_err("damaged").to_string();
    assert!(message.contains("model.safetensors") && message.contains("checksum"), "{message}");
    assert!(!models_dir.join("tiny").exists() && blob.exists());
    std::fs::remove_file(&blob).expect("remove");
    assert!(matches!(take(directory.path(), &order(&models_dir)).await, Err(PullError::Io { .. })));
    assert!(!models_dir.join("tiny").exists());
}

#[tokio::test]
async fn a_cache_says_what_it_has_not() {
    let directory = tempfile::tempdir().expect("temporary folder");
    let models_dir = directory.path().join("models");
    assert!(matches!(take(directory.path(), &order(&models_dir)).await, Err(PullError::NotCached { .. })));
    let folder = write_cache(directory.path(), &tiny());
    let at = |revision: &str| PullOrder { revision: Revision::parse(revision).expect("valid"), ..order(&models_dir) };
    for revision in ["v9", OTHER_COMMIT] {
        let message = take(directory.path(), &at(revision)).await.expect_err("not there").to_string();
        assert!(message.contains(revision) && message.contains(COMMIT), "{message}");
    }
    assert!(!models_dir.exists());
    take(directory.path(), &at(COMMIT)).await.expect("a commit is itself");
    std::fs::remove_file(folder.join("refs/main")).expect("remove");
    take(directory.path(), &order(&models_dir)).await.expect("the only snapshot is meant");
}

#[tokio::test]
async fn a_link_that_leads_out_of_the_cache_is_refused() {
    let directory = tempfile::tempdir().expect("temporary folder");
    let outside = tempfile::tempdir().expect("temporary folder");
    std::fs::write(outside.path().join("secret"), "{}").expect("write");
    let folder = write_cache(directory.path(), &tiny());
    let config = folder.join("snapshots").join(COMMIT).join("config.json");
    std::fs::remove_file(&config).expect("remove");
    symlink(outside.path().join("secret"), &config).expect("link");
    let result = take(directory.path(), &order(&directory.path().join("models"))).await;
    assert!(matches!(result, Err(PullError::OutsideCache { .. })));
}

#[tokio::test]
async fn a_copy_without_links_is_taken_as_it_is() {
    let directory = tempfile::tempdir().expect("temporary folder");
    let snapshot = directory.path().join("models--org--tiny/snapshots").join(COMMIT);
    for (name, content) in tiny() {
        let path = snapshot.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("create");
        std::fs::write(path, content).expect("write");
    }
    let models_dir = directory.path().join("models");
    let record = take(directory.path(), &order(&models_dir)).await.expect("taken");
    assert_eq!(record.files.len(), names(&models_dir.join("tiny")).len());
}
