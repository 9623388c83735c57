//! Weights of any shape with which a model says again what its prompt says, at a real model's cost.
//!
//! Each token of a cycle is followed by the next one, for ever: attention and MLP are computed as
//! always, but their outputs count for nothing, and the head knows each token's successor. Random
//! weights alone do not copy.

use shekara_inference::weights::{DummyWeights, RawTensor, WeightSource, WeightsError};

/// Bytes of a number in bf16.
const NUMBER: usize = 2;

#[derive(Debug)]
pub struct CopyingWeights {
    random: DummyWeights,
    cycle: usize,
}

impl CopyingWeights {
    /// Tokens `0..cycle` follow each other in a circle. The shape must not tie its embeddings.
    pub fn new(seed: u64, cycle: usize) -> Self {
        Self { random: DummyWeights::new(seed), cycle }
    }
}

impl WeightSource for CopyingWeights {
    fn check(&self, _: &str, _: &[usize]) -> Result<(), WeightsError> {
        Ok(())
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        if name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight") {
            let mut tensor = self.random.load(name, shape)?;
            tensor.bytes.fill(0);
            return Ok(tensor);
        }
        if name != "lm_head.weight" {
            return self.random.load(name, shape);
        }
        let mut head = self.random.load("model.embed_tokens.weight", shape)?;
        let row = NUMBER * shape.last().copied().unwrap_or(1);
        let end = (self.cycle * row).min(head.bytes.len());
        // What answers to a token's embedding stands in its successor's row.
        head.bytes[..end].rotate_right(row.min(end));
        Ok(head)
    }

    fn check_bytes(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        self.random.check_bytes(name, shape)
    }

    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError> {
        self.random.load_bytes(name, shape)
    }
}
