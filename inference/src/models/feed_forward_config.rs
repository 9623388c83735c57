//! Shape and knobs of feed-forward layers, dense or with experts.

use crate::layers::{
    Activation, ExpertGroups, ExpertLayout, MlpConfig, MoeConfig, RouterScore, RoutingConfig, SharedExpert, UpLayout,
};
use crate::weights::{ConfigError, HfConfig, MXFP4_BLOCK};

use super::architecture::{Architecture, ExpertLayers, GroupsRow, MoeRow, ScoreRow, SharedRow};
use super::attention_config::knob;

const INTERMEDIATE_SIZE: [&str; 3] = ["intermediate_size", "ffn_hidden_size", "n_inner"];
/// Far above any real count: a list of their tensors must fit in memory.
const MAX_EXPERTS: usize = 4096;
const NUM_EXPERTS: [&str; 3] = ["num_local_experts", "num_experts", "n_routed_experts"];
const ACTIVATION: [&str; 4] = ["hidden_activation", "hidden_act", "activation", "activation_function"];
/// gpt-oss' slope and limit where they are missing.
const CLAMPED: [f64; 2] = [1.702, 7.0];
/// `router_jitter_noise` where it is missing.
const DEFAULT_JITTER: f64 = 0.01;

/// One layer's feed-forward part.
#[derive(Clone, Debug)]
pub enum FeedForwardConfig {
    Dense(MlpConfig),
    Experts(Box<MoeConfig>),
}

/// Each layer's, in order.
///
/// # Errors
/// If a key is missing or malformed, or an activation unknown.
pub(super) fn feed_forward(
    config: &HfConfig,
    row: &Architecture,
    hidden_size: usize,
    num_layers: usize,
) -> Result<Vec<FeedForwardConfig>, ConfigError> {
    let dense = dense(config, row, hidden_size)?;
    let Some(moe) = row.moe else { return Ok(vec![FeedForwardConfig::Dense(dense); num_layers]) };
    let experts = experts(config, row, &moe, dense)?;
    let is_sparse: Vec<bool> = match moe.layers {
        ExpertLayers::All => vec![true; num_layers],
        ExpertLayers::From(default) => {
            let first = config.count("first_k_dense_replace")?.unwrap_or(default);
            (0..num_layers).map(|layer| layer >= first).collect()
        }
        ExpertLayers::Stepped => {
            let step = config.size("decoder_sparse_step")?.unwrap_or(1);
            let listed = config.counts("mlp_only_layers")?.unwrap_or_default();
            (0..num_layers).map(|layer| !listed.contains(&(layer as u64)) && (layer + 1) % step == 0).collect()
        }
    };
    let layer =
        |sparse| if sparse { FeedForwardConfig::Experts(Box::new(experts)) } else { FeedForwardConfig::Dense(dense) };
    Ok(is_sparse.into_iter().map(layer).collect())
}

fn dense(config: &HfConfig, row: &Architecture, hidden_size: usize) -> Result<MlpConfig, ConfigError> {
    let intermediate_size = match (config.first_size(&INTERMEDIATE_SIZE)?, row.defaults.mlp_ratio) {
        (Some(size), _) => size,
        (None, Some(ratio)) => ratio * hidden_size,
        (None, None) => return Err(ConfigError::Missing { key: INTERMEDIATE_SIZE[0] }),
    };
    let activation = activation(config, row)?;
    Ok(MlpConfig {
        hidden_size,
        intermediate_size,
        layout: row.mlp.layout,
        down: row.mlp.down,
        activation,
        learnt_activation: matches!(activation, Activation::Xielu { .. }),
        bias: row.mlp.bias.read(config)?,
    })
}

fn activation(config: &HfConfig, row: &Architecture) -> Result<Activation, ConfigError> {
    let key = ACTIVATION.into_iter().find(|key| config.value(key).is_some());
    let name = key.map_or(Ok(None), |key| config.text(key))?.unwrap_or(row.defaults.activation);
    match name {
        "silu" | "swish" => Ok(Activation::Silu),
        "gelu" if !row.mlp.gelu_is_tanh => Ok(Activation::Gelu),
        "gelu" | "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ok(Activation::GeluTanh),
        "relu" => Ok(Activation::Relu),
        "relu2" => Ok(Activation::ReluSquared),
        "xielu" if matches!(row.mlp.layout, UpLayout::Plain(_)) => {
            Ok(Activation::Xielu { positive: 0.0, negative: 0.0 })
        }
        other => Err(ConfigError::Unsupported { feature: format!("{} {other}", key.unwrap_or("hidden_act")) }),
    }
}

