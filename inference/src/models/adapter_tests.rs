//! Adapters' tensors against the decoder that they are for.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::kernels::cpu::{KvDtype, WeightDtype};
use crate::kv_cache::tensors::KvTensors;
use crate::layers::{BatchSequence, TokenBatch};
use crate::models::Workspace;
use crate::weights::{DummyWeights, HfConfig, RawTensor};

/// Tensors of the same value in `f32`, by their names.
#[derive(Clone, Default)]
struct Stored(BTreeMap<String, (Vec<usize>, f32)>);

impl Stored {
    fn with(mut self, module: &str, shapes: [[usize; 2]; 2]) -> Self {
        for (leaf, shape) in [DOWN, UP].into_iter().zip(shapes) {
            self.0.insert(tensor(module, leaf), (shape.to_vec(), 0.5));
        }
        self
    }
}

impl WeightSource for Stored {
    fn stored(&self) -> Vec<StoredTensor> {
        let stored = |(name, (shape, _)): (&String, &(Vec<usize>, f32))| StoredTensor {
            name: name.clone(),
            shape: shape.clone(),
            dtype: "f32".to_owned(),
            bytes: shape.iter().product::<usize>() as u64 * 4,
        };
        self.0.iter().map(stored).collect()
    }

    fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        let (found, _) = self.0.get(name).ok_or_else(|| WeightsError::MissingTensor { name: name.to_owned() })?;
        if found == shape {
            return Ok(());
        }
        Err(WeightsError::WrongShape { name: name.to_owned(), expected: shape.to_vec(), found: found.clone() })
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        self.check(name, shape)?;
        let bytes = self.0[name].1.to_le_bytes().repeat(shape.iter().product());
        Ok(RawTensor { dtype: WeightDtype::F32, shape: shape.to_vec(), bytes })
    }

    fn check_bytes(&self, _: &str, _: &[usize]) -> Result<(), WeightsError> {
        unreachable!("adapters have no bytes")
    }

    fn load_bytes(&self, _: &str, _: &[usize]) -> Result<Vec<u8>, WeightsError> {
        unreachable!("adapters have no bytes")
    }
}

