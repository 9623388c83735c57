//! nano-vllm's workload, scaled: many requests at once with prompts and answers of random lengths,
//! through the HTTP router. None may be lost, and memory stays at what was planned at the start.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use clap::Parser;
use futures_util::future::join_all;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shekara_benches::{Numbers, header, process_bytes, round, save};
use shekara_inference::catalog::{Catalog, ModelState};
use shekara_inference::engine::EngineSettings;
use shekara_inference::model_runner::MAX_LOGIT_ROWS;
use shekara_inference::models::{DecoderConfig, Workspace};
use shekara_inference::server::{ServerState, router};
use shekara_inference::weights::HfConfig;
use tower::ServiceExt;

const SEED: u64 = 20_261_122;
const SHORTEST: usize = 100;
const LONGEST: usize = 1024;

#[derive(Parser)]
struct Args {
    /// Folder of model folders
    #[arg(long, default_value = "models")]
    models: PathBuf,
    #[arg(long, default_value = "demo")]
    model: String,
    #[arg(long, default_value_t = 256)]
    requests: usize,
    /// Of the lengths 100 to 1024, prompts and answers alike
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    #[arg(long, default_value_t = 64)]
    max_num_seqs: usize,
    /// Memory for keys and values; little of it makes sequences give way to each other
    #[arg(long, default_value_t = 64)]
    kv_cache_mib: u64,
    #[arg(long)]
    threads: Option<usize>,
    #[arg(long, default_value = "benches/results")]
    out: PathBuf,
}

/// What was planned before the first request, in bytes.
struct Planned {
    weights: u64,
    workspace: u64,
    kv: u64,
}

