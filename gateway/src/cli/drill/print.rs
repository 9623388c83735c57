//! The tables of `shekara drill`.

use std::collections::BTreeMap;

use super::cost::Cost;
use super::measure::{Measured, Spread};
use super::rehearsal::{Named, Rehearsal};
use crate::cli::output;
use crate::cli::table::{Table, or_dash};

pub(super) fn report(rehearsal: &Rehearsal, faults: &[Measured], costs: &[Cost]) {
    let name = |target: &Named| format!("{}/{} ({})", target.provider, target.model, target.zone);
    let backups: Vec<String> = rehearsal.backups.iter().map(name).collect();
    output::line(&format!("Route {}: {} fails", rehearsal.route().alias, name(&rehearsal.primary)));
    output::line(&format!("Behind it, really asked: {}", backups.join(", ")));
    output::line("Canary, shadow, hedge and cache are off; times are milliseconds, median and maximum.");
    output::line("");
    let head = [
        "fault",
        "ok",
        "requests",
        "answered",
        "errors",
        "answered by",
        "reason",
        "asked first",
        "switch",
        "failed tries",
        "whole",
        "finish",
        "half answered",
        "of them switched",
        "tokens",
    ];
    let mut table = Table::new(&head);
    for one in faults {
        table.row(row(one));
    }
    print(&table);
    for one in faults {
        for drift in &one.drift {
            let (what, here, there) = (&drift.what, &drift.here, &drift.there);
            output::line(&format!("{}: {what} is {there} instead of {here} in the answers", one.fault));
        }
        for (error, times) in &one.errors {
            output::line(&format!("{}: {times} x {error}", one.fault));
        }
    }
    output::line("");
    let mut table = Table::new(&["used of", "requests", "prompt tokens", "answer tokens", "US dollars"]);
    for cost in costs {
        table.row(vec![
            format!("{}/{}", cost.provider, cost.model),
            cost.requests.to_string(),
            cost.prompt_tokens.to_string(),
            cost.completion_tokens.to_string(),
            or_dash(cost.usd.as_deref()),
        ]);
    }
    print(&table);
}

pub(super) fn without_backup(routes: &[&str], all: usize) {
    output::line(&if routes.is_empty() {
        format!("Every one of {all} routes has a backup.")
    } else {
        format!("Without a backup: {}", routes.join(", "))
    });
}

fn row(one: &Measured) -> Vec<String> {
    vec![
        one.fault.to_owned(),
        if one.ok { "yes" } else { "no" }.to_owned(),
        one.requests.to_string(),
        one.answered.to_string(),
        format!("{:.0} %", one.error_rate * 100.0),
        counts(&one.answered_by),
        counts(&one.reasons),
        one.primary_calls.to_string(),
        spread(one.switch_ms),
        spread(one.failed_attempts_ms),
        spread(one.total_ms),
        counts(&one.finish_reasons),
        one.half_answered.to_string(),
        one.half_answered_and_switched.to_string(),
        format!("{} + {}", one.prompt_tokens, one.completion_tokens),
    ]
}

fn counts(counts: &BTreeMap<String, usize>) -> String {
    let all: Vec<String> = counts.iter().map(|(name, times)| format!("{times} {name}")).collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}

fn spread(spread: Option<Spread>) -> String {
    or_dash(spread.map(|Spread { median, max }| format!("{median} / {max}")))
}

fn print(table: &Table) {
    for line in table.lines() {
        output::line(&line);
    }
}
