//! `/metrics`: every model's engine in vLLM's vocabulary, so that dashboards and autoscalers made for it work.
//!
//! Each family is described once and has a row per model. Who asks for OpenMetrics gets it; others get Prometheus'
//! text format, in which a counter's family is called as its rows are.

use std::fmt;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use shekara_protocol::error::ApiError;

use crate::catalog::{ModelState, ModelStatus};
use crate::engine::{EndingKind, EngineMetrics};

use super::ServerState;
use super::error::ErrorResponse;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn scrape(State(state): State<ServerState>, headers: HeaderMap) -> Result<Response, ErrorResponse> {
    // A model with an adapter is served by the engine of the model itself.
    let models = state.catalog.list();
    let ready = models.iter().filter(|model| model.parent.is_none()).filter_map(|model| match &model.state {
        ModelState::Ready(model) => {
            model.generator().map(|model| (model.info.id.clone(), model.engine.metrics().clone()))
        }
        _ => None,
    });
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Engines(ready.collect())));
    registry.register_collector(Box::new(Adapters(adapters(&models))));
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_| ApiError::internal())?;
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_open = accepted.into_iter().any(|value| value.contains("application/openmetrics-text"));
    let (text, content_type) = if is_open { (text, OPEN_METRICS) } else { (prometheus_text(&text), TEXT) };
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], text).into_response())
}

fn is_counter(name: &str) -> bool {
    name == ADAPTER_REQUESTS || COUNTERS.iter().any(|(counter, ..)| *counter == name)
}

