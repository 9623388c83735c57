//! What an operator can set about a directory of models.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::engine::EngineSettings;
use crate::frontend::{FormatSettings, ReasoningFormat, ToolFormat};
use crate::weights::Quantization;

/// Settings of all models' engines, and of single models by id.
#[derive(Clone, Debug, Default)]
pub struct CatalogSettings {
    pub engine: EngineSettings,
    pub models: BTreeMap<String, ModelSettings>,
}

/// What is set for one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// How the model writes tool calls, e.g. `hermes`.
    #[serde(deserialize_with = "named")]
    pub tool_format: Option<ToolFormat>,
    /// How it writes its reasoning, e.g. `think`.
    #[serde(deserialize_with = "named")]
    pub reasoning_format: Option<ReasoningFormat>,
    /// What its weights are rounded to when they are loaded.
    pub quantize: Option<Quantization>,
}

impl ModelSettings {
    pub fn formats(&self) -> FormatSettings {
        FormatSettings { tool_format: self.tool_format, reasoning_format: self.reasoning_format }
    }
}

fn named<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    let name = Option::<String>::deserialize(deserializer)?;
    name.map(|name| name.parse().map_err(D::Error::custom)).transpose()
}

impl From<EngineSettings> for CatalogSettings {
    fn from(engine: EngineSettings) -> Self {
        Self { engine, models: BTreeMap::new() }
    }
}