fn experts(config: &HfConfig, row: &Architecture, moe: &MoeRow, dense: MlpConfig) -> Result<MoeConfig, ConfigError> {
    let width = config.required_size(&[moe.width])?;
    let activation = if moe.clamped {
        Activation::ClampedSilu {
            alpha: knob(config, row, "swiglu_alpha")?.unwrap_or(CLAMPED[0]) as f32,
            limit: knob(config, row, "swiglu_limit")?.unwrap_or(CLAMPED[1]) as f32,
        }
    } else {
        dense.activation
    };
    // Biases beside stacked experts are read with the stack.
    let bias = is_listed(config)? && matches!(moe.layout, ExpertLayout::Interleaved(_));
    let expert = MlpConfig { intermediate_size: width, layout: moe.up, down: moe.down, activation, bias, ..dense };
    let shared = match moe.shared {
        SharedRow::Never => None,
        SharedRow::Gated { name, gate } => {
            let intermediate_size = config.required_size(&["shared_expert_intermediate_size"])?;
            Some(SharedExpert { name, gate: Some(gate), mlp: MlpConfig { intermediate_size, ..expert } })
        }
        SharedRow::Counted(name) => config.size("n_shared_experts")?.map(|count| {
            let intermediate_size = count * width;
            SharedExpert { name, gate: None, mlp: MlpConfig { intermediate_size, ..expert } }
        }),
    };
    Ok(MoeConfig {
        name: moe.name,
        router: moe.router,
        correction: moe.correction,
        routing: routing(config, row, moe)?,
        layout: layout(config, moe, (dense.hidden_size, width))?,
        expert,
        shared,
    })
}

/// Whether experts are told apart by their names, however the architecture's authors store them.
/// This crate's own key: GGUF files are read so.
fn is_listed(config: &HfConfig) -> Result<bool, ConfigError> {
    Ok(config.flag("experts_listed")?.unwrap_or(false))
}

/// How experts are stored: in four bits where `quantization_config` is there, which
/// `refuse_unsupported` has looked at.
fn layout(config: &HfConfig, moe: &MoeRow, (hidden, width): (usize, usize)) -> Result<ExpertLayout, ConfigError> {
    if is_listed(config)? {
        return Ok(ExpertLayout::Listed("experts"));
    }
    let ExpertLayout::Interleaved(names) = moe.layout else { return Ok(moe.layout) };
    if config.value("quantization_config").is_none_or(|quantization| quantization["quant_method"] != "mxfp4") {
        return Ok(moe.layout);
    }
    if !hidden.is_multiple_of(MXFP4_BLOCK) || !width.is_multiple_of(MXFP4_BLOCK) {
        let (key, found) = ("hidden_size".to_owned(), format!("{hidden}, with experts of {width}"));
        return Err(ConfigError::WrongValue { key, found, expected: "multiples of 32 for weights in mxfp4" });
    }
    Ok(ExpertLayout::Mxfp4(names))
}

fn routing(config: &HfConfig, row: &Architecture, moe: &MoeRow) -> Result<RoutingConfig, ConfigError> {
    let num_experts = config.required_size(&NUM_EXPERTS)?;
    if num_experts > MAX_EXPERTS {
        let (key, found) = ("num_experts".to_owned(), num_experts.to_string());
        return Err(ConfigError::WrongValue { key, found, expected: "at most 4096" });
    }
    let chosen = config.size("num_experts_per_tok")?.unwrap_or(moe.default_chosen);
    let score = match moe.score {
        ScoreRow::Softmax => RouterScore::Softmax,
        ScoreRow::SoftmaxOfChosen => RouterScore::SoftmaxOfChosen,
        ScoreRow::Sigmoid => RouterScore::Sigmoid,
        ScoreRow::SparseMixer => {
            let jitter = knob(config, row, "router_jitter_noise")?.unwrap_or(DEFAULT_JITTER) as f32;
            RouterScore::SparseMixer { jitter }
        }
    };
    let groups = groups(config, moe)?;
    let left = groups.map_or(num_experts, |groups| num_experts / groups.count * groups.chosen);
    if chosen > left {
        let (key, found) = ("num_experts_per_tok".to_owned(), chosen.to_string());
        return Err(ConfigError::WrongValue { key, found, expected: "no more than there are experts" });
    }
    if groups.is_some_and(|groups| !num_experts.is_multiple_of(groups.count) || groups.chosen > groups.count) {
        let (key, found) = ("n_group".to_owned(), format!("{groups:?}"));
        return Err(ConfigError::WrongValue { key, found, expected: "a divisor of the number of experts" });
    }
    Ok(RoutingConfig {
        num_experts,
        chosen,
        score,
        groups,
        renormalise: moe.renormalise.read(config)?,
        scale: knob(config, row, "routed_scaling_factor")?.unwrap_or(1.0) as f32,
    })
}

fn groups(config: &HfConfig, moe: &MoeRow) -> Result<Option<ExpertGroups>, ConfigError> {
    let judged_by = match (moe.groups, config.text("topk_method")?) {
        (GroupsRow::Never, _) | (GroupsRow::IfMethodSaysSo, None | Some("greedy")) => return Ok(None),
        (GroupsRow::ByBest(count), None | Some("noaux_tc")) => count,
        (GroupsRow::IfMethodSaysSo, Some("group_limited_greedy")) => 1,
        (_, Some(other)) => return Err(ConfigError::Unsupported { feature: format!("topk_method {other}") }),
    };
    let count = config.size("n_group")?.unwrap_or(1);
    let chosen = config.size("topk_group")?.unwrap_or(count);
    Ok((count > 1).then_some(ExpertGroups { count, chosen, judged_by }))
}
