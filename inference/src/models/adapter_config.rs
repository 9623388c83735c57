//! PEFT's `adapter_config.json`: which modules an adapter changes, with which rank and scale.
//!
//! What would be computed wrongly is refused by name, keys that are not known to do no harm among it.

use regex::Regex;
use serde_json::{Map, Value};

use super::AdapterError;

/// What only training and bookkeeping look at, or what has a meaning only together with a key that is refused.
const HARMLESS: [&str; 14] = [
    "auto_mapping",
    "base_model_name_or_path",
    "ensure_weight_tying",
    "inference_mode",
    "lora_dropout",
    "loftq_config",
    "eva_config",
    "megatron_config",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
];

/// Keys that this file reads.
const KNOWN: [&str; 14] = [
    "alpha_pattern",
    "bias",
    "exclude_modules",
    "fan_in_fan_out",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "lora_alpha",
    "peft_type",
    "r",
    "rank_pattern",
    "target_modules",
    "use_dora",
    "use_rslora",
];

/// Ways to begin training that leave the base's weights as they are. The others take from the base what they give to
/// the adapter, so that it fits no untouched one.
const PLAIN_BEGINNINGS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

/// An adapter's settings.
#[derive(Debug)]
pub struct AdapterConfig {
    rank: usize,
    alpha: f64,
    /// The scale is alpha over the root of the rank, not over the rank.
    is_rank_stabilised: bool,
    targets: Modules,
    excluded: Option<Modules>,
    /// Those of them that are; empty where all are.
    layers: Vec<u64>,
    /// Where a layer's number stands in a module's name; a list of targets and [`Self::layers`] ask for it.
    layer_places: Vec<Regex>,
    ranks: Vec<(Regex, f64)>,
    alphas: Vec<(Regex, f64)>,
}

/// Modules by their names.
#[derive(Debug)]
enum Modules {
    /// Every linear layer.
    All,
    /// Those that are called so, or whose names end so behind a dot.
    Listed(Vec<String>),
    Pattern(Regex),
    /// A pattern in Python's own dialect: what it selects is not known.
    Unknown,
}

impl AdapterConfig {
    /// # Errors
    /// Names the first key that is missing, malformed or not supported.
    pub fn parse(values: &Map<String, Value>) -> Result<Self, AdapterError> {
        let value = |key: &str| values.get(key).filter(|value| !value.is_null());
        match value("peft_type").map(Value::as_str) {
            Some(Some("LORA")) => {}
            found => {
                let found = found.flatten().unwrap_or("no peft_type").to_owned();
                return Err(AdapterError::NotLora { found });
            }
        }
        refuse(values)?;
        let rank = value("r").and_then(Value::as_u64).filter(|rank| *rank > 0).ok_or_else(|| wrong("r"))?;
        let alpha = value("lora_alpha").and_then(finite).ok_or_else(|| wrong("lora_alpha"))?;
        let targets = value("target_modules").ok_or_else(|| wrong("target_modules"))?;
        Ok(Self {
            rank: usize::try_from(rank).map_err(|_| wrong("r"))?,
            alpha,
            is_rank_stabilised: flag(values, "use_rslora")?,
            targets: Modules::read(targets).ok_or_else(|| wrong("target_modules"))?,
            excluded: match value("exclude_modules") {
                Some(excluded) => Some(Modules::read(excluded).ok_or_else(|| wrong("exclude_modules"))?),
                None => None,
            },
            layers: match value("layers_to_transform") {
                Some(layers) => numbers(layers).ok_or_else(|| wrong("layers_to_transform"))?,
                None => Vec::new(),
            },
            layer_places: match value("layers_pattern") {
                Some(places) => layer_places(places).ok_or_else(|| wrong("layers_pattern"))?,
                None => vec![layer_place("[^.]*").ok_or_else(|| wrong("layers_pattern"))?],
            },
            ranks: patterns(values, "rank_pattern")?,
            alphas: patterns(values, "alpha_pattern")?,
        })
    }

    /// Whether a linear layer is to be changed; `None` where the file says so in a way that is not understood.
    pub fn selects(&self, module: &str) -> Option<bool> {
        if self.excluded.as_ref().map_or(Some(false), |excluded| excluded.have(module))? {
            return Some(false);
        }
        let is_selected = self.targets.have(module)?;
        let Modules::Listed(names) = &self.targets else { return Some(is_selected) };
        if !is_selected || self.layers.is_empty() || names.iter().any(|name| name == module) {
            return Some(is_selected);
        }
        let number = |place: &Regex| place.captures(module)?.get(1)?.as_str().parse().ok();
        let layer: Option<u64> = self.layer_places.iter().find_map(number);
        Some(layer.is_some_and(|layer| self.layers.contains(&layer)))
    }

