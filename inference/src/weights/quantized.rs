//! Weights rounded while they are loaded, and kept on disk so that it is done once.
//!
//! Matrices of projections are rounded; embeddings, norms, biases and routers stay as they are, and
//! an output head is never rounded below eight bits: those are small, or cost the most.

use std::str::FromStr;

use rayon::prelude::*;
use serde::{Deserialize, Deserializer};

use crate::kernels::cpu::{BlockFormat, WeightDtype, quantize_row};

use super::quantized_cache::QuantizedCache;
use super::{RawTensor, StoredTensor, WeightSource, WeightsError};

/// Parts of names of matrices that stay as they are.
const KEPT: [&str; 7] = ["embed", "token_embd", "norm", "wte", ".router", ".gate.weight", "shared_expert_gate"];
/// Rows that one thread rounds in a go.
const ROWS_TOGETHER: usize = 16;

/// What weights are rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantization {
    /// Eight bits, 32 weights to a scale.
    Q8_0,
    /// Four bits, 32 weights to a scale and a minimum.
    Q4K,
    /// Eight bits of floating point, 128 weights to a scale.
    Fp8,
}

/// The name of no quantisation.
#[derive(Debug, thiserror::Error)]
#[error("unknown quantisation {name}; known are q8_0, q4_k and fp8")]
pub struct UnknownQuantization {
    name: String,
}

impl FromStr for Quantization {
    type Err = UnknownQuantization;

    fn from_str(name: &str) -> Result<Self, UnknownQuantization> {
        match name {
            "q8_0" => Ok(Self::Q8_0),
            "q4_k" => Ok(Self::Q4K),
            "fp8" => Ok(Self::Fp8),
            _ => Err(UnknownQuantization { name: name.to_owned() }),
        }
    }
}

impl<'de> Deserialize<'de> for Quantization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Quantization {
    pub fn name(self) -> &'static str {
        match self {
            Self::Q8_0 => "q8_0",
            Self::Q4K => "q4_k",
            Self::Fp8 => "fp8",
        }
    }

    /// What a tensor is rounded to, if it is.
    fn format(self, name: &str, shape: &[usize]) -> Option<BlockFormat> {
        let is_matrix = name.ends_with(".weight") && matches!(shape.len(), 2 | 3);
        if !is_matrix || KEPT.iter().any(|kept| name.contains(kept)) {
            return None;
        }
        Some(match self {
            Self::Fp8 => BlockFormat::Float8,
            Self::Q4K if !name.starts_with("lm_head") && name != "output.weight" => BlockFormat::Q4K,
            Self::Q8_0 | Self::Q4K => BlockFormat::Q8_0,
        })
    }
}

/// A source whose matrices are rounded.
pub struct QuantizedWeights<'a> {
    source: &'a dyn WeightSource,
    quantization: Quantization,
    cache: QuantizedCache,
}

impl<'a> QuantizedWeights<'a> {
    pub fn new(source: &'a dyn WeightSource, quantization: Quantization, cache: QuantizedCache) -> Self {
        Self { source, quantization, cache }
    }

    /// Keeps what was rounded for the next time. To be called once all is loaded.
    pub fn finish(self) {
        self.cache.finish();
    }
}

impl WeightSource for QuantizedWeights<'_> {
    fn stored(&self) -> Vec<StoredTensor> {
        // Blocks stay what they are.
        let is_plain = |dtype: &str| matches!(dtype, "bf16" | "f16" | "f32") || dtype.starts_with("f8");
        let format = |tensor: &StoredTensor| {
            self.quantization.format(&tensor.name, &tensor.shape).filter(|_| is_plain(&tensor.dtype))
        };
        let rounded = |tensor: StoredTensor| match format(&tensor) {
            None => tensor,
            Some(format) => {
                let (width, rows) =
                    tensor.shape.split_last().map_or((1, 1), |(width, rows)| (*width, rows.iter().product()));
                let bytes = (format.row_bytes(width) as u64).saturating_mul(rows as u64).min(tensor.bytes);
                StoredTensor { bytes, dtype: self.quantization.name().to_owned(), ..tensor }
            }
        };
        self.source.stored().into_iter().map(rounded).collect()
    }

    fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        self.source.check(name, shape)
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        let Some(format) = self.quantization.format(name, shape) else { return self.source.load(name, shape) };
        if let Some(tensor) = self.cache.load(name, shape, format) {
            return Ok(tensor);
        }
        let tensor = self.source.load(name, shape)?;
        // What comes in blocks is not rounded a second time.
        if matches!(tensor.dtype, WeightDtype::Blocks(stored) if stored != BlockFormat::Float8) {
            return Ok(tensor);
        }
        let tensor = rounded(&tensor, format);
        self.cache.store(name, &tensor, format);
        Ok(tensor)
    }

    fn check_bytes(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        self.source.check_bytes(name, shape)
    }

    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError> {
        self.source.load_bytes(name, shape)
    }
}

fn rounded(tensor: &RawTensor, format: BlockFormat) -> RawTensor {
    let width = tensor.shape.last().copied().unwrap_or(1);
    let (from, to) = (tensor.dtype.row_bytes(width), format.row_bytes(width));
    let mut bytes = vec![0; tensor.bytes.len() / from * to];
    let rows = tensor.bytes.par_chunks(from * ROWS_TOGETHER).zip(bytes.par_chunks_mut(to * ROWS_TOGETHER));
    rows.for_each(|(rows, target)| {
        let mut blocks = Vec::with_capacity(target.len());
        for row in tensor.dtype.widen_all(rows, width).chunks_exact(width) {
            quantize_row(format, row, &mut blocks);
        }
        target.copy_from_slice(&blocks);
    });
    RawTensor { dtype: WeightDtype::Blocks(format), shape: tensor.shape.clone(), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projections_are_rounded_and_the_rest_is_kept() {
        let format = |quantization: Quantization, name: &str| quantization.format(name, &[64, 64]);
        let q4 = |name: &str| format(Quantization::Q4K, name);
        assert_eq!(q4("model.layers.0.self_attn.q_proj.weight"), Some(BlockFormat::Q4K));
        assert_eq!(q4("model.layers.0.mlp.experts.3.gate_proj.weight"), Some(BlockFormat::Q4K));
        assert_eq!(q4("lm_head.weight"), Some(BlockFormat::Q8_0));
        assert_eq!(format(Quantization::Fp8, "lm_head.weight"), Some(BlockFormat::Float8));
        for name in [
            "model.embed_tokens.weight",
            "model.layers.0.mlp.gate.weight",
            "model.layers.0.mlp.router.weight",
            "model.layers.0.block_sparse_moe.router.layer.weight",
            "model.layers.0.mlp.shared_expert_gate.weight",
            "model.layers.0.self_attn.q_norm.weight",
            "model.layers.0.mlp.experts.gate_up_proj",
        ] {
            assert_eq!(q4(name), None, "{name}");
        }
        assert_eq!(Quantization::Q4K.format("model.norm.weight", &[64]), None);
        assert!("q5".parse::<Quantization>().is_err());
    }
}
