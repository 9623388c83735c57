//! What an operator can set about a directory of models.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::engine::{EngineSettings, SettingsError};
use crate::frontend::{FormatSettings, ReasoningFormat, ToolFormat};
use crate::weights::Quantization;

/// Settings of all models' engines, and of single models by id.
#[derive(Clone, Debug, Default)]
pub struct CatalogSettings {
    pub engine: EngineSettings,
    pub loading: LoadingSettings,
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
        Self { engine, ..Self::default() }
    }
}

/// When models are loaded and unloaded. All have defaults; unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadingSettings {
    /// Memory that all models together may take: weights, caches and buffers. Without it, 85 % of the machine's or the
    /// control group's.
    pub memory_bytes: Option<u64>,
    /// Whether a request for a model that was unloaded to make room loads it again.
    pub autoload: bool,
    /// How long a request waits for its model, in milliseconds; then it gets 503.
    pub wait_ms: u64,
    /// Requests that may wait for models; one more gets 503 at once.
    pub max_waiting: usize,
    /// Models that are loaded at the same time.
    pub max_concurrent: usize,
    /// A folder is taken when its files have stood still for so long, and given up when it is gone for so long.
    pub quiet_ms: u64,
    /// An incomplete folder that has stood still for so long counts as broken.
    pub incomplete_ms: u64,
    /// Adapters of one model; further ones are not looked at.
    pub max_adapters: usize,
    /// Memory that one adapter may take.
    pub max_adapter_bytes: u64,
    /// How often the directory is looked through where nothing reports its changes, in milliseconds.
    pub rescan_ms: u64,
}

impl Default for LoadingSettings {
    fn default() -> Self {
        Self {
            memory_bytes: None,
            autoload: true,
            wait_ms: 60_000,
            max_waiting: 256,
            max_concurrent: 1,
            quiet_ms: 1_500,
            incomplete_ms: 20_000,
            max_adapters: 64,
            max_adapter_bytes: 2 << 30,
            rescan_ms: 15_000,
        }
    }
}

impl LoadingSettings {
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.memory_bytes == Some(0) {
            return Err(SettingsError { key: "memory_bytes", expected: "at least 1" });
        }
        if !(1..=64).contains(&self.max_concurrent) {
            return Err(SettingsError { key: "max_concurrent", expected: "from 1 to 64" });
        }
        if self.rescan_ms < 100 {
            return Err(SettingsError { key: "rescan_ms", expected: "at least 100" });
        }
        Ok(())
    }

    pub(super) fn quiet(&self) -> Duration {
        Duration::from_millis(self.quiet_ms)
    }

    pub(super) fn incomplete(&self) -> Duration {
        Duration::from_millis(self.incomplete_ms).max(self.quiet())
    }

    pub(super) fn rescan(&self) -> Duration {
        Duration::from_millis(self.rescan_ms)
    }

    pub(super) fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_bad_values_are_named() {
        assert_eq!(LoadingSettings::default().check(), Ok(()));
        let bad = LoadingSettings { max_concurrent: 0, ..LoadingSettings::default() };
        assert_eq!(bad.check().expect_err("refused").key, "max_concurrent");
        let bad = LoadingSettings { memory_bytes: Some(0), ..LoadingSettings::default() };
        assert_eq!(bad.check().expect_err("refused").key, "memory_bytes");
        assert!(serde_json::from_str::<LoadingSettings>(r#"{"autoloads": true}"#).is_err());
    }
}
