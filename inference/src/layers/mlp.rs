//! The feed-forward layer, gated (Shazeer 2020) or plain; gate and up are one fused projection.

use crate::kernels::cpu::{Activation, Level, gated, ungated};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::{AdapterSite, ForwardContext, Linear, Projection, Scratch};

/// How the first projections are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpLayout {
    /// A gate and what it gates, by their names.
    Gated([&'static str; 2]),
    /// The same in one tensor, gate first.
    GatedFused(&'static str),
    /// No gate.
    Plain(&'static str),
}

/// Shape and knobs of a feed-forward layer.
#[derive(Clone, Copy, Debug)]
pub struct MlpConfig {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub layout: UpLayout,
    pub down: &'static str,
    pub activation: Activation,
    /// xIELU's two factors are read from the layer's own tensors.
    pub learnt_activation: bool,
    pub bias: bool,
}

impl MlpConfig {
    /// Values of a row behind the first projections.
    pub fn up_width(&self) -> usize {
        match self.layout {
            UpLayout::Gated(_) | UpLayout::GatedFused(_) => 2 * self.intermediate_size,
            UpLayout::Plain(_) => self.intermediate_size,
        }
    }

    fn up_parts(&self, prefix: &str) -> Vec<(String, usize)> {
        match self.layout {
            UpLayout::Gated(names) => {
                names.iter().map(|name| (format!("{prefix}.{name}"), self.intermediate_size)).collect()
            }
            UpLayout::GatedFused(name) | UpLayout::Plain(name) => vec![(format!("{prefix}.{name}"), self.up_width())],
        }
    }

    fn down_parts(&self, prefix: &str) -> [(String, usize); 1] {
        [(format!("{prefix}.{}", self.down), self.hidden_size)]
    }
}

/// `down(activation(gate(x)) * up(x))`, or `down(activation(up(x)))`.
pub struct Mlp {
    up: Linear,
    down: Linear,
    activation: Activation,
    is_gated: bool,
    intermediate_size: usize,
}

impl Mlp {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(source: &dyn WeightSource, prefix: &str, config: &MlpConfig) -> Result<Self, WeightsError> {
        let up = Linear::load(source, &config.up_parts(prefix), config.hidden_size, config.bias)?;
        let down = Linear::load(source, &config.down_parts(prefix), config.intermediate_size, config.bias)?;
        let mut mlp = Self::of(up, down, config);
        if config.learnt_activation {
            let learnt = |name: &str| {
                let values = source.load(&format!("{prefix}.act_fn.{name}"), &[1])?.to_f32();
                // Softplus keeps both above zero.
                Ok(values[0].exp().ln_1p())
            };
            let (positive, negative) = (learnt("alpha_p")?, learnt("alpha_n")?);
            mlp.activation = Activation::Xielu { positive, negative: 0.5 + negative };
        }
        Ok(mlp)
    }

    /// Of projections that were read already.
    pub(super) fn of(up: Linear, down: Linear, config: &MlpConfig) -> Self {
        let is_gated = !matches!(config.layout, UpLayout::Plain(_));
        Self { up, down, activation: config.activation, is_gated, intermediate_size: config.intermediate_size }
    }

    /// What [`Self::load`] reads.
    pub fn tensors(prefix: &str, config: &MlpConfig) -> TensorList {
        let mut all = Linear::tensors(&config.up_parts(prefix), config.hidden_size, config.bias);
        all.extend(Linear::tensors(&config.down_parts(prefix), config.intermediate_size, config.bias));
        if config.learnt_activation {
            all.extend(["alpha_p", "alpha_n"].map(|name| (format!("{prefix}.act_fn.{name}"), vec![1])));
        }
        all
    }

    /// What adapters may add to.
    pub fn sites(layer: usize, prefix: &str, config: &MlpConfig) -> [AdapterSite; 2] {
        let site = |projection, parts, num_inputs| AdapterSite { layer, projection, parts, num_inputs, order: None };
        [
            site(Projection::Up, config.up_parts(prefix), config.hidden_size),
            site(Projection::Down, config.down_parts(prefix).to_vec(), config.intermediate_size),
        ]
    }

    /// `input` is `[num_rows, hidden_size]`, and so becomes `output`; `scratch` is reused.
    pub fn forward(&self, context: &ForwardContext<'_>, input: &[f32], scratch: &mut Scratch, output: &mut Vec<f32>) {
        let Scratch { wide, narrow: activated, interleaved, adapters, .. } = scratch;
        self.up.forward(input, interleaved, wide);
        context.adapt(Projection::Up, input, wide, adapters);
        self.activate(wide, activated);
        self.down.forward(activated, interleaved, output);
        context.adapt(Projection::Down, activated, output, adapters);
    }

    /// The same for models that no adapter adds to.
    pub fn forward_alone(&self, input: &[f32], scratch: &mut Scratch, output: &mut Vec<f32>) {
        let Scratch { wide, narrow, interleaved, .. } = scratch;
        self.forward_in(input, [wide, narrow, interleaved], output);
    }

    /// The same with only the buffers that it needs.
    pub(super) fn forward_in(
        &self,
        input: &[f32],
        [wide, activated, interleaved]: [&mut Vec<f32>; 3],
        output: &mut Vec<f32>,
    ) {
        self.up.forward(input, interleaved, wide);
        self.activate(wide, activated);
        self.down.forward(activated, interleaved, output);
    }

    fn activate(&self, wide: &[f32], activated: &mut Vec<f32>) {
        if self.is_gated {
            activated.resize(wide.len() / 2, 0.0);
            gated(Level::best(), self.activation, self.intermediate_size, wide, activated);
        } else {
            activated.resize(wide.len(), 0.0);
            ungated(Level::best(), self.activation, self.intermediate_size, wide, activated);
        }
    }
}
