//! What every bench needs: shapes of real models, the machine's name, numbers, results on disk.

pub mod clock;
mod copying;
mod generate;
pub mod load;
pub mod mock;
pub mod privacy_peers;
pub mod privacy_texts;

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use serde_json::{Value, json};
use shekara_inference::bench::shape_names;

/// `config.json` of a shape by name, without weights.
///
/// # Errors
/// If the name is unknown.
pub fn shape(name: &str) -> anyhow::Result<Value> {
    let found = shekara_inference::bench::shape(name);
    let found = found.with_context(|| format!("no shape is called {name}; there are {}", shape_names().join(", ")))?;
    Ok(Value::Object(found))
}

pub use copying::CopyingWeights;
pub use generate::{Generated, generate, greedy};

/// Numbers that look random and are the same in every run.
#[derive(Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// The middle one of some figures; zero for none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Rounded to hundredths, for results.
pub fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// A figure of `/proc/self/status` in bytes, such as `VmRSS` or `VmHWM`; zero where there is none.
pub fn process_bytes(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// What makes a result repeatable: machine, arguments, seed.
pub fn header(bench: &str, seed: u64) -> Value {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    json!({
        "bench": bench, "seed": seed, "cpu": cpu_model(), "cores": cpu_cores(),
        "load_average_before": load_average(),
        "command": format!("cargo run --release -p shekara-benches --bin {bench} -- {}", arguments.join(" ")),
    })
}

/// The processor's name, as far as the system tells.
pub fn cpu_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, name)| name.trim()).to_owned()
}

/// Others' work on this machine over the last minute: figures taken beside it are too low.
pub fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

pub fn cpu_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Writes `result` to `<folder>/<date>-<machine>-<name>.json` and returns the path.
///
/// # Errors
/// If the folder cannot be written.
pub fn save(folder: &Path, name: &str, result: &Value) -> anyhow::Result<PathBuf> {
    let machine =
        format!("{}-{}c", cpu_model(), cpu_cores()).to_lowercase().replace(|c: char| !c.is_alphanumeric(), "-");
    let date = Timestamp::now().strftime("%Y-%m-%d");
    let path = folder.join(format!("{date}-{machine}-{name}.json"));
    std::fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let text = serde_json::to_string_pretty(result)? + "\n";
    std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path)
}
