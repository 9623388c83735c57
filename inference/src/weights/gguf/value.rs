//! Metadata of a GGUF file, by key.

use std::collections::BTreeMap;

/// A value as the file has it; the widths of numbers do not matter.
#[derive(Clone, Debug, PartialEq)]
pub enum GgufValue {
    Integer(i64),
    Float(f64),
    Flag(bool),
    Text(String),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
    /// Of a kind that no key here has.
    Other,
}

/// All of a file's metadata.
#[derive(Clone, Debug, Default)]
pub struct GgufMetadata {
    values: BTreeMap<String, GgufValue>,
}

impl GgufMetadata {
    pub fn new(values: BTreeMap<String, GgufValue>) -> Self {
        Self { values }
    }

    pub fn value(&self, key: &str) -> Option<&GgufValue> {
        self.values.get(key)
    }

    /// A number that is no less than zero. Of a list, which stands for layers, the first.
    pub fn integer(&self, key: &str) -> Option<u64> {
        match self.value(key)? {
            GgufValue::Integer(value) => u64::try_from(*value).ok(),
            GgufValue::Integers(values) => values.first().and_then(|value| u64::try_from(*value).ok()),
            _ => None,
        }
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        match self.value(key)? {
            GgufValue::Integer(value) => Some(*value as f64),
            GgufValue::Float(value) => Some(*value),
            _ => None,
        }
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        if let GgufValue::Flag(flag) = self.value(key)? { Some(*flag) } else { None }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        if let GgufValue::Text(text) = self.value(key)? { Some(text) } else { None }
    }

    pub fn texts(&self, key: &str) -> Option<&[String]> {
        if let GgufValue::Texts(texts) = self.value(key)? { Some(texts) } else { None }
    }

    pub fn integers(&self, key: &str) -> Option<&[i64]> {
        if let GgufValue::Integers(values) = self.value(key)? { Some(values) } else { None }
    }

    pub fn floats(&self, key: &str) -> Option<&[f32]> {
        if let GgufValue::Floats(values) = self.value(key)? { Some(values) } else { None }
    }
}