fn decoder(changes: &Value) -> DecoderConfig {
    let mut values = json!({"architectures": ["LlamaForCausalLM"], "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 48, "vocab_size": 100});
    values.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
    DecoderConfig::parse(&HfConfig::from_values(values.as_object().expect("an object").clone())).expect("valid")
}

fn settings(targets: &Value) -> AdapterConfig {
    let values = json!({"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": targets,
        "layers_to_transform": [1]});
    AdapterConfig::parse(values.as_object().expect("an object")).expect("understood")
}

const QUERY: &str = "model.layers.0.self_attn.q_proj";
const VALUE: &str = "model.layers.1.self_attn.v_proj";
const DOWN_PROJECTION: &str = "model.layers.1.mlp.down_proj";

fn sound() -> Stored {
    Stored::default().with(VALUE, [[4, 32], [16, 4]]).with(DOWN_PROJECTION, [[4, 48], [32, 4]])
}

fn plan(stored: &Stored) -> Result<AdapterPlan, AdapterError> {
    AdapterPlan::new(&settings(&json!(["v_proj", "down_proj"])), &decoder(&json!({})), stored)
}

#[test]
fn a_sound_one_is_loaded_and_takes_what_was_said() {
    let plan = plan(&sound()).expect("sound");
    let places: Vec<_> = plan.sites.iter().map(|site| (site.site.layer, site.parts[0].first_output)).collect();
    // Behind the queries and keys of the fused projection.
    assert_eq!(places, [(1, 32 + 16), (1, 0)]);
    let adapter = plan.load(&sound(), 7, None).expect("loads");
    assert_eq!((adapter.number(), adapter.rank(), plan.rank()), (7, 4, 4));
    assert_eq!(adapter.size_in_bytes() as u64, plan.memory_bytes());
}

#[test]
fn what_is_wrong_is_named() {
    let module = "model.layers.1.self_attn.";
    let without = |leaf: &str| {
        let mut stored = sound();
        stored.0.remove(&tensor(VALUE, leaf)).expect("there");
        stored
    };
    let named = |name: &str| {
        let mut stored = sound();
        stored.0.insert(name.to_owned(), (vec![4, 32], 0.5));
        stored
    };
    for (stored, expected) in [
        (without(DOWN), format!("{VALUE}{DOWN} is missing")),
        (without(UP), format!("{VALUE}{UP} is missing")),
        (Stored::default().with(VALUE, [[4, 32], [16, 4]]), format!("{DOWN_PROJECTION}{DOWN} is missing")),
        (sound().with(VALUE, [[4, 31], [16, 4]]), "shape [4, 31]".to_owned()),
        (sound().with(VALUE, [[5, 32], [16, 5]]), "shape [5, 32]".to_owned()),
        (sound().with(VALUE, [[4, 32], [32, 4]]), "shape [32, 4]".to_owned()),
        (sound().with(&format!("{module}w_proj"), [[4, 32], [16, 4]]), "belongs to no linear layer".to_owned()),
        (sound().with("model.layers.2.mlp.down_proj", [[4, 48], [32, 4]]), "belongs to no linear layer".to_owned()),
        (sound().with(&format!("{module}q_proj"), [[4, 32], [32, 4]]), "target_modules does not name".to_owned()),
        (sound().with("model.layers.0.self_attn.v_proj", [[4, 32], [16, 4]]), "does not name".to_owned()),
        (sound().with("model.layers.1.mlp.experts.0.up_proj", [[4, 32], [48, 4]]), "experts".to_owned()),
        (sound().with("lm_head", [[4, 32], [100, 4]]), "output head".to_owned()),
        (named("base_model.model.lm_head.weight"), "output head".to_owned()),
        (named(&tensor(VALUE, ".lora_magnitude_vector")), "DoRA".to_owned()),
        (named(&tensor(VALUE, ".lora_B.bias")), "bias".to_owned()),
        (named(&tensor("model.embed_tokens", ".lora_embedding_A")), "embeddings".to_owned()),
        (named(&tensor("model.embed_tokens", ".weight")), "trained whole".to_owned()),
        (named(&tensor(VALUE, ".lora_A.default.weight")), "a kind of adapter".to_owned()),
        (named("model.layers.1.self_attn.v_proj.weight"), "trained whole".to_owned()),
    ] {
        let error = plan(&stored).expect_err(&expected).to_string();
        assert!(error.contains(&expected), "{error} is not {expected}");
    }
    let none = AdapterPlan::new(&settings(&json!(["nowhere"])), &decoder(&json!({})), &Stored::default());
    assert!(matches!(none, Err(AdapterError::Empty)));
}

#[test]
fn ranks_are_bounded_and_values_must_be_finite() {
    let rank = MAX_RANK + 1;
    let values = json!({"peft_type": "LORA", "r": rank, "lora_alpha": 8, "target_modules": [QUERY]});
    let config = AdapterConfig::parse(values.as_object().expect("an object")).expect("understood");
    let stored = Stored::default().with(QUERY, [[rank, 32], [32, rank]]);
    let error = AdapterPlan::new(&config, &decoder(&json!({})), &stored).expect_err("refused");
    assert!(matches!(error, AdapterError::RankTooHigh { rank: found, .. } if found == rank));
    let mut huge = sound();
    for (_, value) in huge.0.values_mut() {
        *value = 1e25;
    }
    let error = plan(&huge).expect("sound shapes").load(&huge, 1, None).expect_err("refused");
    assert!(matches!(error, AdapterError::NotFinite { module } if module == VALUE));
}

#[test]
fn layers_of_experts_can_be_changed_beside_them_and_latent_attention_in_all_its_parts() {
    let config = fixture("deepseek-v3");
    let sites: Vec<AdapterSite> = Decoder::adapter_sites(&config).collect();
    let names: Vec<&str> = sites.iter().flat_map(|site| &site.parts).map(|(name, _)| name.as_str()).collect();
    for name in ["q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj"] {
        assert!(names.contains(&format!("model.layers.1.self_attn.{name}").as_str()), "{name}: {names:?}");
    }
    assert!(names.contains(&"model.layers.0.mlp.down_proj"), "the first layers are dense");
    assert!(!names.iter().any(|name| name.contains("experts")));
}

fn fixture(name: &str) -> DecoderConfig {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/architectures");
    let config = HfConfig::read(&folder.join(name).join("config.json")).expect("a config");
    DecoderConfig::parse(&config).expect("valid")
}

/// An adapter of everything that can be adapted, of random values.
fn drawn(config: &DecoderConfig, rank: usize, number: u64) -> Arc<Adapter> {
    let mut adapter = Adapter::new(number, config.num_layers, None);
    for site in Decoder::adapter_sites(config) {
        let mut first_output = 0;
        let part = |(module, outputs): &(String, usize)| {
            let load = |name: &str, shape: [usize; 2]| {
                DummyWeights::new(number).load(&format!("{module}.{name}"), &shape).expect("always there")
            };
            let (down, up) = (load("down", [rank, site.num_inputs]), load("up", [*outputs, rank]));
            first_output += outputs;
            LowRankPart { down, up, scale: 40.0, first_output: first_output - outputs }
        };
        let parts = site.parts.iter().map(part).collect();
        assert!(adapter.insert((site.layer, site.projection), parts));
    }
    Arc::new(adapter)
}

const NUM_ROWS: usize = 24;
const BLOCK_SIZE: usize = 16;

/// A small decoder of random weights that runs sequences of the same tokens, each with its adapter.
struct Model {
    decoder: Decoder,
    cache: KvTensors,
    workspace: Workspace,
}

impl Model {
    fn new(config: DecoderConfig) -> Self {
        let shape = config.attention.kv_shape(BLOCK_SIZE);
        let cache = KvTensors::new(shape, KvDtype::F16, config.num_layers, 8);
        let decoder = Decoder::load(&DummyWeights::new(3), config).expect("dummy weights load");
        let mut workspace = Workspace::default();
        workspace.reserve(decoder.config(), 4 * NUM_ROWS, 4 * NUM_ROWS);
        Self { decoder, cache, workspace }
    }

    /// The bits of all logits of these rows of each sequence.
    fn run(&mut self, adapters: &[Option<&Arc<Adapter>>], rows: std::ops::Range<usize>) -> Vec<Vec<u32>> {
        let mut batch = TokenBatch::default();
        for (index, adapter) in (0u32..).zip(adapters) {
            let sequence = BatchSequence {
                num_rows: rows.len(),
                first_position: rows.start,
                block_table: vec![2 * index, 2 * index + 1],
                num_cached_rows: 0,
                num_logit_rows: rows.len(),
            };
            let tokens: Vec<u32> = rows.clone().map(|at| (at * 31 % 90) as u32).collect();
            batch.push(&tokens, sequence, BLOCK_SIZE);
            if let Some(adapter) = adapter {
                batch.adapt(adapter);
            }
        }
        self.decoder.forward(&batch, &mut self.cache, &mut self.workspace);
        let width = rows.len() * self.decoder.config().vocab_size;
        let logits = self.decoder.logits(0..batch.num_logit_rows(), &mut self.workspace);
        logits.chunks_exact(width).map(|logits| logits.iter().map(|logit| logit.to_bits()).collect()).collect()
    }
}

#[test]
fn sequences_have_the_same_bits_with_their_adapters_in_any_company() {
    for name in ["llama-llama3", "phi3", "gpt-neox", "falcon-7b", "phi", "gemma2", "olmo2", "mixtral", "deepseek-v3"] {
        let config = fixture(name);
        let adapters = [drawn(&config, 4, 1), drawn(&config, 33, 2)];
        let mut model = Model::new(config);
        let reserved = model.workspace.size_in_bytes();
        let all = [None, Some(&adapters[0]), Some(&adapters[1]), Some(&adapters[0])];
        let together = model.run(&all, 0..NUM_ROWS);
        for (at, adapter) in all.into_iter().enumerate() {
            assert!(model.run(&[adapter], 0..NUM_ROWS)[0] == together[at], "{name}: {at} alone");
        }
        assert!(together[1] == together[3] && together[0] != together[1], "{name}");
        assert!(together[1] != together[2] && together[0] != together[2], "{name}");
        let width = model.decoder.config().vocab_size;
        for rows in [0..1, 1..17, 17..NUM_ROWS] {
            let chunk = model.run(&all, rows.clone());
            for (chunk, together) in chunk.iter().zip(&together) {
                assert!(*chunk == together[rows.start * width..rows.end * width], "{name}: {rows:?}");
            }
        }
        assert_eq!(model.workspace.size_in_bytes(), reserved, "{name}");
    }
}