    /// The rank of a module's two matrices.
    pub fn rank(&self, module: &str) -> usize {
        matching(&self.ranks, module).map_or(self.rank, |rank| rank as usize)
    }

    /// What the answer of a module's two matrices is multiplied with.
    pub fn scale(&self, module: &str) -> f32 {
        let alpha = matching(&self.alphas, module).unwrap_or(self.alpha);
        let rank = self.rank(module) as f64;
        (alpha / if self.is_rank_stabilised { rank.sqrt() } else { rank }) as f32
    }
}

impl Modules {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) if text.eq_ignore_ascii_case("all-linear") => Some(Self::All),
            Value::String(text) => Some(Regex::new(&format!("^(?:{text})$")).map_or(Self::Unknown, Self::Pattern)),
            Value::Array(names) => {
                let names = names.iter().map(|name| name.as_str().map(str::to_owned));
                names.collect::<Option<_>>().map(Self::Listed)
            }
            _ => None,
        }
    }

    fn have(&self, module: &str) -> Option<bool> {
        match self {
            Self::All => Some(true),
            Self::Listed(names) => Some(names.iter().any(|name| {
                module.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })),
            Self::Pattern(pattern) => Some(pattern.is_match(module)),
            Self::Unknown => None,
        }
    }
}

/// # Errors
/// If a key asks for what is not supported, or is not known.
fn refuse(values: &Map<String, Value>) -> Result<(), AdapterError> {
    let unsupported = |feature: &str| Err(AdapterError::Unsupported { feature: feature.to_owned() });
    if flag(values, "use_dora")? {
        return unsupported("DoRA (use_dora)");
    }
    if flag(values, "fan_in_fan_out")? {
        return unsupported("fan_in_fan_out");
    }
    match values.get("bias") {
        None | Some(Value::Null) => {}
        Some(Value::String(kind)) if kind == "none" => {}
        Some(_) => return unsupported("a bias that was trained along (bias)"),
    }
    match values.get("init_lora_weights") {
        None | Some(Value::Null | Value::Bool(_)) => {}
        Some(Value::String(kind)) if PLAIN_BEGINNINGS.contains(&kind.as_str()) => {}
        Some(kind) => {
            let kind = kind.as_str().unwrap_or("of this kind");
            return unsupported(&format!(
                "init_lora_weights {kind}, which changes the base's weights: save it converted to a plain LoRA"
            ));
        }
    }
    let is_set = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(values) => !values.is_empty(),
        _ => true,
    };
    for (key, value) in values {
        if !KNOWN.contains(&key.as_str()) && !HARMLESS.contains(&key.as_str()) && is_set(value) {
            return unsupported(key);
        }
    }
    Ok(())
}

fn wrong(key: &'static str) -> AdapterError {
    AdapterError::WrongValue { key }
}

fn flag(values: &Map<String, Value>, key: &'static str) -> Result<bool, AdapterError> {
    match values.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| wrong(key)),
    }
}

fn finite(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// One number or a list of them.
fn numbers(value: &Value) -> Option<Vec<u64>> {
    match value {
        Value::Array(values) => values.iter().map(Value::as_u64).collect(),
        value => value.as_u64().map(|number| vec![number]),
    }
}

fn layer_places(value: &Value) -> Option<Vec<Regex>> {
    match value {
        Value::String(name) if name.is_empty() => Some(vec![layer_place("[^.]*")?]),
        Value::String(name) => Some(vec![layer_place(name)?]),
        Value::Array(names) if names.is_empty() => Some(vec![layer_place("[^.]*")?]),
        Value::Array(names) => names.iter().map(|name| layer_place(name.as_str()?)).collect(),
        _ => None,
    }
}

/// The first number behind a part of this name.
fn layer_place(name: &str) -> Option<Regex> {
    Regex::new(&format!(r"^(?:|.*?\.)(?:{name})\.(\d+)\.")).ok()
}

/// What stands beside patterns that modules' names end with, in the file's order.
fn patterns(values: &Map<String, Value>, key: &'static str) -> Result<Vec<(Regex, f64)>, AdapterError> {
    let patterns = match values.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(value) => value.as_object().ok_or_else(|| wrong(key))?,
    };
    let pattern = |(pattern, value): (&String, &Value)| {
        let pattern = Regex::new(&format!(r"^(?:.*\.)?(?:{pattern})$")).map_err(|_| wrong(key))?;
        let number = finite(value).filter(|number| key != "rank_pattern" || (*number >= 1.0 && number.fract() == 0.0));
        Ok((pattern, number.ok_or_else(|| wrong(key))?))
    };
    patterns.iter().map(pattern).collect()
}

fn matching(patterns: &[(Regex, f64)], module: &str) -> Option<f64> {
    patterns.iter().find(|(pattern, _)| pattern.is_match(module)).map(|(_, number)| *number)
}

#[cfg(test)]
#[path = "adapter_config_tests.rs"]
mod tests;
