//! `config.json` as found in the wild: typed look-ups with the key named when they fail.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// Sizes above this are damage, not models; the bound keeps products of two from overflowing.
const MAX_SIZE: u64 = 1 << 28;

/// Why a model's configuration cannot be used. Messages read after "failed to load …".
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{} cannot be read", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: not a JSON object: {reason}", path.display())]
    NotAnObject { path: PathBuf, reason: String },
    #[error("config.json has no {key}")]
    Missing { key: &'static str },
    #[error("config.json: {key} is {found}, expected {expected}")]
    WrongValue { key: String, found: String, expected: &'static str },
    #[error("architecture {found} is not supported; supported are {}", supported.join(", "))]
    UnknownArchitecture { found: String, supported: Vec<&'static str> },
    #[error("config.json: {feature} is not supported")]
    Unsupported { feature: String },
}

/// A JSON object of settings, `null` counting as absent.
#[derive(Clone, Debug, Default)]
pub struct HfConfig {
    values: Map<String, Value>,
}

impl HfConfig {
    /// # Errors
    /// If the file is unreadable or not a JSON object.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read(path).map_err(|source| ConfigError::Io { path: path.to_owned(), source })?;
        let values = serde_json::from_slice(&text)
            .map_err(|error| ConfigError::NotAnObject { path: path.to_owned(), reason: error.to_string() })?;
        Ok(Self { values })
    }

    pub fn from_values(values: Map<String, Value>) -> Self {
        Self { values }
    }

    pub fn into_values(self) -> Map<String, Value> {
        self.values
    }

    /// The same with another value under `key`.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.values.insert(key.to_owned(), value);
        self
    }

    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// Whether `key` is there and says null, where that means something else than its absence.
    pub fn is_null(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(Value::is_null)
    }

    /// The object under `key`, if there is one.
    pub fn section(&self, key: &str) -> Option<Self> {
        let values = self.value(key)?.as_object()?.clone();
        Some(Self { values })
    }

    /// # Errors
    /// If the key is there but no positive integer of a sane size.
    pub fn size(&self, key: &str) -> Result<Option<usize>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_u64() {
            Some(size) if (1..=MAX_SIZE).contains(&size) => Ok(Some(size as usize)),
            _ => Err(wrong(key, value, "a positive integer")),
        }
    }

    /// Like [`Self::size`], but zero is fine.
    ///
    /// # Errors
    /// If the key is there but no integer of a sane size.
    pub fn count(&self, key: &str) -> Result<Option<usize>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_u64() {
            Some(count) if count <= MAX_SIZE => Ok(Some(count as usize)),
            _ => Err(wrong(key, value, "a whole number")),
        }
    }

    /// The first of several spellings that is there.
    ///
    /// # Errors
    /// If it is no positive integer.
    pub fn first_size(&self, keys: &[&'static str]) -> Result<Option<usize>, ConfigError> {
        keys.iter().find(|key| self.value(key).is_some()).map_or(Ok(None), |key| self.size(key))
    }

    /// # Errors
    /// If none of the spellings is there, or the first is no positive integer.
    pub fn required_size(&self, keys: &[&'static str]) -> Result<usize, ConfigError> {
        self.first_size(keys)?.ok_or(ConfigError::Missing { key: keys.first().copied().unwrap_or_default() })
    }

    /// # Errors
    /// If the key is there but no positive number.
    pub fn number(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number > 0.0 && number.is_finite() => Ok(Some(number)),
            _ => Err(wrong(key, value, "a positive number")),
        }
    }

    /// # Errors
    /// If the key is there but no finite number of zero or more.
    pub fn amount(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number >= 0.0 && number.is_finite() => Ok(Some(number)),
            _ => Err(wrong(key, value, "a number of zero or more")),
        }
    }

    /// # Errors
    /// If the key is there but no list of positive numbers.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let positive = |value: &Value| value.as_f64().filter(|number| *number > 0.0 && number.is_finite());
        let numbers = value.as_array().and_then(|values| values.iter().map(positive).collect());
        numbers.map(Some).ok_or_else(|| wrong(key, value, "a list of positive numbers"))
    }

    /// # Errors
    /// If the key is there but no list of whole numbers.
    pub fn counts(&self, key: &str) -> Result<Option<Vec<u64>>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let counts = value.as_array().and_then(|values| values.iter().map(Value::as_u64).collect());
        counts.map(Some).ok_or_else(|| wrong(key, value, "a list of whole numbers"))
    }

    /// # Errors
    /// If the key is there but no boolean.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong(key, value, "true or false"))
    }

    /// # Errors
    /// If the key is there but no string.
    pub fn text(&self, key: &str) -> Result<Option<&str>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| wrong(key, value, "a string"))
    }

    /// # Errors
    /// If the key is there but no list of strings.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<&str>>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let texts = value.as_array().and_then(|values| values.iter().map(Value::as_str).collect());
        texts.map(Some).ok_or_else(|| wrong(key, value, "a list of strings"))
    }

    /// Token ids under `key`, which may be one number or a list; anything else is none.
    pub fn token_ids(&self, key: &str) -> Vec<u32> {
        let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
        match self.value(key) {
            Some(Value::Array(values)) => values.iter().filter_map(id).collect(),
            Some(value) => id(value).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

fn wrong(key: &str, value: &Value, expected: &'static str) -> ConfigError {
    ConfigError::WrongValue { key: key.to_owned(), found: value.to_string(), expected }
}
