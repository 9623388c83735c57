//! What a folder says about making sentence vectors: `modules.json` and the files it leads to.
//!
//! The format is sentence-transformers'. Without it a family's own habit is taken and vectors have length one.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::weights::{ConfigError, HfConfig};

use super::head_config::HeadActivation;
use super::pooling::Pooling;

const MODULES: &str = "modules.json";
/// Far more steps than any model has.
const MAX_MODULES: usize = 16;

/// The keys of a pooling module, in the order in which sentence-transformers puts several side by side.
const MODES: [(&str, &str, Pooling); 6] = [
    ("pooling_mode_cls_token", "cls", Pooling::First),
    ("pooling_mode_max_tokens", "max", Pooling::Max),
    ("pooling_mode_mean_tokens", "mean", Pooling::Mean),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", Pooling::MeanByRoot),
    ("pooling_mode_weightedmean_tokens", "weightedmean", Pooling::WeightedMean),
    ("pooling_mode_lasttoken", "lasttoken", Pooling::Last),
];

/// How a folder's hidden states become sentence vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedderConfig {
    /// Side by side.
    pub poolings: Vec<Pooling>,
    pub dense: Vec<DenseConfig>,
    /// Vectors have length one.
    pub normalise: bool,
}

/// A projection behind the pooling, in a folder of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseConfig {
    pub folder: PathBuf,
    pub num_inputs: usize,
    pub num_outputs: usize,
    pub bias: bool,
    pub activation: HeadActivation,
}

/// What the modules of a folder are there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModulesPurpose {
    Embed,
    /// A reranker that compares the logits of two tokens.
    Choice,
}

/// What `modules.json` is about; none where there is no such file.
///
/// # Errors
/// If it is malformed.
pub(super) fn purpose(folder: &Path) -> Result<Option<ModulesPurpose>, ConfigError> {
    let Some(modules) = modules(folder)? else { return Ok(None) };
    let has = |kind: &str| modules.iter().any(|module| module.kind == kind);
    Ok(if has("Pooling") { Some(ModulesPurpose::Embed) } else { has("LogitScore").then_some(ModulesPurpose::Choice) })
}

/// So many tokens an input has at most, and whether it is to be in lower case, where the folder says so.
///
/// # Errors
/// If `sentence_bert_config.json` is malformed.
pub fn input_limits(folder: &Path) -> Result<(Option<usize>, bool), ConfigError> {
    let path = folder.join("sentence_bert_config.json");
    if !path.exists() {
        return Ok((None, false));
    }
    let config = HfConfig::read(&path)?;
    Ok((config.size("max_seq_length")?, config.flag("do_lower_case")?.unwrap_or(false)))
}

impl EmbedderConfig {
    /// # Errors
    /// If a file is missing or malformed, or a module is not supported.
    pub fn read(folder: &Path, default: Pooling) -> Result<Self, ConfigError> {
        let Some(modules) = modules(folder)? else {
            return Ok(Self { poolings: vec![default], dense: Vec::new(), normalise: true });
        };
        let mut config = Self { poolings: Vec::new(), dense: Vec::new(), normalise: false };
        for module in modules {
            match module.kind.as_str() {
                "Transformer" if module.path.as_os_str().is_empty() => {}
                "Pooling" if config.poolings.is_empty() => config.poolings = poolings(&folder.join(module.path))?,
                "Dense" if !config.poolings.is_empty() => config.dense.push(dense(&folder.join(module.path))?),
                "Normalize" => config.normalise = true,
                kind => return Err(unsupported(&format!("the module {kind} at this place"))),
            }
        }
        if config.poolings.is_empty() {
            config.poolings.push(default);
        }
        Ok(config)
    }
}

struct Module {
    /// The last word of its class.
    kind: String,
    path: PathBuf,
}

fn modules(folder: &Path) -> Result<Option<Vec<Module>>, ConfigError> {
    let path = folder.join(MODULES);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ConfigError::Io { path, source }),
    };
    let wrong =
        |expected| ConfigError::WrongValue { key: MODULES.to_owned(), found: "something else".to_owned(), expected };
    let value: Value = serde_json::from_slice(&text).map_err(|_| wrong("a list of modules"))?;
    let listed = value.as_array().filter(|listed| listed.len() <= MAX_MODULES).ok_or(wrong("a list of modules"))?;
    let module = |value: &Value| {
        let (kind, path) = (value["type"].as_str()?, value["path"].as_str()?);
        // A path could lead out of the model's folder.
        let inside = !path.contains(['/', '\\', ':']) && path != "..";
        let kind = kind.rsplit('.').next().unwrap_or(kind).to_owned();
        inside.then(|| Module { kind, path: PathBuf::from(path) })
    };
    let modules: Option<Vec<Module>> = listed.iter().map(module).collect();
    modules.map(Some).ok_or(wrong("modules with a type and a folder below this one"))
}

