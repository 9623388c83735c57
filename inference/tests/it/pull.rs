//! Pulling from a hub: what is asked for, what is written, what is recorded.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use shekara_inference::hub::{
    HubClient, HubSettings, Manifest, ModelId, ModelRecord, Origin, PullError, PullOrder, RepoId, Revision, SystemDisk,
    Token, check_files, stage,
};

use crate::hub_stub::{COMMIT, Fault, Hub, OTHER_COMMIT, TOKEN, sha256};
use crate::support::{Dtype, fixture, read_safetensors, write_safetensors};

const BASE: &str = "/org/tiny/resolve/0123456789abcdef0123456789abcdef01234567";

/// A model that the engine serves, and things beside it that it has no use for.
pub fn tiny() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(fixture("llama-tiny")).expect("fixture") {
        let path = entry.expect("entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        files.insert(name, std::fs::read(&path).expect("readable"));
    }
    for name in ["README.md", "pytorch_model.bin", "modeling_tiny.py", "onnx/model.onnx", ".gitattributes"] {
        files.insert(name.to_owned(), b"not wanted".to_vec());
    }
    files
}

/// The same in two shards.
pub fn sharded() -> BTreeMap<String, Vec<u8>> {
    let mut files = tiny();
    files.remove("model.safetensors");
    let directory = tempfile::tempdir().expect("temporary folder");
    let mut tensors = read_safetensors(&fixture("llama-tiny").join("model.safetensors"));
    let second = tensors.split_off(tensors.len() / 2);
    let mut map = serde_json::Map::new();
    for (index, part) in [tensors, second].iter().enumerate() {
        let name = format!("model-0000{}-of-00002.safetensors", index + 1);
        write_safetensors(&directory.path().join(&name), part, Dtype::Bf16);
        map.extend(part.iter().map(|tensor| (tensor.name.clone(), name.clone().into())));
        files.insert(name.clone(), std::fs::read(directory.path().join(&name)).expect("readable"));
    }
    let index = serde_json::json!({"metadata": {}, "weight_map": map}).to_string();
    files.insert("model.safetensors.index.json".to_owned(), index.into_bytes());
    files
}

pub fn client(hub: &Hub, token: Option<&str>) -> HubClient {
    let token = token.map(|token| Token::new(token).expect("a token"));
    let settings = HubSettings { endpoint: hub.endpoint(), token, retry_delay: Duration::ZERO };
    HubClient::new(settings).expect("a client")
}

pub fn order(models_dir: &Path) -> PullOrder {
    PullOrder {
        repo: RepoId::parse("org/tiny").expect("valid"),
        revision: Revision::default(),
        id: ModelId::parse("tiny").expect("valid"),
        models_dir: models_dir.to_owned(),
        file: None,
        licence: None,
    }
}

pub async fn pull(hub: &Hub, order: &PullOrder) -> Result<ModelRecord, PullError> {
    let client = client(hub, None);
    stage(Origin::Hub(&client), order, &SystemDisk, &|_| {}).await?.publish()
}

/// Names below a folder, hidden ones too.
pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_model_is_pulled_with_the_requests_it_needs() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    let models_dir = directory.path().join("models");
    let record = pull(&hub, &order(&models_dir)).await.expect("pulled");
    let get = |name: &str| format!("hub GET {BASE}/{name}");
    let blob = |name: &str| format!("cdn GET /blob/{}?signature=secret", sha256(&tiny()[name]));
    let expected = [
        "hub GET /api/models/org/tiny/revision/main?blobs=true".to_owned(),
        get("config.json"),
        get("generation_config.json"),
        get("tokenizer.json"),
        blob("tokenizer.json"),
        get("tokenizer_config.json"),
        get("model.safetensors"),
        blob("model.safetensors"),
    ];
    assert_eq!(hub.lines(), expected);
    assert_eq!(names(&models_dir), ["models.toml", "tiny"]);
    for name in names(&models_dir.join("tiny")) {
        assert_eq!(std::fs::read(models_dir.join("tiny").join(&name)).expect("readable"), tiny()[&name]);
    }
    assert_eq!((record.source.as_str(), record.revision.as_str()), ("org/tiny", COMMIT));
    assert_eq!(record.licence.as_deref(), Some("apache-2.0"));
    assert_eq!(Manifest::read(&models_dir).expect("valid").records(), std::slice::from_ref(&record));
    check_files(&models_dir.join("tiny"), &record).expect("as recorded");

    // Once more: everything is there, nothing is fetched.
    pull(&hub, &order(&models_dir)).await.expect("unchanged");
    assert_eq!(hub.lines(), ["hub GET /api/models/org/tiny/revision/main?blobs=true"]);
    assert_eq!(names(&models_dir), ["models.toml", "tiny"]);
}

