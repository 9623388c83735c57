//! Each table of the database, changed in every way.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use shekara_gateway::auth::DataClass;
use shekara_gateway::store::{Retention, prune_expired};
use sqlx::Row as _;

use super::{checkpoint, signer, verified};
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

const TABLES: [&str; 5] = ["audit_entries", "audit_checkpoints", "audit_heads", "audit_seals", "audit"];

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

/// What of a row is changed, in each of these ways by itself.
const CHANGES: [(&str, &[&str]); 5] = [
    (
        "audit_entries",
        &[
            "writer = writer || 'x'",
            "tenant = tenant || 'x'",
            "sequence = sequence + 50",
            "hash = hash || '0'",
            "request_id = request_id || 'x'",
            "time = '2020-01-01T00:00:00.000Z'",
            "line = replace(line, '\"tenant\":\"', '\"tenant\":\"a')",
            "line = substr(line, 1, 40)",
        ],
    ),
    (
        "audit_checkpoints",
        &["writer = writer || 'x'", "number = number + 50", "line = replace(line, '\"time\":\"2', '\"time\":\"3')"],
    ),
    (
        "audit_heads",
        &[
            "writer = writer || 'x'",
            "tenant = tenant || 'x'",
            "sequence = sequence + 50",
            "number = number + 50",
            "line = replace(line, '\"tenant\":\"', '\"tenant\":\"a')",
        ],
    ),
    (
        "audit_seals",
        &[
            "writer = writer || 'x'",
            "tenant = tenant || 'x'",
            "first_sequence = first_sequence + 1",
            "line = replace(line, '\"last\":', '\"last\":1')",
        ],
    ),
    (
        "audit",
        &[
            "request_id = request_id || 'x'",
            "time = '2020-01-01T00:00:00.000Z'",
            "tenant = tenant || 'x'",
            "key_id = key_id || 'x'",
            "status = status + 1",
            "outcome = 'failed', error_code = 'x'",
            "entities = '{\"iin\":9}'",
            "total_ms = total_ms + 1",
        ],
    ),
];

/// Where the rows of a table lie, in the order in which they were written, each with its line.
async fn rows(gateway: &TestGateway, table: &str) -> Vec<(String, String)> {
    let (place, line) = (place(), if table == "audit" { "'' AS line" } else { "line" });
    let query = format!("SELECT {place} AS place, {line} FROM {table} ORDER BY {place}");
    let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut gateway.connection().await).await.unwrap();
    rows.iter().map(|row| (row.get("place"), row.get("line"))).collect()
}

fn place() -> &'static str {
    if is_postgres() { "CAST(ctid AS TEXT)" } else { "CAST(rowid AS TEXT)" }
}

/// As [`written`], and the first two entries of `bank` gave way to a seal.
async fn written_and_sealed() -> TestGateway {
    let gateway = written().await;
    gateway.ask("chat", "ИИН 901123300258").await;
    checkpoint(&gateway).await;
    let keep_days = BTreeMap::from([(DataClass::Public, 30)]);
    let (now, signer) = (Timestamp::now() + SignedDuration::from_hours(24 * 31), signer());
    let retention = Retention { keep_days: &keep_days, now, signer: &signer };
    assert!(prune_expired(gateway.shared_store().as_ref(), retention).await.unwrap().total() > 0);
    for _ in 0..2 {
        gateway.ask("chat", "hi").await;
    }
    checkpoint(&gateway).await;
    gateway
}

#[tokio::test]
async fn no_row_of_any_table_can_be_touched() {
    let gateway = written_and_sealed().await;
    let report = verified(&gateway).await;
    assert!(report.is_sound() && report.num_seals > 0, "{report:?}");
    back_up(&gateway).await;
    let told = async |statement: String, line: Option<&str>| {
        let query = sqlx::query(sqlx::AssertSqlSafe(statement.clone()));
        let query = if let Some(line) = line { query.bind(line.to_owned()) } else { query };
        let done = query.execute(&mut gateway.connection().await).await.unwrap();
        if done.rows_affected() == 0 {
            assert!(statement.contains("IS NOT NULL"), "{statement}");
            return;
        }
        let report = verified(&gateway).await;
        let first = report.first_problem().map(ToString::to_string);
        let first = first.unwrap_or_else(|| panic!("{statement} is not noticed"));
        let places = ["entry ", "checkpoint ", "row ", "numbers "];
        assert!(places.iter().any(|place| first.contains(place)), "{statement}: {first}");
    };
    for (table, changes) in CHANGES {
        let num_rows = rows(&gateway, table).await.len();
        assert!(num_rows > 0, "{table}");
        for at in 0..num_rows {
            for change in changes {
                // What has no request has none to change.
                let own = &rows(&gateway, table).await[at].0;
                let is_there = if change.starts_with("request_id") { " AND request_id IS NOT NULL" } else { "" };
                told(format!("UPDATE {table} SET {change} WHERE {} = '{own}'{is_there}", place()), None).await;
                bring_back(&gateway).await;
            }
            let lying = rows(&gateway, table).await;
            told(format!("DELETE FROM {table} WHERE {} = '{}'", place(), lying[at].0), None).await;
            bring_back(&gateway).await;
            if let Some((_, next)) = rows(&gateway, table).await.get(at + 1).filter(|(_, line)| !line.is_empty()) {
                let own = &rows(&gateway, table).await[at];
                let update = format!("UPDATE {table} SET line = $1 WHERE {} = '{}'", place(), own.0);
                told(update, Some(next)).await;
                bring_back(&gateway).await;
            }
        }
        assert!(verified(&gateway).await.is_sound(), "{table}");
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
