//! The decoder: embedding, layers of attention and feed-forward, norm, output head.
//!
//! The head is apart from the rest: a row of logits is much wider than all else of its token, so
//! whoever wants many of them asks for a few rows at a time.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::kernels::cpu::{Level, scale, soft_cap};
use crate::kv_cache::tensors::KvTensors;
use crate::layers::{AdapterSite, Embedding, ForwardContext, Linear, Norm, RotaryEmbedding, TokenBatch};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::decoder_layer::DecoderLayer;
use super::{DecoderConfig, Workspace};

/// A loaded model.
pub struct Decoder {
    config: DecoderConfig,
    embedding: Embedding,
    layers: Vec<DecoderLayer>,
    norm: Norm,
    /// None when the embedding doubles as the head.
    head: Option<Linear>,
    rotations: Vec<RotaryEmbedding>,
}

impl Decoder {
    /// Reads and packs all weights, layers in parallel.
    ///
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(source: &dyn WeightSource, config: DecoderConfig) -> Result<Self, WeightsError> {
        Self::load_observed(source, config, &|_| {})
    }

    /// The same, and tells `progress` how much of it is done, 0 to 1.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_observed(
        source: &dyn WeightSource,
        config: DecoderConfig,
        progress: &(dyn Fn(f32) + Sync),
    ) -> Result<Self, WeightsError> {
        let num_done = AtomicUsize::new(0);
        // The embedding counts as a layer, and so does the head.
        let num_parts = config.num_layers + 2;
        let done = || progress((num_done.fetch_add(1, Ordering::Relaxed) + 1) as f32 / num_parts as f32);
        let hidden = config.attention.hidden_size;
        // One large read beside many small ones: neither waits for the other.
        let ends = || {
            let embedding = Embedding::load(source, config.names.embedding, config.vocab_size, hidden)?;
            done();
            let head = if config.tied {
                None
            } else {
                Some(Linear::load(source, &head_parts(&config), hidden, config.head_bias)?)
            };
            done();
            Ok::<_, WeightsError>((embedding, head))
        };
        let layers = || {
            let load = |index| DecoderLayer::load(source, &config, index).inspect(|_| done());
            (0..config.num_layers).into_par_iter().map(load).collect::<Result<Vec<_>, _>>()
        };
        let (ends, layers) = rayon::join(ends, layers);
        let ((embedding, head), layers) = (ends?, layers?);
        let norm = Norm::load(source, config.names.norm, hidden, config.norm)?;
        let rotation = |rotation| RotaryEmbedding::new(rotation, config.max_positions);
        let rotations = config.rotations.iter().map(rotation).collect();
        Ok(Self { config, embedding, layers, norm, head, rotations })
    }

    /// Checks that every tensor is there in its shape, without reading any.
    ///
    /// # Errors
    /// Of the first tensor that is not.
    pub fn verify(source: &dyn WeightSource, config: &DecoderConfig) -> Result<(), WeightsError> {
        for (name, shape) in tensors(config) {
            source.check(&name, &shape)?;
        }
        for (name, shape) in byte_tensors(config) {
            source.check_bytes(&name, &shape)?;
        }
        Ok(())
    }

    /// Weights that [`Self::load`] keeps.
    pub fn num_parameters(config: &DecoderConfig) -> u64 {
        sizes(config).sum()
    }

    /// Weights of the largest tensor.
    pub fn largest_tensor(config: &DecoderConfig) -> u64 {
        sizes(config).max().unwrap_or(0)
    }

    /// What adapters may add to, layer by layer.
    pub fn adapter_sites(config: &DecoderConfig) -> impl Iterator<Item = AdapterSite> {
        (0..config.num_layers).flat_map(|index| DecoderLayer::adapter_sites(config, index))
    }

    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// Runs the batch's rows, filling the cache, and leaves in the workspace what
    /// [`Self::logits`] needs of the rows whose logits are wanted.
    pub fn forward(&self, batch: &TokenBatch, cache: &mut KvTensors, workspace: &mut Workspace) {
        let Workspace { angles, hidden, normed, scratch, projected, .. } = workspace;
        self.embedding.forward(&batch.tokens, hidden);
        if let Some(factor) = self.config.embedding_scale {
            scale(hidden, factor);
        }
        angles.resize_with(self.rotations.len(), Default::default);
        for (rotation, angles) in self.rotations.iter().zip(angles.iter_mut()) {
            rotation.angles(&batch.positions, angles);
        }
        let mut context = ForwardContext { batch, layer: 0, angles, spans: batch.spans() };
        for (index, layer) in self.layers.iter().enumerate() {
            context.layer = index;
            layer.forward(&context, cache.layer_mut(index), (hidden, normed), (scratch, projected));
        }
        let width = self.config.attention.hidden_size;
        projected.clear();
        for row in batch.logit_rows() {
            projected.extend_from_slice(&hidden[row * width..(row + 1) * width]);
        }
        self.norm.forward(projected, normed);
    }

    /// Logits, `[rows.len(), vocab_size]`, of some of the rows that the last forward pass of this
    /// workspace was asked logits of, counted in [`TokenBatch::logit_rows`]. In which slices they
    /// are asked for makes no difference to their bits.
    ///
    /// # Panics
    /// If there are fewer such rows.
    pub fn logits<'a>(&self, rows: Range<usize>, workspace: &'a mut Workspace) -> &'a mut [f32] {
        let Workspace { normed, scratch, logits, .. } = workspace;
        let width = self.config.attention.hidden_size;
        let input = &normed[rows.start * width..rows.end * width];
        let head = self.head.as_ref().unwrap_or(self.embedding.as_head());
        head.forward(input, &mut scratch.interleaved, logits);
        if let Some(factor) = self.config.logit_scale {
            scale(logits, factor);
        }
        if let Some(cap) = self.config.logit_softcap {
            soft_cap(Level::best(), cap, logits);
        }
        logits
    }
}

/// A byte of those in four bits holds two weights; their scales are few.
fn sizes(config: &DecoderConfig) -> impl Iterator<Item = u64> {
    let size = |shape: &[usize]| shape.iter().map(|length| *length as u64).product::<u64>();
    let whole = tensors(config).into_iter().map(move |(_, shape)| size(&shape));
    whole.chain(byte_tensors(config).into_iter().map(move |(_, shape)| 2 * size(&shape)))
}

fn head_parts(config: &DecoderConfig) -> [(String, usize); 1] {
    [(config.names.head.to_owned(), config.vocab_size)]
}

/// Names and shapes of the tensors of plain bytes that [`Decoder::load`] reads.
fn byte_tensors(config: &DecoderConfig) -> TensorList {
    (0..config.num_layers).flat_map(|index| DecoderLayer::byte_tensors(config, index)).collect()
}

/// Names and shapes of all other tensors that [`Decoder::load`] reads.
fn tensors(config: &DecoderConfig) -> TensorList {
    let hidden = config.attention.hidden_size;
    let mut all = vec![(format!("{}.weight", config.names.embedding), vec![config.vocab_size, hidden])];
    all.extend(Norm::tensors(config.names.norm, &[hidden], config.norm));
    if !config.tied {
        all.extend(Linear::tensors(&head_parts(config), hidden, config.head_bias));
    }
    all.extend((0..config.num_layers).flat_map(|index| DecoderLayer::tensors(config, index)));
    all
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
