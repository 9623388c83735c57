//! The decoder against Hugging Face transformers, for every architecture and dtype.

use std::sync::Arc;

use serde_json::Value;
use shekara_inference::engine::{EngineSettings, thread_pool};
use shekara_inference::kernels::cpu::KvDtype;
use shekara_inference::kv_cache::tensors::KvTensors;
use shekara_inference::layers::{BatchSequence, TokenBatch};
use shekara_inference::model_runner::ModelRunner;
use shekara_inference::models::{Decoder, DecoderConfig};
use shekara_inference::weights::{HfConfig, SafetensorsFolder};

use crate::support::{Dtype, Models, fixture, read_safetensors, write_safetensors};

const BLOCK_SIZE: usize = 16;
const NUM_BLOCKS: u32 = 24;

fn load(name: &str, dtype: Dtype, kv_dtype: KvDtype) -> ModelRunner {
    let models = Models::new(&[name]);
    let path = models.path(name);
    let weights = path.join("model.safetensors");
    write_safetensors(&weights, &read_safetensors(&weights), dtype);
    let config = HfConfig::read(&path.join("config.json")).expect("a config");
    let config = DecoderConfig::parse(&config).expect("supported");
    let folder = SafetensorsFolder::open(&path).expect("weights");
    let decoder = Decoder::load(&folder, config).expect("loads");
    let shape = decoder.config().attention.kv_shape(BLOCK_SIZE);
    let cache = KvTensors::new(shape, kv_dtype, decoder.config().num_layers, NUM_BLOCKS as usize);
    let threads = thread_pool(&EngineSettings::default()).expect("threads");
    ModelRunner::new(decoder, cache, BLOCK_SIZE, 256, Arc::clone(&threads))
}

/// Logits after the last of `tokens`, the first of which stands at `first_position`.
fn logits(runner: &mut ModelRunner, tokens: &[u32], first_position: usize) -> Vec<f32> {
    let sequence = BatchSequence {
        num_rows: tokens.len(),
        first_position,
        block_table: (0..NUM_BLOCKS).collect(),
        num_cached_rows: 0,
        num_logit_rows: 1,
    };
    let mut batch = TokenBatch::default();
    batch.push(tokens, sequence, BLOCK_SIZE);
    runner.logits(&batch).to_vec()
}

fn largest(logits: &[f32]) -> u32 {
    let compare = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
    logits.iter().enumerate().max_by(compare).expect("a vocabulary").0 as u32
}

fn check(name: &str, dtype: Dtype, kv_dtype: KvDtype, tolerance: f64) {
    let text = std::fs::read_to_string(fixture(&format!("{name}.golden.json"))).expect("a golden");
    let golden: Value = serde_json::from_str(&text).expect("JSON");
    let mut runner = load(name, dtype, kv_dtype);
    let cases = golden[format!("{dtype:?}").to_lowercase()].as_array().expect("cases").clone();
    assert!(!cases.is_empty());
    for case in cases {
        let ids = |key: &str| -> Vec<u32> { serde_json::from_value(case[key].clone()).expect("token ids") };
        let expected: Vec<f64> = serde_json::from_value(case["logits"].clone()).expect("logits");
        let gaps: Vec<f64> = serde_json::from_value(case["gaps"].clone()).expect("gaps");
        let (mut tokens, greedy) = (ids("tokens"), ids("greedy"));
        let mut found = logits(&mut runner, &tokens, 0);
        for (found, expected) in found.iter().zip(&expected) {
            let error = (f64::from(*found) - expected).abs();
            assert!(error < tolerance, "{name} {dtype:?} {kv_dtype:?}: {found} not {expected}");
        }
        for (token, gap) in greedy.iter().zip(gaps) {
            // Two candidates closer than the tolerance may trade places.
            assert!(largest(&found) == *token || gap < 2.0 * tolerance, "{name} {dtype:?} {kv_dtype:?}");
            tokens.push(*token);
            found = logits(&mut runner, &[*token], tokens.len() - 1);
        }
    }
}

#[test]
fn llama_agrees_with_transformers() {
    for dtype in [Dtype::Bf16, Dtype::F16, Dtype::F32] {
        check("llama-tiny", dtype, KvDtype::F32, 1e-4);
        check("llama-tiny", dtype, KvDtype::F16, 5e-3);
    }
}

#[test]
fn mistral_agrees_with_transformers_beyond_its_window() {
    for dtype in [Dtype::Bf16, Dtype::F16, Dtype::F32] {
        check("mistral-tiny", dtype, KvDtype::F32, 1e-4);
        check("mistral-tiny", dtype, KvDtype::F16, 5e-3);
    }
}

#[test]
fn qwen3_agrees_with_transformers() {
    for dtype in [Dtype::Bf16, Dtype::F16, Dtype::F32] {
        check("qwen3-tiny", dtype, KvDtype::F32, 1e-4);
        check("qwen3-tiny", dtype, KvDtype::F16, 5e-3);
    }
}