impl Planned {
    fn total(&self) -> u64 {
        self.weights + self.workspace + self.kv
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut result = header("workload", SEED);
    let settings = EngineSettings {
        threads: args.threads,
        max_num_seqs: args.max_num_seqs,
        max_queue: args.requests,
        kv_cache_bytes: Some(args.kv_cache_mib << 20),
        ..EngineSettings::default()
    };
    let planned = plan(&args, &settings)?;
    let empty = process_bytes("VmRSS");
    let catalog = Catalog::load(&args.models, settings)?;
    let Some(ModelState::Ready(model)) = catalog.model(&args.model) else {
        anyhow::bail!("{} is not ready", args.model)
    };
    let app = router(ServerState::new(catalog));
    let requests = requests(&args, &app).await?;
    let loaded = process_bytes("VmRSS");
    let started = Instant::now();
    let answers = join_all(requests.iter().map(|request| {
        let (app, request) = (app.clone(), request.clone());
        tokio::spawn(async move { ask(&app, &request).await })
    }));
    let (mut lost, mut prompt_tokens, mut generated) = (0, 0, 0);
    for (answer, request) in answers.await.into_iter().zip(&requests) {
        let usage = answer?.ok().filter(|usage| usage["completion_tokens"] == request["max_tokens"]);
        lost += usize::from(usage.is_none());
        let count = |key: &str| usage.as_ref().and_then(|usage| usage[key].as_u64()).unwrap_or(0);
        prompt_tokens += count("prompt_tokens");
        generated += count("completion_tokens");
    }
    let seconds = started.elapsed().as_secs_f64();
    let engine = &model.generator().context("a model that generates text")?.engine;
    let stats = engine.wait_for(|stats| stats.running + stats.waiting == 0).await.context("the engine ended")?;
    let peak = process_bytes("VmHWM");
    let held = stats.total_blocks - stats.free_blocks;
    let mib = |bytes: u64| round(bytes as f64 / f64::from(1 << 20));
    let over = peak.saturating_sub(empty).saturating_sub(planned.total());
    writeln!(
        std::io::stdout().lock(),
        "{} requests, {prompt_tokens} tokens in, {generated} out: {:.1} tok/s out, {:.1} tok/s in all, {seconds:.1} s\n\
         {lost} lost, {held} blocks held, {} preemptions\n\
         planned {:.1} MiB (weights {:.1}, workspace {:.1}, keys and values {:.1}); resident {:.1} MiB empty, \
         {:.1} loaded, {:.1} at most: {:.1} MiB beside the plan",
        args.requests,
        generated as f64 / seconds,
        (generated + prompt_tokens) as f64 / seconds,
        stats.preemptions,
        mib(planned.total()),
        mib(planned.weights),
        mib(planned.workspace),
        mib(planned.kv),
        mib(empty),
        mib(loaded),
        mib(peak),
        mib(over)
    )?;
    result["model"] = json!(args.model);
    result["requests"] = json!({"count": args.requests, "scale": args.scale, "lost": lost,
        "prompt_tokens": prompt_tokens, "generated_tokens": generated});
    result["seconds"] = json!(round(seconds));
    result["generated_tokens_per_s"] = json!(round(generated as f64 / seconds));
    result["engine"] = json!({"preemptions": stats.preemptions, "steps": stats.steps, "blocks_held_at_end": held,
        "max_num_seqs": args.max_num_seqs, "total_blocks": stats.total_blocks});
    result["memory_mib"] = json!({"weights": mib(planned.weights), "workspace": mib(planned.workspace),
        "kv": mib(planned.kv), "empty": mib(empty), "loaded": mib(loaded), "peak": mib(peak),
        "beside_the_plan": mib(over)});
    writeln!(std::io::stdout().lock(), "{}", save(&args.out, &format!("workload-{}", args.model), &result)?.display())?;
    anyhow::ensure!(lost == 0 && held == 0, "{lost} requests lost, {held} blocks held");
    Ok(())
}

fn plan(args: &Args, settings: &EngineSettings) -> anyhow::Result<Planned> {
    let folder = args.models.join(&args.model);
    let config = DecoderConfig::parse(&HfConfig::read(&folder.join("config.json"))?)?;
    let rows = settings.max_num_batched_tokens;
    let mut weights = 0;
    for entry in std::fs::read_dir(&folder)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "safetensors") {
            weights += entry.metadata()?.len();
        }
    }
    let workspace = Workspace::bytes_for(&config, rows, rows.min(MAX_LOGIT_ROWS)) as u64;
    Ok(Planned { weights, workspace, kv: args.kv_cache_mib << 20 })
}

/// Prompts of digits, whose tokens are counted on a first one.
async fn requests(args: &Args, app: &Router) -> anyhow::Result<Vec<Value>> {
    let mut numbers = Numbers(SEED);
    let mut digits =
        |count: usize| -> String { (0..count).map(|_| char::from(b'0' + numbers.below(10) as u8)).collect() };
    let body = |content: String, max_tokens: usize| {
        json!({"model": args.model, "messages": [{"role": "user", "content": content}],
            "max_tokens": max_tokens, "temperature": 0.6, "ignore_eos": true})
    };
    let tokens = ask(app, &body(digits(400), 1)).await?["prompt_tokens"].as_u64().context("a count")?;
    let digits_per_token = 400.0 / tokens as f64;
    let mut lengths = Numbers(SEED + 1);
    let mut length = || ((SHORTEST + lengths.below(LONGEST - SHORTEST + 1)) as f64 * args.scale).max(1.0);
    let bodies = (0..args.requests).map(|_| {
        let count = (length() * digits_per_token * 0.97) as usize;
        body(digits(count), length() as usize)
    });
    Ok(bodies.collect())
}

/// The usage of a chat request's answer.
async fn ask(app: &Router, body: &Value) -> anyhow::Result<Value> {
    let request = Request::post("/v1/chat/completions").header("content-type", "application/json");
    let response = app.clone().oneshot(request.body(Body::from(body.to_string()))?).await?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes();
    anyhow::ensure!(status == StatusCode::OK, "{status}");
    let answer: Value = serde_json::from_slice(&bytes)?;
    Ok(answer["usage"].clone())
}
