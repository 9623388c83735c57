//! What would silently give wrong answers if it were passed over.

use serde_json::Value;

use crate::layers::ExpertLayout;
use crate::weights::{ConfigError, HfConfig};

use super::architecture::{Architecture, ScoreRow, ScoreScale, SlidingWindow};

/// Keys that change the computation in the families that have them. An architecture that does not
/// know one of them is refused where it says something.
const KNOBS: [&str; 33] = [
    "alibi",
    "attention_multiplier",
    "attn_logit_softcapping",
    "attn_temperature_tuning",
    "clip_qkv",
    "embedding_multiplier",
    "final_logit_softcapping",
    "is_encoder_decoder",
    "add_cross_attention",
    "kv_lora_rank",
    "layer_scale",
    "logit_scale",
    "logits_scaling",
    "mlp_multipliers",
    "n_routed_experts",
    "new_decoder_architecture",
    "no_rope_layers",
    "num_experts",
    "num_ln_in_parallel_attn",
    "num_local_experts",
    "qk_layernorm",
    "query_pre_attn_scalar",
    "residual_multiplier",
    "rope_interleave",
    "routed_scaling_factor",
    "scale_emb",
    "scale_depth",
    "dim_model_base",
    "swiglu_limit",
    "use_bidirectional_attention",
    "use_mrope",
    "use_parallel_residual",
    "use_qk_norm",
];

/// Keys whose one means that nothing is done.
const FACTORS: [&str; 7] = [
    "attention_multiplier",
    "embedding_multiplier",
    "logit_scale",
    "logits_scaling",
    "residual_multiplier",
    "routed_scaling_factor",
    "scale_emb",
];

/// # Errors
/// Of the first key that says something this decoder would not do.
pub(super) fn refuse_unsupported(config: &HfConfig, row: &Architecture) -> Result<(), ConfigError> {
    let refuse = |feature: &str| Err(ConfigError::Unsupported { feature: feature.to_owned() });
    if let Some(quantization) = config.value("quantization_config") {
        let four_bit = quantization["quant_method"] == "mxfp4";
        let has_layout = row.moe.is_some_and(|moe| matches!(moe.layout, ExpertLayout::Interleaved(_)));
        if !(is_float8(quantization) || four_bit && has_layout) {
            return refuse(&format!("quantization_config {}", quantization["quant_method"]));
        }
    }
    let windowed = config.flag("use_sliding_window")?.unwrap_or(false);
    if windowed && config.value("sliding_window").is_some() && row.sliding_window == SlidingWindow::Never {
        return refuse("use_sliding_window");
    }
    if let Some(scoring) = config.text("scoring_func")? {
        let known = match row.moe.map(|moe| moe.score) {
            Some(ScoreRow::Sigmoid) => "sigmoid",
            _ => "softmax",
        };
        if scoring != known {
            return refuse(&format!("scoring_func {scoring}"));
        }
    }
    for key in KNOBS {
        if !understands(row, key) && config.value(key).is_some_and(|value| !is_neutral(key, value)) {
            return refuse(key);
        }
    }
    Ok(())
}

/// Whether matrices are in fp8 with scales beside them, which the weights' reader looks at.
fn is_float8(quantization: &Value) -> bool {
    match quantization["quant_method"].as_str() {
        Some("fp8" | "fbgemm_fp8") => true,
        Some("compressed-tensors") => quantization["format"] == "float-quantized",
        _ => false,
    }
}

fn understands(row: &Architecture, key: &str) -> bool {
    let scale = match row.attention.scale {
        ScoreScale::HeadDim => None,
        ScoreScale::Key(key) | ScoreScale::InverseRoot(key, _) => Some(key),
    };
    row.knows(key) || scale == Some(key)
}

/// Whether a value says that nothing is done.
fn is_neutral(key: &str, value: &Value) -> bool {
    match value {
        Value::Bool(on) => !on,
        Value::Number(number) => {
            let is = |neutral: f64| number.as_f64().is_some_and(|number| (number - neutral).abs() < f64::EPSILON);
            is(0.0) || FACTORS.contains(&key) && is(1.0)
        }
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}
