//! `/metrics`: what vLLM's dashboards look for, with the numbers of what was served.
#![allow(clippy::float_cmp, reason = "counts are whole")]

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::json;
use shekara_inference::engine::EndingKind;

use crate::support::{Models, Server, settings};

async fn scrape(server: &Server, accept: Option<&str>) -> (String, String) {
    let mut request = Request::get("/metrics");
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    let response = server.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    (kind, String::from_utf8(bytes.to_vec()).expect("UTF-8"))
}

/// Rows by name and labels, and families by name with their types.
fn read(text: &str) -> (BTreeMap<String, f64>, BTreeMap<String, String>) {
    let (mut rows, mut families) = (BTreeMap::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(families.insert(name.to_owned(), kind.to_owned()), None, "{name} is described twice");
        } else if !line.starts_with('#') {
            let (row, value) = line.rsplit_once(' ').expect("a value");
            let value = value.parse().expect("a number");
            assert_eq!(rows.insert(row.to_owned(), value), None, "{row} is there twice");
        }
    }
    (rows, families)
}

fn value(rows: &BTreeMap<String, f64>, name: &str, model: &str) -> f64 {
    let key = format!("{name}{{model_name=\"{model}\",engine=\"0\"}}");
    rows.get(&key).copied().unwrap_or_else(|| panic!("{key}"))
}

#[tokio::test]
async fn what_was_served_is_counted_under_vllms_names() {
    let models = Models::new(&["llama-tiny", "qwen3-tiny"]);
    let server = models.serve(settings());
    let prompt = "0 1 2 3 4 5 6 7 8 9 ".repeat(4);
    let request = json!({"model": "llama-tiny", "prompt": prompt, "max_tokens": 7, "ignore_eos": true});
    let mut prompt_tokens = 0.0;
    for _ in 0..2 {
        let answer = server.ask("/v1/completions", &request).await;
        prompt_tokens += answer.body["usage"]["prompt_tokens"].as_f64().expect("a count");
    }
    let (kind, text) = scrape(&server, None).await;
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    let (rows, families) = read(&text);
    let llama = |name: &str| value(&rows, name, "llama-tiny");
    assert_eq!(llama("vllm:prompt_tokens_total"), prompt_tokens, "each request's prompt once, cached or not");
    assert_eq!(llama("vllm:generation_tokens_total"), 14.0);
    assert_eq!(llama("vllm:prefix_cache_queries_total"), prompt_tokens);
    assert!(llama("vllm:prefix_cache_hits_total") > prompt_tokens / 4.0);
    assert_eq!((llama("vllm:num_requests_running"), llama("vllm:num_requests_waiting")), (0.0, 0.0));
    assert_eq!((llama("vllm:kv_cache_usage_perc"), llama("vllm:num_preemptions_total")), (0.0, 0.0));
    for name in [
        "time_to_first_token_seconds",
        "e2e_request_latency_seconds",
        "request_queue_time_seconds",
        "request_prefill_time_seconds",
        "request_decode_time_seconds",
        "request_inference_time_seconds",
        "request_time_per_output_token_seconds",
        "request_prompt_tokens",
        "request_generation_tokens",
    ] {
        assert_eq!(llama(&format!("vllm:{name}_count")), 2.0, "{name}");
        assert_eq!(families[&format!("vllm:{name}")], "histogram");
    }
    assert_eq!(llama("vllm:inter_token_latency_seconds_count"), 12.0);
    assert_eq!(llama("vllm:request_prompt_tokens_sum"), prompt_tokens);
    assert_eq!(llama("vllm:request_generation_tokens_sum"), 14.0);
    assert!(llama("vllm:iteration_tokens_total_sum") >= prompt_tokens / 2.0);
    assert!(llama("vllm:spec_decode_num_draft_tokens_total") >= llama("vllm:spec_decode_num_accepted_tokens_total"));
    let ended = |model: &str, reason: &str| {
        rows[&format!("vllm:request_success_total{{model_name=\"{model}\",engine=\"0\",finished_reason=\"{reason}\"}}")]
    };
    let reasons = ["stop", "length", "abort", "error"];
    assert_eq!(reasons.map(|reason| ended("llama-tiny", reason)), [0.0, 2.0, 0.0, 0.0]);
    assert_eq!(reasons.map(|reason| ended("qwen3-tiny", reason)), [0.0; 4]);
    assert_eq!(value(&rows, "vllm:prompt_tokens_total", "qwen3-tiny"), 0.0);
    let blocks = server.model("llama-tiny").engine.stats().total_blocks;
    let layout = format!(
        "vllm:cache_config_info{{model_name=\"llama-tiny\",engine=\"0\",block_size=\"16\",cache_dtype=\"f16\",\
         enable_prefix_caching=\"True\",num_gpu_blocks=\"{blocks}\"}}"
    );
    assert_eq!(rows[&layout], 1.0);
    assert_eq!(families["vllm:prompt_tokens_total"], "counter");
}

#[tokio::test]
async fn a_stop_string_is_a_stop_and_a_client_that_leaves_an_abort() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(settings());
    let body = json!({"model": "llama-tiny", "prompt": "a", "max_tokens": 200, "ignore_eos": true, "temperature": 0});
    let text = server.ask("/v1/completions", &body).await.body["choices"][0]["text"].clone();
    let mut stopped = body.clone();
    stopped["stop"] = json!(text.as_str().expect("text").chars().skip(3).take(2).collect::<String>());
    assert_eq!(server.ask("/v1/completions", &stopped).await.body["choices"][0]["finish_reason"], "stop");
    let mut left = crate::support::request("llama-tiny", "x", 900);
    left["ignore_eos"] = json!(true);
    drop(server.open(&left).await);
    let engine = &server.model("llama-tiny").engine;
    // The engine may be idle because it has not yet taken the request up: its end is what is waited for.
    let has_left = || engine.metrics().requests(EndingKind::Abort).get() == 1;
    engine.wait_for(|stats| stats.running + stats.waiting == 0 && has_left()).await.expect("alive");
    let ended = EndingKind::ALL.map(|kind| (kind.name(), engine.metrics().requests(kind).get()));
    assert_eq!(ended, [("stop", 1), ("length", 1), ("abort", 1), ("error", 0)]);
}

#[tokio::test]
async fn open_metrics_and_plain_text_say_the_same() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(settings());
    let (kind, open) = scrape(&server, Some("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")).await;
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open.ends_with("# EOF\n"));
    let (_, plain) = scrape(&server, Some("text/plain")).await;
    assert!(!plain.contains("# EOF"));
    let ((open_rows, open_families), (rows, families)) = (read(&open), read(&plain));
    assert_eq!(open_rows, rows);
    assert_eq!(open_families["vllm:prompt_tokens"], "counter");
    // In the older format a row belongs to the family of its own name.
    let suffixes = ["_bucket", "_sum", "_count"];
    let names: BTreeSet<&str> = rows.keys().filter_map(|row| row.split('{').next()).collect();
    for name in names {
        let base = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
        let is_histogram = base.is_some_and(|base| families.get(base).is_some_and(|kind| kind == "histogram"));
        assert!(is_histogram || families.contains_key(name), "{name} has no family");
    }
    assert_eq!(families.len(), open_families.len());
    let (_, nothing) = scrape(&Models::new(&[]).serve(settings()), None).await;
    assert_eq!(nothing, "");
}
