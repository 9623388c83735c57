//! A convolution over time with a kernel of three: each step's neighbours side by side, times a matrix.

use crate::kernels::cpu::{Activation, Level, for_each_row, ungated};
use crate::layers::{Linear, Scratch};
use crate::weights::{RawTensor, TensorList, WeightSource, WeightsError};

/// Steps that an output step sees: one before, itself, one behind; zeros beyond the ends.
const KERNEL: usize = 3;

pub(super) struct Convolution {
    matrix: Linear,
    num_inputs: usize,
    stride: usize,
}

impl Convolution {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub(super) fn load(
        source: &dyn WeightSource,
        name: &str,
        [num_inputs, num_outputs]: [usize; 2],
        stride: usize,
    ) -> Result<Self, WeightsError> {
        let stored = source.load(&format!("{name}.weight"), &[num_outputs, num_inputs, KERNEL])?;
        let bias = source.load(&format!("{name}.bias"), &[num_outputs])?.to_f32();
        let weight = RawTensor { shape: vec![num_outputs, num_inputs * KERNEL], ..stored };
        Ok(Self { matrix: Linear::new(&weight, Some(bias)), num_inputs, stride })
    }

    /// What [`Self::load`] reads.
    pub(super) fn tensors(name: &str, [num_inputs, num_outputs]: [usize; 2]) -> TensorList {
        vec![
            (format!("{name}.weight"), vec![num_outputs, num_inputs, KERNEL]),
            (format!("{name}.bias"), vec![num_outputs]),
        ]
    }

    /// `input` is `[steps, num_inputs]`; `output` becomes `[steps / stride, num_outputs]`, through GELU.
    pub(super) fn forward(&self, input: &[f32], scratch: &mut Scratch, output: &mut Vec<f32>) {
        let Scratch { wide, narrow, interleaved, .. } = scratch;
        let num_steps = input.len() / self.num_inputs;
        let width = self.num_inputs * KERNEL;
        wide.resize(num_steps.div_ceil(self.stride) * width, 0.0);
        for_each_row(wide, width, |row, values| {
            for (place, value) in values.iter_mut().enumerate() {
                let (channel, tap) = (place / KERNEL, place % KERNEL);
                let step = (row * self.stride + tap).checked_sub(1).filter(|step| *step < num_steps);
                *value = step.map_or(0.0, |step| input[step * self.num_inputs + channel]);
            }
        });
        self.matrix.forward(wide, interleaved, narrow);
        output.resize(narrow.len(), 0.0);
        ungated(Level::best(), Activation::Gelu, self.matrix.num_outputs(), narrow, output);
    }
}
