//! What every bench needs: shapes of real models, the machine's name, results on disk.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

/// `config.json` of a shape by name, without weights.
///
/// # Errors
/// If the name is unknown.
pub fn shape(name: &str) -> anyhow::Result<Value> {
    Ok(match name {
        "qwen3-0.6b" => json!({
            "architectures": ["Qwen3ForCausalLM"], "vocab_size": 151_936, "hidden_size": 1024,
            "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
            "intermediate_size": 3072, "max_position_embeddings": 40_960, "rope_theta": 1e6,
            "tie_word_embeddings": true
        }),
        "llama-3.2-1b" => json!({
            "architectures": ["LlamaForCausalLM"], "vocab_size": 128_256, "hidden_size": 2048,
            "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64,
            "intermediate_size": 8192, "max_position_embeddings": 131_072, "rope_theta": 5e5,
            "tie_word_embeddings": true
        }),
        other => bail!("no shape is called {other}; there are qwen3-0.6b and llama-3.2-1b"),
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
