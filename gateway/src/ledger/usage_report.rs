//! A usage report as JSON and as CSV: what was used and what it cost, by whatever it was grouped by.
//!
//! Amounts are exact decimals as texts. What is derived of them (a request's cost, shares) is rounded where it is written.

use std::num::NonZeroU64;

use serde_json::{Map, Value, json};

use super::{Dimension, Group, Totals};
use crate::billing::{Tenge, TooLarge};
use crate::csv::{cell, text_cell};

const SEPARATOR: char = ',';

/// Groups under their names, with what all of them come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    pub by: Vec<Dimension>,
    pub groups: Vec<Group>,
    pub all: Totals,
}

/// What stands in a column behind the names.
const COLUMNS: [&str; 22] = [
    "requests",
    "attempts",
    "prompt_tokens",
    "cached_prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "images",
    "audio_seconds",
    "cost_usd",
    "cost_kzt",
    "cost_per_request_kzt",
    "cost_per_1000_tokens_kzt",
    "further_tries_kzt",
    "share_inside",
    "estimated_attempts",
    "unpriced_attempts",
    "corrections",
    "p50_ms",
    "p95_ms",
    "failed_requests",
    "error_rate",
    "errors",
];

impl UsageReport {
    /// # Errors
    /// A sum does not fit.
    pub fn new(by: Vec<Dimension>, groups: Vec<Group>) -> Result<Self, TooLarge> {
        let all = groups.iter().try_fold(Totals::default(), |all, group| all.plus(&group.totals))?;
        Ok(Self { by, groups, all })
    }

    pub fn json(&self) -> Value {
        let data: Vec<Value> = self.groups.iter().map(|group| Value::Object(self.row(group))).collect();
        let all = Group { names: Vec::new(), totals: self.all.clone(), ..Group::default() };
        let mut total: Map<String, Value> = columns(&all);
        // A request may stand in two groups, and a median is no sum.
        for column in
            ["requests", "cost_per_request_kzt", "p50_ms", "p95_ms", "error_rate", "failed_requests", "errors"]
        {
            total.remove(column);
        }
        let by: Vec<&str> = self.by.iter().map(|dimension| dimension.as_str()).collect();
        json!({ "object": "usage", "by": by, "data": data, "total": total })
    }

    /// With a head; lists of errors are `code=number`, joined by blanks.
    pub fn csv(&self) -> String {
        let names = self.by.iter().map(|dimension| dimension.as_str());
        let head: Vec<String> = names.chain(COLUMNS).map(str::to_owned).collect();
        let lines = self.groups.iter().map(|group| {
            let names = group.names.iter().map(|name| text_cell(name, SEPARATOR));
            names.chain(columns(group).values().map(number)).collect::<Vec<_>>().join(",")
        });
        let mut text = head.join(",");
        for line in lines {
            text.push_str("\r\n");
            text.push_str(&line);
        }
        text.push_str("\r\n");
        text
    }

    fn row(&self, group: &Group) -> Map<String, Value> {
        let names = self.by.iter().zip(&group.names);
        let names = names.map(|(dimension, name)| (dimension.as_str().to_owned(), json!(name)));
        names.chain(columns(group)).collect()
    }
}

fn columns(group: &Group) -> Map<String, Value> {
    let totals = &group.totals;
    let tokens = totals.prompt_tokens + totals.completion_tokens;
    let failed: u64 = group.errors.values().sum();
    let asked = totals.requests.max(failed);
    let values = [
        json!(totals.requests),
        json!(totals.attempts),
        json!(totals.prompt_tokens),
        json!(totals.cached_prompt_tokens),
        json!(totals.completion_tokens),
        json!(totals.reasoning_tokens),
        json!(totals.images),
        json!(thousandths(totals.audio_ms)),
        json!(totals.usd.to_string()),
        json!(totals.tenge.plain()),
        per(totals.tenge, 1, totals.requests),
        per(totals.tenge, 1_000, tokens),
        json!(totals.further_tries.plain()),
        share(totals.inside_attempts, totals.attempts),
        json!(totals.estimated_attempts),
        json!(totals.unpriced_attempts),
        json!(totals.corrections),
        json!(group.p50_ms),
        json!(group.p95_ms),
        json!(failed),
        share(failed, asked),
        json!(group.errors),
    ];
    COLUMNS.iter().map(|column| (*column).to_owned()).zip(values).collect()
}

/// Of so many, what `of` cost.
fn per(tenge: Tenge, of: u64, number: u64) -> Value {
    let part = NonZeroU64::new(number).and_then(|number| tenge.part(of, number).ok());
    part.map_or(Value::Null, |part| json!(part.plain()))
}

fn share(part: u64, whole: u64) -> Value {
    let thousandth = |whole: u64| thousandths(part.saturating_mul(1_000) / whole);
    if whole == 0 { Value::Null } else { json!(thousandth(whole)) }
}

fn thousandths(number: u64) -> String {
    format!("{}.{:03}", number / 1_000, number % 1_000)
}

/// Numbers are this program's own, whatever their sign.
fn number(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => cell(text, SEPARATOR),
        Value::Object(errors) => {
            let errors: Vec<_> = errors.iter().map(|(code, number)| format!("{code}={number}")).collect();
            cell(&errors.join(" "), SEPARATOR)
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::Usd;

    #[test]
    fn a_report_has_exact_sums_and_rounded_shares() {
        let group = |name: &str, requests, tiyn| Group {
            names: vec![name.to_owned()],
            totals: Totals {
                requests,
                attempts: requests,
                prompt_tokens: 700,
                completion_tokens: 300,
                usd: Usd::from_pico(2_500_000),
                tenge: Tenge::from_tiyn(tiyn),
                inside_attempts: 1,
                ..Totals::default()
            },
            p50_ms: Some(12),
            ..Group::default()
        };
        let mut first = group("=bank, \"one\"", 3, 1_000);
        first.errors.insert("provider_error".to_owned(), 1);
        let report = UsageReport::new(vec![Dimension::Tenant], vec![first, group("clinic", 0, -5)]).unwrap();
        let json = report.json();
        let row = &json["data"][0];
        assert_eq!(
            (&row["tenant"], &row["cost_kzt"], &row["cost_usd"]),
            (&json!("=bank, \"one\""), &json!("10.00"), &json!("0.0000025"))
        );
        assert_eq!((&row["cost_per_request_kzt"], &row["cost_per_1000_tokens_kzt"]), (&json!("3.33"), &json!("10.00")));
        assert_eq!((&row["share_inside"], &row["error_rate"]), (&json!("0.333"), &json!("0.333")));
        assert_eq!(json["data"][1]["cost_per_request_kzt"], Value::Null);
        assert_eq!((&json["total"]["cost_kzt"], &json["total"]["requests"]), (&json!("9.95"), &Value::Null));
        let csv = report.csv();
        let lines: Vec<_> = csv.split("\r\n").collect();
        assert!(lines[0].starts_with("tenant,requests,") && lines[0].ends_with(",errors"));
        assert!(lines[1].starts_with("\"'=bank, \"\"one\"\"\",3,3,700,") && lines[1].ends_with(",provider_error=1"));
        assert!(lines[2].contains(",-0.05,"), "{}", lines[2]);
    }
}
