//! One fault: the same request again and again while the first target fails, and what the client and the audit saw.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Value, json};

use super::fault::{Fault, FaultyServer};
use super::trial::Trial;
use crate::audit::{AuditRecord, TryResult};
use crate::cli::probe::{Difference, Exchange, Reading, Shape, Unanswered, Wanted};

/// Of each answer.
const MAX_TOKENS: u32 = 64;

/// Shapes of normal answers, by target and whether they were streamed.
pub(super) type Normal = HashMap<(String, bool), Shape>;

#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) fault: &'static str,
    pub(super) streamed: bool,
    /// Everything was as it should be: switched before an answer began, never after.
    pub(super) ok: bool,
    pub(super) requests: usize,
    pub(super) answered: usize,
    pub(super) failed: usize,
    pub(super) error_rate: f64,
    /// How often the failing target was asked; then it is left alone.
    pub(super) primary_calls: usize,
    pub(super) answered_by: BTreeMap<String, usize>,
    pub(super) reasons: BTreeMap<String, usize>,
    pub(super) errors: BTreeMap<String, usize>,
    pub(super) finish_reasons: BTreeMap<String, usize>,
    /// What of a switched request went neither into failed attempts nor into the answer of the next target.
    pub(super) switch_ms: Option<Spread>,
    pub(super) failed_attempts_ms: Option<Spread>,
    pub(super) total_ms: Option<Spread>,
    /// Where answers differ from normal ones of the same target: `here` is the normal one.
    pub(super) drift: Vec<Difference>,
    pub(super) half_answered: usize,
    pub(super) half_answered_and_switched: usize,
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Spread {
    pub(super) median: u64,
    pub(super) max: u64,
}

impl Spread {
    fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        Some(Self { median: *values.get(values.len() / 2)?, max: *values.last()? })
    }
}

/// What was asked, and who stands where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) route: &'a str,
    /// The name of the failing server.
    pub(super) faulty: &'a str,
    pub(super) fault: Fault,
    pub(super) requests: usize,
}

impl Asked<'_> {
    /// Sends the requests one after the other, looks at a normal answer of whoever answered, and reads the audit.
    pub(super) async fn run(
        self,
        trial: &Trial,
        server: &FaultyServer,
        normal: &mut Normal,
    ) -> anyhow::Result<(Measured, Vec<AuditRecord>)> {
        let streamed = self.fault.is_streamed();
        let mut measured = Measured::new(self);
        let mut shapes: BTreeMap<String, Vec<Shape>> = BTreeMap::new();
        for _ in 0..self.requests {
            let answer = ask(trial, self.route, streamed).await;
            let Some((by, shape)) = measured.note(answer) else { continue };
            let seen = shapes.entry(by).or_default();
            if !seen.contains(&shape) {
                seen.push(shape);
            }
        }
        measured.primary_calls = server.calls();
        for (by, seen) in &shapes {
            let key = (by.clone(), streamed);
            if !normal.contains_key(&key) {
                let Ok(exchange) = ask(trial, by, streamed).await else { continue };
                normal.insert(key.clone(), Reading::of(&exchange, wanted(streamed)).shape);
            }
            let differences =
                normal.get(&key).into_iter().flat_map(|own| seen.iter().flat_map(|one| own.differences(one)));
            for difference in differences {
                if !measured.drift.contains(&difference) {
                    measured.drift.push(difference);
                }
            }
        }
        let records = trial.records().await?;
        measured.read(records.iter().filter(|record| record.route.as_deref() == Some(self.route)), self);
        Ok((measured, records))
    }
}

async fn ask(trial: &Trial, model: &str, streamed: bool) -> Result<Exchange, Unanswered> {
    let mut body = json!({
        "model": model, "max_completion_tokens": MAX_TOKENS,
        "messages": [{ "role": "user", "content": "Say in one short sentence what a bridge is." }],
    });
    if streamed {
        body["stream"] = Value::Bool(true);
        body["stream_options"] = json!({ "include_usage": true });
    }
    trial.environment.ask("/v1/chat/completions", &body).await
}

fn wanted(streamed: bool) -> Wanted {
    if streamed { Wanted::ChatStream } else { Wanted::Chat }
}

impl Measured {
    fn new(asked: Asked<'_>) -> Self {
        Self {
            fault: asked.fault.as_str(),
            streamed: asked.fault.is_streamed(),
            ok: false,
            requests: asked.requests,
            answered: 0,
            failed: 0,
            error_rate: 0.0,
            primary_calls: 0,
            answered_by: BTreeMap::new(),
            reasons: BTreeMap::new(),
            errors: BTreeMap::new(),
            finish_reasons: BTreeMap::new(),
            switch_ms: None,
            failed_attempts_ms: None,
            total_ms: None,
            drift: Vec::new(),
            half_answered: 0,
            half_answered_and_switched: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
        }
    }

