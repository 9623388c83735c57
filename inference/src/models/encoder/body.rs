//! The encoder itself: embeddings, layers that look both ways, and a norm behind them where the family has one.

use std::ops::Range;

use rayon::prelude::*;

use crate::kernels::cpu::add_assign;
use crate::layers::{Angles, Norm, NormConfig, NormKind, PackedAttention, PackedRows, RotaryEmbedding, Scratch};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::EncoderConfig;
use super::embeddings::Embeddings;
use super::feed_forward::{FeedForward, FeedForwardNames};
use super::respelled::Respelled;

/// The embeddings of distances, and their norm.
const DISTANCES: &str = "encoder.rel_embeddings";
const DISTANCE_NORM: &str = "encoder.LayerNorm";

/// Sequences end to end.
#[derive(Clone, Debug, Default)]
pub struct PackedBatch {
    /// `[num_rows]`
    pub tokens: Vec<u32>,
    /// `[num_rows]`: which part of a pair a token belongs to.
    pub token_types: Vec<u32>,
    /// Rows of each sequence, in order and without gaps.
    pub sequences: Vec<Range<usize>>,
}

impl PackedBatch {
    /// Appends a sequence; without kinds of token, all are of the first.
    pub fn push(&mut self, tokens: &[u32], token_types: &[u32]) {
        let start = self.tokens.len();
        self.tokens.extend_from_slice(tokens);
        self.token_types.extend_from_slice(&token_types[..token_types.len().min(tokens.len())]);
        self.token_types.resize(self.tokens.len(), 0);
        self.sequences.push(start..self.tokens.len());
    }
}

/// Buffers of one encoder's forward pass. They grow to the largest batch seen and never shrink.
#[derive(Default)]
pub struct EncoderWorkspace {
    /// `[num_rows, hidden_size]` behind the last layer.
    pub hidden: Vec<f32>,
    normed: Vec<f32>,
    projected: Vec<f32>,
    scratch: Scratch,
    angles: Vec<Angles>,
}

/// A loaded encoder.
pub struct Encoder {
    embeddings: Embeddings,
    layers: Vec<EncoderLayer>,
    rotations: Vec<RotaryEmbedding>,
    final_norm: Option<Norm>,
}

struct EncoderLayer {
    attention: PackedAttention,
    attention_norm: Option<Norm>,
    feed_forward: FeedForward,
    feed_forward_norm: Norm,
    pre_norm: bool,
}

impl Encoder {
    /// Reads and packs all weights, layers in parallel.
    ///
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(source: &dyn WeightSource, config: &EncoderConfig) -> Result<Self, WeightsError> {
        let source = Respelled::new(source, config);
        let names = &config.names;
        let distances = distances(&source, config)?;
        let layers = (0..config.layers.len())
            .into_par_iter()
            .map(|index| EncoderLayer::load(&source, config, index, distances.as_deref()))
            .collect::<Result<_, _>>()?;
        let final_norm = match names.final_norm {
            Some(name) => Some(Norm::load(&source, name, config.attention.hidden_size, config.norm)?),
            None => None,
        };
        let rotation = |rotation| RotaryEmbedding::new(rotation, config.max_positions);
        let rotations = config.rotations.iter().map(rotation).collect();
        Ok(Self { embeddings: Embeddings::load(&source, config)?, layers, rotations, final_norm })
    }

    /// Checks that every tensor is there in its shape, without reading any.
    ///
    /// # Errors
    /// Of the first tensor that is not.
    pub fn verify(source: &dyn WeightSource, config: &EncoderConfig) -> Result<(), WeightsError> {
        let source = Respelled::new(source, config);
        tensors(config).iter().try_for_each(|(name, shape)| source.check(name, shape))
    }

    /// Runs the batch's rows and leaves what the last layer says in the workspace.
    pub fn forward(&self, batch: &PackedBatch, workspace: &mut EncoderWorkspace) {
        let EncoderWorkspace { hidden, normed, projected, scratch, angles } = workspace;
        self.embeddings.forward(batch, [projected, &mut scratch.interleaved], hidden);
        let positions: Vec<usize> = batch.sequences.iter().flat_map(|sequence| 0..sequence.len()).collect();
        angles.resize_with(self.rotations.len(), Default::default);
        for (rotation, angles) in self.rotations.iter().zip(angles.iter_mut()) {
            rotation.angles(&positions, angles);
        }
        let rows = PackedRows { sequences: &batch.sequences, angles };
        for layer in &self.layers {
            layer.forward(&rows, hidden, [normed, projected], scratch);
        }
        if let Some(norm) = &self.final_norm {
            norm.forward(hidden, normed);
            std::mem::swap(hidden, normed);
        }
    }
}

