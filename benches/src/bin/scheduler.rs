//! What planning a step and taking in what it brought costs, by the number of sequences that are decoded.
//!
//!     scheduler [--sequences 1,64,256] [--depth 1000] [--steps 2000]
//!
//! `percent_of_h200_step` is of the shortest step that we aim at: 256 tokens at 14,500 a second.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::json;
use shekara_benches::{header, median, round};
use shekara_inference::kv_cache::BlockPool;
use shekara_inference::scheduler::{Progress, Scheduler, SchedulerConfig, Sequence, SequenceId};

const BLOCK_SIZE: usize = 16;
/// Tokens of a step while prompts are read.
const MAX_TOKENS: usize = 8192;
/// Of 256 tokens on the fastest device that we serve with.
const SHORTEST_STEP_US: f64 = 256.0 / 14_500.0 * 1e6;

#[derive(Parser)]
struct Args {
    #[arg(long, value_delimiter = ',', default_value = "1,64,256")]
    sequences: Vec<usize>,
    /// Tokens of each prompt
    #[arg(long, default_value_t = 1000)]
    depth: usize,
    /// Steps that are timed
    #[arg(long, default_value_t = 2000)]
    steps: usize,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut result = header("scheduler", 0);
    for count in &args.sequences {
        let mut times: Vec<f64> = steps(*count, &args).iter().map(|time| time.as_secs_f64() * 1e6).collect();
        times.sort_by(f64::total_cmp);
        let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
        let median = median(times);
        result[format!("of_{count}")] = json!({
            "median_us": round(median), "p99_us": round(p99), "percent_of_h200_step": round(median / SHORTEST_STEP_US * 100.0),
        });
    }
    Ok(writeln!(std::io::stdout().lock(), "{result}")?)
}

/// How long each step took, of decoding alone.
fn steps(count: usize, args: &Args) -> Vec<Duration> {
    let blocks = count * (args.depth + args.steps).div_ceil(BLOCK_SIZE) + count;
    let pool = BlockPool::new(blocks as u32, BLOCK_SIZE);
    let config = SchedulerConfig { max_num_seqs: count, max_num_batched_tokens: MAX_TOKENS, window: None };
    let mut scheduler = Scheduler::new(config, pool);
    for number in 0..count {
        // Nobody's prompt begins like another's.
        let prompt = (0..args.depth).map(|at| ((number + 1) * 7919 + at * 31) as u32).collect();
        let sequence = Sequence::new(SequenceId(number as u64), prompt).with_salt(Arc::from(number.to_string()));
        scheduler.add(sequence);
    }
    let mut times = Vec::with_capacity(args.steps);
    while times.len() < args.steps {
        let started = Instant::now();
        let plan = scheduler.schedule();
        let planned = started.elapsed();
        let decodes = plan.sequences.iter().all(|sequence| sequence.samples && sequence.tokens.len() == 1);
        let drawn = plan.sequences.iter().filter(|sequence| sequence.samples);
        let progress: Vec<Progress> =
            drawn.map(|sequence| Progress { id: sequence.id, num_accepted_drafts: 0, tokens: vec![7] }).collect();
        let started = Instant::now();
        scheduler.complete(&plan, &progress);
        if decodes && plan.sequences.len() == count {
            times.push(planned + started.elapsed());
        }
    }
    times
}
