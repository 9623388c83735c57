//! `config.json`, in both generations of its keys, parsed into the decoder's knobs.

use crate::layers::{AttentionConfig, RopeScaling, RotaryConfig};
use crate::weights::{ConfigError, HfConfig};

use super::architectures::{self, Architecture, SlidingWindow};
use super::windows::layer_windows;

/// More layers than this are damage, not a model.
const MAX_LAYERS: usize = 4096;

/// Everything the decoder needs to know about a model.
#[derive(Clone, Debug)]
pub struct DecoderConfig {
    pub architecture: &'static str,
    pub vocab_size: usize,
    pub num_layers: usize,
    pub intermediate_size: usize,
    /// What all layers share; their windows differ, see [`Self::layer_attention`].
    pub attention: AttentionConfig,
    /// How far back each layer looks; none where it looks at everything.
    pub layer_windows: Vec<Option<usize>>,
    pub rotary: RotaryConfig,
    pub norm_epsilon: f32,
    pub mlp_bias: bool,
    /// The embedding table doubles as the output head.
    pub tied: bool,
    /// Longest context the model was made for, in tokens.
    pub max_positions: usize,
}

impl DecoderConfig {
    /// # Errors
    /// If the architecture or a feature is unknown, or a key is missing or malformed.
    pub fn parse(config: &HfConfig) -> Result<Self, ConfigError> {
        let architecture = architectures::find(architecture_name(config)?)?;
        refuse_unsupported(config, architecture)?;
        let attention = attention(config, architecture)?;
        let num_layers = num_layers(config)?;
        let max_positions = max_positions(config, architecture)?;
        Ok(Self {
            architecture: architecture.name,
            vocab_size: config.required_size("vocab_size")?,
            num_layers,
            intermediate_size: config.required_size("intermediate_size")?,
            attention,
            layer_windows: layer_windows(config, architecture.sliding_window, num_layers, max_positions)?,
            rotary: rotary(config, architecture)?,
            norm_epsilon: norm_epsilon(config)?,
            mlp_bias: config.flag("mlp_bias")?.unwrap_or(false),
            tied: config.flag("tie_word_embeddings")?.unwrap_or(false),
            max_positions,
        })
    }

    /// The attention of one layer, its window included.
    pub fn layer_attention(&self, layer: usize) -> AttentionConfig {
        AttentionConfig { sliding_window: self.layer_windows[layer], ..self.attention.clone() }
    }

    /// The window beyond which no layer looks; none if any layer looks at everything. A query at
    /// position `p` needs no block that ends at or before position `p + 1 - window`.
    pub fn kv_window(&self) -> Option<usize> {
        let windows: Option<Vec<usize>> = self.layer_windows.iter().copied().collect();
        windows?.into_iter().max()
    }
}

fn architecture_name(config: &HfConfig) -> Result<&str, ConfigError> {
    let names = config.value("architectures").and_then(|value| value.as_array());
    names
        .and_then(|names| names.first())
        .and_then(|name| name.as_str())
        .ok_or(ConfigError::Missing { key: "architectures" })
}

fn num_layers(config: &HfConfig) -> Result<usize, ConfigError> {
    let key = "num_hidden_layers";
    let found = config.required_size(key)?;
    if found > MAX_LAYERS {
        let (key, found) = (key.to_owned(), found.to_string());
        return Err(ConfigError::WrongValue { key, found, expected: "at most 4096" });
    }
    Ok(found)
}

fn attention(config: &HfConfig, row: Architecture) -> Result<AttentionConfig, ConfigError> {
    let hidden_size = config.required_size("hidden_size")?;
    let num_heads = config.required_size("num_attention_heads")?;
    let num_kv_heads = config.size("num_key_value_heads")?.unwrap_or(num_heads);
    let default_head_dim = row.default_head_dim.unwrap_or(hidden_size / num_heads);
    let head_dim = config.size("head_dim")?.unwrap_or(default_head_dim);
    if num_heads % num_kv_heads != 0 {
        return Err(ConfigError::WrongValue {
            key: "num_key_value_heads".to_owned(),
            found: num_kv_heads.to_string(),
            expected: "a divisor of num_attention_heads",
        });
    }
    if head_dim == 0 || head_dim % 2 != 0 {
        return Err(ConfigError::WrongValue {
            key: "head_dim".to_owned(),
            found: head_dim.to_string(),
            expected: "an even number",
        });
    }
    let bias = config.flag("attention_bias")?.unwrap_or(false);
    let head_norm = if row.head_norm { Some(norm_epsilon(config)?) } else { None };
    Ok(AttentionConfig {
        hidden_size,
        num_heads,
        num_kv_heads,
        head_dim,
        qkv_bias: bias,
        output_bias: bias,
        head_norm,
        sliding_window: None,
    })
}

fn norm_epsilon(config: &HfConfig) -> Result<f32, ConfigError> {
    Ok(config.number("rms_norm_eps")?.unwrap_or(1e-6) as f32)
}

fn max_positions(config: &HfConfig, row: Architecture) -> Result<usize, ConfigError> {
    Ok(config.size("max_position_embeddings")?.unwrap_or(row.default_context))
}