    /// What the client sees of one answer: who gave it, and its shape; nothing where it failed.
    fn note(&mut self, answer: Result<Exchange, Unanswered>) -> Option<(String, Shape)> {
        let count = |counts: &mut BTreeMap<String, usize>, name: String| *counts.entry(name).or_default() += 1;
        let exchange = match answer {
            Ok(exchange) => exchange,
            Err(why) => {
                self.failed += 1;
                count(&mut self.errors, why.to_string());
                return None;
            }
        };
        let reading = Reading::of(&exchange, wanted(self.streamed));
        if exchange.status != 200 || reading.error.is_some() || !reading.is_openai_shape() {
            self.failed += 1;
            let code = reading.error.and_then(|told| told.code).or_else(|| reading.problems.first().cloned());
            count(&mut self.errors, code.unwrap_or_else(|| exchange.status.to_string()));
            return None;
        }
        self.answered += 1;
        let own = |name: &str| exchange.header(&format!("x-shekara-{name}")).unwrap_or_default();
        let by = format!("{}/{}", own("provider"), own("model"));
        count(&mut self.answered_by, by.clone());
        count(&mut self.reasons, own("reason"));
        count(&mut self.finish_reasons, reading.finish_reason.unwrap_or_else(|| "none".to_owned()));
        Some((by, reading.shape))
    }

    fn read<'r>(&mut self, records: impl Iterator<Item = &'r AuditRecord>, asked: Asked<'_>) {
        let (mut switches, mut failures, mut totals) = (Vec::new(), Vec::new(), Vec::new());
        for record in records {
            totals.push(record.total_ms);
            self.prompt_tokens += record.prompt_tokens.unwrap_or(0);
            self.completion_tokens += record.completion_tokens.unwrap_or(0);
            let halves = record.tries.iter().filter(|one| one.provider == asked.faulty);
            if halves.clone().any(|one| matches!(one.result, TryResult::Interrupted | TryResult::Answered)) {
                self.half_answered += 1;
                let is_last = record.tries.last().is_some_and(|last| last.provider == asked.faulty);
                self.half_answered_and_switched += usize::from(!is_last);
            }
            if let Some((switch, failed)) = switch_of(record) {
                switches.push(switch);
                failures.push(failed);
            }
        }
        self.switch_ms = Spread::of(switches);
        self.failed_attempts_ms = Spread::of(failures);
        self.total_ms = Spread::of(totals);
        self.error_rate = self.failed as f64 / self.requests.max(1) as f64;
        let as_expected = match asked.fault {
            // Who has heard half an answer gets an error; who comes while the target rests is answered by the next.
            Fault::CutAfter => self.half_answered > 0 && self.failed == self.half_answered,
            _ => self.failed == 0,
        };
        self.ok = as_expected && self.primary_calls > 0 && self.half_answered_and_switched == 0;
    }
}

/// Of a request that another target answered: the time that is neither the failed attempts' nor the next target's own, and
/// that of the failed attempts.
fn switch_of(record: &AuditRecord) -> Option<(u64, u64)> {
    let (winner, before) = record.tries.split_last()?;
    if before.is_empty() || winner.result != TryResult::Answered {
        return None;
    }
    let failed = before.iter().map(|one| one.took_ms.unwrap_or(0)).sum();
    let own = record.total_ms.saturating_sub(winner.began_ms);
    Some((record.total_ms.saturating_sub(failed).saturating_sub(own), failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_a_median_and_a_maximum() {
        assert_eq!(Spread::of(vec![]), None);
        assert_eq!(Spread::of(vec![9, 1, 2]), Some(Spread { median: 2, max: 9 }));
    }

    #[test]
    fn a_switch_is_what_neither_target_took() {
        let one = |result: &str, began: u64, took: u64| {
            json!({ "provider": "p", "model": "m", "zone": "local", "reason": "primary", "result": result,
                    "began_ms": began, "took_ms": took })
        };
        let record = |tries: Value| -> AuditRecord {
            serde_json::from_value(json!({
                "request_id": "r", "time": "t", "tenant": "t", "project": "p", "environment": "e", "key_id": "k",
                "actor": "a", "endpoint": "e", "route": "chat", "reason": null, "provider": null, "model": null,
                "zone": null, "data_class": "public", "entities": {}, "pii_action": "none", "policy_version": "v",
                "outcome": "completed", "status": 200, "error_code": null, "streamed": false, "attempts": 2,
                "tries": tries, "prompt_tokens": null, "completion_tokens": null, "usage_source": null,
                "first_token_ms": null, "total_ms": 900,
            }))
            .unwrap()
        };
        let switched = record(json!([one("timeout", 2, 500), one("timeout", 503, 100), one("answered", 606, 290)]));
        assert_eq!(switch_of(&switched), Some((6, 600)));
        assert_eq!(switch_of(&record(json!([one("answered", 2, 500)]))), None);
        assert_eq!(switch_of(&record(json!([one("5xx", 2, 5), one("5xx", 8, 5)]))), None);
    }
}
