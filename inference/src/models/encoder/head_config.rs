//! What stands behind an encoder's last layer: nothing, or a head that classifies sequences or tokens.

use serde_json::Value;

use crate::layers::{Activation, NormConfig};
use crate::weights::{ConfigError, HfConfig};

use super::architecture::{ClassifierRow, EncoderRow};
use super::config::named_activation;
use super::pooling::Pooling;

/// Far more labels than any classifier has.
const MAX_LABELS: usize = 1 << 16;

/// What a model's class computes from its hidden states.
#[derive(Clone, Debug)]
pub enum HeadConfig {
    /// The hidden states themselves.
    None,
    Sequence(ClassifierConfig),
    Tokens(ClassifierConfig),
}

/// A classifier's layers.
#[derive(Clone, Debug)]
pub struct ClassifierConfig {
    /// What a sequence is classified by.
    pub pooling: Pooling,
    pub dense: Option<HeadDense>,
    /// Name of the last projection.
    pub output: &'static str,
    pub output_bias: bool,
    pub hidden_size: usize,
    pub labels: Vec<String>,
}

/// The layer between a vector and its classifier.
#[derive(Clone, Copy, Debug)]
pub struct HeadDense {
    pub name: &'static str,
    /// Whether it stands among the encoder's own tensors, behind their prefix.
    pub inside: bool,
    pub bias: bool,
    pub activation: HeadActivation,
    pub norm: Option<(&'static str, NormConfig)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HeadActivation {
    Identity,
    Tanh,
    Other(Activation),
}

impl ClassifierConfig {
    /// What a decoder that classifies sequences has: a projection of the last token.
    ///
    /// # Errors
    /// If the labels are malformed.
    pub(super) fn of_decoder(config: &HfConfig, hidden_size: usize) -> Result<Self, ConfigError> {
        let labels = labels(config)?;
        Ok(Self { pooling: Pooling::Last, dense: None, output: "score", output_bias: false, hidden_size, labels })
    }
}

impl HeadConfig {
    /// What the class whose name ends in `class` has.
    ///
    /// # Errors
    /// If the class is not supported, or a key is malformed.
    pub(super) fn read(
        config: &HfConfig,
        row: &EncoderRow,
        class: &str,
        (hidden_size, norm): (usize, NormConfig),
    ) -> Result<Self, ConfigError> {
        let of = |is_sequence: bool| {
            let mut classifier = ClassifierConfig {
                pooling: Pooling::First,
                dense: dense(config, row, is_sequence, norm)?,
                output: "classifier",
                output_bias: true,
                hidden_size,
                labels: labels(config)?,
            };
            if is_sequence && row.classifier == ClassifierRow::Dense {
                classifier.output = "classifier.out_proj";
            }
            if row.classifier == ClassifierRow::NormedDense {
                let is_mean = config.text("classifier_pooling")? == Some("mean");
                classifier.pooling = if is_mean { Pooling::Mean } else { Pooling::First };
            }
            Ok(classifier)
        };
        match class {
            "Model" | "ForMaskedLM" => Ok(Self::None),
            "ForSequenceClassification" => Ok(Self::Sequence(of(true)?)),
            "ForTokenClassification" => Ok(Self::Tokens(of(false)?)),
            other => Err(ConfigError::Unsupported { feature: format!("the class {other} of an encoder") }),
        }
    }
}

fn dense(
    config: &HfConfig,
    row: &EncoderRow,
    is_sequence: bool,
    norm: NormConfig,
) -> Result<Option<HeadDense>, ConfigError> {
    let plain = |name, inside, activation| HeadDense { name, inside, bias: true, activation, norm: None };
    Ok(match row.classifier {
        ClassifierRow::NormedDense => {
            let activation = named_activation(config.text("classifier_activation")?.unwrap_or("gelu"))?;
            let bias = config.flag("classifier_bias")?.unwrap_or(false);
            let activation = HeadActivation::Other(activation);
            Some(HeadDense { name: "head.dense", inside: false, bias, activation, norm: Some(("head.norm", norm)) })
        }
        _ if !is_sequence => None,
        ClassifierRow::Pooler => Some(plain("pooler.dense", true, HeadActivation::Tanh)),
        ClassifierRow::Dense => Some(plain("classifier.dense", false, HeadActivation::Tanh)),
        ClassifierRow::ContextPooler => {
            let activation = named_activation(config.text("pooler_hidden_act")?.unwrap_or("gelu"))?;
            Some(plain("pooler.dense", false, HeadActivation::Other(activation)))
        }
    })
}

/// Names of the labels in their order; without `id2label` there are `num_labels`, or two.
///
/// # Errors
/// If labels are missing among their numbers, or there are too many.
pub(super) fn labels(config: &HfConfig) -> Result<Vec<String>, ConfigError> {
    let wrong = |found: String| ConfigError::WrongValue {
        key: "id2label".to_owned(),
        found,
        expected: "a name for each number from 0 on",
    };
    let Some(listed) = config.value("id2label") else {
        let count = config.size("num_labels")?.unwrap_or(2).min(MAX_LABELS);
        return Ok((0..count).map(|label| format!("LABEL_{label}")).collect());
    };
    let listed = listed.as_object().ok_or_else(|| wrong("no object".to_owned()))?;
    if listed.is_empty() || listed.len() > MAX_LABELS {
        return Err(wrong(format!("{} entries", listed.len())));
    }
    let name = |label: usize| listed.get(&label.to_string()).and_then(Value::as_str).map(str::to_owned);
    (0..listed.len()).map(|label| name(label).ok_or_else(|| wrong(format!("without {label}")))).collect()
}
