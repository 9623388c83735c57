//! A GGUF file in our engine without HTTP, at the points that `llama-bench` measures: one line of JSON.
//!
//!     gguf FILE [--prefill 512,4096] [--decode 0,2048,8192] [--prefill-at 2048] [--streams 8,32] [--generate 32]
//!
//! All figures are tokens a second. Decoding at a depth goes on from that many tokens, which are in the cache.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use shekara_benches::{Numbers, generate, greedy, header, process_bytes, round};
use shekara_inference::bench::{Load, measure};
use shekara_inference::engine::{EngineHandle, EngineSettings, launch, thread_pool};
use shekara_inference::kernels::cpu::Level;
use shekara_inference::models::DecoderConfig;
use shekara_inference::weights::GgufWeights;

const SEED: u64 = 20_261_201;
/// More than the caches hold.
const BANDWIDTH_WORDS: usize = 64 << 20;
const BANDWIDTH_TRIES: usize = 5;
/// Of a prompt that only begins an answer.
const SHORT_PROMPT: usize = 16;

#[derive(Parser)]
struct Args {
    file: PathBuf,
    /// Lengths of prompts
    #[arg(long, value_delimiter = ',', default_value = "512,4096")]
    prefill: Vec<usize>,
    /// Tokens before those that are generated
    #[arg(long, value_delimiter = ',', default_value = "0,2048,8192")]
    decode: Vec<usize>,
    /// Depths at which 512 tokens more are read
    #[arg(long, value_delimiter = ',')]
    prefill_at: Vec<usize>,
    /// Numbers of answers at once
    #[arg(long, value_delimiter = ',')]
    streams: Vec<usize>,
    /// Tokens of each answer
    #[arg(long, default_value_t = 32)]
    generate: usize,
    #[arg(long)]
    threads: Option<usize>,
    /// Tokens of one step
    #[arg(long, default_value_t = EngineSettings::default().max_num_batched_tokens)]
    max_num_batched_tokens: usize,
    #[arg(long, default_value_t = 2048)]
    kv_cache_mib: u64,
}

struct Bench {
    engine: EngineHandle,
    vocab_size: usize,
    generate: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut result = header("gguf", SEED);
    let settings = EngineSettings {
        threads: args.threads,
        max_num_batched_tokens: args.max_num_batched_tokens,
        kv_cache_bytes: Some(args.kv_cache_mib << 20),
        // Random weights repeat themselves: guessing ahead would flatter the figures.
        num_speculative_tokens: 0,
        ..EngineSettings::default()
    };
    let threads = thread_pool(&settings)?;
    result["read_gb_per_s"] = json!(round(read_bandwidth(&threads)));
    let empty = process_bytes("VmRSS");
    let started = Instant::now();
    let weights = GgufWeights::open(&args.file)?;
    let config = DecoderConfig::parse(&weights.config()?)?;
    let vocab_size = config.vocab_size;
    let engine = launch("gguf", config, &weights, &settings, &threads)?;
    drop(weights);
    let file_bytes = std::fs::metadata(&args.file)?.len();
    result["load_s"] = json!(round(started.elapsed().as_secs_f64()));
    result["file_mb"] = json!(round(file_bytes as f64 / 1e6));
    // The cache's memory comes when it is written.
    result["loaded_mb"] = json!(round(process_bytes("VmRSS").saturating_sub(empty) as f64 / 1e6));
    let name = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let told = result["command"].as_str().map(|told| told.replace(&*args.file.to_string_lossy(), &name));
    result["command"] = json!(told);
    result["file"] = json!(name);
    result["threads"] = json!(threads.current_num_threads());
    result["kernels"] = json!(Level::best().name());
    let bench = Bench { engine, vocab_size, generate: args.generate.max(2) };
    result["tokens_per_s"] = bench.points(&args).await?;
    result["peak_mb"] = json!(round(process_bytes("VmHWM") as f64 / 1e6));
    Ok(writeln!(std::io::stdout().lock(), "{result}")?)
}

impl Bench {
    async fn points(&self, args: &Args) -> anyhow::Result<Value> {
        let mut points = Map::new();
        // The first use of everything is nobody's figure.
        self.prefill(64, "warm-up").await?;
        for length in &args.prefill {
            points.insert(format!("prefill-{length}"), json!(round(self.prefill(*length, "prefill").await?)));
        }
        for depth in &args.decode {
            points.insert(format!("decode-at-{depth}"), json!(round(self.decode(*depth).await?)));
        }
        for depth in &args.prefill_at {
            points.insert(format!("prefill-512-at-{depth}"), json!(round(self.prefill_at(*depth).await?)));
        }
        for streams in &args.streams {
            let (vocab_size, new_tokens) = (self.vocab_size, self.generate);
            let load = Load { streams: *streams, prompt_tokens: SHORT_PROMPT, new_tokens, vocab_size };
            let measured = measure(&self.engine, load).await?;
            points.insert(format!("decode-of-{streams}"), json!(round(measured.decode)));
        }
        Ok(Value::Object(points))
    }

    /// A longer one begins like a shorter one: with the same salt, what was read is in the cache.
    fn prompt(&self, length: usize) -> Vec<u32> {
        let mut numbers = Numbers(SEED);
        // Ids of special tokens are the last ones.
        (0..length.max(1)).map(|_| numbers.below(self.vocab_size / 2) as u32).collect()
    }

    async fn prefill(&self, length: usize, salt: &str) -> anyhow::Result<f64> {
        let read = generate(&self.engine, greedy(self.prompt(length), 1, &format!("{salt} {length}"))).await?;
        Ok(length as f64 / (read.first_token - read.submitted).as_secs_f64())
    }

    async fn decode(&self, depth: usize) -> anyhow::Result<f64> {
        let written = generate(&self.engine, greedy(self.prompt(depth), self.generate, "decode")).await?;
        let seconds = written.first_token.elapsed().as_secs_f64();
        anyhow::ensure!(written.tokens.len() == self.generate, "the answer ended early");
        Ok((self.generate - 1) as f64 / seconds)
    }

    async fn prefill_at(&self, depth: usize) -> anyhow::Result<f64> {
        let salt = format!("prefill at {depth}");
        generate(&self.engine, greedy(self.prompt(depth), 1, &salt)).await?;
        let read = generate(&self.engine, greedy(self.prompt(depth + 512), 1, &salt)).await?;
        Ok(512.0 / (read.first_token - read.submitted).as_secs_f64())
    }
}

/// Gigabytes a second that all threads read together, the best of a few tries: what decoding is bound by.
fn read_bandwidth(threads: &Arc<rayon::ThreadPool>) -> f64 {
    let words: Vec<u64> = threads.install(|| (0..BANDWIDTH_WORDS as u64).into_par_iter().collect());
    let part = words.len() / threads.current_num_threads();
    let best = (0..BANDWIDTH_TRIES).map(|_| {
        let started = Instant::now();
        let sum = threads.install(|| words.par_chunks(part.max(1)).map(sum).reduce(|| 0, u64::wrapping_add));
        std::hint::black_box(sum);
        (words.len() * size_of::<u64>()) as f64 / started.elapsed().as_secs_f64() / 1e9
    });
    best.fold(0.0, f64::max)
}

/// Eight sums at once, so that it is the memory that is waited for.
fn sum(words: &[u64]) -> u64 {
    let mut sums = [0_u64; 8];
    for group in words.chunks_exact(8) {
        for (sum, word) in sums.iter_mut().zip(group) {
            *sum = sum.wrapping_add(*word);
        }
    }
    sums.into_iter().fold(0, u64::wrapping_add)
}
