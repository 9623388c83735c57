//! Token embeddings, which tied models also use as their output head.

use crate::kernels::cpu::{PackedMatrix, for_each_row};
use crate::weights::{WeightSource, WeightsError};

use super::Linear;

/// A `[vocab_size, hidden_size]` table.
pub struct Embedding {
    table: Linear,
    hidden_size: usize,
}

impl Embedding {
    /// # Errors
    /// If the tensor is missing or malformed.
    pub fn load(
        source: &dyn WeightSource,
        name: &str,
        vocab_size: usize,
        hidden_size: usize,
    ) -> Result<Self, WeightsError> {
        let tensor = source.load(&format!("{name}.weight"), &[vocab_size, hidden_size])?;
        let matrix = PackedMatrix::pack(&tensor.bytes, tensor.dtype, vocab_size, hidden_size);
        Ok(Self { table: Linear::from_matrix(matrix, None), hidden_size })
    }

    /// The same table as an output head.
    pub fn as_head(&self) -> &Linear {
        &self.table
    }

    /// `hidden` becomes `[tokens.len(), hidden_size]`. Ids outside the table read as zeros: a
    /// tokenizer may know more tokens than the model.
    pub fn forward(&self, tokens: &[u32], hidden: &mut Vec<f32>) {
        hidden.resize(tokens.len() * self.hidden_size, 0.0);
        for_each_row(hidden, self.hidden_size, |row, values| {
            let token = tokens[row] as usize;
            if token < self.table.num_outputs() {
                self.table.read_row(token, values);
            } else {
                values.fill(0.0);
            }
        });
    }
}