#[tokio::test]
async fn shards_are_those_of_the_index_and_it_comes_first() {
    let mut files = sharded();
    files.insert("consolidated.safetensors".to_owned(), b"once more".to_vec());
    let (hub, directory) = (Hub::start(files).await, tempfile::tempdir().expect("temporary folder"));
    let record = pull(&hub, &order(directory.path())).await.expect("pulled");
    let lines = hub.lines();
    assert_eq!(lines[1], format!("hub GET {BASE}/model.safetensors.index.json"));
    assert!(record.files.iter().any(|file| file.path == "model-00002-of-00002.safetensors"));
    assert!(!lines.iter().any(|line| line.contains("consolidated") || line.contains(".bin") || line.contains(".py")));
}

#[tokio::test]
async fn a_listing_without_sizes_is_completed_by_heads() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    hub.leave_out_sizes();
    let record = pull(&hub, &order(directory.path())).await.expect("pulled");
    let lines = hub.lines();
    for file in &record.files {
        assert!(lines.contains(&format!("hub HEAD {BASE}/{}", file.path)), "{lines:?}");
        assert_eq!(file.sha256, sha256(&tiny()[&file.path]));
    }
    assert!(!lines.iter().any(|line| line.starts_with("cdn HEAD")), "what is asked for is known before the redirect");
}

#[tokio::test]
async fn a_pin_is_a_branch_a_tag_or_a_commit_and_the_commit_is_recorded() {
    let hub = Hub::start(tiny()).await;
    for revision in ["v1.0", "refs/pr/2", COMMIT] {
        let directory = tempfile::tempdir().expect("temporary folder");
        let order = PullOrder { revision: Revision::parse(revision).expect("valid"), ..order(directory.path()) };
        assert_eq!(pull(&hub, &order).await.expect("pulled").revision, COMMIT, "{revision}");
    }
    assert!(hub.lines().iter().any(|line| line.contains("/revision/refs%2Fpr%2F2?")));
    let directory = tempfile::tempdir().expect("temporary folder");
    let order = PullOrder { revision: Revision::parse(OTHER_COMMIT).expect("valid"), ..order(directory.path()) };
    let message = pull(&hub, &order).await.expect_err("not there").to_string();
    assert!(message.contains(OTHER_COMMIT) && message.contains("does not exist"), "{message}");
    assert_eq!(names(directory.path()), Vec::<String>::new());
}

#[tokio::test]
async fn the_token_goes_to_the_endpoint_alone_and_a_gate_is_explained() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    hub.gate();
    let message = pull(&hub, &order(directory.path())).await.expect_err("gated").to_string();
    assert!(message.contains("gated") && message.contains("HF_TOKEN") && message.contains("/org/tiny"), "{message}");
    let wrong = client(&hub, Some("hf_another"));
    let result = stage(Origin::Hub(&wrong), &order(directory.path()), &SystemDisk, &|_| {}).await;
    let message = result.expect_err("gated").to_string();
    assert!(message.contains("gated") && !message.contains("hf_another"), "{message}");
    hub.seen();
    let right = client(&hub, Some(TOKEN));
    assert!(!format!("{right:?}").contains(TOKEN));
    let staged = stage(Origin::Hub(&right), &order(directory.path()), &SystemDisk, &|_| {}).await.expect("staged");
    staged.publish().expect("published");
    for seen in hub.seen() {
        assert_eq!(seen.token.is_some(), seen.server == "hub", "{seen:?}");
    }
}

#[tokio::test]
async fn a_new_revision_replaces_the_old_one_and_fetches_what_differs() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    pull(&hub, &order(directory.path())).await.expect("pulled");
    let adapter = directory.path().join("tiny/adapters/legal");
    std::fs::create_dir_all(&adapter).expect("create");
    std::fs::write(adapter.join("adapter_config.json"), "{}").expect("write");
    let mut files = tiny();
    let config = String::from_utf8(files["config.json"].clone()).expect("UTF-8") + "\n";
    files.insert("config.json".to_owned(), config.clone().into_bytes());
    hub.update(files);
    hub.seen();
    let record = pull(&hub, &order(directory.path())).await.expect("pulled");
    let lines = hub.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].ends_with(&format!("resolve/{OTHER_COMMIT}/config.json")));
    assert_eq!(std::fs::read_to_string(directory.path().join("tiny/config.json")).expect("readable"), config);
    assert_eq!(Manifest::read(directory.path()).expect("valid").records(), [record]);
    assert!(adapter.join("adapter_config.json").exists(), "adapters belong to the model's name");
    assert_eq!(names(directory.path()), ["models.toml", "tiny"]);
}

