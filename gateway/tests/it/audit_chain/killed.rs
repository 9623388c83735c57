//! The program itself, killed in the middle: what it leaves verifies, and nothing stays open.

use std::path::Path;

use serde_json::Value;
use shekara_gateway::egress::install_tls;

use crate::command::shekara;
use crate::gateway::border;
use crate::served::Served;
use crate::upstream::{Reply, Upstream};

/// The last record of each request of an export.
fn records(export: &str) -> Vec<Value> {
    let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut records: Vec<Value> = Vec::new();
    for record in lines.filter_map(|line| line.get("record").cloned()) {
        records.retain(|earlier| earlier["request_id"] != record["request_id"]);
        records.push(record);
    }
    records
}

async fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let ended = shekara(folder, "", &[&["--config", "shekara.toml"], arguments].concat()).await;
    (ended.code, ended.stdout, ended.stderr)
}

#[tokio::test]
async fn a_killed_gateway_leaves_a_trail_that_verifies_and_closes() {
    install_tls();
    let outside = Upstream::start(Reply::Text("fine")).await;
    let silent = Upstream::start(Reply::Silence).await;
    let folder = tempfile::tempdir().unwrap();
    let quiet = format!(
        "[[providers]]\nname = \"silent\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\n\
         [[routes]]\nmodel = \"silent\"\ntargets = [{{ provider = \"silent\", model = \"big\" }}]\n\
         [server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n[audit]\ncheckpoint_s = 1\n",
        silent.base_url,
        folder.path().join("data/shekara.db").display()
    );
    let config = folder.path().join("shekara.toml");
    std::fs::write(&config, border(&outside.base_url, &outside.base_url, &quiet)).unwrap();
    let mut served = Served::start(&config);
    let url = served.next("Shekara listens on ");
    let key = served.next("Application key (shown once):");
    let ask = |model: &str| {
        let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}]}}"#);
        reqwest::Client::new().post(format!("{url}/v1/chat/completions")).bearer_auth(&key).body(body).send()
    };
    for _ in 0..5 {
        assert_eq!(ask("chat").await.unwrap().status(), 200);
    }
    let open = tokio::spawn(ask("silent"));
    while silent.received().is_empty() {
        tokio::task::yield_now().await;
    }
    served.kill();
    assert!(open.await.unwrap().is_err());

    let (code, stdout, stderr) = run(folder.path(), &["audit", "verify"]).await;
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let (_, export, _) = run(folder.path(), &["audit", "export"]).await;
    assert_eq!(records(&export).last().unwrap()["outcome"], "dispatched");

    let mut served = Served::start(&config);
    served.next("Shekara listens on ");
    served.stop();
    let file = folder.path().join("trail.jsonl");
    let (code, stdout, _) = run(folder.path(), &["audit", "export", "--output", file.to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{stdout}");
    let export = std::fs::read_to_string(&file).unwrap();
    let records = records(&export);
    let last = records.last().unwrap();
    assert_eq!((&last["outcome"], &last["error_code"]), (&"aborted".into(), &"interrupted".into()), "{last}");
    assert_eq!(records.len(), 6);

    // Elsewhere, with the file and the key alone.
    let key = run(folder.path(), &["audit", "key"]).await.1;
    let elsewhere = tempfile::tempdir().unwrap();
    let verify = ["audit", "verify", file.to_str().unwrap(), "--key", key.trim()];
    let sound = shekara(elsewhere.path(), "", &verify).await;
    assert_eq!(sound.code, Some(0), "{sound:?}");
    std::fs::write(&file, export.replacen("\"status\":200", "\"status\":201", 1)).unwrap();
    let changed = shekara(elsewhere.path(), "", &verify).await;
    assert_eq!(changed.code, Some(1), "{changed:?}");
    assert!(changed.stderr.contains("line ") && changed.stderr.contains("changed"), "{changed:?}");
    let json = shekara(elsewhere.path(), "", &[&verify[..], &["--json"]].concat()).await.json();
    assert_eq!(json["problems"][0]["kind"], "changed", "{json}");
    let other = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
    let stranger = shekara(elsewhere.path(), "", &["audit", "verify", file.to_str().unwrap(), "--key", other]).await;
    assert!(stranger.stderr.contains("not trusted"), "{stranger:?}");
}
