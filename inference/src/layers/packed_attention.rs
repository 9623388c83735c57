//! Self-attention of encoders: whole sequences end to end, every token looking both ways.
//!
//! Positions come in by rotation, or as a score of their own for each distance (DeBERTa's disentangled attention), or
//! not at all.

use std::ops::Range;

use crate::kernels::cpu::{Level, PackedShape, for_each_row, packed_attention};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::disentangled::Disentangled;
use super::{Angles, DisentangledConfig, Linear, QkvLayout, Scratch};

/// Shape and names of an encoder's attention layers.
#[derive(Clone, Debug)]
pub struct PackedAttentionConfig {
    pub hidden_size: usize,
    pub num_heads: usize,
    pub head_dim: usize,
    pub layout: QkvLayout,
    /// The output projection's name.
    pub output: &'static str,
    pub qkv_bias: bool,
    pub output_bias: bool,
    pub disentangled: Option<DisentangledConfig>,
}

impl PackedAttentionConfig {
    fn width(&self) -> usize {
        self.num_heads * self.head_dim
    }

    fn qkv_parts(&self, prefix: &str) -> Vec<(String, usize)> {
        match self.layout {
            QkvLayout::Split(names) => names.iter().map(|name| (format!("{prefix}.{name}"), self.width())).collect(),
            QkvLayout::Stacked(name) | QkvLayout::Grouped(name) => {
                vec![(format!("{prefix}.{name}"), 3 * self.width())]
            }
        }
    }

    fn output_parts(&self, prefix: &str) -> [(String, usize); 1] {
        [(format!("{prefix}.{}", self.output), self.hidden_size)]
    }

    /// What scores are multiplied with: the root counts the parts that a score is the sum of.
    fn scale(&self) -> f32 {
        let parts = self.disentangled.as_ref().map_or(1, DisentangledConfig::num_parts);
        1.0 / ((self.head_dim * parts) as f32).sqrt()
    }
}

/// The rows of one forward pass of an encoder.
pub struct PackedRows<'a> {
    /// Rows of each sequence, in order.
    pub sequences: &'a [Range<usize>],
    /// One for each of the model's rotations.
    pub angles: &'a [Angles],
}

/// One layer's attention.
pub struct PackedAttention {
    qkv: Linear,
    output: Linear,
    shape: PackedShape,
    rotation: Option<usize>,
    disentangled: Option<Disentangled>,
}

impl PackedAttention {
    /// `window` and `rotation` are this layer's own; `distances` are the model's embeddings of distances.
    ///
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(
        source: &dyn WeightSource,
        prefix: &str,
        config: &PackedAttentionConfig,
        (window, rotation): (Option<usize>, Option<usize>),
        distances: Option<&[f32]>,
    ) -> Result<Self, WeightsError> {
        let qkv = Linear::load(source, &config.qkv_parts(prefix), config.hidden_size, config.qkv_bias)?;
        let output = Linear::load(source, &config.output_parts(prefix), config.width(), config.output_bias)?;
        let shape =
            PackedShape { num_heads: config.num_heads, head_dim: config.head_dim, scale: config.scale(), window };
        let heads = (config.num_heads, config.head_dim);
        let disentangled = match (&config.disentangled, distances) {
            (Some(disentangled), Some(distances)) => {
                Some(Disentangled::load(source, prefix, disentangled, heads, distances)?)
            }
            _ => None,
        };
        Ok(Self { qkv, output, shape, rotation, disentangled })
    }

    /// What [`Self::load`] reads.
    pub fn tensors(prefix: &str, config: &PackedAttentionConfig) -> TensorList {
        let mut all = Linear::tensors(&config.qkv_parts(prefix), config.hidden_size, config.qkv_bias);
        all.extend(Linear::tensors(&config.output_parts(prefix), config.width(), config.output_bias));
        if let Some(disentangled) = &config.disentangled {
            all.extend(Disentangled::tensors(prefix, disentangled, config.hidden_size));
        }
        all
    }

    /// `input` is `[num_rows, hidden_size]`, and so becomes `output`; `scratch` is reused.
    pub fn forward(&self, input: &[f32], rows: &PackedRows<'_>, scratch: &mut Scratch, output: &mut Vec<f32>) {
        let Scratch { wide, narrow, interleaved, .. } = scratch;
        let width = self.shape.num_heads * self.shape.head_dim;
        self.qkv.forward(input, interleaved, wide);
        if let Some(rotation) = self.rotation {
            let angles = &rows.angles[rotation];
            for_each_row(wide, 3 * width, |row, values| {
                for head in values[..2 * width].chunks_exact_mut(self.shape.head_dim) {
                    angles.rotate(row, head);
                }
            });
        }
        narrow.resize(wide.len() / 3, 0.0);
        let sequences = rows.sequences;
        match &self.disentangled {
            None => {
                let heads = (self.shape, 0..self.shape.num_heads);
                packed_attention(Level::best(), heads, (wide, sequences), None, narrow);
            }
            Some(disentangled) => {
                for head in 0..self.shape.num_heads {
                    let scores = disentangled.scores(head, self.shape, wide);
                    let bias = |sequence: usize, query: usize, row: &mut [f32]| {
                        disentangled.add(&scores, sequences[sequence].start, query, row);
                    };
                    let heads = (self.shape, head..head + 1);
                    packed_attention(Level::best(), heads, (wide, sequences), Some(&bias), narrow);
                }
            }
        }
        self.output.forward(narrow, interleaved, output);
    }
}
