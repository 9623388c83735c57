//! The catalogue of well-known models, by short names. It is data; the figures are approximate.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::RepoId;

const DATA: &str = include_str!("known_models.toml");

/// What a process takes beside its weights' own bytes, in hundredths.
const OVERHEAD: u64 = 10;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    Generate,
    Embed,
    Rerank,
    Speech,
}

impl Modality {
    pub fn name(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Embed => "embed",
            Self::Rerank => "rerank",
            Self::Speech => "speech",
        }
    }
}

/// How weights may be kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightBits {
    Bf16,
    Q8_0,
    Q4K,
}

impl WeightBits {
    /// Bits of a block of 256 weights, its scales included.
    fn of_block(self) -> u64 {
        match self {
            Self::Bf16 => 4096,
            Self::Q8_0 => 8 * 272,
            Self::Q4K => 8 * 144,
        }
    }
}

/// One entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownModel {
    pub name: String,
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    pub modality: Modality,
    pub architecture: String,
    /// What the checkpoint stores.
    pub parameters: u64,
    /// Of these so many take part in one token, where not all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_parameters: Option<u64>,
    /// Of the files.
    pub dtype: String,
    pub download_bytes: u64,
    pub context: u64,
    pub licence: String,
    /// The hub wants its terms accepted first.
    #[serde(default)]
    pub gated: bool,
    pub languages: String,
    pub kazakh: bool,
    pub russian: bool,
    /// Why this engine does not serve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_yet: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl KnownModel {
    /// Weights and a tenth more; the cache of keys and values comes on top.
    pub fn memory_bytes(&self, bits: WeightBits) -> u64 {
        let weights = self.parameters * bits.of_block() / (8 * 256);
        weights + weights * OVERHEAD / 100
    }
}

/// All of them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownModels {
    #[serde(rename = "model")]
    models: Vec<KnownModel>,
}

impl KnownModels {
    /// The catalogue of this build.
    pub fn load() -> Self {
        // A test reads it: what is built in is valid.
        toml::from_str(DATA).unwrap_or_default()
    }

    pub fn all(&self) -> &[KnownModel] {
        &self.models
    }

    pub fn by_name(&self, name: &str) -> Option<&KnownModel> {
        self.models.iter().find(|model| model.name.eq_ignore_ascii_case(name))
    }

    pub fn by_source(&self, repo: &RepoId) -> Option<&KnownModel> {
        let source = repo.to_string();
        self.models.iter().find(|model| model.source.eq_ignore_ascii_case(&source))
    }

    /// Names that have a part in common with one that is not known.
    pub fn similar(&self, name: &str) -> Vec<&str> {
        let parts = |name: &str| -> BTreeSet<String> {
            name.to_ascii_lowercase().split(['-', '_', '.', ' ']).map(str::to_owned).collect()
        };
        let wanted = parts(name);
        let wanted_name = name.to_ascii_lowercase();
        let begins_alike = |name: &str| name.chars().zip(wanted_name.chars()).take_while(|(a, b)| a == b).count();
        let mut found: Vec<(usize, usize, &str)> = self
            .models
            .iter()
            .map(|model| {
                (parts(&model.name).intersection(&wanted).count(), begins_alike(&model.name), model.name.as_str())
            })
            .filter(|(count, ..)| *count > 0)
            .collect();
        found.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(a.2.cmp(b.2)));
        found.into_iter().take(5).map(|(.., name)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ModelId;
    use super::*;

    fn catalogue() -> KnownModels {
        toml::from_str(DATA).expect("valid")
    }

    #[test]
    fn names_and_sources_are_unique_and_usable() {
        let catalogue = catalogue();
        assert!(catalogue.all().len() >= 24);
        let mut seen = BTreeSet::new();
        for model in catalogue.all() {
            assert!(ModelId::parse(&model.name).is_ok() && RepoId::parse(&model.source).is_ok(), "{}", model.name);
            assert_eq!(model.name, model.name.to_lowercase());
            assert!(seen.insert(model.name.clone()) && seen.insert(model.source.to_lowercase()), "{}", model.name);
            assert!(!model.licence.is_empty() && model.context > 0 && !model.languages.is_empty());
            assert!(model.active_parameters.is_none_or(|active| active < model.parameters));
        }
        for modality in [Modality::Generate, Modality::Embed, Modality::Rerank, Modality::Speech] {
            assert!(catalogue.all().iter().any(|model| model.modality == modality));
        }
    }

    #[test]
    fn sizes_are_what_the_parameters_take() {
        for model in catalogue().all() {
            let bits = model.download_bytes as f64 * 8.0 / model.parameters as f64;
            let (least, most) = match model.dtype.as_str() {
                "bf16" | "f16" => (15.9, 16.2),
                "f32" => (31.8, 32.4),
                "fp8" => (8.0, 8.2),
                // Only the experts have four bits.
                "mxfp4" => (4.25, 5.5),
                other => panic!("{}: {other}", model.name),
            };
            assert!((least..=most).contains(&bits), "{}: {bits} bits a parameter", model.name);
        }
    }

    #[test]
    fn memory_is_weights_and_a_tenth() {
        let catalogue = catalogue();
        let model = catalogue.by_name("Llama-3.1-8B").expect("known");
        let gib = |bits| model.memory_bytes(bits) as f64 / f64::from(1 << 30);
        for (bits, expected) in [(WeightBits::Bf16, 16.5), (WeightBits::Q8_0, 8.7), (WeightBits::Q4K, 4.6)] {
            assert!((gib(bits) - expected).abs() < 0.1, "{}", gib(bits));
        }
    }

    #[test]
    fn models_are_found_by_name_source_and_likeness() {
        let catalogue = catalogue();
        let repo = RepoId::parse("qwen/qwen3-8b").expect("valid");
        assert_eq!(catalogue.by_source(&repo).expect("known").name, "qwen3-8b");
        assert!(catalogue.by_name("qwen9").is_none());
        assert_eq!(catalogue.similar("qwen3-8")[0], "qwen3-8b");
        assert!(catalogue.similar("xyz").is_empty());
    }
}
