//! What an engine counts and times, named as vLLM names it, so that dashboards made for it work.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::sampling::FinishReason;
use crate::scheduler::Scheduler;

/// Seconds, for waits that a person notices.
const WAITS: [f64; 20] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0,
];
/// Seconds, between two tokens.
const GAPS: [f64; 15] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0];
const TOKENS: [f64; 15] =
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 8192.0, 32768.0, 131_072.0];

/// Why a request ended, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Ending {
    pub finished_reason: EndingKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types)]
pub enum EndingKind {
    stop,
    length,
    abort,
    error,
}

impl From<FinishReason> for EndingKind {
    fn from(reason: FinishReason) -> Self {
        match reason {
            FinishReason::Stop => Self::stop,
            FinishReason::Length => Self::length,
        }
    }
}

/// One engine's metrics. A copy counts into the same numbers.
#[derive(Clone, Debug)]
pub struct EngineMetrics {
    pub requests_running: Gauge,
    pub requests_waiting: Gauge,
    /// Share of the cache's blocks that sequences hold, 0 to 1.
    pub kv_cache_usage: Gauge<f64, AtomicU64>,
    pub preemptions: Counter,
    pub prompt_tokens: Counter,
    pub generation_tokens: Counter,
    pub prefix_cache_queries: Counter,
    pub prefix_cache_hits: Counter,
    pub draft_tokens: Counter,
    pub accepted_tokens: Counter,
    pub requests: Family<Ending, Counter>,
    pub time_to_first_token: Histogram,
    pub inter_token_latency: Histogram,
    pub queue_time: Histogram,
    pub request_latency: Histogram,
    pub step_tokens: Histogram,
    pub step_time: Histogram,
    pub request_prompt_tokens: Histogram,
    pub request_generation_tokens: Histogram,
}

impl Default for EngineMetrics {
    fn default() -> Self {
        Self {
            requests_running: Gauge::default(),
            requests_waiting: Gauge::default(),
            kv_cache_usage: Gauge::default(),
            preemptions: Counter::default(),
            prompt_tokens: Counter::default(),
            generation_tokens: Counter::default(),
            prefix_cache_queries: Counter::default(),
            prefix_cache_hits: Counter::default(),
            draft_tokens: Counter::default(),
            accepted_tokens: Counter::default(),
            requests: Family::default(),
            time_to_first_token: Histogram::new(WAITS),
            inter_token_latency: Histogram::new(GAPS),
            queue_time: Histogram::new(WAITS),
            request_latency: Histogram::new(WAITS),
            step_tokens: Histogram::new(TOKENS),
            step_time: Histogram::new(GAPS),
            request_prompt_tokens: Histogram::new(TOKENS),
            request_generation_tokens: Histogram::new(TOKENS),
        }
    }
}

impl EngineMetrics {
    /// Takes over what the scheduler knows.
    pub(super) fn observe_scheduler(&self, scheduler: &Scheduler) {
        let pool = scheduler.pool();
        let held = pool.num_blocks() - pool.num_free();
        self.requests_running.set(scheduler.num_running() as i64);
        self.requests_waiting.set(scheduler.num_waiting() as i64);
        self.kv_cache_usage.set(held as f64 / pool.num_blocks().max(1) as f64);
        let prefix = scheduler.prefix_stats();
        let missing = |counter: &Counter, total: u64| total.saturating_sub(counter.get());
        self.prefix_cache_queries.inc_by(missing(&self.prefix_cache_queries, prefix.queries));
        self.prefix_cache_hits.inc_by(missing(&self.prefix_cache_hits, prefix.hits));
    }

    /// Counts a request's end; `latency` is since its arrival.
    pub(super) fn count_end(&self, ending: EndingKind, latency: Duration, tokens: (usize, usize)) {
        self.requests.get_or_create(&Ending { finished_reason: ending }).inc();
        self.request_latency.observe(latency.as_secs_f64());
        self.request_prompt_tokens.observe(tokens.0 as f64);
        self.request_generation_tokens.observe(tokens.1 as f64);
    }
}
