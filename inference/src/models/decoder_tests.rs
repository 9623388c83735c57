//! The decoder against itself: in chunks, in slices, with blocks given back or shared.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::kernels::NO_BLOCK;
use crate::kernels::cpu::KvDtype;
use crate::layers::BatchSequence;
use crate::weights::{DummyWeights, HfConfig, RawTensor};

/// Remembers what was asked for.
struct Recorder(Mutex<HashSet<(String, Vec<usize>)>>);

impl WeightSource for Recorder {
    fn check(&self, _: &str, _: &[usize]) -> Result<(), WeightsError> {
        Ok(())
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        self.0.lock().expect("not poisoned").insert((name.to_owned(), shape.to_vec()));
        DummyWeights::new(1).load(name, shape)
    }

    fn check_bytes(&self, _: &str, _: &[usize]) -> Result<(), WeightsError> {
        Ok(())
    }

    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError> {
        self.0.lock().expect("not poisoned").insert((name.to_owned(), shape.to_vec()));
        DummyWeights::new(1).load_bytes(name, shape)
    }
}

/// Checks that what is verified is what is loaded.
fn check_tensors(name: &str, config: DecoderConfig) {
    let recorder = Recorder(Mutex::default());
    let listed = tensors(&config).into_iter().chain(byte_tensors(&config)).collect::<HashSet<_>>();
    Decoder::load(&recorder, config).expect("dummy weights load");
    assert!(recorder.0.into_inner().expect("not poisoned") == listed, "{name}");
}

#[test]
fn verify_checks_exactly_what_load_reads() {
    for (architecture, tied, bias) in
        [("LlamaForCausalLM", true, true), ("MistralForCausalLM", true, false), ("Qwen3ForCausalLM", false, false)]
    {
        let values = json!({"architectures": [architecture], "hidden_size": 32,
            "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "head_dim": 8, "intermediate_size": 48, "vocab_size": 100,
            "tie_word_embeddings": tied, "attention_bias": bias, "mlp_bias": bias});
        let values = values.as_object().expect("an object").clone();
        check_tensors(architecture, DecoderConfig::parse(&HfConfig::from_values(values)).expect("valid"));
    }
    for (name, config) in fixtures() {
        check_tensors(&name, config);
    }
}

/// Every architecture's fixture and its configuration.
fn fixtures() -> Vec<(String, DecoderConfig)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/architectures");
    let entries = std::fs::read_dir(folder).expect("fixtures");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("entry").path();
        let config = HfConfig::read(&path.join("config.json")).expect("a config");
        let config = DecoderConfig::parse(&config).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.display().to_string(), config)
    };
    entries.map(read).collect()
}

const BLOCK_SIZE: usize = 16;

/// A small decoder of random weights, its cache and its buffers.
struct Model {
    decoder: Decoder,
    cache: KvTensors,
    workspace: Workspace,
}

impl Model {
    fn new(architecture: &str, num_blocks: usize) -> Self {
        let values = json!({"architectures": [architecture], "hidden_size": 32, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48, "vocab_size": 100,
            "head_dim": 8, "max_position_embeddings": 1000, "sliding_window": 24});
        let values = values.as_object().expect("an object").clone();
        let config = DecoderConfig::parse(&HfConfig::from_values(values)).expect("valid");
        Self::of(config, num_blocks)
    }

    fn of(config: DecoderConfig, num_blocks: usize) -> Self {
        let shape = config.attention.kv_shape(BLOCK_SIZE);
        let cache = KvTensors::new(shape, KvDtype::F16, config.num_layers, num_blocks);
        let decoder = Decoder::load(&DummyWeights::new(3), config).expect("dummy weights load");
        Self { decoder, cache, workspace: Workspace::default() }
    }

    /// Runs one sequence's rows and returns the logits of those that want any, by their bits.
    fn run(&mut self, tokens: &[u32], sequence: BatchSequence) -> Vec<u32> {
        let mut batch = TokenBatch::default();
        batch.push(tokens, sequence, BLOCK_SIZE);
        self.decoder.forward(&batch, &mut self.cache, &mut self.workspace);
        let logits = self.decoder.logits(0..batch.num_logit_rows(), &mut self.workspace);
        assert!(logits.iter().all(|logit| logit.is_finite()));
        logits.iter().map(|logit| logit.to_bits()).collect()
    }
}

/// Rows that all want logits.
fn rows(num_rows: usize, first_position: usize, block_table: Vec<u32>) -> BatchSequence {
    BatchSequence { num_rows, first_position, block_table, num_cached_rows: 0, num_logit_rows: num_rows }
}

fn prompt(length: u32) -> Vec<u32> {
    (0..length).map(|at| (at * 37 + at / 7) % 100).collect()
}

