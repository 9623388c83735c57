//! Each table of the database, changed in every way.

use super::{checkpoint, verified};
use crate::gateway::{TestGateway, border};
use crate::upstream::{Reply, Upstream};

/// A chain of `bank` with seven entries, of which the first six are signed, and one of `clinic`.
async fn written() -> TestGateway {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, "")).await;
    for _ in 0..3 {
        assert_eq!(gateway.ask("chat", "hi").await.status, 200);
    }
    checkpoint(&gateway).await;
    let other = gateway.key_of("clinic").await;
    gateway.send("GET", "/v1/models", &other, "").await;
    checkpoint(&gateway).await;
    gateway
}

const TABLES: [&str; 4] = ["audit_entries", "audit_checkpoints", "audit_heads", "audit"];

fn is_postgres() -> bool {
    std::env::var("SHEKARA_TEST_STORE").as_deref() == Ok("postgres")
}

async fn back_up(gateway: &TestGateway) {
    for table in TABLES {
        gateway.tamper(&[&format!("CREATE TABLE backup_{table} AS SELECT * FROM {table}")]).await;
    }
}

async fn bring_back(gateway: &TestGateway) {
    let overriding = if is_postgres() { "OVERRIDING SYSTEM VALUE " } else { "" };
    for table in TABLES {
        let overriding = if table == "audit" { overriding } else { "" };
        let insert = format!("INSERT INTO {table} {overriding}SELECT * FROM backup_{table}");
        gateway.tamper(&[&format!("DELETE FROM {table}"), &insert]).await;
    }
}

/// What is done, and what the first or another problem says of it.
const CASES: [(&str, &str); 21] = [
    (
        "UPDATE audit_entries SET line = replace(line, '\"status\":200', '\"status\":500') WHERE tenant = 'bank' AND sequence = 4",
        "entry 4: changed",
    ),
    ("DELETE FROM audit_entries WHERE tenant = 'bank' AND sequence = 3", "entry 3: number 3 is missing"),
    ("DELETE FROM audit_entries WHERE tenant = 'bank' AND sequence <= 2", "numbers 1 to 2 are missing"),
    ("DELETE FROM audit_entries WHERE tenant = 'bank' AND sequence >= 6", "cut off: it ends at 5"),
    ("DELETE FROM audit_entries WHERE tenant = 'clinic'", "\"clinic\""),
    (
        "INSERT INTO audit_entries SELECT writer, tenant, sequence, 'ff', request_id, time, line FROM audit_entries \
         WHERE tenant = 'bank' AND sequence = 2",
        "entry 2",
    ),
    (
        "INSERT INTO audit_entries SELECT writer, tenant, 3, hash, request_id, time, line FROM audit_entries \
         WHERE tenant = 'bank' AND sequence = 5",
        "entry 3",
    ),
    ("UPDATE audit_entries SET sequence = 7 - sequence WHERE tenant = 'bank' AND sequence IN (3, 4)", "entry 4"),
    ("UPDATE audit_entries SET tenant = 'other' WHERE tenant = 'bank' AND sequence = 4", "\"bank\""),
    ("UPDATE audit_entries SET time = '2020-01-01T00:00:00.000Z' WHERE sequence = 5", "entry 5: changed: its row"),
    (
        "UPDATE audit_entries SET request_id = 'req_x' WHERE tenant = 'bank' AND sequence = 5",
        "entry 5: changed: its row",
    ),
    ("UPDATE audit_entries SET line = '{}' WHERE tenant = 'bank' AND sequence = 5", "entry 5: unreadable"),
    ("DELETE FROM audit_checkpoints WHERE number = 1", "checkpoint 1"),
    (
        "UPDATE audit_checkpoints SET line = replace(line, '\"time\":\"2', '\"time\":\"3') WHERE number = 2",
        "checkpoint 2",
    ),
    ("UPDATE audit_checkpoints SET number = 9 WHERE number = 2", "checkpoint 9"),
    ("DELETE FROM audit_heads WHERE tenant = 'clinic'", "heads that the checkpoint signed are gone"),
    (
        "UPDATE audit_heads SET line = replace(line, '\"sequence\":6', '\"sequence\":5') WHERE tenant = 'bank'",
        "checkpoint 1",
    ),
    (
        "UPDATE audit_heads SET sequence = 4 WHERE tenant = 'bank' AND sequence = 6",
        "table audit_heads says something else",
    ),
    (
        "UPDATE audit SET status = 500 WHERE status = 200 AND tenant = 'clinic'",
        "its row in table audit says something else",
    ),
    ("DELETE FROM audit WHERE tenant = 'clinic'", "its row in table audit is gone"),
    (
        "INSERT INTO audit (request_id, time, tenant, project, environment, key_id, actor, endpoint, data_class, entities, \
         answer_entities, pii_action, policy_version, outcome, status, streamed, attempts, tries, total_ms) \
         SELECT 'req_forged', time, tenant, project, environment, key_id, actor, endpoint, data_class, entities, \
         answer_entities, pii_action, policy_version, outcome, status, streamed, attempts, tries, total_ms \
         FROM audit WHERE tenant = 'clinic'",
        "of table audit belongs to no entry",
    ),
];

#[tokio::test]
async fn whatever_is_changed_in_the_database_is_named() {
    let gateway = written().await;
    let report = verified(&gateway).await;
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.num_chains, report.num_checkpoints, report.num_unconfirmed), (2, 2, 0), "{report:?}");
    back_up(&gateway).await;
    for (statement, expected) in CASES {
        gateway.tamper(&[statement]).await;
        let report = verified(&gateway).await;
        let told: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        assert!(!report.is_sound(), "{statement}");
        assert!(told.iter().any(|problem| problem.contains(expected)), "{statement}\n{told:#?}");
        bring_back(&gateway).await;
        assert!(verified(&gateway).await.is_sound(), "{statement}");
    }
}

#[tokio::test]
async fn the_journal_vouches_for_what_no_checkpoint_signed_yet() {
    use std::collections::BTreeMap;

    use shekara_gateway::audit::Head;
    use shekara_gateway::store::{JournalReader, Position, Projected, verify_store};

    let gateway = written().await;
    gateway.ask("chat", "once more").await;
    gateway.audit().await;
    let mut heads = BTreeMap::new();
    let mut reader = JournalReader::new(gateway.gateway.trail.journal().folder(), Position::default());
    while let Some(payload) = reader.next_record().unwrap() {
        let entry = Projected::read(&payload).unwrap().entry.unwrap();
        heads.insert((entry.tenant, entry.writer), Head { sequence: entry.sequence, hash: entry.hash });
    }
    let keys = super::keys();
    let store = gateway.shared_store();
    assert!(verify_store(store.as_ref(), &keys, heads.clone()).await.unwrap().is_sound());
    gateway.tamper(&["DELETE FROM audit_entries WHERE tenant = 'bank' AND sequence = 9"]).await;
    let report = verify_store(store.as_ref(), &keys, heads).await.unwrap();
    let told: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let cut =
        told.iter().find(|problem| problem.contains("cut off: it ends at 8")).unwrap_or_else(|| panic!("{told:?}"));
    assert!(cut.contains("\"bank\"") && told[0].contains("entry 8"), "{told:?}");
}
