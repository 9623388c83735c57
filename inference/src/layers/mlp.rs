//! The gated feed-forward layer (SwiGLU, Shazeer 2020), gate and up in one fused projection.

use crate::kernels::cpu::{Level, silu_mul};
use crate::weights::{WeightSource, WeightsError};

use super::Linear;

/// `down(silu(gate(x)) * up(x))`.
pub struct Mlp {
    gate_up: Linear,
    down: Linear,
    intermediate_size: usize,
}

impl Mlp {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(
        source: &dyn WeightSource,
        prefix: &str,
        (hidden_size, intermediate_size): (usize, usize),
        has_bias: bool,
    ) -> Result<Self, WeightsError> {
        let parts =
            [(format!("{prefix}.gate_proj"), intermediate_size), (format!("{prefix}.up_proj"), intermediate_size)];
        let gate_up = Linear::load(source, &parts, hidden_size, has_bias)?;
        let parts = [(format!("{prefix}.down_proj"), hidden_size)];
        let down = Linear::load(source, &parts, intermediate_size, has_bias)?;
        Ok(Self { gate_up, down, intermediate_size })
    }

    /// `input` is `[num_rows, hidden_size]`, and so becomes `output`; `scratch` is reused.
    pub fn forward(&self, input: &[f32], scratch: &mut [Vec<f32>; 3], output: &mut Vec<f32>) {
        let [gate_up, activated, interleaved] = scratch;
        self.gate_up.forward(input, interleaved, gate_up);
        activated.resize(gate_up.len() / 2, 0.0);
        silu_mul(Level::best(), self.intermediate_size, gate_up, activated);
        self.down.forward(activated, interleaved, output);
    }
}
