//! Speed of the linear kernel by number of rows: weight traffic for few, arithmetic for many.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::Parser;
use shekara_inference::kernels::cpu::{Level, PackedMatrix, WeightDtype, linear};

#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 1024)]
    inputs: usize,
    /// Large enough that weights come from memory, as in a model
    #[arg(long, default_value_t = 65_536)]
    outputs: usize,
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8,12,16,32,128")]
    rows: Vec<usize>,
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build()?;
    let mut output = std::io::stdout().lock();
    let bytes = vec![0x3c; args.inputs * args.outputs * 2];
    let matrix = pool.install(|| PackedMatrix::pack(&bytes, WeightDtype::Bf16, args.outputs, args.inputs));
    for level in Level::available() {
        for rows in &args.rows {
            let input = vec![0.01; rows * args.inputs];
            let mut result = vec![0.0; rows * args.outputs];
            let mut scratch = Vec::new();
            let mut best = Duration::MAX;
            for _ in 0..25 {
                let started = Instant::now();
                pool.install(|| {
                    linear(level, std::slice::from_ref(&matrix), None, (&input, &mut scratch), &mut result);
                });
                best = best.min(started.elapsed());
            }
            let seconds = best.as_secs_f64();
            writeln!(
                output,
                "{:>8} {rows:>4} rows: {:7.1} GFLOP/s, {:6.1} GB/s",
                level.name(),
                2.0 * (rows * args.inputs * args.outputs) as f64 / seconds / 1e9,
                bytes.len() as f64 / seconds / 1e9
            )?;
        }
    }
    Ok(())
}
