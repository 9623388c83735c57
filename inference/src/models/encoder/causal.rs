//! A decoder that is read for its hidden states: whole sequences in one step, nothing kept of them.

use crate::kernels::cpu::{KvDtype, KvShape};
use crate::kv_cache::tensors::KvTensors;
use crate::layers::{BatchSequence, TokenBatch};
use crate::models::{Decoder, DecoderConfig, Workspace};
use crate::weights::{RawTensor, WeightSource, WeightsError};

use super::PackedBatch;

/// Tokens of a cache block.
const BLOCK_SIZE: usize = 16;

/// A decoder with a cache for one step and one layer at a time.
pub(super) struct CausalBody {
    decoder: Decoder,
    workspace: Workspace,
    shape: KvShape,
    cache: KvTensors,
    num_blocks: usize,
}

impl CausalBody {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub(super) fn load(source: &dyn WeightSource, config: DecoderConfig) -> Result<Self, WeightsError> {
        let decoder = Decoder::load(&MaybeBare(source), config)?;
        let shape = decoder.config().attention.kv_shape(BLOCK_SIZE);
        let cache = KvTensors::shared(shape, KvDtype::F32, 0);
        Ok(Self { decoder, workspace: Workspace::default(), shape, cache, num_blocks: 0 })
    }

    /// # Errors
    /// If a tensor is missing or malformed.
    pub(super) fn verify(source: &dyn WeightSource, config: &DecoderConfig) -> Result<(), WeightsError> {
        Decoder::verify(&MaybeBare(source), config)
    }

    /// Hidden states behind the last norm: of every token, or of each sequence's last.
    pub(super) fn forward(&mut self, batch: &PackedBatch, only_last: bool) -> &[f32] {
        let blocks = |len: usize| len.div_ceil(BLOCK_SIZE);
        let needed: usize = batch.sequences.iter().map(|sequence| blocks(sequence.len())).sum();
        if needed > self.num_blocks {
            self.cache = KvTensors::shared(self.shape, KvDtype::F32, needed);
            self.num_blocks = needed;
        }
        let mut tokens = TokenBatch::default();
        let mut next_block = 0;
        for rows in &batch.sequences {
            let end_block = next_block + blocks(rows.len()) as u32;
            let sequence = BatchSequence {
                num_rows: rows.len(),
                first_position: 0,
                block_table: (next_block..end_block).collect(),
                num_cached_rows: 0,
                num_logit_rows: if only_last { 1 } else { rows.len() },
            };
            next_block = end_block;
            tokens.push(&batch.tokens[rows.clone()], sequence, BLOCK_SIZE);
        }
        self.decoder.forward(&tokens, &mut self.cache, &mut self.workspace);
        &self.workspace.normed
    }

    /// Logits of two tokens behind each sequence's last, after [`Self::forward`] with `only_last`.
    pub(super) fn choice(&mut self, num_sequences: usize, tokens: [u32; 2]) -> Vec<Vec<f32>> {
        let vocab_size = self.decoder.config().vocab_size;
        let one = |index: usize| {
            let logits = self.decoder.logits(index..index + 1, &mut self.workspace);
            tokens.map(|token| logits[(token as usize).min(vocab_size - 1)]).to_vec()
        };
        (0..num_sequences).map(one).collect()
    }
}

/// Tensors of a decoder that may be stored without `model.` before their names.
struct MaybeBare<'a>(&'a dyn WeightSource);

/// Reads a tensor by its name, or else without `model.` before it.
fn with_bare_name<T>(name: &str, read: impl Fn(&str) -> Result<T, WeightsError>) -> Result<T, WeightsError> {
    match (read(name), name.strip_prefix("model.")) {
        (Err(WeightsError::MissingTensor { name }), Some(bare)) => match read(bare) {
            Err(WeightsError::MissingTensor { .. }) => Err(WeightsError::MissingTensor { name }),
            result => result,
        },
        (result, _) => result,
    }
}

impl WeightSource for MaybeBare<'_> {
    fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        with_bare_name(name, |name| self.0.check(name, shape))
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        with_bare_name(name, |name| self.0.load(name, shape))
    }

    fn check_bytes(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        with_bare_name(name, |name| self.0.check_bytes(name, shape))
    }

    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError> {
        with_bare_name(name, |name| self.0.load_bytes(name, shape))
    }
}
