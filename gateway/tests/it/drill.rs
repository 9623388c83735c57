//! `shekara drill`: who is asked how often while the first target fails, what is measured, and what is left alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Ended, shekara};
use crate::upstream::{Reply, Upstream};

const BACKUP: &str =
    "fallback = [{ provider = \"home\", model = \"small\", price = { prompt = 1.0, completion = 2.0 } }]";
const REQUESTS: u64 = 6;

/// Route `chat` to a cloud, with `rest` in its table, and route `alone` with nothing behind it.
fn folder_with(cloud: &Upstream, home: &Upstream, rest: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[local]\nenabled = false\n\
         [[providers]]\nname = \"cloud\"\nkind = \"openai\"\nbase_url = \"{}\"\n\
         [[providers]]\nname = \"home\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\nzone = \"local\"\n\
         [[routes]]\nmodel = \"alone\"\ntargets = [{{ provider = \"home\", model = \"small\" }}]\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"cloud\", model = \"big\" }}]\n{rest}\n",
        cloud.base_url, home.base_url
    );
    std::fs::write(folder.path().join("shekara.toml"), config).unwrap();
    folder
}

async fn drill(folder: &TempDir, more: &[&str]) -> Ended {
    let ended = shekara(folder.path(), "", &[&["drill"], more].concat()).await;
    assert!(!folder.path().join("data").exists(), "the real data folder was touched");
    ended
}

fn fault<'r>(report: &'r Value, name: &str) -> &'r Value {
    report["faults"].as_array().unwrap().iter().find(|one| one["fault"] == name).unwrap()
}

#[tokio::test]
async fn every_fault_is_measured_and_the_backup_answers() {
    let (cloud, home) = (Upstream::start(Reply::Text("first")).await, Upstream::start(Reply::Text("It is.")).await);
    let folder = folder_with(&cloud, &home, BACKUP);
    let ended = drill(&folder, &["--route", "chat", "--requests", "6", "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = ended.json();
    assert_eq!(report["primary"], json!({ "provider": "cloud", "model": "big", "zone": "external" }));
    assert_eq!(report["backups"], json!([{ "provider": "home", "model": "small", "zone": "local" }]));
    assert_eq!(report["without_backup"], json!(["alone"]));
    // How often the failing target is asked before it is left alone, and why the next one answers.
    for (name, calls, reasons) in [
        ("429", 1, json!({ "fallback:rate_limit": 6 })),
        ("503", 2, json!({ "fallback:5xx": 2, "breaker": 4 })),
        ("time-out", 2, json!({ "fallback:timeout": 1, "breaker": 5 })),
        ("broken JSON", 2, json!({ "fallback:broken_response": 2, "breaker": 4 })),
        ("cut before content", 2, json!({ "fallback:broken_response": 2, "breaker": 4 })),
    ] {
        let one = fault(&report, name);
        assert_eq!((one["ok"].as_bool(), one["primary_calls"].as_u64()), (Some(true), Some(calls)), "{one}");
        assert_eq!((one["answered"].as_u64(), one["failed"].as_u64()), (Some(REQUESTS), Some(0)), "{one}");
        assert_eq!((&one["reasons"], &one["answered_by"]), (&reasons, &json!({ "home/small": 6 })), "{name}");
        assert_eq!((&one["finish_reasons"], &one["drift"]), (&json!({ "stop": 6 }), &json!([])), "{name}");
        assert_eq!((one["prompt_tokens"].as_u64(), one["completion_tokens"].as_u64()), (Some(42), Some(12)), "{name}");
        assert!(one["switch_ms"]["max"].as_u64() >= one["switch_ms"]["median"].as_u64(), "{one}");
        assert_eq!(one["half_answered"], 0, "{name}");
    }
    // Both tries of the first target, half a second each.
    assert!(fault(&report, "time-out")["failed_attempts_ms"]["median"].as_u64() >= Some(1_000));
    let half = fault(&report, "cut after content");
    assert_eq!((half["ok"].as_bool(), half["error_rate"].as_f64()), (Some(true), Some(1.0)), "{half}");
    assert_eq!((half["half_answered"].as_u64(), half["half_answered_and_switched"].as_u64()), (Some(6), Some(0)));
    assert_eq!(half["errors"], json!({ "stream_interrupted": 6 }));
    // Five faults with six answers each, and one normal answer, plain and streamed.
    assert_eq!((cloud.received().len(), home.received().len()), (0, 5 * 6 + 2));
    let cost = json!([{ "provider": "home", "model": "small", "requests": 32, "prompt_tokens": 224,
                        "completion_tokens": 64, "cost_usd": "0.000352" }]);
    assert_eq!(report["costs"], cost);
}

#[tokio::test]
async fn a_backup_that_answers_otherwise_under_load_is_told_and_one_that_fails_ends_with_one() {
    const MORE: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","service_tier":"x",
        "choices":[{"index":0,"message":{"role":"assistant","content":"Yes."},"finish_reason":"length"}],
        "usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#;
    let cloud = Upstream::start(Reply::Text("first")).await;
    let asked = AtomicUsize::new(0);
    let home = Upstream::start(Reply::By(Arc::new(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::Json(MORE),
        1..4 => Reply::Text("It is."),
        _ => Reply::Status(500, "{}"),
    })))
    .await;
    let folder = folder_with(&cloud, &home, BACKUP);
    let ended = drill(&folder, &["--route", "chat", "--requests", "2", "--json"]).await;
    let report = ended.json();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let first = fault(&report, "429");
    assert_eq!(first["drift"], json!([{ "what": "service_tier", "here": "absent", "there": "string" }]), "{first}");
    assert_eq!(first["finish_reasons"], json!({ "length": 1, "stop": 1 }));
    let later = fault(&report, "broken JSON");
    assert_eq!((later["ok"].as_bool(), later["error_rate"].as_f64()), (Some(false), Some(1.0)), "{later}");
    assert!(ended.stderr.contains("broken JSON") && !ended.stderr.contains("429"), "{ended:?}");
}

#[tokio::test]
async fn nobody_outside_is_asked_without_consent_and_no_backup_is_no_drill() {
    let (cloud, home) = (Upstream::start(Reply::Text("first")).await, Upstream::start(Reply::Text("It is.")).await);
    let folder = folder_with(&cloud, &home, "fallback = [{ provider = \"cloud\", model = \"medium\" }]");
    let ended = drill(&folder, &["--route", "chat", "--json"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("cloud/medium") && ended.stderr.contains("--yes"), "{ended:?}");
    let alone = drill(&folder, &["--route", "alone"]).await;
    assert!(alone.code == Some(1) && alone.stderr.contains("'alone' has no backup"), "{alone:?}");
    let unknown = drill(&folder, &["--route", "other"]).await;
    assert!(unknown.code == Some(1) && unknown.stderr.contains("no route 'other'"), "{unknown:?}");
    let listed = drill(&folder, &["--json"]).await;
    assert_eq!((listed.code, listed.json()), (Some(0), json!({ "without_backup": ["alone"] })));
    assert_eq!((cloud.received().len(), home.received().len()), (0, 0));

    let allowed = drill(&folder, &["--route", "chat", "--requests", "1", "--yes"]).await;
    assert_eq!(allowed.code, Some(0), "{allowed:?}");
    // The model behind the first one is at the same provider: that one stays as it is.
    let received = cloud.received();
    assert_eq!(received.len(), 5 + 2);
    assert!(received.iter().all(|request| request.contains("\"model\":\"medium\"")));
    assert!(allowed.stdout.contains("Without a backup: alone"), "{allowed:?}");
}
