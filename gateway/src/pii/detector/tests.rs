//! The detector as its callers see it: tables of what must be found and what must not, properties
//! over generated numbers, and bounds on work.

mod evasions;
mod generate;
mod hostile;
mod negatives;
mod network;
mod places;
mod positives;
mod properties;
mod secrets;

use std::sync::LazyLock;

use super::Detector;
use crate::pii::{Entity, Finding, TextSegment};

#[allow(clippy::expect_used)]
static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::new().expect("the word list is fixed and builds in every test"));

fn scan(text: &str) -> Vec<Finding> {
    scan_at("/messages/0/content", text)
}

fn scan_at(pointer: &str, text: &str) -> Vec<Finding> {
    let findings = DETECTOR.scan(&[TextSegment::new(pointer, text)]);
    assert!(findings.is_complete(), "{} bytes", text.len());
    findings.iter().cloned().collect()
}

/// What was found, with the text of each span.
fn found(text: &str) -> Vec<(Entity, &str)> {
    scan(text)
        .into_iter()
        .map(|finding| (finding.entity, text.get(finding.span).unwrap_or("not on a boundary")))
        .collect()
}

fn entities(text: &str) -> Vec<Entity> {
    scan(text).into_iter().map(|finding| finding.entity).collect()
}

/// As [`found`], of one entity.
fn found_of(entity: Entity, text: &str) -> Vec<&str> {
    found(text).into_iter().filter(|&(found, _)| found == entity).map(|(_, value)| value).collect()
}

/// Every text has exactly the value beside it.
#[track_caller]
fn assert_all(entity: Entity, cases: &[(&str, &str)]) {
    let wrong: Vec<_> = cases
        .iter()
        .map(|(text, value)| (text, value, found_of(entity, text)))
        .filter(|(_, value, found)| found != &[**value])
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// No text has one.
#[track_caller]
fn assert_none(entity: Entity, texts: &[&str]) {
    let wrong: Vec<_> =
        texts.iter().map(|text| (text, found_of(entity, text))).filter(|(_, found)| !found.is_empty()).collect();
    assert_eq!(wrong, []);
}
