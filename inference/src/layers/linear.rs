//! A linear layer, or several that read the same input fused into one.

use crate::kernels::cpu::{Level, PackedMatrix, linear};
use crate::weights::{RawTensor, TensorList, WeightSource, WeightsError};

/// `y = x · Wᵀ + b`, with `W` packed in its own dtypes.
pub struct Linear {
    /// One below the other; parts of one dtype are one matrix.
    matrices: Vec<PackedMatrix>,
    bias: Option<Vec<f32>>,
}

impl Linear {
    /// Loads `[outputs, num_inputs]` weights under `name.weight` for each of `parts`, and their
    /// biases if there are any, stacked in order.
    ///
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(
        source: &dyn WeightSource,
        parts: &[(String, usize)],
        num_inputs: usize,
        has_bias: bool,
    ) -> Result<Self, WeightsError> {
        let mut tensors = Vec::new();
        let mut bias = Vec::new();
        for (name, outputs) in parts {
            tensors.push(source.load(&format!("{name}.weight"), &[*outputs, num_inputs])?);
            if has_bias {
                bias.extend(source.load(&format!("{name}.bias"), &[*outputs])?.to_f32());
            }
        }
        Ok(Self { matrices: packed(tensors, num_inputs), bias: has_bias.then_some(bias) })
    }

    /// What [`Self::load`] reads.
    pub fn tensors(parts: &[(String, usize)], num_inputs: usize, has_bias: bool) -> TensorList {
        let mut all = Vec::new();
        for (name, outputs) in parts {
            all.push((format!("{name}.weight"), vec![*outputs, num_inputs]));
            if has_bias {
                all.push((format!("{name}.bias"), vec![*outputs]));
            }
        }
        all
    }

    /// Of a `[num_outputs, num_inputs]` tensor that was read already.
    ///
    /// # Panics
    /// If the tensor has not two dimensions.
    pub fn new(weight: &RawTensor, bias: Option<Vec<f32>>) -> Self {
        let [num_outputs, num_inputs] = weight.shape[..] else { unreachable!("a matrix has two dimensions") };
        Self::from_matrix(PackedMatrix::pack(&weight.bytes, weight.dtype, num_outputs, num_inputs), bias)
    }

    /// Of matrices `[_, num_inputs]` that were read already, one below the other.
    ///
    /// # Panics
    /// If there is none, or one has not two dimensions.
    pub(super) fn stacked(weights: Vec<RawTensor>) -> Self {
        let num_inputs = weights[0].shape[1];
        Self { matrices: packed(weights, num_inputs), bias: None }
    }

    pub(super) fn from_matrix(matrix: PackedMatrix, bias: Option<Vec<f32>>) -> Self {
        Self { matrices: vec![matrix], bias }
    }

    /// Writes row `output` of the weights to `row`, as an embedding is looked up.
    pub(super) fn read_row(&self, output: usize, row: &mut [f32]) {
        self.matrices[0].read_row(output, row);
    }

    pub(super) fn num_inputs(&self) -> usize {
        self.matrices[0].num_inputs()
    }

    pub fn num_outputs(&self) -> usize {
        self.matrices.iter().map(PackedMatrix::num_outputs).sum()
    }

    pub fn size_in_bytes(&self) -> usize {
        self.matrices.iter().map(PackedMatrix::size_in_bytes).sum()
    }

    /// `input` is `[num_rows, num_inputs]`; `output` becomes `[num_rows, num_outputs]`. `scratch`
    /// grows to what the kernel needs, see [`crate::kernels::cpu::scratch_len`].
    pub fn forward(&self, input: &[f32], scratch: &mut Vec<f32>, output: &mut Vec<f32>) {
        let num_rows = input.len() / self.num_inputs();
        output.resize(num_rows * self.num_outputs(), 0.0);
        linear(Level::best(), &self.matrices, self.bias.as_deref(), (input, scratch), output);
    }
}

/// Neighbours of one dtype are packed together.
fn packed(tensors: Vec<RawTensor>, num_inputs: usize) -> Vec<PackedMatrix> {
    let mut stacks: Vec<RawTensor> = Vec::new();
    for tensor in tensors {
        match stacks.last_mut() {
            Some(last) if last.dtype == tensor.dtype => {
                last.bytes.extend_from_slice(&tensor.bytes);
                last.shape[0] += tensor.shape[0];
            }
            _ => stacks.push(tensor),
        }
    }
    let pack = |stack: &RawTensor| PackedMatrix::pack(&stack.bytes, stack.dtype, stack.shape[0], num_inputs);
    stacks.iter().map(pack).collect()
}
