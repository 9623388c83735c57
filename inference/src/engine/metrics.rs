//! What an engine counts and times. Its thread alone writes; whoever scrapes reads copies of the same numbers.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::kernels::cpu::KvDtype;
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

/// Why a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndingKind {
    Stop,
    Length,
    Abort,
    Error,
}

impl EndingKind {
    pub const ALL: [Self; 4] = [Self::Stop, Self::Length, Self::Abort, Self::Error];

    /// As a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Abort => "abort",
            Self::Error => "error",
        }
    }
}

impl From<FinishReason> for EndingKind {
    fn from(reason: FinishReason) -> Self {
        match reason {
            FinishReason::Stop => Self::Stop,
            FinishReason::Length => Self::Length,
        }
    }
}

/// How an engine's cache is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLayout {
    pub block_size: usize,
    pub num_blocks: usize,
    pub dtype: KvDtype,
}

/// When a request came to which point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RequestTimes {
    pub arrived: Duration,
    pub started: Option<Duration>,
    pub first_token: Option<Duration>,
    pub latest_token: Option<Duration>,
}

/// One engine's metrics. A copy counts into the same numbers.
#[derive(Clone, Debug)]
pub struct EngineMetrics {
    pub cache: CacheLayout,
    pub requests_running: Gauge<u64, AtomicU64>,
    pub requests_waiting: Gauge<u64, AtomicU64>,
    /// Share of the cache's blocks that sequences hold, 0 to 1.
    pub kv_cache_usage: Gauge<f64, AtomicU64>,
    pub preemptions: Counter,
    /// Of requests that have their first token, cached ones included.
    pub prompt_tokens: Counter,
    pub generation_tokens: Counter,
    pub prefix_cache_queries: Counter,
    pub prefix_cache_hits: Counter,
    pub draft_tokens: Counter,
    pub accepted_tokens: Counter,
    /// Requests by how they ended, in the order of [`EndingKind::ALL`].
    endings: [Counter; EndingKind::ALL.len()],
    pub time_to_first_token: Histogram,
    pub inter_token_latency: Histogram,
    pub queue_time: Histogram,
    pub request_latency: Histogram,
    /// From the start to the first token, and from there to the last.
    pub prefill_time: Histogram,
    pub decode_time: Histogram,
    pub inference_time: Histogram,
    /// Mean time between the tokens of one request.
    pub time_per_output_token: Histogram,
    pub step_tokens: Histogram,
    pub step_time: Histogram,
    pub request_prompt_tokens: Histogram,
    pub request_generation_tokens: Histogram,
}

impl EngineMetrics {
    pub fn new(cache: CacheLayout) -> Self {
        Self {
            cache,
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
            endings: Default::default(),
            time_to_first_token: Histogram::new(WAITS),
            inter_token_latency: Histogram::new(GAPS),
            queue_time: Histogram::new(WAITS),
            request_latency: Histogram::new(WAITS),
            prefill_time: Histogram::new(WAITS),
            decode_time: Histogram::new(WAITS),
            inference_time: Histogram::new(WAITS),
            time_per_output_token: Histogram::new(GAPS),
            step_tokens: Histogram::new(TOKENS),
            step_time: Histogram::new(GAPS),
            request_prompt_tokens: Histogram::new(TOKENS),
            request_generation_tokens: Histogram::new(TOKENS),
        }
    }

    /// Requests that ended so.
    pub fn requests(&self, kind: EndingKind) -> &Counter {
        &self.endings[kind as usize]
    }

    /// Takes over what the scheduler knows.
    pub(super) fn observe_scheduler(&self, scheduler: &Scheduler) {
        let pool = scheduler.pool();
        let held = pool.num_blocks() - pool.num_free();
        self.requests_running.set(scheduler.num_running() as u64);
        self.requests_waiting.set(scheduler.num_waiting() as u64);
        self.kv_cache_usage.set(held as f64 / pool.num_blocks().max(1) as f64);
        let prefix = scheduler.prefix_stats();
        let missing = |counter: &Counter, total: u64| total.saturating_sub(counter.get());
        self.prefix_cache_queries.inc_by(missing(&self.prefix_cache_queries, prefix.queries));
        self.prefix_cache_hits.inc_by(missing(&self.prefix_cache_hits, prefix.hits));
    }

    /// Counts a request that has its first token: its prompt is computed, and counted once.
    pub(super) fn count_first_token(&self, wait: Duration, prompt_tokens: usize) {
        self.time_to_first_token.observe(wait.as_secs_f64());
        self.prompt_tokens.inc_by(prompt_tokens as u64);
    }

    /// Counts a request's end; `tokens` of prompt and answer.
    pub(super) fn count_end(&self, ending: EndingKind, times: RequestTimes, now: Duration, tokens: (usize, usize)) {
        self.requests(ending).inc();
        self.request_prompt_tokens.observe(tokens.0 as f64);
        self.request_generation_tokens.observe(tokens.1 as f64);
        let between = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64();
        self.request_latency.observe(between(times.arrived, now));
        let (Some(started), Some(first), Some(latest)) = (times.started, times.first_token, times.latest_token) else {
            return;
        };
        self.prefill_time.observe(between(started, first));
        self.decode_time.observe(between(first, latest));
        self.inference_time.observe(between(started, latest));
        if tokens.1 > 1 {
            self.time_per_output_token.observe(between(first, latest) / (tokens.1 - 1) as f64);
        }
    }
}
