//! Exports: they verify with nothing but themselves, and each of their lines is held by the others.

use std::io::Write as _;

use shekara_gateway::audit::{Report, Time, verify};
use shekara_gateway::store::{ExportPart, export_csv};

use super::{checkpoint, exported, keys};
use crate::gateway::{TestGateway, border};
use crate::upstream::{Reply, Upstream};

async fn written() -> TestGateway {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, "")).await;
    let other = gateway.key_of("clinic").await;
    gateway.ask("chat", "hi").await;
    checkpoint(&gateway).await;
    gateway.send("GET", "/v1/models", &other, "").await;
    gateway.ask("chat", "hi").await;
    checkpoint(&gateway).await;
    gateway.ask("chat", "hi").await;
    gateway.audit().await;
    gateway
}

fn check(lines: &[String]) -> Report {
    let mut text = Vec::new();
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    verify(text.as_slice(), Some(&keys())).unwrap()
}

#[tokio::test]
async fn an_export_verifies_and_no_line_of_it_can_be_touched() {
    let gateway = written().await;
    let lines = exported(&gateway, &ExportPart::default()).await;
    let report = check(&lines);
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.num_entries, report.num_chains, report.num_checkpoints), (8, 2, 2), "{report:?}");
    assert_eq!(report.num_unconfirmed, 2);

    for at in 0..lines.len() {
        let told = |lines: &[String], how: &str| {
            let report = check(lines);
            let first = report.first_problem().unwrap_or_else(|| panic!("line {at} {how}")).to_string();
            assert!(
                ["line ", "checkpoint ", "entry "].iter().any(|place| first.contains(place)),
                "line {at} {how}: {first}"
            );
        };
        let mut deleted = lines.clone();
        deleted.remove(at);
        told(&deleted, "deleted");
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        told(&doubled, "doubled");
        if at > 0 {
            let mut swapped = lines.clone();
            swapped.swap(at - 1, at);
            told(&swapped, "swapped");
            told(&lines[..at], "truncated");
        }
        for digit in ["0", "1", "2"] {
            let place = lines[at].rfind("\":\"").unwrap() + 3;
            let mut changed = lines.clone();
            if changed[at].get(place..=place) != Some(digit) {
                changed[at].replace_range(place..=place, digit);
                told(&changed, "changed");
            }
        }
    }
}

#[tokio::test]
async fn a_part_verifies_as_a_part() {
    let gateway = written().await;
    let of_clinic = ExportPart { tenant: Some("clinic".to_owned()), ..ExportPart::default() };
    let lines = exported(&gateway, &of_clinic).await;
    let report = check(&lines);
    assert!(report.is_sound() && report.num_entries == 1, "{report:?}");
    assert!(!lines.concat().contains("bank"));

    let whole = exported(&gateway, &ExportPart::default()).await;
    let third = whole.iter().find(|line| line.contains("\"sequence\":4,\"tenant\":\"bank\"")).unwrap();
    let time: Time = third.split("\"time\":\"").last().unwrap()[..24].parse().unwrap();
    let later = ExportPart { from: Some(time), ..ExportPart::default() };
    let report = check(&exported(&gateway, &later).await);
    assert!(report.is_sound() && report.num_entries < 8, "{report:?}");
    let none = ExportPart { until: Some("2020-01-01T00:00:00Z".parse().unwrap()), ..ExportPart::default() };
    assert!(check(&exported(&gateway, &none).await).is_sound());
}

#[tokio::test]
async fn a_table_has_a_row_for_each_entry() {
    let gateway = written().await;
    let mut table = Vec::new();
    export_csv(gateway.shared_store().trail(), &ExportPart::default(), &mut table).await.unwrap();
    let table = String::from_utf8(table).unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 9, "{table}");
    assert!(rows[0].starts_with("tenant,writer,sequence,time,kind,request_id,"), "{}", rows[0]);
    assert!(rows[1].starts_with("bank,") && rows[8].starts_with("clinic,"), "{table}");
}
