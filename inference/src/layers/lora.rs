//! Low-rank adapters (LoRA, Hu et al. 2021): `y += scale · B (A x)` at some linear layers, for the rows of those
//! sequences that ask for it.
//!
//! Each value is a chain of multiply-adds along one row, as in the linear layers themselves: which other rows and
//! adapters come along changes no bit. A row without an adapter is not touched.

use std::fmt;
use std::ops::Range;

use crate::kernels::cpu::{PackedMatrix, add_to_rows, gather_rows, scratch_len};
use crate::weights::RawTensor;

use super::Linear;

/// The highest rank that is served.
pub const MAX_RANK: usize = 512;

/// Rows that are computed at a time: many enough to share the reading of weights, and few enough for the buffers
/// between to be small beside those of a step.
const ROWS_TOGETHER: usize = 64;

/// A linear layer of a decoder's layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Projection {
    /// Queries, keys and values, or queries alone where keys and values come through a latent projection.
    Attention,
    AttentionOutput,
    /// What a feed-forward layer begins with.
    Up,
    Down,
    LatentQuery,
    LatentKeyValue,
    ExpandedKeyValue,
}

impl Projection {
    const COUNT: usize = 7;
}

/// A linear layer as adapters know it.
#[derive(Clone, Debug)]
pub struct AdapterSite {
    pub layer: usize,
    pub projection: Projection,
    /// Names and outputs of its parts, one below the other.
    pub parts: Vec<(String, usize)>,
    pub num_inputs: usize,
    /// Which stored row each of its rows is, where they were put into another order.
    pub order: Option<Vec<usize>>,
}

/// An adapter's two matrices beside one part of a linear layer.
pub struct LowRankPart {
    /// `[rank, num_inputs]`
    pub down: RawTensor,
    /// `[num_outputs, rank]`
    pub up: RawTensor,
    pub scale: f32,
    /// The first of the layer's outputs that it adds to.
    pub first_output: usize,
}

/// The same, packed.
struct Part {
    up: Linear,
    scale: f32,
    first_output: usize,
    /// Its share of what all the parts' first matrices give.
    ranks: Range<usize>,
}

/// What an adapter adds to one linear layer.
struct LowRankLinear {
    /// The parts' first matrices, one below the other.
    down: Linear,
    parts: Vec<Part>,
}

/// Held as long as an adapter's memory is in use.
pub type AdapterLease = Box<dyn Send + Sync>;

/// A loaded adapter.
pub struct Adapter {
    number: u64,
    rank: usize,
    layers: Vec<[Option<LowRankLinear>; Projection::COUNT]>,
    /// After the weights, whose memory it stands for: fields are dropped in their order.
    _lease: Option<AdapterLease>,
}

impl fmt::Debug for Adapter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Adapter")
            .field("number", &self.number)
            .field("rank", &self.rank)
            .finish_non_exhaustive()
    }
}

impl Adapter {
    /// One that changes nothing yet. No other adapter of the same engine may ever have its number.
    pub fn new(number: u64, num_layers: usize, lease: Option<AdapterLease>) -> Self {
        let layers = std::iter::repeat_with(Default::default).take(num_layers).collect();
        Self { number, rank: 0, layers, _lease: lease }
    }

    /// Adds to one linear layer of one layer. False if what it would add to it is not finite even where every input
    /// is one.
    ///
    /// # Panics
    /// If there is no such layer, no part, or a matrix has not two dimensions.
    #[must_use]
    pub fn insert(&mut self, (layer, projection): (usize, Projection), parts: Vec<LowRankPart>) -> bool {
        let linear = LowRankLinear::new(parts);
        let ranks = linear.parts.iter().map(|part| part.ranks.len());
        self.rank = ranks.fold(self.rank, usize::max);
        let is_finite = linear.is_finite();
        self.layers[layer][projection as usize] = Some(linear);
        is_finite
    }

    /// Names it within its engine.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The highest of its ranks.
    pub fn rank(&self) -> usize {
        self.rank
    }

    pub fn size_in_bytes(&self) -> usize {
        self.layers.iter().flatten().flatten().map(LowRankLinear::size_in_bytes).sum()
    }

