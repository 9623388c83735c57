//! Seeded random weights of any shape, for benches: speed does not depend on the values.

use half::bf16;
use rayon::prelude::*;

use crate::kernels::cpu::WeightDtype;

use super::{RawTensor, WeightSource, WeightsError};

/// Values drawn together, so that threads need not share a generator.
const CHUNK: usize = 1 << 16;

/// A source that has every tensor in every shape, in bf16: norms are ones, the rest is uniform in
/// ±0.04, repeatable by seed and name.
#[derive(Debug)]
pub struct DummyWeights {
    seed: u64,
}

impl DummyWeights {
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }
}

impl WeightSource for DummyWeights {
    fn check(&self, _: &str, _: &[usize]) -> Result<(), WeightsError> {
        Ok(())
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        let count: usize = shape.iter().product();
        let mut bytes = vec![0; 2 * count];
        let is_norm = name.ends_with("norm.weight");
        let seed = name.bytes().fold(self.seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        bytes.par_chunks_mut(2 * CHUNK).enumerate().for_each(|(chunk, bytes)| {
            let mut state = seed.wrapping_add((chunk as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            for value in bytes.chunks_exact_mut(2) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let uniform = (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
                let number = if is_norm { 1.0 } else { uniform * 0.08 };
                value.copy_from_slice(&bf16::from_f32(number).to_le_bytes());
            }
        });
        Ok(RawTensor { dtype: WeightDtype::Bf16, shape: shape.to_vec(), bytes })
    }

    fn check_bytes(&self, _: &str, _: &[usize]) -> Result<(), WeightsError> {
        Ok(())
    }

    /// All the same: small numbers if they are numbers, a small scale if they are scales.
    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError> {
        let byte = if name.ends_with("_scales") { 120 } else { 0x21 };
        Ok(vec![byte; shape.iter().product()])
    }
}
