//! How long a short request waits for its first token while long prompts are in prefill.
//!
//! A request that comes amid a step can join the next one at the earliest, so two steps are the
//! least; that they are also the most is what this shows. Beside it, the same on an idle engine.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use serde_json::{Value, json};
use shekara_benches::{Numbers, generate, greedy, header, median, round, save, shape};
use shekara_inference::engine::{EngineHandle, EngineSettings, launch, thread_pool};
use shekara_inference::kernels::cpu::KvDtype;
use shekara_inference::models::DecoderConfig;
use shekara_inference::weights::{DummyWeights, HfConfig};

const SEED: u64 = 20_261_122;

#[derive(Parser)]
struct Args {
    /// Shape of the model: small, qwen3-0.6b or llama-3.2-1b
    #[arg(long, default_value = "small")]
    shape: String,
    /// Tokens of each short prompt, one after the other
    #[arg(long, value_delimiter = ',', default_value = "32,64,100,150")]
    short: Vec<usize>,
    /// Short requests of each length
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Long prompts in prefill at the same time
    #[arg(long, default_value_t = 4)]
    long: usize,
    /// Tokens of each long prompt
    #[arg(long, default_value_t = 8192)]
    long_tokens: usize,
    #[arg(long, default_value_t = 256)]
    max_num_batched_tokens: usize,
    #[arg(long)]
    threads: Option<usize>,
    #[arg(long, default_value = "benches/results")]
    out: PathBuf,
}

/// Times of short requests of one length.
struct Row {
    tokens: usize,
    idle_ms: f64,
    flooded_ms: Vec<f64>,
    /// Steps that ended between a request and its first token.
    steps: Vec<u64>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let Value::Object(values) = shape(&args.shape)? else { anyhow::bail!("a shape is an object") };
    let config = DecoderConfig::parse(&HfConfig::from_values(values))?;
    let vocab_size = config.vocab_size;
    let kv_tokens = ((args.long + 2) * (args.long_tokens + 64)) as u64;
    let kv_bytes =
        kv_tokens * (config.attention.kv_shape(16).block_bytes(KvDtype::F16) * config.num_layers) as u64 / 16;
    let settings = EngineSettings {
        threads: args.threads,
        max_num_batched_tokens: args.max_num_batched_tokens,
        num_speculative_tokens: 0,
        kv_cache_bytes: Some(kv_bytes),
        ..EngineSettings::default()
    };
    let mut result = header("fairness", SEED);
    let threads = thread_pool(&settings)?;
    let engine = launch(&args.shape, config, &DummyWeights::new(SEED), &settings, &threads)?;
    let mut numbers = Numbers(SEED);
    let mut prompt =
        move |tokens: usize| -> Vec<u32> { (0..tokens).map(|_| numbers.below(vocab_size) as u32).collect() };
    let mut rows = Vec::new();
    for tokens in &args.short {
        let mut idle = Vec::new();
        for _ in 0..args.runs {
            let one = generate(&engine, greedy(prompt(*tokens), 1, "")).await?;
            idle.push((one.first_token - one.submitted).as_secs_f64() * 1e3);
        }
        rows.push(Row { tokens: *tokens, idle_ms: median(idle), flooded_ms: Vec::new(), steps: Vec::new() });
    }
    let mut step_ms = Vec::new();
    let mut moments = Numbers(SEED + 1);
    for _ in 0..args.runs {
        let longs: Vec<Vec<u32>> = (0..args.long).map(|_| prompt(args.long_tokens)).collect();
        step_ms.extend(flood(&engine, longs, &mut rows, &mut prompt, &mut moments).await?);
    }
    report(&args, &rows, &step_ms, &mut result)?;
    Ok(())
}

/// One short request of each length while the long prompts are in prefill; times of the steps.
async fn flood(
    engine: &EngineHandle,
    longs: Vec<Vec<u32>>,
    rows: &mut [Row],
    prompt: &mut impl FnMut(usize) -> Vec<u32>,
    numbers: &mut Numbers,
) -> anyhow::Result<Vec<f64>> {
    let num_long = longs.len();
    let longs: Vec<_> = longs
        .into_iter()
        .map(|prompt| {
            let engine = engine.clone();
            tokio::spawn(async move { generate(&engine, greedy(prompt, 1, "")).await })
        })
        .collect();
    // One after the other or side by side: that is the scheduler's choice.
    engine.wait_for(|stats| stats.running + stats.waiting == num_long).await;
    let (begun, first_step) = (Instant::now(), engine.stats().steps);
    for row in rows {
        // Amid the flood, a few steps after the one before, and anywhere in a step.
        let from = engine.stats().steps;
        engine.wait_for(|stats| stats.steps >= from + 3).await;
        let since = engine.stats().steps - first_step;
        let step = begun.elapsed() / u32::try_from(since.max(1))?;
        tokio::time::sleep(step * numbers.below(100) as u32 / 100).await;
        let short = generate(engine, greedy(prompt(row.tokens), 1, "")).await?;
        row.steps.push(short.steps_to_first_token);
        row.flooded_ms.push((short.first_token - short.submitted).as_secs_f64() * 1e3);
    }
    let steps = engine.stats().steps - first_step;
    anyhow::ensure!(longs.iter().all(|long| !long.is_finished()), "the flood was over too soon: use longer prompts");
    let mean = begun.elapsed().as_secs_f64() * 1e3 / steps.max(1) as f64;
    for long in longs {
        long.abort();
        let _ = long.await;
    }
    engine.wait_for(|stats| stats.running + stats.waiting == 0).await;
    Ok(vec![mean])
}

fn report(args: &Args, rows: &[Row], step_ms: &[f64], result: &mut Value) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    let step = median(step_ms.to_vec());
    writeln!(
        output,
        "{}: {} prompts of {} tokens in prefill, {} tokens a step, {step:.1} ms a step",
        args.shape, args.long, args.long_tokens, args.max_num_batched_tokens
    )?;
    let mut lines = Vec::new();
    for row in rows {
        let most = row.steps.iter().max().copied().unwrap_or(0);
        let (flooded, slowest) = (median(row.flooded_ms.clone()), row.flooded_ms.iter().copied().fold(0.0, f64::max));
        writeln!(
            output,
            "{:>5} tokens: first token after {most} steps at most, {flooded:7.1} ms (slowest {slowest:.1}), \
             idle {:.1} ms",
            row.tokens, row.idle_ms
        )?;
        lines.push(json!({"prompt_tokens": row.tokens, "steps": row.steps, "most_steps": most,
            "flooded_ms": round(flooded), "slowest_ms": round(slowest), "idle_ms": round(row.idle_ms)}));
    }
    result["shape"] = json!(args.shape);
    result["long_prompts"] = json!({"count": args.long, "tokens": args.long_tokens});
    result["max_num_batched_tokens"] = json!(args.max_num_batched_tokens);
    result["step_ms"] = json!(round(step));
    result["rows"] = json!(lines);
    writeln!(output, "{}", save(&args.out, &format!("fairness-{}", args.shape), result)?.display())?;
    let most = rows.iter().flat_map(|row| &row.steps).max().copied().unwrap_or(0);
    anyhow::ensure!(most <= 2, "a short request waited for {most} steps");
    Ok(())
}