    /// What it adds to these rows of one linear layer, if anything: `input` is `[_, num_inputs]`, `output`
    /// `[_, stride]`.
    pub(super) fn add_to(
        &self,
        (layer, projection): (usize, Projection),
        (input, rows): (&[f32], &[usize]),
        (output, stride): (&mut [f32], usize),
        scratch: &mut AdapterScratch,
    ) {
        let Some(linear) = &self.layers[layer][projection as usize] else { return };
        for rows in rows.chunks(ROWS_TOGETHER) {
            gather_rows(input, linear.down.num_inputs(), rows, &mut scratch.gathered);
            linear.down.forward(&scratch.gathered, &mut scratch.interleaved, &mut scratch.narrow);
            for part in &linear.parts {
                part.forward(linear.down.num_outputs(), scratch);
                add_to_rows(output, stride, rows, (part.first_output, &scratch.answers));
            }
        }
    }

    /// Bytes of the parts of one linear layer: of each, bytes of a value, rank and outputs.
    pub fn bytes_for(parts: &[(usize, usize, usize)], num_inputs: usize) -> usize {
        let ups = parts.iter().map(|(size, rank, outputs)| PackedMatrix::bytes_for(*size, *outputs, *rank));
        // Neighbours of one dtype are packed together.
        let stacks = parts.chunk_by(|one, next| one.0 == next.0);
        let downs = stacks
            .map(|stack| PackedMatrix::bytes_for(stack[0].0, stack.iter().map(|(_, rank, _)| rank).sum(), num_inputs));
        ups.chain(downs).sum()
    }
}

impl LowRankLinear {
    fn new(parts: Vec<LowRankPart>) -> Self {
        let mut end = 0;
        let (downs, parts) = parts
            .into_iter()
            .map(|LowRankPart { down, up, scale, first_output }| {
                let start = end;
                end += down.shape[0];
                (down, Part { up: Linear::new(&up, None), scale, first_output, ranks: start..end })
            })
            .unzip();
        Self { down: Linear::stacked(downs), parts }
    }

    fn is_finite(&self) -> bool {
        let mut scratch = AdapterScratch { gathered: vec![1.0; self.down.num_inputs()], ..AdapterScratch::default() };
        self.down.forward(&scratch.gathered, &mut scratch.interleaved, &mut scratch.narrow);
        self.parts.iter().all(|part| {
            part.forward(self.down.num_outputs(), &mut scratch);
            scratch.answers.iter().all(|value| value.is_finite())
        })
    }

    fn size_in_bytes(&self) -> usize {
        self.down.size_in_bytes() + self.parts.iter().map(|part| part.up.size_in_bytes()).sum::<usize>()
    }
}

impl Part {
    /// From the narrow rows, `[_, width]`, to its answers.
    fn forward(&self, width: usize, scratch: &mut AdapterScratch) {
        scratch.own.clear();
        for row in scratch.narrow.chunks_exact(width) {
            scratch.own.extend(row[self.ranks.clone()].iter().map(|value| value * self.scale));
        }
        self.up.forward(&scratch.own, &mut scratch.interleaved, &mut scratch.answers);
    }
}

/// Memory that adapters compute in. It grows to the largest slice of rows seen and never shrinks.
#[derive(Default)]
pub struct AdapterScratch {
    /// Rows of one adapter.
    gathered: Vec<f32>,
    /// What the first matrices of all parts give.
    narrow: Vec<f32>,
    /// One part's share of it, scaled.
    own: Vec<f32>,
    /// What is added.
    answers: Vec<f32>,
    interleaved: Vec<f32>,
}

impl AdapterScratch {
    pub fn buffers(&mut self) -> [&mut Vec<f32>; 5] {
        let Self { gathered, narrow, own, answers, interleaved } = self;
        [gathered, narrow, own, answers, interleaved]
    }

    /// Elements of each of [`Self::buffers`] in steps of up to `max_rows` rows, whatever adapters there are at these
    /// linear layers.
    pub fn lengths(sites: &[AdapterSite], max_rows: usize) -> [usize; 5] {
        let rows = max_rows.min(ROWS_TOGETHER);
        let (mut inputs, mut outputs, mut parts) = (0, 0, 0);
        for site in sites {
            inputs = inputs.max(site.num_inputs);
            outputs = site.parts.iter().map(|(_, outputs)| *outputs).fold(outputs, usize::max);
            parts = parts.max(site.parts.len());
        }
        let widest = inputs.max(MAX_RANK);
        [inputs, parts * MAX_RANK, MAX_RANK, outputs, scratch_len(widest)].map(|width| rows * width)
    }

    pub fn size_in_bytes(&self) -> usize {
        let Self { gathered, narrow, own, answers, interleaved } = self;
        let all = [gathered, narrow, own, answers, interleaved];
        all.into_iter().map(Vec::capacity).sum::<usize>() * size_of::<f32>()
    }
}

#[cfg(test)]
#[path = "lora_tests.rs"]
mod tests;
