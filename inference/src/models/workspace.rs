//! The memory of activations, kept from step to step.
//!
//! What a step of so many rows needs is known beforehand and can be claimed up front, so that a
//! process's memory after its start is what it will be under load.

use crate::layers::Angles;

use super::DecoderConfig;

/// Buffers of one decoder's forward pass. They grow to the largest step seen and never shrink.
#[derive(Default)]
pub struct Workspace {
    pub(super) angles: Angles,
    pub(super) hidden: Vec<f32>,
    /// After a forward pass the normed hidden rows whose logits are wanted.
    pub(super) normed: Vec<f32>,
    pub(super) scratch: [Vec<f32>; 3],
    pub(super) projected: Vec<f32>,
    /// `[rows of the slice asked for last, vocab_size]`
    pub(super) logits: Vec<f32>,
}

/// Elements of each buffer, in the order of [`Workspace::buffers`].
type Lengths = [usize; 9];

impl Workspace {
    /// Claims the memory of steps of up to `max_rows` rows whose logits are computed for up to
    /// `logit_rows` rows at a time. It is written to, so that the system really gives it.
    pub fn reserve(&mut self, config: &DecoderConfig, max_rows: usize, logit_rows: usize) {
        for (buffer, length) in self.buffers().into_iter().zip(lengths(config, max_rows, logit_rows)) {
            if length > buffer.len() {
                buffer.reserve_exact(length - buffer.len());
                buffer.resize(length, 0.0);
            }
        }
    }

    /// What [`Self::reserve`] claims, in bytes.
    pub fn bytes_for(config: &DecoderConfig, max_rows: usize, logit_rows: usize) -> usize {
        lengths(config, max_rows, logit_rows).iter().sum::<usize>() * size_of::<f32>()
    }

    /// What the buffers hold by now.
    pub fn size_in_bytes(&self) -> usize {
        let Self { angles, hidden, normed, scratch: [wide, narrow, interleaved], projected, logits } = self;
        let buffers = [hidden, normed, wide, narrow, interleaved, projected, logits];
        let elements: usize = buffers.into_iter().map(Vec::capacity).sum();
        angles.size_in_bytes() + elements * size_of::<f32>()
    }

    fn buffers(&mut self) -> [&mut Vec<f32>; 9] {
        let Self { angles, hidden, normed, scratch: [wide, narrow, interleaved], projected, logits } = self;
        let [cos, sin] = angles.buffers();
        [cos, sin, hidden, normed, wide, narrow, interleaved, projected, logits]
    }
}

fn lengths(config: &DecoderConfig, max_rows: usize, logit_rows: usize) -> Lengths {
    let attention = &config.attention;
    let hidden = attention.hidden_size;
    let queries = attention.num_heads * attention.head_dim;
    let qkv = queries + 2 * attention.num_kv_heads * attention.head_dim;
    let (wide, narrow) = (qkv.max(2 * config.intermediate_size), queries.max(config.intermediate_size));
    let angles = attention.head_dim / 2;
    let per_row = [angles, angles, hidden, hidden, wide, narrow, hidden.max(narrow), hidden];
    let mut lengths = [logit_rows * config.vocab_size; 9];
    for (length, width) in lengths.iter_mut().zip(per_row) {
        *length = max_rows * width;
    }
    lengths
}
