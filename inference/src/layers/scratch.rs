//! Memory that layers compute in, handed from one to the next.

use super::AdapterScratch;

/// Buffers of one forward pass. They grow to the largest step seen and never shrink.
#[derive(Default)]
pub struct Scratch {
    /// What a layer's first projections give.
    pub wide: Vec<f32>,
    /// What its last projection reads.
    pub narrow: Vec<f32>,
    /// Inputs laid out for the linear kernel.
    pub interleaved: Vec<f32>,
    /// Rows of one expert, or latent keys and values.
    pub gathered: Vec<f32>,
    /// One expert's answers, or latent keys and values expanded.
    pub expanded: Vec<f32>,
    /// Every row's weight of every expert, or what latent projections read.
    pub routed: Vec<f32>,
    /// Sized by slices of rows, unlike the others.
    pub adapters: AdapterScratch,
}

impl Scratch {
    /// Buffers beside those of adapters.
    pub const COUNT: usize = 6;

    /// Those of adapters last.
    pub fn buffers(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        let Self { wide, narrow, interleaved, gathered, expanded, routed, adapters } = self;
        let own: [_; Self::COUNT] = [wide, narrow, interleaved, gathered, expanded, routed];
        own.into_iter().chain(adapters.buffers())
    }

    pub fn size_in_bytes(&self) -> usize {
        let Self { wide, narrow, interleaved, gathered, expanded, routed, adapters } = self;
        let all = [wide, narrow, interleaved, gathered, expanded, routed];
        all.into_iter().map(Vec::capacity).sum::<usize>() * size_of::<f32>() + adapters.size_in_bytes()
    }
}
