//! A linear layer, or several that read the same input fused into one.

use crate::kernels::cpu::{Level, PackedMatrix, WeightDtype, linear};
use crate::weights::{RawTensor, TensorList, WeightSource, WeightsError};

/// `y = x · Wᵀ + b`, with `W` packed in its own dtype.
pub struct Linear {
    matrix: PackedMatrix,
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
        let num_outputs = parts.iter().map(|(_, outputs)| outputs).sum();
        let dtype = tensors[0].dtype;
        let (bytes, dtype) = if tensors.iter().all(|tensor| tensor.dtype == dtype) {
            (joined(tensors.into_iter().map(|tensor| tensor.bytes)), dtype)
        } else {
            let wide = |value: f32| value.to_le_bytes();
            let bytes = tensors.iter().flat_map(RawTensor::to_f32).flat_map(wide).collect();
            (bytes, WeightDtype::F32)
        };
        let matrix = PackedMatrix::pack(&bytes, dtype, num_outputs, num_inputs);
        Ok(Self { matrix, bias: has_bias.then_some(bias) })
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
        Self { matrix: PackedMatrix::pack(&weight.bytes, weight.dtype, num_outputs, num_inputs), bias }
    }

    pub(super) fn from_matrix(matrix: PackedMatrix) -> Self {
        Self { matrix, bias: None }
    }

    pub(super) fn matrix(&self) -> &PackedMatrix {
        &self.matrix
    }

    pub fn num_outputs(&self) -> usize {
        self.matrix.num_outputs()
    }

    pub fn size_in_bytes(&self) -> usize {
        self.matrix.size_in_bytes()
    }

    /// `input` is `[num_rows, num_inputs]`; `output` becomes `[num_rows, num_outputs]`. `scratch`
    /// grows to at most as long as `input`.
    pub fn forward(&self, input: &[f32], scratch: &mut Vec<f32>, output: &mut Vec<f32>) {
        let num_rows = input.len() / self.matrix.num_inputs();
        output.resize(num_rows * self.matrix.num_outputs(), 0.0);
        linear(Level::best(), &self.matrix, self.bias.as_deref(), (input, scratch), output);
    }
}

fn joined(mut parts: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut whole = parts.next().unwrap_or_default();
    for part in parts {
        whole.extend_from_slice(&part);
    }
    whole
}
