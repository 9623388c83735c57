//! What a panic says goes nowhere. It runs in a process of its own, since a hook for panics is one for all.

use std::process::Command;

use serde_json::json;
use shekara_gateway::telemetry;

use super::canaries::{Canaries, finds};
use crate::classifiers::{Fault, failing};
use crate::gateway::{Faults, TestGateway, border};
use crate::upstream::{Reply, Upstream};

const CHILD: &str = "planted::panics::as_a_process_of_its_own";
const ROUNDS: usize = 10;

fn values() -> Vec<String> {
    let mut canaries = Canaries::new(11);
    // Not those that a detector knows: all of them meet the second stage.
    (0..ROUNDS * 2).map(|_| canaries.next(29)).collect()
}

#[tokio::test]
async fn a_panic_says_where_it_was_and_nothing_else() {
    let child = tokio::task::spawn_blocking(|| {
        let arguments = ["--exact", CHILD, "--ignored", "--nocapture", "--test-threads=1"];
        Command::new(std::env::current_exe().unwrap()).args(arguments).env("RUST_LOG", "trace").output().unwrap()
    });
    let output = tokio::time::timeout(std::time::Duration::from_secs(180), child).await.unwrap().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the child failed");
    assert!(said.matches("what it said is not shown").count() >= ROUNDS * 2, "no panic was told");
    assert!(said.contains("a scan did not finish"), "no log was written");
    assert_eq!(finds(&said, &values()), None);
}

#[ignore = "started by the test above"]
#[tokio::test]
async fn as_a_process_of_its_own() {
    telemetry::silence_panics();
    telemetry::init();
    let outside = Upstream::start(Reply::Text("from outside")).await;
    let inside = Upstream::start(Reply::Text("from inside")).await;
    let faults = Faults { second_stage: Some(failing(Fault::Panics)), ..Faults::default() };
    let gateway = TestGateway::start_faulty(&border(&outside.base_url, &inside.base_url, ""), faults).await;
    let long = "слово ".repeat(4_000);
    for pair in values().chunks(2) {
        // The short one is scanned where it is, the long one on another thread.
        for text in [pair[0].clone(), format!("{} {long}", pair[1])] {
            let answer = gateway.ask("chat", &text).await;
            assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "scan-failed"));
        }
        let scan = json!({ "text": pair[0] }).to_string();
        let report = gateway.send("POST", "/admin/v1/pii/scan", &gateway.admin_key, scan).await;
        assert_eq!(report.status, 500);
        print!("{}", report.body);
    }
    assert!(outside.received().is_empty());
}
