//! The memory of activations, kept from step to step.
//!
//! What a step of so many rows needs is known beforehand and can be claimed up front, so that a
//! process's memory after its start is what it will be under load.

use crate::kernels::cpu::scratch_len;
use crate::layers::{AdapterScratch, AdapterSite, Angles, MlpConfig, Scratch};

use super::{Decoder, DecoderConfig, FeedForwardConfig};

/// Buffers of one decoder's forward pass. They grow to the largest step seen and never shrink.
#[derive(Default)]
pub struct Workspace {
    /// One for each of the model's rotations.
    pub(super) angles: Vec<Angles>,
    pub(super) hidden: Vec<f32>,
    /// After a forward pass the normed hidden rows whose logits are wanted.
    pub(super) normed: Vec<f32>,
    pub(super) scratch: Scratch,
    pub(super) projected: Vec<f32>,
    /// `[rows of the slice asked for last, vocab_size]`
    pub(super) logits: Vec<f32>,
}

impl Workspace {
    /// Claims the memory of steps of up to `max_rows` rows whose logits are computed for up to
    /// `logit_rows` rows at a time. It is written to, so that the system really gives it.
    pub fn reserve(&mut self, config: &DecoderConfig, max_rows: usize, logit_rows: usize) {
        self.angles.resize_with(config.rotations.len(), Default::default);
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
        let Self { angles, hidden, normed, scratch, projected, logits } = self;
        let elements: usize = [hidden, normed, projected, logits].into_iter().map(Vec::capacity).sum();
        let angles: usize = angles.iter().map(Angles::size_in_bytes).sum();
        angles + scratch.size_in_bytes() + elements * size_of::<f32>()
    }

    /// In the order of [`lengths`].
    fn buffers(&mut self) -> Vec<&mut Vec<f32>> {
        let Self { angles, hidden, normed, scratch, projected, logits } = self;
        let mut all = vec![logits, hidden, normed, projected];
        all.extend(scratch.buffers());
        all.extend(angles.iter_mut().flat_map(Angles::buffers));
        all
    }
}

/// Elements of each buffer.
fn lengths(config: &DecoderConfig, max_rows: usize, logit_rows: usize) -> Vec<usize> {
    let hidden = config.attention.hidden_size;
    let mut lengths = vec![logit_rows * config.vocab_size, max_rows * hidden, max_rows * hidden, max_rows * hidden];
    lengths.extend(ScratchWidths::new(config).in_order().map(|width| max_rows * width));
    let sites: Vec<AdapterSite> = Decoder::adapter_sites(config).collect();
    lengths.extend(AdapterScratch::lengths(&sites, max_rows));
    lengths.extend(config.rotations.iter().flat_map(|rotation| [max_rows * (rotation.dim / 2); 2]));
    lengths
}

/// Values of a row in each buffer of [`Scratch`].
#[derive(Default)]
struct ScratchWidths {
    wide: usize,
    narrow: usize,
    interleaved: usize,
    gathered: usize,
    expanded: usize,
    routed: usize,
}

impl ScratchWidths {
    fn new(config: &DecoderConfig) -> Self {
        let attention = &config.attention;
        let mut widths = Self {
            wide: attention.query_width() + 2 * attention.kv_width(),
            narrow: attention.query_width(),
            interleaved: attention.hidden_size.max(attention.query_width()),
            ..Self::default()
        };
        if let Some(latent) = attention.latent {
            let answers = attention.num_heads * latent.value_dim;
            let rank = latent.kv_rank.max(latent.query_rank.unwrap_or(0));
            widths.narrow = widths.narrow.max(latent.kv_rank);
            widths.gathered = (latent.kv_rank + latent.rotated_dim).max(rank).max(answers);
            widths.expanded =
                (attention.num_heads * (latent.plain_dim + latent.value_dim)).max(attention.query_width());
            widths.routed = rank;
            widths.interleaved = widths.interleaved.max(rank);
        }
        for layer in &config.layers {
            match &layer.feed_forward {
                FeedForwardConfig::Dense(mlp) => widths.widen(*mlp),
                FeedForwardConfig::Experts(moe) => {
                    widths.widen(moe.expert);
                    if let Some(shared) = moe.shared {
                        widths.widen(shared.mlp);
                    }
                    widths.gathered = widths.gathered.max(attention.hidden_size);
                    widths.expanded = widths.expanded.max(attention.hidden_size);
                    widths.routed = widths.routed.max(moe.routing.num_experts);
                }
            }
        }
        widths
    }

    fn widen(&mut self, mlp: MlpConfig) {
        self.wide = self.wide.max(mlp.up_width());
        self.narrow = self.narrow.max(mlp.intermediate_size);
        self.interleaved = self.interleaved.max(mlp.intermediate_size);
    }

    /// In the order of [`Scratch::buffers`], without those of adapters.
    fn in_order(&self) -> [usize; Scratch::COUNT] {
        let Self { wide, narrow, interleaved, gathered, expanded, routed } = *self;
        let interleaved = scratch_len(interleaved);
        [wide, narrow, interleaved, gathered, expanded, routed]
    }
}
