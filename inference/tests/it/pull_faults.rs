//! What a pull does when the network, the hub or the disk lets it down.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use shekara_inference::hub::{Disk, Origin, PullError, PullEvent, SystemDisk, stage};

use crate::hub_stub::{Fault, Hub, OTHER_COMMIT, sha256};
use crate::pull::{client, names, order, pull, sharded, tiny};

#[tokio::test]
async fn a_cut_connection_is_gone_on_from() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    hub.fail("cdn", "/blob/", Fault::Cut(1000));
    hub.fail("cdn", "/blob/", Fault::Cut(0));
    hub.fail("cdn", "/blob/", Fault::Cut(500));
    pull(&hub, &order(directory.path())).await.expect("pulled");
    let lines = hub.lines();
    let tokenizer = sha256(&tiny()["tokenizer.json"]);
    let ranges: Vec<&str> = lines
        .iter()
        .filter(|line| line.contains(&tokenizer))
        .map(|line| line.split(' ').nth(3).unwrap_or("whole"))
        .collect();
    assert_eq!(ranges, ["whole", "bytes=1000-", "bytes=1000-", "bytes=1500-"]);
    assert_eq!(
        std::fs::read(directory.path().join("tiny/tokenizer.json")).expect("readable"),
        tiny()["tokenizer.json"]
    );
}

#[tokio::test]
async fn a_pull_that_was_given_up_is_gone_on_with_by_the_next() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    hub.fail("cdn", &sha256(&tiny()["model.safetensors"]), Fault::Cut(4321));
    for _ in 0..4 {
        hub.fail("cdn", &sha256(&tiny()["model.safetensors"]), Fault::Cut(0));
    }
    let error = pull(&hub, &order(directory.path())).await.expect_err("given up");
    assert!(matches!(error, PullError::GivenUp { .. }), "{error}");
    assert_eq!(names(directory.path()), [".pull-tiny"]);
    hub.seen();
    pull(&hub, &order(directory.path())).await.expect("pulled");
    let lines = hub.lines();
    // The listing, and the rest of one file: the others are there and were verified.
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[2].ends_with(" bytes=4321-"), "{lines:?}");
    assert_eq!(names(directory.path()), ["models.toml", "tiny"]);
}

#[tokio::test]
async fn a_part_of_another_content_is_not_gone_on_with() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    for _ in 0..6 {
        hub.fail("cdn", &sha256(&tiny()["model.safetensors"]), Fault::Cut(100));
        hub.fail("cdn", &sha256(&tiny()["model.safetensors"]), Fault::Status(500, vec![]));
    }
    for _ in 0..5 {
        hub.fail("cdn", &sha256(&tiny()["model.safetensors"]), Fault::Status(500, vec![]));
    }
    pull(&hub, &order(directory.path())).await.expect_err("given up");
    let mut files = tiny();
    let weights = files.get_mut("model.safetensors").expect("weights");
    let last = weights.len() - 1;
    weights[last] ^= 1;
    let expected = weights.clone();
    hub.update(files);
    pull(&hub, &order(directory.path())).await.expect("pulled");
    assert_eq!(std::fs::read(directory.path().join("tiny/model.safetensors")).expect("readable"), expected);
    assert_eq!(names(&directory.path().join("tiny")), crate::pull::names(&crate::support::fixture("llama-tiny")));
}

#[tokio::test]
async fn a_server_without_ranges_sends_the_whole_again() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    let weights = sha256(&tiny()["model.safetensors"]);
    hub.fail("cdn", &weights, Fault::Cut(1000));
    hub.fail("cdn", &weights, Fault::IgnoreRange);
    pull(&hub, &order(directory.path())).await.expect("pulled");
    assert_eq!(hub.lines().iter().filter(|line| line.contains(&weights)).count(), 2);
    let found = std::fs::read(directory.path().join("tiny/model.safetensors")).expect("readable");
    assert_eq!(found, tiny()["model.safetensors"]);
}

