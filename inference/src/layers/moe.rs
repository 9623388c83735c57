//! A mixture of experts: each row goes to a few of many feed-forward layers.
//!
//! Experts add their answers in the order of their numbers, so a row's sum does not depend on
//! which other rows came along.

use crate::kernels::cpu::{add_assign, add_scaled, for_each_row, scale};
use crate::weights::{RawTensor, TensorList, WeightSource, WeightsError, load_mxfp4, mxfp4_tensors};

use super::{Linear, Mlp, MlpConfig, RoutingConfig, Scratch};

/// How experts are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpertLayout {
    /// A folder of names for each expert.
    Listed(&'static str),
    /// One tensor for all gates and ups, `[experts, 2 * intermediate, hidden]`, and one for all downs.
    Stacked([&'static str; 2]),
    /// The same on their side, gate and up interleaved, with biases beside them (gpt-oss).
    Interleaved([&'static str; 2]),
    /// Those in four bits, `[experts, outputs, inputs]`.
    Mxfp4([&'static str; 2]),
}

/// Expert that every row goes to.
#[derive(Clone, Copy, Debug)]
pub struct SharedExpert {
    pub name: &'static str,
    pub mlp: MlpConfig,
    /// A projection to one value whose sigmoid weighs its answer.
    pub gate: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub struct MoeConfig {
    /// The layer's own name, where it stands in the place of a feed-forward layer.
    pub name: &'static str,
    /// The router's name, and whether it has a bias.
    pub router: (&'static str, bool),
    /// Name of what is added to scores when experts are chosen.
    pub correction: Option<&'static str>,
    pub routing: RoutingConfig,
    pub layout: ExpertLayout,
    pub expert: MlpConfig,
    pub shared: Option<SharedExpert>,
}

struct Shared {
    mlp: Mlp,
    gate: Option<Linear>,
}

/// One such layer.
pub struct Moe {
    config: MoeConfig,
    router: Linear,
    correction: Option<Vec<f32>>,
    experts: Vec<Mlp>,
    shared: Option<Shared>,
}

impl Moe {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(source: &dyn WeightSource, prefix: &str, config: &MoeConfig) -> Result<Self, WeightsError> {
        let (hidden, experts) = (config.expert.hidden_size, config.routing.num_experts);
        let (router, bias) = config.router;
        let router = Linear::load(source, &[(format!("{prefix}.{router}"), experts)], hidden, bias)?;
        let correction = match config.correction {
            Some(name) => Some(source.load(&format!("{prefix}.{name}"), &[experts])?.to_f32()),
            None => None,
        };
        let experts = match config.layout {
            ExpertLayout::Listed(name) => {
                let load = |index| Mlp::load(source, &format!("{prefix}.{name}.{index}"), &config.expert);
                (0..experts).map(load).collect::<Result<_, _>>()?
            }
            ExpertLayout::Stacked(names) => load_stacked(source, prefix, config, names)?,
            ExpertLayout::Interleaved(names) => load_interleaved(source, prefix, config, names)?,
            ExpertLayout::Mxfp4(names) => load_four_bit(source, prefix, config, names)?,
        };
        let shared = match config.shared {
            Some(shared) => Some(Shared::load(source, prefix, shared)?),
            None => None,
        };
        Ok(Self { config: *config, router, correction, experts, shared })
    }

    /// What [`Self::load`] reads.
    pub fn tensors(prefix: &str, config: &MoeConfig) -> TensorList {
        let (hidden, experts) = (config.expert.hidden_size, config.routing.num_experts);
        let (router, bias) = config.router;
        let mut all = Linear::tensors(&[(format!("{prefix}.{router}"), experts)], hidden, bias);
        if let Some(name) = config.correction {
            all.push((format!("{prefix}.{name}"), vec![experts]));
        }
        match config.layout {
            ExpertLayout::Listed(name) => {
                let tensors = |index| Mlp::tensors(&format!("{prefix}.{name}.{index}"), &config.expert);
                all.extend((0..experts).flat_map(tensors));
            }
            ExpertLayout::Stacked(names) => {
                let [up, down] = stacked(prefix, config, names);
                all.extend([up, down].map(|(name, shape)| (format!("{name}.weight"), shape.to_vec())));
            }
            ExpertLayout::Interleaved(names) => {
                all.extend(expert_biases(prefix, config, names));
                let [up, down] = stacked(prefix, config, names);
                let on_its_side =
                    |(name, [count, rows, columns]): (String, [usize; 3])| (name, vec![count, columns, rows]);
                all.extend([up, down].map(on_its_side));
            }
            ExpertLayout::Mxfp4(names) => all.extend(expert_biases(prefix, config, names)),
        }
        if let Some(shared) = config.shared {
            all.extend(Mlp::tensors(&format!("{prefix}.{}", shared.name), &shared.mlp));
            if let Some(gate) = shared.gate {
                all.extend(Linear::tensors(&[(format!("{prefix}.{gate}"), 1)], hidden, false));
            }
        }
        all
    }

    /// The plain bytes among what [`Self::load`] reads.
    pub fn byte_tensors(prefix: &str, config: &MoeConfig) -> TensorList {
        let ExpertLayout::Mxfp4(names) = config.layout else { return Vec::new() };
        stacked(prefix, config, names).into_iter().flat_map(|(name, shape)| mxfp4_tensors(&name, shape)).collect()
    }

    /// `input` is `[num_rows, hidden_size]`, and so becomes `output`; `scratch` is reused.
    pub fn forward(&self, input: &[f32], scratch: &mut Scratch, output: &mut Vec<f32>) {
        let (hidden, experts) = (self.config.expert.hidden_size, self.experts.len());
        self.router.forward(input, &mut scratch.interleaved, &mut scratch.routed);
        for_each_row(&mut scratch.routed, experts, |_, values| {
            self.config.routing.weigh(values, self.correction.as_deref());
        });
        output.clear();
        output.resize(input.len(), 0.0);
        let Scratch { wide, narrow, interleaved, gathered, expanded, routed, .. } = scratch;
        for (index, expert) in self.experts.iter().enumerate() {
            let weights = routed.chunks_exact(experts).map(|weights| weights[index]).enumerate();
            let mine = weights.filter(|(_, weight)| *weight != 0.0);
            gathered.clear();
            for (row, _) in mine.clone() {
                gathered.extend_from_slice(&input[row * hidden..(row + 1) * hidden]);
            }
            if gathered.is_empty() {
                continue;
            }
            expert.forward_in(gathered, [wide, narrow, interleaved], expanded);
            for ((row, weight), answer) in mine.zip(expanded.chunks_exact(hidden)) {
                let target = &mut output[row * hidden..(row + 1) * hidden];
                add_scaled(target, answer, weight);
            }
        }
        if let Some(shared) = &self.shared {
            shared.mlp.forward_in(input, [wide, narrow, interleaved], expanded);
            if let Some(gate) = &shared.gate {
                gate.forward(input, interleaved, gathered);
                for (row, gate) in expanded.chunks_exact_mut(hidden).zip(gathered.iter()) {
                    let weight = 1.0 / (1.0 + (-gate).exp());
                    scale(row, weight);
                }
            }
            add_assign(output, expanded);
        }
    }
}

impl Shared {
    fn load(source: &dyn WeightSource, prefix: &str, config: SharedExpert) -> Result<Self, WeightsError> {
        let mlp = Mlp::load(source, &format!("{prefix}.{}", config.name), &config.mlp)?;
        let gate = match config.gate {
            Some(gate) => {
                Some(Linear::load(source, &[(format!("{prefix}.{gate}"), 1)], config.mlp.hidden_size, false)?)
            }
            None => None,
        };
        Ok(Self { mlp, gate })
    }
}

/// Names and shapes, `[experts, outputs, inputs]`, of all first and all last projections.
fn stacked(prefix: &str, config: &MoeConfig, [up, down]: [&str; 2]) -> [(String, [usize; 3]); 2] {
    let MlpConfig { hidden_size, intermediate_size, .. } = config.expert;
    let experts = config.routing.num_experts;
    [
        (format!("{prefix}.{up}"), [experts, 2 * intermediate_size, hidden_size]),
        (format!("{prefix}.{down}"), [experts, hidden_size, intermediate_size]),
    ]
}

fn expert_biases(prefix: &str, config: &MoeConfig, names: [&str; 2]) -> TensorList {
    let [up, down] = stacked(prefix, config, names);
    [up, down].into_iter().map(|(name, [count, rows, _])| (format!("{name}_bias"), vec![count, rows])).collect()
}

fn load_stacked(
    source: &dyn WeightSource,
    prefix: &str,
    config: &MoeConfig,
    names: [&str; 2],
) -> Result<Vec<Mlp>, WeightsError> {
    let [up, down] = stacked(prefix, config, names);
    let load = |(name, shape): (String, [usize; 3])| source.load(&format!("{name}.weight"), &shape);
    let (ups, downs) = (load(up)?, load(down)?);
    let mlp = |index| {
        let (up, down) = (matrix(&ups, index), matrix(&downs, index));
        Mlp::of(Linear::new(&up, None), Linear::new(&down, None), &config.expert)
    };
    Ok((0..config.routing.num_experts).map(mlp).collect())
}

fn load_interleaved(
    source: &dyn WeightSource,
    prefix: &str,
    config: &MoeConfig,
    names: [&str; 2],
) -> Result<Vec<Mlp>, WeightsError> {
    let [up, down] = stacked(prefix, config, names);
    let load = |(name, [count, rows, columns]): (String, [usize; 3])| source.load(&name, &[count, columns, rows]);
    let (ups, downs) = (load(up)?, load(down)?);
    let upright = |stack: &RawTensor, index| matrix(stack, index).transposed(stack.shape[1], stack.shape[2]);
    biased(source, prefix, (config, names), |index| [upright(&ups, index), upright(&downs, index)])
}

fn load_four_bit(
    source: &dyn WeightSource,
    prefix: &str,
    config: &MoeConfig,
    names: [&str; 2],
) -> Result<Vec<Mlp>, WeightsError> {
    let [up, down] = stacked(prefix, config, names);
    let (ups, downs) = (load_mxfp4(source, &up.0, up.1)?, load_mxfp4(source, &down.0, down.1)?);
    biased(source, prefix, (config, names), |index| [matrix(&ups, index), matrix(&downs, index)])
}

/// Experts of upright matrices whose gates are the even rows of the first, with biases beside them.
fn biased(
    source: &dyn WeightSource,
    prefix: &str,
    (config, names): (&MoeConfig, [&str; 2]),
    matrices: impl Fn(usize) -> [RawTensor; 2],
) -> Result<Vec<Mlp>, WeightsError> {
    let MlpConfig { hidden_size, intermediate_size, .. } = config.expert;
    let biases = expert_biases(prefix, config, names);
    let bias = |(name, shape): &(String, Vec<usize>)| Ok(source.load(name, shape)?.to_f32());
    let (up_bias, down_bias) = (bias(&biases[0])?, bias(&biases[1])?);
    let order = || (0..2 * intermediate_size).map(|row| row % intermediate_size * 2 + row / intermediate_size);
    let mlp = |index: usize| {
        let [up, down] = matrices(index);
        let up_bias = order().map(|row| up_bias[index * 2 * intermediate_size + row]).collect();
        let down_bias = down_bias[index * hidden_size..(index + 1) * hidden_size].to_vec();
        let up = Linear::new(&up.rows(hidden_size, order()), Some(up_bias));
        Mlp::of(up, Linear::new(&down, Some(down_bias)), &config.expert)
    };
    Ok((0..config.routing.num_experts).map(mlp).collect())
}

/// One of the matrices of `[count, rows, columns]`.
fn matrix(stack: &RawTensor, index: usize) -> RawTensor {
    let (rows, columns) = (stack.shape[1], stack.shape[2]);
    stack.rows(columns, index * rows..(index + 1) * rows)
}