/// `rope_parameters` is the newer spelling of `rope_theta` and `rope_scaling`.
fn rotary(config: &HfConfig, row: Architecture) -> Result<RotaryConfig, ConfigError> {
    let newer = config.section("rope_parameters");
    let older = config.section("rope_scaling");
    let section = newer.as_ref().or(older.as_ref()).cloned().unwrap_or_default();
    let theta = match section.number("rope_theta")? {
        Some(theta) => theta,
        None => config.number("rope_theta")?.unwrap_or(10000.0),
    };
    let kind = match section.text("rope_type")? {
        Some(kind) => Some(kind),
        None => section.text("type")?,
    };
    let number = |key: &'static str| section.number(key)?.ok_or(ConfigError::Missing { key });
    let scaling = match kind.unwrap_or("default") {
        "default" => RopeScaling::None,
        "linear" => RopeScaling::Linear { factor: number("factor")? },
        "llama3" => RopeScaling::Llama3 {
            factor: number("factor")?,
            low_freq_factor: number("low_freq_factor")?,
            high_freq_factor: number("high_freq_factor")?,
            original_context: match section.number("original_max_position_embeddings")? {
                Some(context) => context,
                None => max_positions(config, row)? as f64,
            },
        },
        other => return Err(ConfigError::Unsupported { feature: format!("rope type {other}") }),
    };
    Ok(RotaryConfig { theta, scaling })
}

/// What would silently give wrong answers if it were passed over.
fn refuse_unsupported(config: &HfConfig, row: Architecture) -> Result<(), ConfigError> {
    let refuse = |feature: String| Err(ConfigError::Unsupported { feature });
    if let Some(activation) = config.text("hidden_act")? {
        if activation != "silu" {
            return refuse(format!("hidden_act {activation}"));
        }
    }
    if config.value("quantization_config").is_some() {
        return refuse("quantization_config".to_owned());
    }
    let windowed = config.flag("use_sliding_window")?.unwrap_or(false);
    if windowed && config.value("sliding_window").is_some() && row.sliding_window == SlidingWindow::Never {
        return refuse("use_sliding_window".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(changes: Value) -> Result<DecoderConfig, ConfigError> {
        let mut values = json!({
            "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "intermediate_size": 96, "vocab_size": 300
        });
        let target = values.as_object_mut().expect("an object");
        if let Value::Object(changes) = changes {
            target.extend(changes);
        }
        DecoderConfig::parse(&HfConfig::from_values(target.clone()))
    }

    #[test]
    fn missing_keys_get_the_familys_defaults() {
        let llama = parse(json!({})).expect("enough keys");
        assert_eq!((llama.attention.num_kv_heads, llama.attention.head_dim), (4, 16));
        assert_eq!(llama.rotary, RotaryConfig { theta: 10000.0, scaling: RopeScaling::None });
        assert!(!llama.tied && llama.attention.head_norm.is_none());
        let qwen = parse(json!({"architectures": ["Qwen3ForCausalLM"]})).expect("enough keys");
        assert_eq!((qwen.attention.head_dim, qwen.max_positions), (128, 32768));
        assert!(qwen.attention.head_norm.is_some());
    }

    #[test]
    fn blocks_can_go_only_where_no_layer_looks() {
        let window = |changes| parse(changes).expect("valid").kv_window();
        assert_eq!(window(json!({})), None);
        assert_eq!(window(json!({"sliding_window": 24})), None);
        let mistral = |changes: Value| {
            let mut values = json!({"architectures": ["MistralForCausalLM"], "sliding_window": 24});
            values.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
            parse(values).expect("valid")
        };
        let all = mistral(json!({}));
        assert_eq!((all.kv_window(), all.layer_attention(1).sliding_window), (Some(24), Some(24)));
        assert_eq!(all.attention.head_dim, 16);
        let some = mistral(json!({"layer_types": ["full_attention", "sliding_attention"]}));
        assert_eq!((some.kv_window(), some.layer_attention(1).sliding_window), (None, Some(24)));
        assert_eq!(some.layer_attention(0).sliding_window, None);
        assert_eq!(mistral(json!({"sliding_window": null})).kv_window(), None);
        let qwen = json!({"architectures": ["Qwen3ForCausalLM"], "sliding_window": 24, "use_sliding_window": false});
        assert_eq!(window(qwen), None);
    }

    #[test]
    fn both_spellings_of_rope_mean_the_same() {
        let llama3 = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192});
        let older = parse(json!({"rope_theta": 5e5, "rope_scaling": llama3})).expect("older");
        let mut newer = llama3;
        newer["rope_theta"] = json!(5e5);
        let newer = parse(json!({"rope_parameters": newer})).expect("newer");
        assert_eq!(older.rotary, newer.rotary);
        assert!(matches!(newer.rotary.scaling, RopeScaling::Llama3 { .. }));
        let none = parse(json!({"rope_scaling": null})).expect("null is absent");
        assert_eq!(none.rotary.scaling, RopeScaling::None);
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let message = |changes| parse(changes).expect_err("refused").to_string();
        let unknown = message(json!({"architectures": ["MambaForCausalLM"]}));
        assert!(unknown.contains("Mamba") && unknown.contains("Qwen3ForCausalLM"), "{unknown}");
        assert!(message(json!({"rope_scaling": {"type": "yarn"}})).contains("yarn"));
        assert!(message(json!({"hidden_act": "gelu"})).contains("gelu"));
        assert!(message(json!({"vocab_size": null})).contains("vocab_size"));
        assert!(message(json!({"vocab_size": -3})).contains("vocab_size"));
        assert!(message(json!({"num_hidden_layers": 100_000})).contains("num_hidden_layers"));
        let windowed = message(json!({"use_sliding_window": true, "sliding_window": 24}));
        assert!(windowed.contains("use_sliding_window"), "{windowed}");
        assert!(message(json!({"num_key_value_heads": 3})).contains("num_key_value_heads"));
        assert!(message(json!({"quantization_config": {"bits": 4}})).contains("quantization"));
    }
}
