//! Retention: the oldest part of a chain gives way to a seal, and the rest verifies.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use shekara_gateway::auth::DataClass;
use shekara_gateway::store::{ExportPart, Retention, prune_expired};

use super::{checkpoint, exported, keys, signer, verified};
use crate::gateway::{Place, TestGateway, border};
use crate::upstream::{Reply, Upstream};

async fn prune(gateway: &TestGateway, classes: &[DataClass], days: i64) -> u64 {
    let keep_days: BTreeMap<DataClass, u32> = classes.iter().map(|class| (*class, 30)).collect();
    let now = Timestamp::now() + SignedDuration::from_hours(24 * days);
    let retention = Retention { keep_days: &keep_days, now, signer: &signer() };
    prune_expired(gateway.shared_store().as_ref(), retention).await.unwrap().total()
}

#[tokio::test]
async fn what_is_past_its_time_is_sealed_and_the_rest_verifies() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let toml = border(&upstream.base_url, &upstream.base_url, "");
    let gateway = TestGateway::start(&toml).await;
    gateway.ask("chat", "hi").await;
    gateway.ask("chat", "ИИН 901123300258").await;
    gateway.ask("chat", "hi").await;
    gateway.audit().await;
    assert_eq!(prune(&gateway, &[DataClass::Public], 31).await, 0, "nothing is signed yet");
    checkpoint(&gateway).await;
    assert_eq!(prune(&gateway, &[DataClass::Public], 29).await, 0);
    assert_eq!(prune(&gateway, &[DataClass::Public], 31).await, 2, "up to the first entry that stays");

    let report = verified(&gateway).await;
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.num_seals, report.num_entries), (1, 4));
    assert_eq!(gateway.audit().await.len(), 2);
    let lines = exported(&gateway, &ExportPart::default()).await.join("\n") + "\n";
    let report = shekara_gateway::audit::verify(lines.as_bytes(), Some(&keys())).unwrap();
    assert!(report.is_sound() && report.num_seals == 1, "{report:?}");

    assert_eq!(prune(&gateway, &[DataClass::Public, DataClass::Personal], 31).await, 4);
    let report = verified(&gateway).await;
    assert!(report.is_sound() && report.num_entries == 0, "{report:?}");
    let (folder, _) = gateway.stop().await;

    let gateway = TestGateway::start_at(&toml, Place { folder: Some(folder), ..Place::default() }).await;
    gateway.ask("chat", "hi").await;
    checkpoint(&gateway).await;
    let report = verified(&gateway).await;
    assert!(report.is_sound() && report.num_seals == 2 && report.num_entries == 2, "{report:?}");
    let lines = exported(&gateway, &ExportPart::default()).await;
    assert!(lines.iter().any(|line| line.contains("\"sequence\":7")), "{lines:?}");

    gateway.tamper(&["UPDATE audit_seals SET line = replace(line, '\"last\":2', '\"last\":3')"]).await;
    assert!(!verified(&gateway).await.is_sound());
    gateway.tamper(&["DELETE FROM audit_seals"]).await;
    let first = verified(&gateway).await.first_problem().unwrap().to_string();
    assert!(first.contains("numbers 1 to 6 are missing"), "{first}");
}