/// The same in the older format: no end mark, and `_total` in the names of counters' families too.
fn prometheus_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines().filter(|line| *line != "# EOF") {
        let described = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE "));
        match described.and_then(|rest| rest.split_once(' ')) {
            Some((name, rest)) if is_counter(name) => {
                text.push_str(&line[..7]);
                text.push_str(&[name, "_total ", rest].concat());
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

type Family = (&'static str, &'static str, for<'a> fn(&'a EngineMetrics) -> &'a dyn EncodeMetric);

const GAUGES: [Family; 3] = [
    ("vllm:num_requests_running", "Requests that a step computes.", |metrics| &metrics.requests_running),
    ("vllm:num_requests_waiting", "Requests that wait for their turn.", |metrics| &metrics.requests_waiting),
    ("vllm:kv_cache_usage_perc", "Share of the cache's blocks in use, 1 is all.", |metrics| &metrics.kv_cache_usage),
];

const COUNTERS: [Family; 8] = [
    ("vllm:prefix_cache_queries", "Prompt tokens looked up in the prefix cache.", |metrics| {
        &metrics.prefix_cache_queries
    }),
    ("vllm:prefix_cache_hits", "Prompt tokens found in the prefix cache.", |metrics| &metrics.prefix_cache_hits),
    ("vllm:num_preemptions", "Requests set back because blocks ran out.", |metrics| &metrics.preemptions),
    ("vllm:prompt_tokens", "Tokens of prompts, once per request.", |metrics| &metrics.prompt_tokens),
    ("vllm:generation_tokens", "Tokens of answers.", |metrics| &metrics.generation_tokens),
    ("vllm:spec_decode_num_draft_tokens", "Tokens guessed ahead.", |metrics| &metrics.draft_tokens),
    ("vllm:spec_decode_num_accepted_tokens", "Guessed tokens that were right.", |metrics| &metrics.accepted_tokens),
    // Its rows have a label more, so they are written apart.
    (REQUEST_SUCCESS, "Requests by how they ended.", |metrics| metrics.requests(EndingKind::Stop)),
];

// vLLM has no name for it.
const ADAPTER_REQUESTS: &str = "shekara:adapter_requests";
const REQUEST_SUCCESS: &str = "vllm:request_success";

const HISTOGRAMS: [Family; 12] = [
    ("vllm:time_to_first_token_seconds", "From arrival to the first token.", |metrics| &metrics.time_to_first_token),
    ("vllm:inter_token_latency_seconds", "Between two tokens.", |metrics| &metrics.inter_token_latency),
    ("vllm:request_time_per_output_token_seconds", "Mean between two tokens of a request.", |metrics| {
        &metrics.time_per_output_token
    }),
    ("vllm:e2e_request_latency_seconds", "From arrival to the end.", |metrics| &metrics.request_latency),
    ("vllm:request_queue_time_seconds", "From arrival to the start.", |metrics| &metrics.queue_time),
    ("vllm:request_prefill_time_seconds", "From the start to the first token.", |metrics| &metrics.prefill_time),
    ("vllm:request_decode_time_seconds", "From the first token to the last.", |metrics| &metrics.decode_time),
    ("vllm:request_inference_time_seconds", "From the start to the last token.", |metrics| &metrics.inference_time),
    ("vllm:request_prompt_tokens", "Tokens of a request's prompt.", |metrics| &metrics.request_prompt_tokens),
    ("vllm:request_generation_tokens", "Tokens of a request's answer.", |metrics| &metrics.request_generation_tokens),
    ("vllm:iteration_tokens_total", "Tokens of a step.", |metrics| &metrics.step_tokens),
    // vLLM has no name for it.
    ("shekara:step_time_seconds", "Time of a step.", |metrics| &metrics.step_time),
];

/// Every served adapter's id, its model's, and requests that named it.
#[derive(Debug)]
struct Adapters(Vec<(String, String, u64)>);

fn adapters(models: &[ModelStatus]) -> Vec<(String, String, u64)> {
    let served = |status: &ModelStatus| match &status.state {
        ModelState::Ready(model) => Some((status.id.clone(), status.parent.clone()?, model.info().num_requests())),
        _ => None,
    };
    models.iter().filter_map(served).collect()
}

impl Collector for Adapters {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let help = "Requests that named a model with an adapter, since it was loaded.";
        let kind = ConstCounter::new(0u64).metric_type();
        let mut family = encoder.encode_descriptor(ADAPTER_REQUESTS, help, None, kind)?;
        for (id, parent, count) in &self.0 {
            let labels = [("model_name", id.as_str()), ("parent", parent.as_str())];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Every served model's id and metrics.
#[derive(Debug)]
struct Engines(Vec<(String, EngineMetrics)>);

impl Collector for Engines {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Some((_, first)) = self.0.first() else { return Ok(()) };
        for (name, help, metric) in GAUGES.iter().chain(&COUNTERS).chain(&HISTOGRAMS) {
            let mut family = encoder.encode_descriptor(name, help, None, metric(first).metric_type())?;
            for (model, metrics) in &self.0 {
                if *name == REQUEST_SUCCESS {
                    for kind in EndingKind::ALL {
                        let [id, engine] = labels(model);
                        let labels = [id, engine, ("finished_reason", kind.name())];
                        metrics.requests(kind).encode(family.encode_family(&labels)?)?;
                    }
                } else {
                    metric(metrics).encode(family.encode_family(&labels(model))?)?;
                }
            }
        }
        self.encode_layouts(&mut encoder)
    }
}

impl Engines {
    /// A gauge that is always 1: what it says stands in its labels.
    fn encode_layouts(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let one = ConstGauge::new(1i64);
        let help = "How the cache is laid out.";
        let mut family = encoder.encode_descriptor("vllm:cache_config_info", help, None, one.metric_type())?;
        for (model, metrics) in &self.0 {
            let cache = metrics.cache;
            let dtype = format!("{:?}", cache.dtype).to_lowercase();
            let (block_size, num_blocks) = (cache.block_size.to_string(), cache.num_blocks.to_string());
            let [id, engine] = labels(model);
            let labels = [
                id,
                engine,
                ("block_size", block_size.as_str()),
                ("cache_dtype", dtype.as_str()),
                ("enable_prefix_caching", "True"),
                ("num_gpu_blocks", num_blocks.as_str()),
            ];
            one.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn labels(model: &str) -> [(&str, &str); 2] {
    [("model_name", model), ("engine", "0")]
}
