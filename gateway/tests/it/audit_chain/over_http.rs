//! The export over HTTP: what the command writes, as far as the caller's reach goes, and a few at once.

use futures_util::StreamExt as _;
use serde_json::json;
use shekara_gateway::audit::{Outcome, verify};
use shekara_gateway::signing::PublicKeys;
use shekara_gateway::store::{AuditFilter, CheckpointTools, ExportPart};

use crate::gateway::{Answer, TestGateway, border};
use crate::upstream::{Reply, Upstream};

async fn written() -> TestGateway {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, "")).await;
    let other = gateway.key_of("clinic").await;
    gateway.ask("chat", "hi").await;
    gateway.send("GET", "/v1/models", &other, "").await;
    sign(&gateway).await;
    gateway
}

/// With the gateway's own key.
async fn sign(gateway: &TestGateway) {
    gateway.audit().await;
    let own = &gateway.gateway;
    let tools = CheckpointTools { signer: &own.audit_signer, now: own.sources.now(), secret: [3; 32] };
    own.trail.checkpoint(own.store(), tools).await.unwrap();
}

async fn export(gateway: &TestGateway, key: &str, query: &str) -> Answer {
    gateway.audit().await;
    gateway.send("GET", &format!("/admin/v1/audit/export{query}"), key, "").await
}

async fn key(gateway: &TestGateway, role: &str, reach: &str) -> String {
    let body = json!({ "name": role, "role": role, "tenant": "clinic", "project": "x", "reach": reach });
    let made = gateway.send("POST", "/admin/v1/keys", &gateway.owner().await, body.to_string()).await;
    made.json()["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn it_verifies_and_is_what_the_command_writes() {
    let gateway = written().await;
    let keys: PublicKeys = [gateway.gateway.audit_signer.public_key()].into_iter().collect();
    let answer = export(&gateway, &gateway.admin_key, "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jsonl"));
    let report = verify(answer.body.as_bytes(), Some(&keys)).unwrap();
    assert!(report.is_sound() && report.num_chains == 2, "{report:?}");
    // The manifest has the time at which it was made; all other lines are those that were kept.
    let lines: Vec<&str> = answer.body.lines().skip(1).collect();
    let again = super::exported(&gateway, &ExportPart::default()).await;
    assert!(lines.iter().all(|line| again.iter().any(|other| other == line)), "{lines:?}");

    let none = export(&gateway, &gateway.admin_key, "?until=2020-01-01T00:00:00Z").await;
    let report = verify(none.body.as_bytes(), Some(&keys)).unwrap();
    assert!(report.is_sound() && report.num_entries == 0, "{report:?}");
    let table = export(&gateway, &gateway.admin_key, "?format=csv&tenant=clinic").await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    let rows: Vec<&str> = table.body.lines().collect();
    assert!(rows[0].starts_with("tenant,writer,sequence,") && rows.len() == 2, "{rows:?}");

    let records = gateway.audit().await;
    let own: Vec<_> = records.iter().filter(|record| record.endpoint == "GET /admin/v1/audit/export").collect();
    assert_eq!(own.len(), 3);
    assert!(own.iter().all(|record| record.outcome == Outcome::Completed && record.status == 200), "{own:?}");
    let objects: Vec<_> = own.iter().map(|record| record.object.clone().unwrap()).collect();
    assert_eq!(objects, ["audit of all tenants", "audit of all tenants", "audit of tenant clinic"]);
}

#[tokio::test]
async fn a_tenants_auditor_gets_that_tenant_alone() {
    let gateway = written().await;
    let auditor = key(&gateway, "auditor", "tenant").await;
    for query in ["", "?tenant=clinic"] {
        let answer = export(&gateway, &auditor, query).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body.contains("clinic") && !answer.body.contains("bank"), "{}", answer.body);
        let keys: PublicKeys = [gateway.gateway.audit_signer.public_key()].into_iter().collect();
        let report = verify(answer.body.as_bytes(), Some(&keys)).unwrap();
        assert!(report.is_sound() && report.num_chains == 1, "{report:?}");
    }
    for other in ["bank", "nobody"] {
        let answer = export(&gateway, &auditor, &format!("?tenant={other}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "tenant_not_found"));
    }
    let narrow = key(&gateway, "auditor", "project").await;
    assert_eq!(export(&gateway, &narrow, "").await.status, 403);
    let finance = key(&gateway, "finance", "tenant").await;
    assert_eq!(export(&gateway, &finance, "").await.status, 403);
    for wrong in ["?format=xml", "?from=yesterday", "?until=1", "?project=x", "?tenant=", "?tenant=a&tenant=b"] {
        assert_eq!(export(&gateway, &gateway.admin_key, wrong).await.status, 400, "{wrong}");
    }
}

/// More than fits between the gateway and whoever takes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_at_once_are_sent_as_they_are_taken_and_whoever_leaves_is_recorded() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, "")).await;
    let asks = (0..14_000).map(|_| gateway.send("GET", "/v1/models", &gateway.key, ""));
    let _: Vec<Answer> = futures_util::stream::iter(asks).buffer_unordered(64).collect().await;
    sign(&gateway).await;
    let begin = async || {
        let request = gateway.client.get(format!("{}/admin/v1/audit/export", gateway.url));
        request.bearer_auth(&gateway.admin_key).send().await.unwrap()
    };
    let mut open = Vec::new();
    for _ in 0..3 {
        let answer = begin().await;
        assert_eq!(answer.status(), 200);
        open.push(answer);
    }
    let refused = begin().await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    drop(open.pop());
    let mut text = Vec::new();
    while let Some(piece) = open[0].chunk().await.unwrap() {
        text.extend_from_slice(&piece);
    }
    let keys: PublicKeys = [gateway.gateway.audit_signer.public_key()].into_iter().collect();
    let report = verify(text.as_slice(), Some(&keys)).unwrap();
    assert!(report.is_sound() && report.num_entries >= 14_000, "{report:?}");
    drop(open);
    let mut outcomes = Vec::new();
    while outcomes.len() < 4 {
        gateway.audit().await;
        let rows = gateway.shared_store().audit_page(AuditFilter::default(), 13_990, 1_000).await.unwrap();
        let own = rows.into_iter().filter(|row| row.record.endpoint == "GET /admin/v1/audit/export");
        outcomes = own.map(|row| (row.record.outcome, row.record.status)).collect();
        tokio::task::yield_now().await;
    }
    let count = |outcome, status| outcomes.iter().filter(|ended| **ended == (outcome, status)).count();
    assert_eq!((count(Outcome::Failed, 429), count(Outcome::Aborted, 499)), (1, 2), "{outcomes:?}");
    assert_eq!(count(Outcome::Completed, 200), 1, "{outcomes:?}");
    while begin().await.status() != 200 {
        tokio::task::yield_now().await;
    }
}