#[tokio::test]
async fn a_wrong_checksum_is_named_and_nothing_appears() {
    let hub = Hub::start(tiny()).await;
    for (server, part) in [("cdn", sha256(&tiny()["model.safetensors"])), ("hub", "/config.json".to_owned())] {
        let directory = tempfile::tempdir().expect("temporary folder");
        hub.fail(server, &part, Fault::Flip);
        let message = pull(&hub, &order(directory.path())).await.expect_err("wrong").to_string();
        assert!(message.contains("checksum"), "{message}");
        assert!(!directory.path().join("tiny").exists() && !directory.path().join("models.toml").exists());
        pull(&hub, &order(directory.path())).await.expect("the next try is whole");
    }
}

#[tokio::test]
async fn lengths_that_are_not_as_announced_are_refused() {
    let hub = Hub::start(tiny()).await;
    let weights = sha256(&tiny()["model.safetensors"]);
    let size = tiny()["model.safetensors"].len() as u64;
    for fault in [Fault::Length(size - 1), Fault::Length(size + 1), Fault::Endless] {
        let directory = tempfile::tempdir().expect("temporary folder");
        hub.fail("cdn", &weights, fault.clone());
        let message = pull(&hub, &order(directory.path())).await.expect_err("refused").to_string();
        assert!(message.contains("bytes") && message.contains(&size.to_string()), "{fault:?}: {message}");
        assert_eq!(names(directory.path()), [".pull-tiny"], "{fault:?}");
    }
    let directory = tempfile::tempdir().expect("temporary folder");
    let linked = vec![("x-linked-size", "7".to_owned()), ("location", format!("{}/x", hub.endpoint()))];
    hub.fail("hub", "/model.safetensors", Fault::Status(302, linked));
    assert!(pull(&hub, &order(directory.path())).await.is_err());
}

#[tokio::test]
async fn another_commit_in_the_middle_is_noticed() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    hub.fail("hub", "/config.json", Fault::Commit(OTHER_COMMIT));
    let message = pull(&hub, &order(directory.path())).await.expect_err("refused").to_string();
    assert!(message.contains("commit") && message.contains(OTHER_COMMIT), "{message}");
}

#[tokio::test]
async fn too_many_requests_are_waited_for_within_reason() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    let limited = |seconds: &str| Fault::Status(429, vec![("retry-after", seconds.to_owned())]);
    hub.fail("hub", "/api/models", limited("0"));
    hub.fail("hub", "/config.json", limited("0"));
    hub.fail("cdn", "/blob/", Fault::Status(503, vec![]));
    let waits = std::sync::Mutex::new(Vec::new());
    let note = |event: PullEvent<'_>| {
        if let PullEvent::Waiting { error, .. } = event {
            waits.lock().expect("a list").push(error.to_string());
        }
    };
    let client = client(&hub, None);
    let staged = stage(Origin::Hub(&client), &order(directory.path()), &SystemDisk, &note).await.expect("staged");
    drop(staged);
    let waits = waits.into_inner().expect("a list");
    assert_eq!(waits.len(), 3, "{waits:?}");
    assert!(!waits.iter().any(|text| text.contains("signature")), "{waits:?}");
    let other = tempfile::tempdir().expect("temporary folder");
    hub.fail("hub", "/config.json", limited("86400"));
    let message = pull(&hub, &order(other.path())).await.expect_err("too long").to_string();
    assert!(message.contains("86400"), "{message}");
    assert_eq!(names(other.path()), Vec::<String>::new(), "not one byte had come");
}

