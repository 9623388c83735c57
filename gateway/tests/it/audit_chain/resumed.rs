//! Where chains go on after a restart: behind the last entry, and as another writer where that could be another's.

use super::{checkpoint, verified};
use crate::gateway::{Place, TestGateway, border};
use crate::upstream::{Reply, Upstream};

async fn restarted(gateway: TestGateway, toml: &str) -> TestGateway {
    let (folder, _) = gateway.stop().await;
    TestGateway::start_at(toml, Place { folder: Some(folder), ..Place::default() }).await
}

#[tokio::test]
async fn a_chain_goes_on_behind_its_last_entry() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let toml = border(&upstream.base_url, &upstream.base_url, "");
    let mut gateway = TestGateway::start(&toml).await;
    for turn in 0..3 {
        gateway.ask("chat", "hi").await;
        // Once from the journal, once from the database and its checkpoint.
        if turn == 1 {
            checkpoint(&gateway).await;
        }
        gateway = restarted(gateway, &toml).await;
    }
    checkpoint(&gateway).await;
    let report = verified(&gateway).await;
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.num_chains, report.num_entries, report.num_checkpoints), (1, 6, 2), "{report:?}");
}

#[tokio::test]
async fn a_copied_folder_goes_on_as_another_writer() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let toml = border(&upstream.base_url, &upstream.base_url, "");
    let gateway = TestGateway::start(&toml).await;
    gateway.ask("chat", "hi").await;
    checkpoint(&gateway).await;
    let machine = gateway.data_folder().join("writer.machine");
    std::fs::write(machine, "00".repeat(32)).unwrap();
    let gateway = restarted(gateway, &toml).await;
    gateway.ask("chat", "hi").await;
    checkpoint(&gateway).await;
    let report = verified(&gateway).await;
    assert!(report.is_sound(), "{report:?}");
    let has_machine_id = std::path::Path::new("/etc/machine-id").exists();
    assert_eq!((report.num_chains, report.num_entries), (if has_machine_id { 2 } else { 1 }, 4), "{report:?}");
}

#[tokio::test]
async fn a_fork_is_told_and_not_made_longer() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let toml = border(&upstream.base_url, &upstream.base_url, "");
    let gateway = TestGateway::start(&toml).await;
    gateway.ask("chat", "hi").await;
    checkpoint(&gateway).await;
    // What the database has is no longer what was signed.
    let change = "UPDATE audit_entries SET hash = replace(hash, substr(hash, 1, 8), '00000000'), \
                  line = replace(line, substr(hash, 1, 8), '00000000') WHERE sequence = 2";
    gateway.tamper(&[change]).await;
    let gateway = restarted(gateway, &toml).await;
    gateway.ask("chat", "hi").await;
    checkpoint(&gateway).await;
    let report = verified(&gateway).await;
    let told: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|problem| problem.contains("entry 2: changed")), "{told:?}");
    assert_eq!(report.chains.len(), 1, "the new chain is sound: {report:?}");
    assert_eq!(report.num_chains, 2);
}
