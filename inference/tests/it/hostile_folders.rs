//! Folders made to do harm: they are named, take no time, and the rest serves on.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shekara_inference::catalog::{Catalog, ModelState};

use crate::support::{Models, copy_folder, fixture, request, settings};

/// Each folder, and what its report must mention.
type Harm = (&'static str, fn(&Path), &'static str);

fn replace(path: &Path, name: &str, make: impl FnOnce(&Path)) {
    let path = path.join(name);
    std::fs::remove_file(&path).expect("remove");
    make(&path);
}

fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
    assert!(made.success());
}

fn config(path: &Path, key: &str, value: Value) {
    let path = path.join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON");
    config[key] = value;
    std::fs::write(path, config.to_string()).expect("write");
}

/// A safetensors file of this header over so many bytes of nothing, none of which takes space.
fn write_header(path: &Path, header: &str, data_bytes: u64) {
    let mut file = File::create(path.join("model.safetensors")).expect("create");
    file.write_all(&(header.len() as u64).to_le_bytes()).expect("write");
    file.write_all(header.as_bytes()).expect("write");
    file.set_len(8 + header.len() as u64 + data_bytes).expect("set_len");
}

fn index(path: &Path, file: &str) {
    let index = json!({"metadata": {}, "weight_map": {"model.embed_tokens.weight": file}});
    std::fs::write(path.join("model.safetensors.index.json"), index.to_string()).expect("write");
}

