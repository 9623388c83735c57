//! `/metrics`: requests by route, provider, zone, reason and end, calls of providers by result, times and tokens. Labels are
//! names that the operator chose and words of this program; nothing of a request or a key is among them.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::AlertCounts;
use crate::audit::{AuditRecord, TryResult};
use crate::billing::UsageSource;

/// Of a route that is named by its request (`provider/model`): such names have no end.
const UNNAMED_ROUTE: &str = "provider/model";
const NONE: &str = "none";
/// Seconds; local models on a CPU take minutes.
const SECONDS: [f64; 15] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0];

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    provider: String,
    zone: String,
    reason: String,
    outcome: &'static str,
    status: u16,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AttemptLabels {
    provider: String,
    zone: String,
    reason: String,
    result: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TimeLabels {
    route: String,
    provider: String,
    zone: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    route: String,
    provider: String,
    zone: String,
    kind: &'static str,
    source: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ScreeningLabels {
    data_class: &'static str,
    action: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EntityLabels {
    entity: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DeploymentLabels {
    provider: String,
    model: String,
}

#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub alerts: AlertCounts,
    requests: Family<RequestLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    resting: Family<DeploymentLabels, Gauge>,
    lost_content: Counter,
    screened: Family<ScreeningLabels, Counter>,
    entities: Family<EntityLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    audio_seconds: Family<TimeLabels, Counter<f64, AtomicU64>>,
    first_token: Family<TimeLabels, Histogram>,
    duration: Family<TimeLabels, Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::default(),
            alerts: AlertCounts::default(),
            requests: Family::default(),
            attempts: Family::default(),
            resting: Family::default(),
            lost_content: Counter::default(),
            screened: Family::default(),
            entities: Family::default(),
            tokens: Family::default(),
            audio_seconds: Family::default(),
            first_token: Family::new_with_constructor(histogram),
            duration: Family::new_with_constructor(histogram),
        };
        let registry = &mut metrics.registry;
        metrics.alerts.register(registry);
        registry.register("shekara_requests", "Requests with a valid key, by their end.", metrics.requests.clone());
        registry.register("shekara_attempts", "Calls of providers, by their result.", metrics.attempts.clone());
        let resting = "Deployments that are passed over, whichever gateway found out.";
        registry.register("shekara_resting", resting, metrics.resting.clone());
        let lost = "Requests and answers that should have been kept for the audit and were not.";
        registry.register("shekara_audit_content_lost", lost, metrics.lost_content.clone());
        registry.register("shekara_screened", "Requests by what the scan led to.", metrics.screened.clone());
        registry.register("shekara_entities", "Findings in requests.", metrics.entities.clone());
        registry.register("shekara_tokens", "Tokens of prompts and answers.", metrics.tokens.clone());
        let (seconds, audio) = (Unit::Seconds, metrics.audio_seconds.clone());
        registry.register_with_unit("shekara_audio", "Sound that was heard.", seconds, audio);
        let (seconds, first_token) = (Unit::Seconds, metrics.first_token.clone());
        registry.register_with_unit("shekara_first_token", "From arrival to the first content.", seconds, first_token);
        let (seconds, duration) = (Unit::Seconds, metrics.duration.clone());
        registry.register_with_unit("shekara_request_duration", "From arrival to the end.", seconds, duration);
        metrics
    }
}

impl Metrics {
    /// A request has ended. `is_named` says whether its route stands in the configuration or is a local model's.
    pub fn note(&self, record: &AuditRecord, is_named: bool) {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| NONE.to_owned());
        let route = match &record.route {
            Some(_) if !is_named => UNNAMED_ROUTE.to_owned(),
            route => or_none(route),
        };
        let (provider, zone) = (or_none(&record.provider), or_none(&record.zone));
        let (reason, outcome, status) = (or_none(&record.reason), record.outcome.as_str(), record.status);
        let labels = (route.clone(), provider.clone(), zone.clone());
        let (route, provider, zone) = labels.clone();
        self.requests.get_or_create(&RequestLabels { route, provider, zone, reason, outcome, status }).inc();
        for attempt in &record.tries {
            let (provider, zone) = (attempt.provider.clone(), attempt.zone.clone());
            let (reason, result) = (attempt.reason.clone(), attempt.result.as_str());
            self.attempts.get_or_create(&AttemptLabels { provider, zone, reason, result }).inc();
        }
        let action = record.pii_action.clone();
        self.screened.get_or_create(&ScreeningLabels { data_class: record.data_class.as_str(), action }).inc();
        for (entity, count) in &record.entities {
            self.entities.get_or_create(&EntityLabels { entity: entity.clone() }).inc_by(u64::from(*count));
        }
        let answered = record.tries.iter().any(|attempt| attempt.result == TryResult::Answered);
        self.note_usage(record, &labels, answered);
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a request are far fewer than 2^52")]
    fn note_usage(&self, record: &AuditRecord, (route, provider, zone): &(String, String, String), answered: bool) {
        let (route, provider, zone) = (route.clone(), provider.clone(), zone.clone());
        let source = record.usage_source.map_or(NONE, UsageSource::as_str);
        for (kind, tokens) in [("prompt", record.prompt_tokens), ("completion", record.completion_tokens)] {
            if let Some(tokens) = tokens {
                let (route, provider, zone) = (route.clone(), provider.clone(), zone.clone());
                self.tokens.get_or_create(&TokenLabels { route, provider, zone, kind, source }).inc_by(tokens);
            }
        }
        let labels = TimeLabels { route, provider, zone };
        if let Some(seconds) = record.audio_seconds {
            self.audio_seconds.get_or_create(&labels).inc_by(seconds);
        }
        if let Some(first) = record.first_token_ms {
            self.first_token.get_or_create(&labels).observe(first as f64 / 1e3);
        }
        if answered {
            self.duration.get_or_create(&labels).observe(record.total_ms as f64 / 1e3);
        }
    }

    /// A request, or its answer, is not kept beside its record.
    pub fn note_lost_content(&self) {
        self.lost_content.inc();
    }

    /// Which deployments of the configuration are passed over now, as provider and model.
    pub fn note_rests(&self, resting: impl IntoIterator<Item = (Box<str>, Box<str>)>) {
        self.resting.clear();
        for (provider, model) in resting {
            let labels = DeploymentLabels { provider: provider.into(), model: model.into() };
            self.resting.get_or_create(&labels).set(1);
        }
    }

    /// Everything as OpenMetrics has it.
    pub fn open_metrics(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// OpenMetrics in the older text format: no end mark, and `_total` in the names of counters' families too.
pub fn prometheus_text(open_metrics: &str) -> String {
    let counter = |line: &str| line.strip_prefix("# TYPE ")?.strip_suffix(" counter").map(str::to_owned);
    let counters: Vec<String> = open_metrics.lines().filter_map(counter).collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines().filter(|line| *line != "# EOF") {
        let described = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE "));
        match described.and_then(|rest| rest.split_once(' ')) {
            Some((name, rest)) if counters.iter().any(|counter| counter == name) => {
                text.push_str(&line[..7]);
                text.push_str(&[name, "_total ", rest].concat());
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}
