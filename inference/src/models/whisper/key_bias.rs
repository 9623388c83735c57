//! Whisper's keys have no bias where queries and values have one: it would add the same to all scores of a query. Reading
//! zeros for it lets the three be one projection.

use crate::kernels::cpu::WeightDtype;
use crate::weights::{RawTensor, WeightSource, WeightsError};

/// Weights in which keys have a bias.
pub(super) struct WithKeyBias<'a>(pub &'a dyn WeightSource);

fn is_key_bias(name: &str) -> bool {
    name.ends_with(".k_proj.bias")
}

impl WeightSource for WithKeyBias<'_> {
    fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        if is_key_bias(name) { Ok(()) } else { self.0.check(name, shape) }
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        if !is_key_bias(name) {
            return self.0.load(name, shape);
        }
        let dtype = WeightDtype::F32;
        let bytes = vec![0; dtype.row_bytes(shape.iter().product())];
        Ok(RawTensor { dtype, shape: shape.to_vec(), bytes })
    }

    fn check_bytes(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        self.0.check_bytes(name, shape)
    }

    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError> {
        self.0.load_bytes(name, shape)
    }
}
