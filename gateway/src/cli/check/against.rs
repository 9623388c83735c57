//! One environment against another: only what differs.

use std::collections::BTreeSet;

use serde::Serialize;

use super::row::Row;
use crate::cli::probe::Difference;

/// Times differ always; by this factor and by so many milliseconds it is worth a word.
const RATIO: f64 = 2.0;
const LEAST_MS: u64 = 50;

/// The same request in both.
#[derive(Debug, Serialize)]
pub(super) struct Pair {
    pub(super) route: String,
    pub(super) request: &'static str,
    /// Time there by time here.
    pub(super) time_ratio: Option<f64>,
    pub(super) differences: Vec<Difference>,
}

pub(super) fn pairs(here: &[Row], there: &[Row]) -> Vec<Pair> {
    let both = here.iter().map(|own| {
        let other = there.iter().find(|row| row.route == own.route && row.request == own.request);
        other.map_or_else(|| lone(own, true), |other| pair(own, other))
    });
    let only_there = there
        .iter()
        .filter(|row| here.iter().all(|own| own.route != row.route || own.request != row.request))
        .map(|row| lone(row, false));
    both.chain(only_there).collect()
}

fn lone(row: &Row, is_here: bool) -> Pair {
    let (present, absent) = ("answers".to_owned(), "absent".to_owned());
    let (here, there) = if is_here { (present, absent) } else { (absent, present) };
    let differences = vec![Difference { what: "request".to_owned(), here, there }];
    Pair { route: row.route.clone(), request: row.request, time_ratio: None, differences }
}

fn pair(here: &Row, there: &Row) -> Pair {
    let time_ratio = ratio(here.total_ms, there.total_ms);
    let mut differences = Vec::new();
    let mut compare = |what: &str, here: Option<String>, there: Option<String>| {
        if here != there {
            let or_none = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
            differences.push(Difference { what: what.to_owned(), here: or_none(here), there: or_none(there) });
        }
    };
    let number = |status: Option<u16>| status.map(|status| status.to_string());
    compare("status", number(here.status), number(there.status));
    compare("error", here.code.clone(), there.code.clone());
    compare("provider", here.provider.clone(), there.provider.clone());
    compare("model", here.model.clone(), there.model.clone());
    compare("zone", here.zone.clone(), there.zone.clone());
    compare("reason", here.reason.clone(), there.reason.clone());
    compare("finish_reason", here.finish_reason.clone(), there.finish_reason.clone());
    compare("tool", here.tool.map(str::to_owned), there.tool.map(str::to_owned));
    compare("problems", some(&here.problems), some(&there.problems));
    let own =
        |one: &BTreeSet<String>, other: &BTreeSet<String>| some(&one.difference(other).cloned().collect::<Vec<_>>());
    compare("headers only", own(&here.headers, &there.headers), own(&there.headers, &here.headers));
    if here.status == there.status {
        differences.extend(here.shape.differences(&there.shape));
    }
    let apart = here.total_ms.zip(there.total_ms).is_some_and(|(here, there)| here.abs_diff(there) >= LEAST_MS);
    if apart && time_ratio.is_some_and(|ratio| !(1.0 / RATIO..=RATIO).contains(&ratio)) {
        let told = |ms: Option<u64>| format!("{} ms", ms.unwrap_or_default());
        differences.push(Difference {
            what: "time".to_owned(),
            here: told(here.total_ms),
            there: told(there.total_ms),
        });
    }
    Pair { route: here.route.clone(), request: here.request, time_ratio, differences }
}

/// To two digits; a time of nothing counts as one millisecond.
fn ratio(here: Option<u64>, there: Option<u64>) -> Option<f64> {
    let (here, there) = (here?.max(1) as f64, there?.max(1) as f64);
    Some((there / here * 100.0).round() / 100.0)
}

fn some(list: &[String]) -> Option<String> {
    (!list.is_empty()).then(|| list.join(", "))
}