#[tokio::test]
async fn statuses_say_what_to_do() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    let missing = vec![("x-error-code", "RepoNotFound".to_owned())];
    for (fault, expected) in [
        (Fault::Status(401, missing), "does not exist"),
        (Fault::Status(403, vec![]), "HF_TOKEN"),
        (Fault::Status(404, vec![]), "does not exist"),
        (Fault::Status(400, vec![]), "status 400"),
    ] {
        hub.fail("hub", "/api/models", fault);
        let message = pull(&hub, &order(directory.path())).await.expect_err("refused").to_string();
        assert!(message.contains(expected), "{message}");
        assert_eq!(names(directory.path()), Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_index_that_leads_elsewhere_writes_nothing() {
    for bad in ["../../evil.safetensors", "/tmp/evil.safetensors", "sub/evil.safetensors", "missing.safetensors"] {
        let mut files = sharded();
        let index = serde_json::json!({"weight_map": {"a": bad}}).to_string();
        files.insert("model.safetensors.index.json".to_owned(), index.into_bytes());
        let (hub, directory) = (Hub::start(files).await, tempfile::tempdir().expect("temporary folder"));
        let message = pull(&hub, &order(&directory.path().join("models"))).await.expect_err("refused").to_string();
        assert!(message.contains("model.safetensors.index.json"), "{message}");
        assert_eq!(names(directory.path()), ["models"]);
        assert_eq!(names(&directory.path().join("models")), Vec::<String>::new());
    }
}

#[tokio::test]
async fn links_in_the_hidden_folder_are_not_followed() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    let outside = tempfile::tempdir().expect("temporary folder");
    std::os::unix::fs::symlink(outside.path(), directory.path().join(".pull-tiny")).expect("link");
    assert!(matches!(pull(&hub, &order(directory.path())).await, Err(PullError::Link { .. })));
    std::fs::remove_file(directory.path().join(".pull-tiny")).expect("remove");
    std::fs::create_dir(directory.path().join(".pull-tiny")).expect("create");
    let victim = outside.path().join("victim");
    std::fs::write(&victim, "untouched").expect("write");
    std::os::unix::fs::symlink(&victim, directory.path().join(".pull-tiny/config.json")).expect("link");
    pull(&hub, &order(directory.path())).await.expect("the link goes, the file comes");
    assert_eq!(std::fs::read_to_string(&victim).expect("readable"), "untouched");
    assert!(directory.path().join("tiny/config.json").symlink_metadata().expect("there").is_file());
}

/// A disk that is said to have room and takes only so many bytes.
struct SmallDisk {
    free: u64,
    room: AtomicU64,
}

impl Disk for SmallDisk {
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.free)
    }

    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let room = self.room.load(Ordering::Relaxed);
        let fits = bytes.len().min(room as usize);
        file.write_all(&bytes[..fits])?;
        self.room.store(room - fits as u64, Ordering::Relaxed);
        if fits < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_and_says_what_was_needed() {
    let (hub, directory) = (Hub::start(sharded()).await, tempfile::tempdir().expect("temporary folder"));
    let client = client(&hub, None);
    let full: u64 = pull(&hub, &order(tempfile::tempdir().expect("temporary folder").path()))
        .await
        .expect("pulled")
        .files
        .iter()
        .map(|file| file.size)
        .sum();
    let index = sharded()["model.safetensors.index.json"].len() as u64;
    // It is full in the middle of the index, of small files and of the last file.
    for room in [100, index + 10, full - 1] {
        let disk = SmallDisk { free: u64::MAX, room: AtomicU64::new(room) };
        let error = stage(Origin::Hub(&client), &order(directory.path()), &disk, &|_| {}).await.expect_err("full");
        let needed = if room == 100 { index } else { full - index };
        assert!(error.to_string().contains(&format!("{needed} bytes are needed")), "{error}");
        assert_eq!(names(directory.path()), Vec::<String>::new());
    }
    hub.seen();
    let disk = SmallDisk { free: full - index - 1, room: AtomicU64::new(u64::MAX) };
    let error = stage(Origin::Hub(&client), &order(directory.path()), &disk, &|_| {}).await.expect_err("too small");
    assert!(error.to_string().contains(&format!("{} bytes are needed, {} are free", full - index, full - index - 1)));
    assert_eq!(hub.lines().len(), 2, "only the listing and the index were asked for");
    assert_eq!(names(directory.path()), Vec::<String>::new());
    let disk = SmallDisk { free: full - index, room: AtomicU64::new(full) };
    stage(Origin::Hub(&client), &order(directory.path()), &disk, &|_| {}).await.expect("it just fits");
}
