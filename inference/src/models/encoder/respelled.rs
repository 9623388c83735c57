//! How a checkpoint spells its tensors' names: with a prefix or without, in new words or old.
//!
//! The same encoder is stored as `embeddings…` by itself and as `bert.embeddings…` below a head, and old checkpoints
//! call a norm's weight and bias gamma and beta.

use crate::weights::{RawTensor, WeightSource, WeightsError};

use super::EncoderConfig;

/// Tensors below a prefix, with the old names of norms understood.
pub(super) struct Respelled<'a> {
    source: &'a dyn WeightSource,
    prefix: &'static str,
}

impl<'a> Respelled<'a> {
    /// The encoder's own tensors: below the first prefix that its word embeddings are found below, or the first of all
    /// if there are none, so that what is missing has a name.
    pub(super) fn new(source: &'a dyn WeightSource, config: &EncoderConfig) -> Self {
        let shape = [config.vocab_size, config.embedding_size];
        let exists = |prefix: &&&str| {
            let name = format!("{prefix}{}.weight", config.names.words);
            !matches!(source.check(&name, &shape), Err(WeightsError::MissingTensor { .. }))
        };
        let prefix = config.prefixes.iter().find(exists).copied().unwrap_or_default();
        Self { source, prefix }
    }

    /// Tensors beside the encoder's own.
    pub(super) fn plain(source: &'a dyn WeightSource) -> Self {
        Self { source, prefix: "" }
    }
    fn with_old_names<T>(&self, name: &str, read: impl Fn(&str) -> Result<T, WeightsError>) -> Result<T, WeightsError> {
        let name = format!("{}{name}", self.prefix);
        let result = read(&name);
        let Err(WeightsError::MissingTensor { .. }) = result else { return result };
        let old = name.strip_suffix("LayerNorm.weight").map(|start| format!("{start}LayerNorm.gamma"));
        let old = old.or_else(|| name.strip_suffix("LayerNorm.bias").map(|start| format!("{start}LayerNorm.beta")));
        match old.map(|old| read(&old)) {
            None | Some(Err(WeightsError::MissingTensor { .. })) => result,
            Some(found) => found,
        }
    }
}

impl WeightSource for Respelled<'_> {
    fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        self.with_old_names(name, |name| self.source.check(name, shape))
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        self.with_old_names(name, |name| self.source.load(name, shape))
    }

    fn check_bytes(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        self.source.check_bytes(&format!("{}{name}", self.prefix), shape)
    }

    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError> {
        self.source.load_bytes(&format!("{}{name}", self.prefix), shape)
    }
}