#[tokio::test]
async fn what_was_not_pulled_is_not_replaced() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    let theirs = directory.path().join("tiny");
    std::fs::create_dir(&theirs).expect("create");
    std::fs::write(theirs.join("config.json"), "theirs").expect("write");
    let message = pull(&hub, &order(directory.path())).await.expect_err("occupied").to_string();
    assert!(message.contains("was not pulled") && message.contains("--id"), "{message}");
    assert_eq!(names(directory.path()), ["tiny"]);
    assert_eq!(std::fs::read_to_string(theirs.join("config.json")).expect("readable"), "theirs");
    std::fs::remove_dir_all(&theirs).expect("remove");
    std::os::unix::fs::symlink("/tmp", &theirs).expect("link");
    assert!(matches!(pull(&hub, &order(directory.path())).await, Err(PullError::Occupied { .. })));
    // Nor is one that came from elsewhere.
    std::fs::remove_file(&theirs).expect("remove");
    pull(&hub, &order(directory.path())).await.expect("pulled");
    let manifest = directory.path().join("models.toml");
    let text = std::fs::read_to_string(&manifest).expect("readable").replace("org/tiny", "other/tiny");
    std::fs::write(&manifest, text).expect("write");
    let message = pull(&hub, &order(directory.path())).await.expect_err("another's").to_string();
    assert!(message.contains("other/tiny") && message.contains("--id"), "{message}");
}

#[tokio::test]
async fn two_pulls_of_one_model_do_not_mix() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    let client = client(&hub, None);
    let order = order(directory.path());
    let first = stage(Origin::Hub(&client), &order, &SystemDisk, &|_| {}).await.expect("staged");
    let second = stage(Origin::Hub(&client), &order, &SystemDisk, &|_| {}).await;
    assert!(matches!(second, Err(PullError::Running { .. })));
    first.publish().expect("published");
    assert_eq!(names(directory.path()), ["models.toml", "tiny"]);
}

#[tokio::test]
async fn one_gguf_is_pulled_alone() {
    let files = BTreeMap::from([
        ("m-Q4_K_M.gguf".to_owned(), b"GGUF four".to_vec()),
        ("m-Q8_0.gguf".to_owned(), b"GGUF eight".to_vec()),
        ("README.md".to_owned(), b"-".to_vec()),
    ]);
    let (hub, directory) = (Hub::start(files).await, tempfile::tempdir().expect("temporary folder"));
    let order = PullOrder { file: Some("q8_0".to_owned()), ..order(directory.path()) };
    pull(&hub, &order).await.expect("pulled");
    assert_eq!(names(&directory.path().join("tiny")), ["m-Q8_0.gguf"]);
    let unclear = PullOrder { file: None, ..order };
    let message = pull(&hub, &unclear).await.expect_err("unclear").to_string();
    assert!(message.contains("--file") && message.contains("m-Q4_K_M.gguf"), "{message}");
}

#[tokio::test]
async fn a_server_that_redirects_in_circles_or_away_from_http_is_left() {
    let (hub, directory) = (Hub::start(tiny()).await, tempfile::tempdir().expect("temporary folder"));
    for _ in 0..6 {
        hub.fail("hub", "/config.json", Fault::Status(307, vec![("location", format!("{BASE}/config.json"))]));
    }
    let message = pull(&hub, &order(directory.path())).await.expect_err("circles").to_string();
    assert!(message.contains("redirects"), "{message}");
    hub.fail("hub", "/config.json", Fault::Status(302, vec![("location", "file:///etc/passwd".to_owned())]));
    let message = pull(&hub, &order(directory.path())).await.expect_err("no http").to_string();
    assert!(message.contains("redirect") && !message.contains("passwd"), "{message}");
    // A relative one is how a renamed repository answers.
    let location = ("location", format!("{BASE}/config.json"));
    hub.fail("hub", "/config.json", Fault::Status(307, vec![location]));
    pull(&hub, &order(directory.path())).await.expect("pulled");
}