fn unsupported(feature: &str) -> ConfigError {
    ConfigError::Unsupported { feature: format!("{MODULES}: {feature}") }
}

fn poolings(folder: &Path) -> Result<Vec<Pooling>, ConfigError> {
    let config = HfConfig::read(&folder.join("config.json"))?;
    if config.flag("include_prompt")? == Some(false) {
        return Err(unsupported("pooling without the prompt"));
    }
    let named: Vec<&str> = match config.value("pooling_mode") {
        Some(Value::String(mode)) => vec![mode],
        Some(Value::Array(modes)) => modes.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for (key, name, pooling) in MODES {
        if config.flag(key)?.unwrap_or(false) || named.contains(&name) {
            found.push(pooling);
        }
    }
    if found.is_empty() { Err(unsupported("a way of pooling that is not known")) } else { Ok(found) }
}

fn dense(folder: &Path) -> Result<DenseConfig, ConfigError> {
    let config = HfConfig::read(&folder.join("config.json"))?;
    let function = config.text("activation_function")?.unwrap_or("torch.nn.modules.activation.Tanh");
    let activation = match function.rsplit('.').next() {
        Some("Tanh") => HeadActivation::Tanh,
        Some("Identity") => HeadActivation::Identity,
        _ => return Err(unsupported(&format!("the activation {function}"))),
    };
    Ok(DenseConfig {
        num_inputs: config.required_size(&["in_features"])?,
        num_outputs: config.required_size(&["out_features"])?,
        bias: config.flag("bias")?.unwrap_or(true),
        activation,
        folder: folder.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<EmbedderConfig, ConfigError> {
        let folder = tempfile::tempdir().expect("temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("create");
            std::fs::write(path, text).expect("write");
        }
        EmbedderConfig::read(folder.path(), Pooling::Mean)
    }

    const TYPICAL: &str = r#"[{"idx":0,"path":"","type":"sentence_transformers.models.Transformer"},
        {"idx":1,"path":"1_Pooling","type":"sentence_transformers.models.Pooling"}
        ,{"idx":2,"path":"2_Normalize","type":"sentence_transformers.models.Normalize"}]"#;

    #[test]
    fn what_the_folder_says_is_what_is_done() {
        let bare = read(&[]).expect("a default");
        assert_eq!(bare, EmbedderConfig { poolings: vec![Pooling::Mean], dense: Vec::new(), normalise: true });
        let modes = r#"{"pooling_mode_cls_token":false,"pooling_mode_lasttoken":true,"pooling_mode_mean_tokens":true}"#;
        let both = read(&[("modules.json", TYPICAL), ("1_Pooling/config.json", modes)]).expect("known");
        assert_eq!(both.poolings, [Pooling::Mean, Pooling::Last]);
        assert!(both.normalise);
        let plain =
            TYPICAL.replace(r#",{"idx":2,"path":"2_Normalize","type":"sentence_transformers.models.Normalize"}"#, "");
        let pooling = ("1_Pooling/config.json", r#"{"pooling_mode":"cls"}"#);
        let plain = read(&[("modules.json", &plain), pooling]).expect("known");
        assert_eq!(plain, EmbedderConfig { poolings: vec![Pooling::First], dense: Vec::new(), normalise: false });
    }

    #[test]
    fn paths_stay_in_the_folder_and_unknown_modules_are_refused() {
        let outside = TYPICAL.replace("1_Pooling", "../1_Pooling");
        assert!(matches!(read(&[("modules.json", &outside)]), Err(ConfigError::WrongValue { .. })));
        let unknown = TYPICAL.replace("models.Normalize", "models.CNN");
        let pooling = ("1_Pooling/config.json", r#"{"pooling_mode_cls_token":true}"#);
        let error = read(&[("modules.json", &unknown), pooling]).expect_err("refused");
        assert!(error.to_string().contains("CNN"), "{error}");
        assert!(matches!(read(&[("modules.json", "{")]), Err(ConfigError::WrongValue { .. })));
    }
}
