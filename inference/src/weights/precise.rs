//! Weights in blocks for inputs of sixteen bits: what a model says is then what its weights say.

use serde::Deserialize;

use crate::kernels::cpu::{BlockFormat, WeightDtype};

use super::{RawTensor, StoredTensor, WeightSource, WeightsError};

/// What weights in blocks of integers are multiplied with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivationDtype {
    /// Activations rounded to eight bits, 32 of them to a scale.
    #[default]
    Int8,
    /// To sixteen, at about twice the work.
    Int16,
}

/// The same tensors, whose blocks are multiplied with inputs of sixteen bits.
pub struct PreciseWeights<'a>(pub &'a dyn WeightSource);

impl WeightSource for PreciseWeights<'_> {
    fn stored(&self) -> Vec<StoredTensor> {
        self.0.stored()
    }

    fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        self.0.check(name, shape)
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        let tensor = self.0.load(name, shape)?;
        let dtype = match tensor.dtype {
            WeightDtype::Blocks(format) => self.blocks_dtype(format),
            other => other,
        };
        Ok(RawTensor { dtype, ..tensor })
    }

    fn check_bytes(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        self.0.check_bytes(name, shape)
    }

    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError> {
        self.0.load_bytes(name, shape)
    }

    fn blocks_dtype(&self, format: BlockFormat) -> WeightDtype {
        WeightDtype::PreciseBlocks(format)
    }
}