const HARMS: [Harm; 27] = [
    (
        "pipe-weights",
        |path| replace(path, "model.safetensors", pipe),
        "model.safetensors is neither a file nor a link to one",
    ),
    ("pipe-config", |path| replace(path, "config.json", pipe), "config.json is neither a file"),
    ("pipe-tokenizer", |path| replace(path, "tokenizer.json", pipe), "tokenizer.json is neither a file"),
    (
        "socket",
        |path| drop(UnixListener::bind(path.join("more.safetensors")).expect("bind")),
        "more.safetensors is neither a file",
    ),
    (
        "linked-to-itself",
        |path| replace(path, "model.safetensors", |path| symlink("model.safetensors", path).expect("link")),
        "model.safetensors cannot be looked at",
    ),
    (
        "linked-to-nothing",
        |path| replace(path, "model.safetensors", |path| symlink("gone.safetensors", path).expect("link")),
        "model.safetensors is a link to nothing",
    ),
    (
        "device",
        |path| replace(path, "model.safetensors", |path| symlink("/dev/zero", path).expect("link")),
        "model.safetensors is a link that leads out of the folder",
    ),
    (
        "secrets",
        |path| replace(path, "tokenizer.json", |path| symlink("/etc/passwd", path).expect("link")),
        "tokenizer.json is a link that leads out of the folder",
    ),
    (
        "neighbour",
        |path| replace(path, "config.json", |path| symlink("../../qwen3-tiny/config.json", path).expect("link")),
        "link",
    ),
    ("index-up", |path| index(path, "../qwen3-tiny/model.safetensors"), "leads to another folder"),
    ("index-absolute", |path| index(path, "/etc/passwd"), "leads to another folder"),
    ("index-parent", |path| index(path, ".."), "not a valid"),
    ("index-itself", |path| index(path, "model.safetensors.index.json"), "not a valid safetensors file"),
    (
        "huge-header",
        |path| std::fs::write(path.join("model.safetensors"), [0xff; 64]).expect("write"),
        "a header of 18446744073709551615 bytes in a file of 64",
    ),
    (
        "large-header",
        |path| {
            let file = OpenOptions::new().write(true).open(path.join("model.safetensors")).expect("open");
            std::os::unix::fs::FileExt::write_all_at(&file, &(1u64 << 30).to_le_bytes(), 0).expect("write");
            file.set_len(1 << 34).expect("set_len");
        },
        "a header of 1073741824 bytes",
    ),
    ("sparse", |path| write_header(path, "{}", 1 << 40), "truncated or padded"),
    (
        "overlapping",
        |path| {
            let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                "b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
            write_header(path, header, 12);
        },
        "not a valid safetensors file",
    ),
    (
        "backwards",
        |path| write_header(path, r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8),
        "not a valid safetensors file",
    ),
    (
        "overflowing",
        |path| {
            let most = u64::MAX / 2;
            let shape = format!("[{most},{most},4]");
            write_header(path, &format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":[0,8]}}}}"#), 8);
        },
        "not a valid safetensors file",
    ),
    (
        "doubled",
        |path| {
            let entry = r#""model.embed_tokens.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
            write_header(path, &format!("{{{entry},{entry}}}"), 4);
        },
        "model.embed_tokens.weight",
    ),
    (
        "zero-sized",
        |path| {
            let header = r#"{"model.embed_tokens.weight":{"dtype":"BF16","shape":[0,64],"data_offsets":[0,0]}}"#;
            write_header(path, header, 0);
        },
        "has shape [0, 64]",
    ),
    (
        "crowded",
        |path| {
            for number in 0..12_000 {
                File::create(path.join(format!("{number}.json"))).expect("create");
            }
        },
        "more than 10000 entries",
    ),
    (
        "vast-tokenizer",
        |path| {
            let file = OpenOptions::new().write(true).open(path.join("tokenizer.json")).expect("open");
            file.set_len(1 << 30).expect("set_len");
        },
        "tokenizer.json has 1073741824 bytes, more than",
    ),
    ("vast-vocabulary", |path| config(path, "vocab_size", json!(1 << 28)), "vocab_size is 268435456"),
    ("vast-depth", |path| config(path, "num_hidden_layers", json!(1 << 28)), "num_hidden_layers is 268435456"),
    (
        "pickle",
        |path| {
            replace(path, "model.safetensors", |path| {
                let path = path.with_file_name("pytorch_model.bin");
                std::fs::write(path, b"\x80\x04cos\nsystem\n(S'touch harm'\ntR.").expect("write");
            });
        },
        "no .safetensors file; pytorch_model.bin may run code when it is read and is not",
    ),
    (
        "remote-code",
        |path| {
            std::fs::write(path.join("modeling_evil.py"), "open('harm', 'w')").expect("write");
            config(path, "auto_map", json!({"AutoModelForCausalLM": "modeling_evil.Evil"}));
            config(path, "architectures", json!(["EvilForCausalLM"]));
        },
        "architecture EvilForCausalLM is not supported",
    ),
];

/// Far more than it takes, far less than a hang.
const SOON: Duration = Duration::from_mins(2);

#[tokio::test]
async fn each_is_named_and_none_hangs_or_hinders() {
    let models = Models::new(&["qwen3-tiny"]);
    let outside = std::fs::read(fixture("llama-tiny").join("config.json")).expect("readable");
    for (name, harm, _) in HARMS {
        copy_folder(&fixture("llama-tiny"), &models.path(name));
        harm(&models.path(name));
    }
    // Links of whole folders that lead round in a circle are no folders.
    symlink("circle", models.path("circle")).expect("link");
    let begun = Instant::now();
    let server = models.serve(settings());
    assert!(begun.elapsed() < SOON);
    for (name, _, reason) in HARMS {
        let found = server.failure(name);
        assert!(found.contains(reason), "{name}: {found}");
        // Whose lines would an error quote?
        assert!(!found.contains("root:"), "{name}: {found}");
    }
    assert_eq!(server.chat(&request("qwen3-tiny", "x", 2)).await.status, 200);
    assert!(server.catalog.model("circle").is_none());
    let after = std::fs::read(fixture("llama-tiny").join("config.json")).expect("readable");
    assert_eq!(outside, after);
    for (name, ..) in HARMS {
        assert!(!models.path(name).join("harm").exists() && !Path::new("harm").exists());
    }
}

/// Weights of a size that the machine does not have, all of it holes.
#[tokio::test]
async fn a_model_larger_than_the_memory_is_refused_before_it_is_read() {
    let models = Models::new(&["qwen3-tiny"]);
    let path = models.path("vast");
    copy_folder(&fixture("llama-tiny"), &path);
    let (rows, columns) = (1u64 << 20, 1u64 << 20);
    let header = json!({"lm_head.weight":
        {"dtype": "BF16", "shape": [rows, columns], "data_offsets": [0, 2 * rows * columns]}});
    let written = std::fs::File::create(path.join("more.safetensors")).and_then(|mut file| {
        let header = header.to_string();
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        file.set_len(8 + header.len() as u64 + 2 * rows * columns)
    });
    if written.is_err() {
        // Not every file system has files of two tebibytes.
        return;
    }
    let server = models.serve(settings());
    let reason = server.failure("vast");
    assert!(reason.contains("needs ") || reason.contains("lm_head"), "{reason}");
    assert_eq!(server.chat(&request("qwen3-tiny", "x", 2)).await.status, 200);
}

/// Folders that go, or lose a part, at whatever moment of being loaded: the state is clear and the rest serves on.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_vanishes_in_the_middle_leaves_no_trace() {
    let models = Models::new(&["qwen3-tiny"]);
    for round in 0..12u32 {
        copy_folder(&fixture("llama-tiny"), &models.path("fading"));
        let path = models.path("fading");
        let catalog = Catalog::open(models.directory.path(), settings()).expect("the directory opens");
        let vanish = std::thread::spawn(move || {
            // As far into the load as the round says, without waiting for anything.
            (0..round * 20_000).for_each(|_| std::hint::spin_loop());
            std::fs::remove_dir_all(&path).expect("remove");
        });
        catalog.load_all();
        vanish.join().expect("no panic");
        catalog.reconcile();
        let server = crate::support::Server::of(catalog);
        let state = server.catalog.model("fading").map_or("none", |state| state.name());
        assert!(["ready", "failed", "waiting"].contains(&state), "{state}");
        if let Some(reason) = server.catalog.model("fading").as_ref().and_then(ModelState::reason) {
            assert!(!reason.is_empty());
        }
        assert_eq!(server.chat(&request("qwen3-tiny", "x", 2)).await.status, 200);
    }
}