#[test]
fn a_sequence_of_any_length_lives_in_three_blocks_of_a_short_window() {
    const RING: usize = 3;
    let tokens = prompt(150);
    let mut whole = Model::new("MistralForCausalLM", 10);
    let window = whole.decoder.config().kv_window().expect("all layers slide");
    let expected = whole.run(&tokens, rows(150, 0, (0..10).collect()));
    for chunk in [1, 5, 9] {
        let mut model = Model::new("MistralForCausalLM", RING);
        let mut found = Vec::new();
        for first in (0..150).step_by(chunk) {
            let count = chunk.min(150 - first);
            let gone = (first + 1).saturating_sub(window) / BLOCK_SIZE;
            let block = |index| if index < gone { NO_BLOCK } else { (index % RING) as u32 };
            let table = (0..(first + count).div_ceil(BLOCK_SIZE)).map(block).collect();
            found.extend(model.run(&tokens[first..first + count], rows(count, first, table)));
        }
        assert!(found == expected, "chunks of {chunk}");
    }
    let mut llama = Model::new("LlamaForCausalLM", 10);
    assert_eq!(llama.decoder.config().kv_window(), None);
    let unbounded = llama.run(&tokens, rows(150, 0, (0..10).collect()));
    assert!(unbounded[..24 * 100] == expected[..24 * 100] && unbounded[24 * 100..] != expected[24 * 100..]);
}

#[test]
fn rows_that_are_cached_are_computed_but_not_stored() {
    let tokens = prompt(40);
    for architecture in ["LlamaForCausalLM", "MistralForCausalLM"] {
        let mut model = Model::new(architecture, 3);
        let expected = model.run(&tokens, rows(40, 0, vec![0, 1, 2]));
        let again = BatchSequence { num_cached_rows: 1, ..rows(1, 39, vec![0, 1, 2]) };
        assert!(model.run(&tokens[39..], again) == expected[39 * 100..], "the same row again");
        // Another token in the place of a cached one leaves what is cached alone.
        let other = BatchSequence { num_cached_rows: 2, ..rows(2, 30, vec![0, 1, 2]) };
        assert!(model.run(&[1, 2], other) != expected[30 * 100..32 * 100]);
        assert!(model.run(&tokens[35..], rows(5, 35, vec![0, 1, 2])) == expected[35 * 100..]);
    }
}

#[test]
fn logits_have_the_same_bits_in_any_slice() {
    let tokens = prompt(40);
    let mut model = Model::new("Qwen3ForCausalLM", 3);
    let expected = model.run(&tokens, rows(40, 0, vec![0, 1, 2]));
    for slice in [1, 3, 16] {
        let found: Vec<u32> = (0..40)
            .step_by(slice)
            .flat_map(|first| {
                let logits = model.decoder.logits(first..40.min(first + slice), &mut model.workspace);
                logits.iter().map(|logit| logit.to_bits()).collect::<Vec<_>>()
            })
            .collect();
        assert!(found == expected, "slices of {slice}");
    }
    let last = BatchSequence { num_logit_rows: 2, ..rows(40, 0, vec![0, 1, 2]) };
    assert!(model.run(&tokens, last) == expected[38 * 100..]);
    let none = BatchSequence { num_logit_rows: 0, ..rows(40, 0, vec![0, 1, 2]) };
    assert!(model.run(&tokens, none).is_empty());
}

#[test]
fn memory_stays_at_what_was_reserved() {
    let tokens = prompt(40);
    for architecture in ["LlamaForCausalLM", "Qwen3ForCausalLM"] {
        let mut model = Model::new(architecture, 3);
        model.workspace.reserve(model.decoder.config(), 40, 4);
        let reserved = model.workspace.size_in_bytes();
        assert_eq!(reserved, Workspace::bytes_for(model.decoder.config(), 40, 4));
        for (first, count) in [(0, 1), (0, 40), (39, 1), (0, 17)] {
            let wanted = BatchSequence { num_logit_rows: 4, ..rows(count, first, vec![0, 1, 2]) };
            model.run(&tokens[first..first + count], wanted);
            assert_eq!(model.workspace.size_in_bytes(), reserved);
        }
        // Without it the same step takes as much or, growing by doubling, more, but for what adapters would take.
        let reserved = reserved - model.workspace.scratch.adapters.size_in_bytes();
        let mut grown = Model::new(architecture, 3);
        grown.run(&tokens, BatchSequence { num_logit_rows: 4, ..rows(40, 0, vec![0, 1, 2]) });
        assert!(grown.workspace.size_in_bytes() >= reserved);
    }
}

#[test]
fn no_architecture_grows_beyond_what_was_reserved() {
    for (name, config) in fixtures() {
        let mut model = Model::of(config, 3);
        model.workspace.reserve(model.decoder.config(), 40, 4);
        let reserved = Workspace::bytes_for(model.decoder.config(), 40, 4);
        let wanted = BatchSequence { num_logit_rows: 4, ..rows(40, 0, vec![0, 1, 2]) };
        model.run(&prompt(40), wanted);
        assert_eq!(model.workspace.size_in_bytes(), reserved, "{name}");
    }
}

#[test]
fn a_sequence_has_the_same_bits_in_chunks_of_any_size() {
    let tokens = prompt(40);
    for (name, config) in fixtures() {
        let vocab_size = config.vocab_size;
        let mut model = Model::of(config, 3);
        let whole = model.run(&tokens, rows(40, 0, vec![0, 1, 2]));
        for chunk in [1, 7] {
            for first in (0..40).step_by(chunk) {
                let count = chunk.min(40 - first);
                let found = model.run(&tokens[first..first + count], rows(count, first, vec![0, 1, 2]));
                let expected = &whole[first * vocab_size..(first + count) * vocab_size];
                assert!(found == expected, "{name}: chunks of {chunk}");
            }
        }
    }
}