impl EncoderLayer {
    fn load(
        source: &dyn WeightSource,
        config: &EncoderConfig,
        index: usize,
        distances: Option<&[f32]>,
    ) -> Result<Self, WeightsError> {
        let names = &config.names;
        let layer = format!("{}.{index}", names.layers);
        let own = (config.layers[index].window, config.layers[index].rotation);
        let norm =
            |name: &str| Norm::load(source, &format!("{layer}.{name}"), config.attention.hidden_size, config.norm);
        let feed_forward = FeedForwardNames { layer: &layer, up: names.up, down: names.down };
        Ok(Self {
            attention: PackedAttention::load(source, &layer, &config.attention, own, distances)?,
            attention_norm: if has_attention_norm(config, index) { Some(norm(names.attention_norm)?) } else { None },
            feed_forward: FeedForward::load(source, &feed_forward, &config.feed_forward)?,
            feed_forward_norm: norm(names.feed_forward_norm)?,
            pre_norm: config.pre_norm,
        })
    }

    fn forward(
        &self,
        rows: &PackedRows<'_>,
        hidden: &mut Vec<f32>,
        [normed, projected]: [&mut Vec<f32>; 2],
        scratch: &mut Scratch,
    ) {
        if self.pre_norm {
            match &self.attention_norm {
                Some(norm) => {
                    norm.forward(hidden, normed);
                    self.attention.forward(normed, rows, scratch, projected);
                }
                None => self.attention.forward(hidden, rows, scratch, projected),
            }
            add_assign(hidden, projected);
            self.feed_forward_norm.forward(hidden, normed);
            self.feed_forward.forward(normed, scratch, projected);
            add_assign(hidden, projected);
            return;
        }
        self.attention.forward(hidden, rows, scratch, projected);
        add_assign(projected, hidden);
        if let Some(norm) = &self.attention_norm {
            norm.forward(projected, hidden);
        }
        self.feed_forward.forward(hidden, scratch, projected);
        add_assign(projected, hidden);
        self.feed_forward_norm.forward(projected, hidden);
    }
}

/// The first of ModernBERT's layers reads embeddings that are normed already.
fn has_attention_norm(config: &EncoderConfig, index: usize) -> bool {
    !config.pre_norm || index > 0
}

/// The model's embeddings of distances, `[2 * span, hidden_size]`, normed if the model does that.
fn distances(source: &dyn WeightSource, config: &EncoderConfig) -> Result<Option<Vec<f32>>, WeightsError> {
    let Some(disentangled) = &config.attention.disentangled else { return Ok(None) };
    let width = config.attention.hidden_size;
    let stored = source.load(&format!("{DISTANCES}.weight"), &[2 * disentangled.span, width])?.to_f32();
    if !config.distance_norm {
        return Ok(Some(stored));
    }
    let mut normed = Vec::new();
    Norm::load(source, DISTANCE_NORM, width, distance_norm(config))?.forward(&stored, &mut normed);
    Ok(Some(normed))
}

fn distance_norm(config: &EncoderConfig) -> NormConfig {
    NormConfig { kind: NormKind::LayerWithBias, ..config.norm }
}

/// Names, behind the prefix, and shapes of all tensors that [`Encoder::load`] reads.
fn tensors(config: &EncoderConfig) -> TensorList {
    let (names, hidden) = (&config.names, config.attention.hidden_size);
    let mut all = Embeddings::tensors(config);
    for index in 0..config.layers.len() {
        let layer = format!("{}.{index}", names.layers);
        all.extend(PackedAttention::tensors(&layer, &config.attention));
        if has_attention_norm(config, index) {
            all.extend(Norm::tensors(&format!("{layer}.{}", names.attention_norm), &[hidden], config.norm));
        }
        let feed_forward = FeedForwardNames { layer: &layer, up: names.up, down: names.down };
        all.extend(FeedForward::tensors(&feed_forward, &config.feed_forward));
        all.extend(Norm::tensors(&format!("{layer}.{}", names.feed_forward_norm), &[hidden], config.norm));
    }
    if let Some(name) = names.final_norm {
        all.extend(Norm::tensors(name, &[hidden], config.norm));
    }
    if let Some(disentangled) = &config.attention.disentangled {
        all.push((format!("{DISTANCES}.weight"), vec![2 * disentangled.span, hidden]));
        if config.distance_norm {
            all.extend(Norm::tensors(DISTANCE_NORM, &[hidden], distance_norm(config)));
        }
    }
    all
}
