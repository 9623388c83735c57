//! A LoRA adapter as PEFT saves it, checked against the decoder that it is for, and loaded.

use std::collections::HashMap;

use crate::layers::{Adapter, AdapterLease, AdapterSite, LowRankPart, MAX_RANK};
use crate::weights::{StoredTensor, WeightSource, WeightsError};

use super::{AdapterConfig, Decoder, DecoderConfig};

/// What stands before the module's name in a tensor's.
const PREFIX: &str = "base_model.model.";
const DOWN: &str = ".lora_A.weight";
const UP: &str = ".lora_B.weight";
const DTYPES: [(&str, usize); 3] = [("f32", 4), ("f16", 2), ("bf16", 2)];

/// Why an adapter cannot be served. Messages read after "failed to load …".
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    #[error("adapter_config.json: peft_type is {found}; only LORA is supported")]
    NotLora { found: String },
    #[error("adapter_config.json: {key} is missing or has a value that it cannot have")]
    WrongValue { key: &'static str },
    #[error("adapter_config.json: {feature} is not supported")]
    Unsupported { feature: String },
    #[error("tensor {name} is of {what}, which is not supported")]
    UnsupportedTensor { name: String, what: &'static str },
    #[error("tensor {name} belongs to no linear layer that the model has and adapters can change")]
    UnknownModule { name: String },
    #[error("tensor {name} belongs to a module that target_modules does not name")]
    NotTargeted { name: String },
    #[error("tensor {name} is missing")]
    MissingTensor { name: String },
    #[error("tensor {name} has dtype {dtype}; supported are F32, F16 and BF16")]
    UnsupportedDtype { name: String, dtype: String },
    #[error("{module} has rank {rank}; at most {MAX_RANK} is supported")]
    RankTooHigh { module: String, rank: usize },
    #[error("it changes no module of the model")]
    Empty,
    #[error("what it adds to {module} is not finite")]
    NotFinite { module: String },
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// A sound adapter, before it is loaded.
#[derive(Debug)]
pub struct AdapterPlan {
    num_layers: usize,
    sites: Vec<PlannedSite>,
    bytes: usize,
}

#[derive(Debug)]
struct PlannedSite {
    site: AdapterSite,
    parts: Vec<PlannedPart>,
}

/// One module's two matrices.
#[derive(Debug)]
struct PlannedPart {
    module: String,
    rank: usize,
    num_outputs: usize,
    first_output: usize,
    scale: f32,
    value_bytes: usize,
}

impl AdapterPlan {
    /// Checks that every tensor belongs to a module that the decoder has and the settings name, that none is missing,
    /// and their shapes and dtypes. Reads no values.
    ///
    /// # Errors
    /// Of the first tensor of which one of these is not so.
    pub fn new(
        config: &AdapterConfig,
        decoder: &DecoderConfig,
        source: &dyn WeightSource,
    ) -> Result<Self, AdapterError> {
        let mut stored: Vec<StoredTensor> = source.stored();
        stored.sort_by(|one, next| one.name.cmp(&next.name));
        let mut modules: HashMap<&str, [Option<&StoredTensor>; 2]> = HashMap::new();
        for tensor in &stored {
            let (module, index) = module_of(&tensor.name)?;
            modules.entry(module).or_default()[index] = Some(tensor);
        }
        let mut plan = Self { num_layers: decoder.num_layers, sites: Vec::new(), bytes: 0 };
        for site in Decoder::adapter_sites(decoder) {
            let mut parts = Vec::new();
            let mut first_output = 0;
            for (module, num_outputs) in &site.parts {
                let found = modules.remove(module.as_str()).unwrap_or_default();
                if let Some(value_bytes) = check_pair(config, module, found)? {
                    let (rank, scale) = (config.rank(module), config.scale(module));
                    parts.push(PlannedPart {
                        module: module.clone(),
                        rank,
                        num_outputs: *num_outputs,
                        first_output,
                        scale,
                        value_bytes,
                    });
                }
                first_output += num_outputs;
            }
            plan.add(site, parts, source)?;
        }
        if let Some(tensor) = modules.values().flat_map(|pair| pair.iter().flatten()).min_by_key(|tensor| &tensor.name)
        {
            return Err(AdapterError::UnknownModule { name: tensor.name.clone() });
        }
        if plan.sites.is_empty() { Err(AdapterError::Empty) } else { Ok(plan) }
    }

    fn add(
        &mut self,
        site: AdapterSite,
        parts: Vec<PlannedPart>,
        source: &dyn WeightSource,
    ) -> Result<(), AdapterError> {
        for part in &parts {
            let PlannedPart { module, rank, num_outputs, .. } = part;
            if *rank > MAX_RANK {
                return Err(AdapterError::RankTooHigh { module: module.clone(), rank: *rank });
            }
            source.check(&tensor(module, DOWN), &[*rank, site.num_inputs])?;
            source.check(&tensor(module, UP), &[*num_outputs, *rank])?;
        }
        if !parts.is_empty() {
            let sizes: Vec<_> = parts.iter().map(|part| (part.value_bytes, part.rank, part.num_outputs)).collect();
            self.bytes += Adapter::bytes_for(&sizes, site.num_inputs);
            self.sites.push(PlannedSite { site, parts });
        }
        Ok(())
    }

    /// What the loaded adapter will take of the memory.
    pub fn memory_bytes(&self) -> u64 {
        self.bytes as u64
    }

    /// The highest of its ranks.
    pub fn rank(&self) -> usize {
        self.sites.iter().flat_map(|site| &site.parts).map(|part| part.rank).max().unwrap_or(0)
    }

    /// Reads and packs all matrices. No other adapter of the same engine may ever have this number.
    ///
    /// # Errors
    /// If reading fails, or a value is not finite.
    pub fn load(
        &self,
        source: &dyn WeightSource,
        number: u64,
        lease: Option<AdapterLease>,
    ) -> Result<Adapter, AdapterError> {
        let mut adapter = Adapter::new(number, self.num_layers, lease);
        for PlannedSite { site, parts } in &self.sites {
            let load = |part: &PlannedPart| part.load(source, site);
            let loaded = parts.iter().map(load).collect::<Result<_, WeightsError>>()?;
            if !adapter.insert((site.layer, site.projection), loaded) {
                return Err(AdapterError::NotFinite { module: parts[0].module.clone() });
            }
        }
        Ok(adapter)
    }
}

impl PlannedPart {
    fn load(&self, source: &dyn WeightSource, site: &AdapterSite) -> Result<LowRankPart, WeightsError> {
        let down = source.load(&tensor(&self.module, DOWN), &[self.rank, site.num_inputs])?;
        let up = source.load(&tensor(&self.module, UP), &[self.num_outputs, self.rank])?;
        let up = match &site.order {
            Some(order) => up.rows(self.rank, order.iter().copied()),
            None => up,
        };
        Ok(LowRankPart { down, up, scale: self.scale, first_output: self.first_output })
    }
}

fn tensor(module: &str, leaf: &str) -> String {
    [PREFIX, module, leaf].concat()
}

/// The module that a tensor belongs to, and which of its two matrices it is.
fn module_of(name: &str) -> Result<(&str, usize), AdapterError> {
    /// What is told apart for whoever reads the message.
    const KINDS: [(&str, &str); 7] = [
        ("lora_magnitude_vector", "DoRA"),
        ("lora_embedding_", "an adapter of embeddings"),
        (".bias", "a bias that was trained along"),
        (".experts.", "an adapter of experts"),
        ("modules_to_save", "a module that was trained whole"),
        ("lm_head.", "an adapter of the output head, or a whole one"),
        (".lora_", "a kind of adapter"),
    ];
    let unknown = || {
        let kind = KINDS.iter().find(|(mark, _)| name.contains(mark));
        let what = kind.map_or("a module that was trained whole", |(_, what)| what);
        AdapterError::UnsupportedTensor { name: name.to_owned(), what }
    };
    let rest = name.strip_prefix(PREFIX).ok_or_else(unknown)?;
    let found = [DOWN, UP].iter().zip(0..).find_map(|(leaf, index)| Some((rest.strip_suffix(leaf)?, index)));
    let (module, index) = found.ok_or_else(unknown)?;
    if module.contains(".experts.") || module == "lm_head" { Err(unknown()) } else { Ok((module, index)) }
}

/// Bytes of the wider values of a module's matrices; none if it has no matrices and is to have none.
fn check_pair(
    config: &AdapterConfig,
    module: &str,
    found: [Option<&StoredTensor>; 2],
) -> Result<Option<usize>, AdapterError> {
    let missing = |leaf| AdapterError::MissingTensor { name: tensor(module, leaf) };
    match (found, config.selects(module)) {
        ([None, None], None | Some(false)) => Ok(None),
        ([None, None], Some(true)) => Err(missing(DOWN)),
        ([Some(found), _] | [_, Some(found)], Some(false)) => {
            Err(AdapterError::NotTargeted { name: found.name.clone() })
        }
        ([Some(_), None], _) => Err(missing(UP)),
        ([None, Some(_)], _) => Err(missing(DOWN)),
        ([Some(down), Some(up)], _) => Ok(Some(value_bytes(down)?.max(value_bytes(up)?))),
    }
}

fn value_bytes(tensor: &StoredTensor) -> Result<usize, AdapterError> {
    DTYPES
        .iter()
        .find(|(dtype, _)| *dtype == tensor.dtype)
        .map(|(_, bytes)| *bytes)
        .ok_or_else(|| AdapterError::UnsupportedDtype { name: tensor.name.clone(), dtype: tensor.dtype.to_uppercase() })
}

#[cfg(test)]
#[path = "adapter_tests.rs"]
mod tests;
